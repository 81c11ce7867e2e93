//! Models that fail, and models that cannot be read.

use super::World;
use super::plan;
use super::world::Habit;
use crate::client::LlmErrorKind;
use crate::debate::eval::Ended;

const OVERLOADED: LlmErrorKind = LlmErrorKind::Overloaded { retry_after: None };

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_never_right() {
    for said in [
        "I would take the left one.",
        "{\"answer\": \"A\"}",
        "A",
        "",
        "{\"reasoning\":\"r\",\"answer\":\"A or B\",\"confidence\":1}",
    ] {
        let world = World::new(&[("coin/one", Habit::Says(said.to_owned()))]);
        let report = world
            .run(&plan(
                10,
                &["single", "vote@3", "society-of-minds"],
                &["coin/one"],
            ))
            .await;
        for row in &report.contestants {
            let name = &row.contestant;
            assert_eq!((row.correct, row.wrong), (0, 0), "{name}: {said}");
            // A debate whose every answer is unreadable may end without a verdict; that is no answer either.
            assert_eq!(row.unparsed + row.failed, 10, "{name}: {said}");
        }
        assert_eq!(report.contestants[0].unparsed, 10, "{said}");
        assert!(report.pairs.iter().all(|pair| pair.neither == 10));
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_asked_to_be_mended_once_and_both_calls_count() {
    let world = World::new(&[("coin/one", Habit::Says("left".to_owned()))]);
    let report = world.run(&plan(5, &["single"], &["coin/one"])).await;
    assert_eq!(
        (world.players.asked().len(), report.contestants[0].calls),
        (10, 10)
    );
    let mending = world.players.prompts();
    assert_eq!(
        mending
            .iter()
            .filter(|it| it.contains("could not be used"))
            .count(),
        5
    );
}

#[tokio::test]
async fn what_failed_has_a_column_and_is_asked_again_only_when_told() {
    let world = World::new(&[("coin/one", Habit::FailsAtOdd(OVERLOADED))]);
    let all = plan(10, &["single", "vote@3", "society-of-minds"], &["coin/one"]);
    let report = world.run(&all).await;
    for row in &report.contestants {
        assert_eq!((row.correct, row.failed), (5, 5), "{row:?}");
        assert!((row.accuracy - 0.5).abs() < 1e-9);
    }
    let before = world.players.asked().len();
    world.run(&all).await;
    assert_eq!(world.players.asked().len(), before);
    world.players.set("coin/one", Habit::Odds(1.0));
    let (ended, report) = world.run_until(&all, true, |_| false).await.unwrap();
    assert_eq!(ended, Ended::Complete);
    for row in &report.contestants {
        assert_eq!((row.correct, row.failed), (10, 0), "{row:?}");
    }
    // Five calls for the single one, fifteen for the votes, five debates of three that agree at once.
    assert_eq!(world.players.asked().len() - before, 5 + 15 + 15);
}

#[tokio::test]
async fn a_vote_counts_those_that_answered() {
    let world = World::new(&[
        ("coin/one", Habit::Odds(1.0)),
        ("coin/two", Habit::Fails(OVERLOADED)),
    ]);
    let report = world
        .run(&plan(10, &["vote@3"], &["coin/two", "coin/one"]))
        .await;
    assert_eq!(
        (report.contestants[0].correct, report.contestants[0].failed),
        (10, 0)
    );
}

#[tokio::test]
async fn a_refused_key_stops_everything_and_nothing_of_it_is_kept() {
    for contestants in [["single"], ["society-of-minds"]] {
        let world = World::new(&[("coin/one", Habit::Fails(LlmErrorKind::Authentication))]);
        let all = plan(30, &contestants, &["coin/one"]);
        let error = world
            .run_until(&all, false, |_| false)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("every further call would fail"), "{error}");
        assert!(
            world.players.asked().len() <= 8 * 3,
            "{}",
            world.players.asked().len()
        );
        world.players.set("coin/one", Habit::Odds(1.0));
        let report = world.run(&all).await;
        assert_eq!(report.contestants[0].correct, 30, "{contestants:?}");
    }
}
