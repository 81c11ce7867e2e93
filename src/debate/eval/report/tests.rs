use super::*;
use crate::debate::eval::stats;

fn row(name: &str, correct: u64, of: u64) -> Row {
    Row {
        contestant: name.to_owned(),
        asked: of,
        correct,
        wrong: of - correct,
        unparsed: 0,
        failed: 0,
        ungraded: 0,
        accuracy: correct as f64 / of.max(1) as f64,
        interval: stats::wilson(correct, of),
        kinds: BTreeMap::from([(Kind::Numeric, Share { correct, of })]),
        votes: None,
        capped: 0,
        calls: of,
        usage: Usage {
            input: 300 * of,
            output: 100 * of,
            ..Usage::default()
        },
        tokens_each: 400.0,
        of_budget: Some(0.2),
        standing: Some(Standing::Under),
        cost_nanousd: NanoUsd(1_500_000),
        cost_known: true,
    }
}

fn pair(a: &str, b: &str, (only_a, only_b): (u64, u64), p_holm: f64) -> Pair {
    Pair {
        a: a.to_owned(),
        b: b.to_owned(),
        questions: 100,
        both: 60,
        only_a,
        only_b,
        neither: 40 - only_a - only_b,
        difference: (only_a as f64 - only_b as f64) / 100.0,
        interval: stats::paired_difference(only_a, only_b, 100),
        p: stats::mcnemar_exact(only_a, only_b),
        p_holm,
        significant: p_holm <= LEVEL,
        detectable: stats::detectable_difference(only_a + only_b, 100),
    }
}

fn report() -> Report {
    let mut debate = row("society-of-minds", 80, 100);
    debate.standing = Some(Standing::Reference);
    debate.of_budget = Some(1.0);
    debate.tokens_each = 2_000.0;
    let mut vote = row("vote@9", 75, 100);
    (vote.votes, vote.capped, vote.standing) = (Some(5), 100, Some(Standing::Matched));
    (vote.unparsed, vote.wrong, vote.cost_known) = (10, 15, false);
    (vote.of_budget, vote.tokens_each) = (Some(0.98), 1_960.0);
    let mut report = Report {
        schema: 1,
        complete: false,
        questions_file: "doors.jsonl".to_owned(),
        questions: 100,
        kinds: BTreeMap::from([(Kind::Numeric, 60), (Kind::Choice, 40)]),
        models: vec!["a/1".to_owned(), "a/2".to_owned()],
        grader: None,
        seed: 1,
        budget_tokens: Some(2_000.0),
        budget_of: Some("society-of-minds".to_owned()),
        headroom: 4.0,
        contestants: vec![row("single", 62, 100), vote, debate, row("council", 0, 0)],
        pairs: vec![
            pair("single", "society-of-minds", (1, 19), 0.0002),
            pair("society-of-minds", "vote@9", (10, 5), 0.8),
        ],
        debating: vec![Debating {
            contestant: "society-of-minds".to_owned(),
            debates: 100,
            before: 78,
            after: 80,
            helped: 5,
            hurt: 3,
            p: 0.7266,
            flips: Flips {
                helped: 12,
                bullied: 7,
                other: 2,
                ungraded: 0,
            },
        }],
        cost_nanousd: NanoUsd(4_500_000),
        cost_known: false,
        notes: Vec::new(),
    };
    report.notes = report.notes();
    report
}

#[test]
fn the_report_for_people_says_first_what_it_found() {
    insta::assert_snapshot!(report().markdown(), @r##"
# Does debating help?

- **society-of-minds is better than single**: +18.0 points at 5.0 times the tokens, p = 0.0002.
- No difference is shown between society-of-minds and vote@9: +5.0 points, p = 0.80. With 100 questions a true difference of about 11 points would be seen four times in five.

- questions: 100 of doors.jsonl (60 numeric, 40 choice)
- models: a/1, a/2
- budget: 2000 tokens a question, the mean of society-of-minds
- cost: at least $0.0045, grading included
- seed: 1

## Contestants

| contestant | right | 95 % interval | wrong | unparsed | failed | ungraded | calls each | tokens each | of budget | cost |
|---|---|---|---|---|---|---|---|---|---|---|
| single | 62.0 % (62/100) | 52.2 to 70.9 | 38 | 0 | 0 | 0 | 1.0 | 400 | 0.20 (under) | $0.0015 |
| vote@9 (n = 5) (capped) | 75.0 % (75/100) | 65.7 to 82.5 | 15 | 10 | 0 | 0 | 1.0 | 1960 | 0.98 | ≥ $0.0015 |
| society-of-minds | 80.0 % (80/100) | 71.1 to 86.7 | 20 | 0 | 0 | 0 | 1.0 | 2000 | 1.00 (sets it) | $0.0015 |
| council | – | – | – | – | – | – | – | – | – | – |

## By kind

| contestant | numeric | choice |
|---|---|---|
| single | 62/100 | – |
| vote@9 | 75/100 | – |
| society-of-minds | 80/100 | – |
| council | 0/0 | – |

## Pairs

| A | B | questions | only A right | only B right | A − B | 95 % interval | p | p (Holm) | |
|---|---|---|---|---|---|---|---|---|---|
| single | society-of-minds | 100 | 1 | 19 | -18.0 | -25.8 to -9.5 | < 0.0001 | 0.0002 | differ |
| society-of-minds | vote@9 | 100 | 10 | 5 | +5.0 | -2.7 to 12.5 | 0.30 | 0.80 |  |

McNemar's exact test on the questions that both answered; "differ" where p with Holm's correction for 2 pairs is at most 0.05.

## What debating changed

| format | debates | blind majority right | verdict right | helped | hurt | p | debaters: helped | bullied | other |
|---|---|---|---|---|---|---|---|---|---|
| society-of-minds | 100 | 78 | 80 | 5 | 3 | 0.73 | 12 | 7 | 2 |

The same debates before and after: the majority of the blind first round, which is a vote that costs nothing extra, against the verdict.

## To be known

- It is not finished: pairs are compared on the questions that both have answered.
- vote@9: 10 of 100 answers could not be read. That says more about form than about knowledge.
- vote@9: the budget cut 100 of 100 short.
- A price is not known: costs are lower bounds.
"##);
}

#[test]
fn the_report_for_programs_has_the_same_figures() {
    let value = serde_json::to_value(report()).unwrap();
    assert_eq!(value["contestants"][0]["correct"], 62);
    assert_eq!(value["contestants"][2]["standing"], "reference");
    assert_eq!(value["pairs"][0]["significant"], true);
    assert_eq!(value["debating"][0]["flips"]["bullied"], 7);
    assert_eq!(value["kinds"]["choice"], 40);
}
