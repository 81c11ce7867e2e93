//! When each condition holds, and when it does not.

use serde_json::json;

use super::*;
use crate::debate::table;
use crate::debate::table::NAMES;
use crate::debate::table::Table;
use crate::debate::table::member;
use crate::events::Command;
use crate::types::debate::Repeat;
use crate::types::debate::Spec;

/// Solvers who answer blindly, and then revise as often as told.
fn solvers(count: usize, revisions: u32) -> Spec {
    let mut spec = table::spec("society-of-minds", 9);
    spec.cast = NAMES[..count]
        .iter()
        .map(|name| member(name, "solver", None))
        .collect();
    spec.limits.rounds = None;
    spec.format.phases[1].repeat = Repeat {
        min: revisions,
        max: revisions,
        until: None,
    };
    spec
}

fn solution(answer: &str) -> String {
    json!({"reasoning": format!("because of {answer}"), "answer": answer, "confidence": 0.5})
        .to_string()
}

/// The debate after these answers, the oldest call first; `-` is one that fails, `?` one that cannot be read.
fn after(spec: Spec, answers: &[&str]) -> State {
    let mut table = Table::of(spec);
    for answer in answers {
        match *answer {
            "-" => table.fail(0, "overloaded"),
            "?" => {
                let turn = table.calls[0].turn.clone();
                while let Some(at) = table.calls.iter().position(|call| call.turn == turn) {
                    table.answer(at, "I cannot say.");
                }
            }
            answer => table.answer(0, &solution(answer)),
        }
    }
    table.state
}

fn on(field: &str) -> String {
    field.to_owned()
}

#[test]
fn all_agree_when_every_last_answer_is_the_same_and_nobody_is_silent() {
    let all_agree = Predicate::AllAgree(on("answer"));
    for (answers, wanted) in [
        (vec!["42", "42.0", " 42."], true),
        (vec!["42", "42", "41"], false),
        (vec!["42", "42", "-"], false),
        (vec!["42", "42", "?"], false),
        (vec!["42"], false),
        (vec!["41", "42", "43", "42", "42", "42"], true),
        (vec!["42", "42", "42", "42", "42", "41"], false),
    ] {
        let state = after(solvers(3, 1), &answers);
        assert_eq!(holds(&all_agree, &state, 1), wanted, "{answers:?}");
    }
    assert!(!holds(
        &Predicate::AllAgree(on("nothing")),
        &after(solvers(2, 1), &["1", "1"]),
        1
    ));
}

#[test]
fn a_share_is_one_of_all_that_were_asked() {
    let agree = |at_least: f64| Predicate::Agree {
        field: on("answer"),
        at_least,
    };
    let state = after(solvers(4, 1), &["42", "42", "42", "7"]);
    assert!(holds(&agree(0.75), &state, 1));
    assert!(!holds(&agree(0.76), &state, 1));
    let silent = after(solvers(4, 1), &["42", "42", "-", "?"]);
    assert!(holds(&agree(0.5), &silent, 1));
    assert!(
        !holds(&agree(0.51), &silent, 1),
        "two of four, not two of two"
    );
    let nobody = after(solvers(2, 1), &["-", "-"]);
    assert!(!holds(&agree(0.0), &nobody, 1));
}

#[test]
fn an_answer_is_stable_when_nobody_changed_it_over_so_many_repetitions() {
    let stable = |rounds: u32| Predicate::Stable {
        field: on("answer"),
        rounds,
    };
    for (answers, one, two) in [
        (vec!["1", "2"], false, false),
        (vec!["1", "2", "1", "2.0"], true, false),
        (vec!["1", "2", "1", "1"], false, false),
        (vec!["1", "2", "1", "2", "1", "2"], true, true),
        (vec!["3", "2", "1", "2", "1", "2"], true, false),
        (vec!["1", "2", "1", "?", "1", "2"], false, false),
        (vec!["1", "2", "1", "2", "1", "-"], false, false),
    ] {
        let state = after(solvers(2, 4), &answers);
        assert_eq!(holds(&stable(1), &state, 1), one, "{answers:?}");
        assert_eq!(holds(&stable(2), &state, 1), two, "{answers:?}");
    }
}

