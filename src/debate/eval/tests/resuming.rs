//! What was paid for is not paid for again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Write;

use super::World;
use super::plan;
use super::world::Habit;
use crate::debate::eval::CallLine;
use crate::debate::eval::Ended;
use crate::debate::eval::EvalPlan;
use crate::debate::eval::Matched;
use crate::debate::eval::Report;

fn world() -> World {
    World::new(&[
        ("coin/one", Habit::Odds(0.7)),
        ("coin/two", Habit::Odds(0.7)),
    ])
}

fn direct() -> EvalPlan {
    plan(40, &["single", "vote@5"], &["coin/one", "coin/two"])
}

/// A report without what differs between any two runs.
fn core(report: &Report) -> String {
    let mut value = serde_json::to_value(report).unwrap();
    value["cost_nanousd"].take();
    value.to_string()
}

#[tokio::test]
async fn a_run_that_stops_again_and_again_ends_as_one_that_does_not() {
    let whole = world();
    let wanted = core(&whole.run(&direct()).await);
    for after in [1, 7, 30] {
        let world = world();
        let mut starts = 0;
        let report = loop {
            starts += 1;
            let (ended, report) = world
                .run_until(&direct(), false, |done| done >= after)
                .await
                .unwrap();
            if ended == Ended::Complete {
                break report;
            }
        };
        assert!(starts >= 3 || after == 30, "{starts}");
        assert_eq!(core(&report), wanted);
        // Only calls under way when it stopped are made again: at most one for each question under way.
        let asked = world.players.asked();
        let mut times: BTreeMap<_, usize> = BTreeMap::new();
        asked
            .iter()
            .for_each(|call| *times.entry(call).or_default() += 1);
        let again = asked.len() - times.len();
        assert!(
            again <= (starts - 1) * direct().concurrency,
            "{again} in {starts} starts"
        );
        assert_eq!(times.len(), 40 * 6);
    }
}

#[tokio::test]
async fn what_was_answered_is_asked_once() {
    let world = world();
    // One at a time: when a step is told of, no other call is under way.
    let one = EvalPlan {
        concurrency: 1,
        ..direct()
    };
    while world
        .run_until(&one, false, |done| done >= 9)
        .await
        .unwrap()
        .0
        != Ended::Complete
    {}
    let asked = world.players.asked();
    let different: BTreeSet<_> = asked.iter().collect();
    assert_eq!((asked.len(), different.len()), (40 * 6, 40 * 6));
    world.run(&one).await;
    assert_eq!(
        world.players.asked().len(),
        asked.len(),
        "a finished evaluation asks nothing"
    );
}

#[tokio::test]
async fn single_calls_of_a_vote_that_died_in_the_middle_are_kept() {
    let world = world();
    world.run(&direct()).await;
    // As if the process had died after three calls of the last vote, in the middle of writing the fourth.
    let path = |name: &str| world.dir().join(name);
    let calls = std::fs::read_to_string(path("calls.jsonl")).unwrap();
    let of_one = |line: &&str| {
        let call: CallLine = serde_json::from_str(line).unwrap();
        call.contestant == "vote@5" && call.question == "line-40" && call.sample >= 3
    };
    let kept: Vec<&str> = calls.lines().filter(|line| !of_one(line)).collect();
    assert_eq!(kept.len(), 40 * 6 - 2);
    std::fs::write(
        path("calls.jsonl"),
        kept.join("\n") + "\n{\"contestant\":\"vote@5\",\"que",
    )
    .unwrap();
    let results = std::fs::read_to_string(path("results.jsonl")).unwrap();
    let record = |line: &&str| line.contains("\"vote@5\"") && line.contains("\"line-40\"");
    let kept: Vec<&str> = results.lines().filter(|line| !record(line)).collect();
    std::fs::write(path("results.jsonl"), kept.join("\n") + "\n").unwrap();
    let before = world.players.asked().len();
    world.run(&direct()).await;
    assert_eq!(world.players.asked().len() - before, 2);
}

#[tokio::test]
async fn debates_are_gone_on_with() {
    let debates = EvalPlan {
        matched: Matched::read("society-of-minds").unwrap(),
        concurrency: 3,
        ..plan(
            8,
            &["society-of-minds", "vote@match", "tit-for-tat"],
            &["coin/one", "coin/two"],
        )
    };
    let ruling = r#"{"reason": "it holds", "preference": true, "side": "aff", "answer": "A"}"#;
    let world = || {
        let world = world();
        world
            .players
            .set("coin/judge", Habit::Says(ruling.to_owned()));
        world
    };
    let debates = EvalPlan {
        judges: vec!["coin/judge".parse().unwrap()],
        ..debates
    };
    let whole = world();
    let wanted = core(&whole.run(&debates).await);
    let cut = world();
    let mut starts = 0;
    let report = loop {
        starts += 1;
        let (ended, report) = cut
            .run_until(&debates, false, |done| done >= 3)
            .await
            .unwrap();
        if ended == Ended::Complete {
            break report;
        }
    };
    assert!(starts > 4, "{starts}");
    assert_eq!(core(&report), wanted);
    // Three debates of at most three calls each are under way when it stops.
    let (asked, once) = (cut.players.asked().len(), whole.players.asked().len());
    assert!(
        asked >= once && asked <= once + starts * 9,
        "{asked} {once} {starts}"
    );
}

#[tokio::test]
async fn another_evaluation_is_refused_with_what_differs() {
    let world = world();
    world.run(&direct()).await;
    let refused = |plan: EvalPlan| {
        let world = &world;
        async move {
            let refused = world.run_until(&plan, false, |_| false).await.unwrap_err();
            refused.to_string()
        }
    };
    let other = refused(EvalPlan {
        seed: 2,
        ..direct()
    })
    .await;
    assert!(
        other.contains("seed: was 1, is 2") && other.contains("--out"),
        "{other}"
    );
    let other = refused(plan(41, &["single", "vote@5"], &["coin/one", "coin/two"])).await;
    assert!(other.contains("questions_hash"), "{other}");
    let other = refused(plan(40, &["single"], &["coin/one", "coin/two"])).await;
    assert!(other.contains("contestants"), "{other}");
    // What decides no result may differ.
    world
        .run(&EvalPlan {
            concurrency: 2,
            ..direct()
        })
        .await;
}

#[tokio::test]
async fn a_broken_line_in_the_middle_is_told_and_nothing_is_thrown_away() {
    let world = world();
    world.run(&direct()).await;
    let path = world.dir().join("results.jsonl");
    let results = std::fs::read_to_string(&path).unwrap();
    let mut broken = std::fs::File::create(&path).unwrap();
    write!(broken, "garbage\n{results}").unwrap();
    let error = world
        .run_until(&direct(), false, |_| false)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("results.jsonl") && error.contains("line 1"),
        "{error}"
    );
    assert!(std::fs::read_to_string(&path).unwrap().ends_with(&results));
}
