//! That everybody gets the same budget, and whoever does not is labelled.

use super::World;
use super::plan;
use super::world::Habit;
use crate::debate::eval::Ended;
use crate::debate::eval::EvalPlan;
use crate::debate::eval::Matched;
use crate::debate::eval::Report;
use crate::debate::eval::Standing;
use crate::types::NanoUsd;

fn world() -> World {
    World::new(&[
        ("coin/one", Habit::Odds(0.7)),
        ("coin/two", Habit::Odds(0.7)),
    ])
}

fn matched(to: &str, contestants: &[&str]) -> EvalPlan {
    EvalPlan {
        matched: Matched::read(to).unwrap(),
        ..plan(20, contestants, &["coin/one", "coin/two"])
    }
}

fn row<'a>(report: &'a Report, name: &str) -> &'a crate::debate::eval::Row {
    report
        .contestants
        .iter()
        .find(|row| row.contestant == name)
        .unwrap()
}

#[tokio::test]
async fn a_matched_vote_uses_what_the_debate_uses() {
    let contestants = [
        "single",
        "vote@match",
        "vote@99",
        "vote@2",
        "society-of-minds",
    ];
    let report = world()
        .run(&matched("society-of-minds", &contestants))
        .await;
    let budget = report.budget_tokens.unwrap();
    let debate = row(&report, "society-of-minds");
    assert_eq!(debate.standing, Some(Standing::Reference));
    assert!((debate.tokens_each - budget).abs() < 1e-6);
    let call = row(&report, "single").tokens_each;
    let vote = row(&report, "vote@match");
    // As many calls as come nearest: within half a call.
    assert!(
        (vote.tokens_each - budget).abs() <= call / 2.0 + 1.0,
        "{vote:?} {budget} {call}"
    );
    assert_eq!(vote.standing, Some(Standing::Matched));
    assert_eq!(vote.capped, 0);
    // A larger vote is cut to the same size and says so; a smaller one stays, and says that too.
    let large = row(&report, "vote@99");
    assert_eq!((large.votes, large.capped), (vote.votes, 20));
    let small = row(&report, "vote@2");
    assert_eq!(
        (small.votes, small.capped, small.standing),
        (Some(2), 0, Some(Standing::Under))
    );
    let told = report.markdown();
    assert!(
        told.contains("| vote@99 (n = ") && told.contains("(capped)"),
        "{told}"
    );
    assert!(told.contains("(sets it)"), "{told}");
}

#[tokio::test]
async fn a_debate_beyond_its_cap_is_ended_and_labelled() {
    // A blind round of three answers may use 3 · (prompt + 1,000) tokens, which this budget does not hold.
    let tight = EvalPlan {
        headroom: 1.0,
        ..matched("500", &["society-of-minds", "single"])
    };
    let report = world().run(&tight).await;
    let debate = row(&report, "society-of-minds");
    assert_eq!((debate.capped, debate.correct), (20, 0));
    assert!(debate.tokens_each <= 500.0, "{}", debate.tokens_each);
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("cut 20 of 20 short")),
        "{:?}",
        report.notes
    );
    let roomy = world()
        .run(&matched("20000", &["society-of-minds", "single"]))
        .await;
    assert_eq!(row(&roomy, "society-of-minds").capped, 0);
}

#[tokio::test]
async fn without_a_budget_everybody_uses_what_it_uses() {
    let report = world()
        .run(&matched(
            "none",
            &["single", "vote@7", "society-of-minds@4"],
        ))
        .await;
    assert_eq!(report.budget_tokens, None);
    assert_eq!(row(&report, "vote@7").votes, Some(7));
    assert!(
        report
            .contestants
            .iter()
            .all(|row| row.standing.is_none() && row.capped == 0)
    );
    let calls = row(&report, "society-of-minds@4").calls;
    assert!((20 * 4..=20 * 8).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_plan_that_cannot_be_matched_is_refused() {
    for (to, contestants, told) in [
        ("none", vec!["vote@match"], "nothing to match"),
        ("council", vec!["single"], "--match council"),
        (
            "vote@match",
            vec!["vote@match", "single"],
            "set by one of the other",
        ),
        ("none", vec!["single", "single"], "twice"),
        ("none", vec!["oxford"], "gives no answer"),
        (
            "none",
            vec!["society-of-mind"],
            "did you mean society-of-minds",
        ),
        ("none", vec!["single=coin/none"], "no model"),
        ("none", vec!["tit-for-tat@9"], "tit-for-tat"),
    ] {
        let world = world();
        let refused = world
            .run_until(&matched(to, &contestants), false, |_| false)
            .await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(told), "{contestants:?}: {refused}");
        assert!(world.players.asked().is_empty());
    }
}

#[tokio::test]
async fn nothing_new_is_begun_once_the_money_is_spent() {
    // A model whose price the catalog knows.
    let priced = "openai/gpt-4.1-mini";
    let world = World::new(&[(priced, Habit::Odds(0.7))]);
    let all = plan(50, &["single"], &[priced]);
    let limited = |usd: f64| EvalPlan {
        max_cost: NanoUsd::from_usd(usd),
        concurrency: 2,
        ..all.clone()
    };
    let (ended, report) = world
        .run_until(&limited(0.002), false, |_| false)
        .await
        .unwrap();
    assert_eq!(ended, Ended::OutOfMoney);
    assert!(report.cost_known && !report.complete);
    let each = report.cost_nanousd.0 / report.contestants[0].asked;
    let spent = report.cost_nanousd.0;
    assert!(
        (2_000_000..=2_000_000 + each).contains(&spent),
        "{spent} at {each} each"
    );
    let (ended, report) = world
        .run_until(&limited(1.0), false, |_| false)
        .await
        .unwrap();
    assert_eq!((ended, report.contestants[0].asked), (Ended::Complete, 50));
    assert_eq!(world.players.asked().len(), 50);
}