#[test]
fn a_flag_is_the_last_thing_that_a_role_said_about_it() {
    let preference = Predicate::Flag {
        role: "mod".to_owned(),
        field: on("preference"),
    };
    let side = Predicate::Flag {
        role: "mod".to_owned(),
        field: on("side"),
    };
    let ruling = |preference: bool, side: &str| {
        json!({"reason": "r", "preference": preference, "side": side, "answer": "a"}).to_string()
    };
    let mut table = Table::of(table::spec("tit-for-tat", 3));
    assert!(!holds(&preference, &table.state, 0));
    for (text, wanted) in [
        (solution("yes"), (false, false)),
        (solution("no"), (false, false)),
        ("A1".to_owned(), (false, false)),
        ("N1".to_owned(), (false, false)),
        (ruling(false, "none"), (false, false)),
        ("A2".to_owned(), (false, false)),
        ("N2".to_owned(), (false, false)),
        (ruling(true, "neg"), (true, true)),
    ] {
        table.answer(0, &text);
        let now = (
            holds(&preference, &table.state, 1),
            holds(&side, &table.state, 1),
        );
        assert_eq!(now, wanted, "after {text}");
    }
}

#[test]
fn texts_are_alike_when_each_agent_repeats_itself() {
    let alike = |least: f64| Predicate::Similarity(least);
    let mut table = Table::of(table::spec("tit-for-tat", 3));
    let ruling =
        json!({"reason": "r", "preference": false, "side": "none", "answer": "a"}).to_string();
    for text in [
        &solution("yes"),
        &solution("no"),
        "one two three four",
        "five six seven eight",
        &ruling,
    ] {
        table.answer(0, text);
    }
    assert!(
        !holds(&alike(0.0), &table.state, 1),
        "nobody has spoken twice in this phase"
    );
    for text in ["One two three FOUR", "five six seven nine"] {
        table.answer(0, text);
    }
    // 2 of 2 word triples, and 1 of 3.
    assert!(holds(&alike(0.66), &table.state, 2));
    assert!(!holds(&alike(0.67), &table.state, 2));
}

#[test]
fn budgets_and_rounds_are_counted() {
    assert!(holds(&Predicate::Rounds(2), &after(solvers(2, 1), &[]), 2));
    assert!(!holds(&Predicate::Rounds(3), &after(solvers(2, 1), &[]), 2));
    let mut spec = solvers(2, 1);
    spec.limits.calls = Some(4);
    let state = after(spec, &["1"]);
    assert!(holds(&Predicate::BudgetBelow(1.0), &state, 1));
    assert!(!holds(&Predicate::BudgetBelow(0.1), &state, 1));
    assert!(
        !holds(
            &Predicate::BudgetBelow(0.1),
            &after(solvers(2, 1), &["1"]),
            1
        ),
        "there is no cap"
    );
}

#[test]
fn a_person_can_end_a_phase() {
    let mut table = Table::of(solvers(2, 1));
    assert!(!holds(&Predicate::HumanStop, &table.state, 0));
    table.tell(Command::EndPhase {});
    assert!(holds(&Predicate::HumanStop, &table.state, 0));
}

#[test]
fn a_lead_is_unassailable_when_the_missing_ballots_cannot_change_it() {
    let mut spec = solvers(5, 1);
    spec.format.decision.quorum = 0.0;
    let unassailable = |answers: &[&str]| {
        let state = after(spec.clone(), answers);
        holds(&Predicate::LeadUnassailable, &state, 0)
    };
    assert!(!unassailable(&["1", "1"]));
    assert!(!unassailable(&["1", "1", "2", "2"]));
    assert!(unassailable(&["1", "1", "1"]));
}

#[test]
fn conditions_are_joined() {
    let state = after(solvers(2, 1), &[]);
    let (yes, no) = (|| Predicate::Rounds(0), || Predicate::Rounds(9));
    for (predicate, wanted) in [
        (Predicate::And(vec![yes(), yes()]), true),
        (Predicate::And(vec![yes(), no()]), false),
        (Predicate::Or(vec![no(), yes()]), true),
        (Predicate::Or(vec![no(), no()]), false),
        (Predicate::Not(Box::new(no())), true),
        (Predicate::Not(Box::new(Predicate::And(vec![yes()]))), false),
    ] {
        assert_eq!(holds(&predicate, &state, 1), wanted, "{predicate:?}");
    }
}
