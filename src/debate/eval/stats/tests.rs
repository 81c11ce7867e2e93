use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

fn near(a: f64, b: f64, by: f64) {
    assert!((a - b).abs() <= by, "{a} is not {b}");
}

#[test]
fn wilson_gives_the_published_figures() {
    // Newcombe (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for (hits, of, low, high) in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ] {
        let interval = wilson(hits, of);
        near(interval.low, low, 5e-5);
        near(interval.high, high, 5e-5);
    }
    let nothing = wilson(0, 0);
    assert_eq!((nothing.low, nothing.high), (0.0, 1.0));
}

#[test]
fn wilson_covers_about_95_in_a_hundred() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for (share, of) in [(0.5, 30), (0.7, 100), (0.9, 50), (0.97, 200), (0.2, 60)] {
        let trials = 4_000;
        let mut covered = 0;
        for _ in 0..trials {
            let hits = (0..of).filter(|_| rng.random_bool(share)).count() as u64;
            let interval = wilson(hits, of);
            covered += u32::from(interval.low <= share && share <= interval.high);
        }
        let rate = f64::from(covered) / f64::from(trials);
        // A binomial is lumpy, so the rate moves around 0.95 by a point or two with share and size.
        assert!((0.925..=0.985).contains(&rate), "{share} of {of}: {rate}");
    }
}

#[test]
fn mcnemar_is_twice_the_smaller_tail_of_a_fair_coin() {
    // 1 of 10: 2 · (1 + 10) / 1024. 0 of 5: 2 / 32.
    near(mcnemar_exact(1, 9), 22.0 / 1024.0, 1e-12);
    near(mcnemar_exact(9, 1), 22.0 / 1024.0, 1e-12);
    near(mcnemar_exact(5, 0), 2.0 / 32.0, 1e-12);
    near(mcnemar_exact(0, 0), 1.0, 0.0);
    near(mcnemar_exact(4, 4), 1.0, 0.0);
    // Where a single term is below what a float can hold: 3,000 coins, 8 standard deviations apart.
    let p = mcnemar_exact(1_280, 1_720);
    assert!((1e-17..1e-14).contains(&p), "{p}");
}

/// The share of `trials` comparisons that reject at 0.05 when A and B are right with these odds, independently.
fn rejections(a: f64, b: f64, questions: u32, seed: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let trials = 2_000;
    let mut rejected = 0;
    for _ in 0..trials {
        let (mut only_a, mut only_b) = (0, 0);
        for _ in 0..questions {
            match (rng.random_bool(a), rng.random_bool(b)) {
                (true, false) => only_a += 1,
                (false, true) => only_b += 1,
                (true, true) | (false, false) => {}
            }
        }
        rejected += u32::from(mcnemar_exact(only_a, only_b) <= 0.05);
    }
    f64::from(rejected) / f64::from(trials)
}

#[test]
fn under_the_null_the_paired_test_rejects_at_most_at_its_level() {
    for (at, (odds, questions)) in [(0.5, 100), (0.7, 200), (0.9, 400), (0.6, 1_000)]
        .into_iter()
        .enumerate()
    {
        let rate = rejections(odds, odds, questions, at as u64);
        // An exact test of counts is conservative; 0.012 is two and a half standard errors of 2,000 trials.
        assert!(
            rate > 0.015 && rate <= 0.05 + 0.012,
            "{odds}, {questions}: {rate}"
        );
    }
}

#[test]
fn a_real_difference_is_found_and_the_more_so_with_more_questions() {
    let few = rejections(0.8, 0.7, 100, 1);
    let many = rejections(0.8, 0.7, 400, 2);
    assert!(few < many, "{few} {many}");
    assert!(many > 0.85, "{many}");
    assert!(rejections(0.9, 0.6, 100, 3) > 0.98);
}

#[test]
fn the_detectable_difference_is_found_four_times_in_five() {
    // Independent answers at 0.75 and 0.65 are discordant on 0.25 · 0.65 + 0.75 · 0.35 = 0.425 of the questions.
    let questions = 325_u32;
    let discordant = (0.425 * f64::from(questions)) as u64;
    let detectable = detectable_difference(discordant, u64::from(questions)).unwrap();
    near(detectable, 0.10, 0.005);
    let power = rejections(0.75, 0.65, questions, 4);
    assert!((0.74..=0.86).contains(&power), "{power}");
    assert_eq!(detectable_difference(0, 30), None);
}

#[test]
fn holm_steps_down_and_never_falls() {
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (got, wanted) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        near(*got, wanted, 1e-12);
    }
    assert_eq!(holm(&[]), Vec::<f64>::new());
    assert_eq!(holm(&[0.7, 0.6]), vec![1.0, 1.0]);
}

#[test]
fn holm_keeps_the_chance_of_any_false_finding_below_the_level() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (trials, mut plain, mut corrected) = (4_000, 0, 0);
    for _ in 0..trials {
        let ps: Vec<f64> = (0..6).map(|_| rng.random::<f64>()).collect();
        plain += u32::from(ps.iter().any(|p| *p <= 0.05));
        corrected += u32::from(holm(&ps).iter().any(|p| *p <= 0.05));
    }
    let rate = |count: u32| f64::from(count) / f64::from(trials);
    near(rate(plain), 1.0 - 0.95_f64.powi(6), 0.03);
    assert!(
        (0.035..=0.06).contains(&rate(corrected)),
        "{}",
        rate(corrected)
    );
}

#[test]
fn the_interval_of_a_difference_covers_the_true_difference() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let (trials, questions, mut covered) = (2_000, 120, 0);
    for _ in 0..trials {
        let (mut only_a, mut only_b) = (0, 0);
        for _ in 0..questions {
            match (rng.random_bool(0.8), rng.random_bool(0.65)) {
                (true, false) => only_a += 1,
                (false, true) => only_b += 1,
                (true, true) | (false, false) => {}
            }
        }
        let interval = paired_difference(only_a, only_b, questions);
        covered += u32::from(interval.low <= 0.15 && 0.15 <= interval.high);
    }
    let rate = f64::from(covered) / f64::from(trials);
    assert!((0.93..=0.975).contains(&rate), "{rate}");
}
