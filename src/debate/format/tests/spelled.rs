//! What is shown can be typed in again.

use super::*;

fn conditions() -> impl Strategy<Value = Predicate> {
    let field = || "[a-z][a-z0-9_]{0,6}";
    let one = prop_oneof![
        field().prop_map(Predicate::AllAgree),
        (field(), 1_u32..=100).prop_map(|(field, share)| Predicate::Agree {
            field,
            at_least: f64::from(share) / 100.0
        }),
        (field(), 1_u32..9).prop_map(|(field, rounds)| Predicate::Stable { field, rounds }),
        (field(), field()).prop_map(|(role, field)| Predicate::Flag { role, field }),
        (1_u32..50).prop_map(Predicate::Rounds),
        (1_u32..=100).prop_map(|share| Predicate::Similarity(f64::from(share) / 100.0)),
        (1_u32..=100).prop_map(|share| Predicate::BudgetBelow(f64::from(share) / 100.0)),
        Just(Predicate::LeadUnassailable),
        Just(Predicate::HumanStop),
    ];
    one.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::Or),
            inner.prop_map(|one| Predicate::Not(Box::new(one))),
        ]
    })
}

proptest! {
    #[test]
    fn a_condition_is_read_back_as_it_was(condition in conditions()) {
        let text = spelling::predicate(&condition);
        prop_assume!(text.chars().count() <= 400);
        prop_assert_eq!(predicate::parse(&text), Ok(condition), "{}", text);
    }
}

#[test]
fn what_a_speaker_sees_is_read_back_as_it_was() {
    for format in FormatLibrary::embedded().iter() {
        for phase in &format.phases {
            for seen in &phase.sees {
                let text = spelling::sight(seen);
                assert_eq!(sight::parse("sees", &text).as_ref(), Ok(seen), "{text}");
            }
        }
    }
}

#[test]
fn every_rule_is_spelled_as_it_is_read() {
    for (word, rule) in decisions::RULES.0 {
        assert_eq!(spelling::rule(*rule), *word);
    }
}
