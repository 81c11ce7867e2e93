use super::*;
use crate::debate::eval::Contestant;
use crate::debate::eval::EvalPlan;
use crate::debate::eval::Matched;
use crate::debate::eval::Sampled;
use crate::debate::eval::read;
use crate::debate::format::FormatLibrary;

fn manifest() -> Manifest {
    let text = r#"{"question":"2+2?","answer":4}"#;
    let plan = EvalPlan {
        questions: read("q", text).unwrap(),
        contestants: vec![Contestant::read("society-of-minds").unwrap()],
        models: Vec::new(),
        judges: Vec::new(),
        grader: None,
        matched: Matched::Nothing,
        headroom: 4.0,
        sampled: Sampled {
            temperature: None,
            max_answer_tokens: 100,
        },
        seed: 1,
        concurrency: 1,
        max_cost: None,
    };
    let asked = Asked {
        file: "q".to_owned(),
        text: text.to_owned(),
        limit: None,
        shuffle_choices: false,
    };
    Manifest::of(&plan, &asked, &FormatLibrary::embedded())
}

fn record(contestant: &str, grade: Grade) -> Record {
    Record {
        grade,
        ..Record::new(contestant, "q1")
    }
}

#[test]
fn one_process_works_in_a_folder() {
    let home = tempfile::tempdir().unwrap();
    let first = Journal::open(home.path(), &manifest(), false).unwrap();
    let refused = Journal::open(home.path(), &manifest(), false).unwrap_err();
    assert!(refused.to_string().contains("--out"), "{refused}");
    drop(first);
    Journal::open(home.path(), &manifest(), false).unwrap();
}

#[test]
fn a_second_start_has_the_first_ones_id_and_results() {
    let home = tempfile::tempdir().unwrap();
    let first = Journal::open(home.path(), &manifest(), false).unwrap();
    first.keep(record("single", Grade::Correct)).unwrap();
    let run = first.manifest().run.clone();
    drop(first);
    let again = Journal::open(home.path(), &manifest(), false).unwrap();
    assert_eq!(again.manifest().run, run);
    assert!(again.has("single", "q1") && !again.has("single", "q2"));
}

#[test]
fn a_line_that_was_not_finished_is_cut_off_before_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    let first = Journal::open(home.path(), &manifest(), false).unwrap();
    first.keep(record("a", Grade::Correct)).unwrap();
    drop(first);
    let path = home.path().join("results.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    for cut in 1..whole.len() {
        std::fs::write(&path, format!("{whole}{}", &whole[..cut])).unwrap();
        let again = Journal::open(home.path(), &manifest(), false).unwrap();
        again.keep(record("b", Grade::Wrong)).unwrap();
        drop(again);
        let now = std::fs::read_to_string(&path).unwrap();
        assert_eq!(now.lines().count(), 2, "{cut}");
        let read: Vec<Record> = now
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            (read[0].grade, read[1].grade),
            (Grade::Correct, Grade::Wrong)
        );
    }
}

#[test]
fn what_is_had_again_counts_its_attempts_and_its_money() {
    let home = tempfile::tempdir().unwrap();
    let mut failed = record("council", Grade::Failed);
    failed.spent.cost_nanousd = NanoUsd(5);
    failed.debated = Some(Debated {
        id: DebateId::new("d_1"),
        round0: None,
        flips: Flips::default(),
    });
    let journal = Journal::open(home.path(), &manifest(), false).unwrap();
    journal.keep(failed).unwrap();
    drop(journal);
    let kept = Journal::open(home.path(), &manifest(), false).unwrap();
    assert_eq!(
        (kept.has("council", "q1"), kept.attempts("council", "q1")),
        (true, 0)
    );
    drop(kept);
    let again = Journal::open(home.path(), &manifest(), true).unwrap();
    assert_eq!(
        (again.has("council", "q1"), again.attempts("council", "q1")),
        (false, 1)
    );
    assert_eq!(again.money(), NanoUsd(5));
}
