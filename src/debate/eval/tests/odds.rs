//! What models of known odds must show.

use super::World;
use super::plan;
use super::world::Habit;
use crate::debate::eval::EvalPlan;
use crate::debate::eval::Report;

/// How likely the majority of `n` voters is right that are each right with odds `p`; a tie goes to the first vote.
fn binomial_majority(p: f64, n: u32) -> f64 {
    let mut term = (1.0 - p).powi(n as i32);
    let mut right = 0.0;
    for k in 0..=n {
        match (2 * k).cmp(&n) {
            std::cmp::Ordering::Greater => right += term,
            // Of equally many votes either way the first is right in half of the orders.
            std::cmp::Ordering::Equal => right += term / 2.0,
            std::cmp::Ordering::Less => {}
        }
        term *= f64::from(n - k) / f64::from(k + 1) * p / (1.0 - p);
    }
    right
}

#[tokio::test]
async fn votes_are_right_as_often_as_the_binomial_says() {
    let (mut inside, mut all, mut squares) = (0, 0, 0.0);
    for (seed, p) in [(1, 0.6), (2, 0.75), (3, 0.9)] {
        let world = World::new(&[("coin/one", Habit::Odds(p))]);
        let sizes = [1, 2, 3, 5, 9];
        let names: Vec<String> = sizes.iter().map(|n| format!("vote@{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let plan = EvalPlan {
            seed,
            ..plan(300, &names, &["coin/one"])
        };
        let report = world.run(&plan).await;
        for (row, n) in report.contestants.iter().zip(sizes) {
            let wanted = binomial_majority(p, n);
            let error = (wanted * (1.0 - wanted) / 300.0).sqrt();
            let off = (row.accuracy - wanted) / error;
            assert!(
                off.abs() < 3.5,
                "{p} {n}: {} instead of {wanted}",
                row.accuracy
            );
            squares += off * off;
            inside += u32::from(row.interval.low <= wanted && wanted <= row.interval.high);
            all += 1;
        }
    }
    // Nineteen in twenty are expected inside; of fifteen, four outside come by chance once in two hundred times.
    assert!(inside >= all - 3, "{inside} of {all}");
    // Together they are as far off as fifteen normal draws: above 37.7 once in a thousand times.
    assert!(squares < 37.7, "{squares}");
}

#[test]
fn the_formula_is_the_known_one() {
    for (p, n, wanted) in [
        (0.6, 1, 0.6),
        (0.6, 3, 0.648),
        (0.6, 2, 0.6),
        (0.5, 9, 0.5),
        (0.9, 5, 0.99144),
    ] {
        let got = binomial_majority(p, n);
        assert!((got - wanted).abs() < 1e-9, "{p} {n}: {got}");
    }
}

async fn two(seed: u64, questions: u64, odds: (f64, f64)) -> Report {
    let world = World::new(&[
        ("coin/one", Habit::Odds(odds.0)),
        ("coin/two", Habit::Odds(odds.1)),
    ]);
    let contestants = ["single=coin/one", "single=coin/two"];
    let plan = EvalPlan {
        seed,
        ..plan(questions, &contestants, &["coin/one"])
    };
    world.run(&plan).await
}

#[tokio::test]
async fn equal_contestants_are_told_apart_at_most_at_the_tests_level() {
    let runs = 100;
    let mut rejected = 0;
    for seed in 0..runs {
        let report = two(seed, 50, (0.7, 0.7)).await;
        rejected += u32::from(report.pairs[0].significant);
    }
    // Five in a hundred at most, and fewer, since an exact test is conservative; 12 of 100 is three standard errors away.
    assert!((1..12).contains(&rejected), "{rejected} of {runs}");
}

#[tokio::test]
async fn a_real_difference_is_found() {
    let runs = 12;
    let mut found = 0;
    for seed in 0..runs {
        let report = two(seed, 150, (0.9, 0.7)).await;
        let pair = &report.pairs[0];
        assert!(!pair.significant || pair.difference > 0.0);
        found += u32::from(pair.significant);
    }
    assert!(found >= 11, "{found} of {runs}");
}

#[tokio::test]
async fn several_models_vote_in_turn() {
    let world = World::new(&[
        ("coin/one", Habit::Odds(0.8)),
        ("coin/two", Habit::Odds(0.8)),
        ("coin/three", Habit::Odds(0.8)),
    ]);
    let models = ["coin/one", "coin/two", "coin/three"];
    world.run(&plan(40, &["vote@6", "single"], &models)).await;
    let asked = world.players.asked();
    let of = |model: &str| asked.iter().filter(|(who, ..)| who == model).count();
    assert_eq!(
        (of("coin/one"), of("coin/two"), of("coin/three")),
        (120, 80, 80)
    );
}

#[tokio::test]
async fn the_same_seed_asks_the_same_and_another_does_not() {
    let of = async |seed| {
        let world = World::new(&[("coin/one", Habit::Odds(0.6))]);
        let plan = EvalPlan {
            seed,
            ..plan(30, &["vote@3"], &["coin/one"])
        };
        let report = world.run(&plan).await;
        let mut asked = world.players.asked();
        asked.sort();
        (report.contestants[0].correct, asked)
    };
    let (one, again, other) = (of(1).await, of(1).await, of(2).await);
    assert_eq!(one, again);
    assert_ne!(one.1, other.1);
}
