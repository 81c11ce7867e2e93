//! Any one agent's model dies, at any turn, in every format: the debate ends, and says what was not as it should be.

use super::sim;
use super::sim::Dice;
use super::sim::Trouble;
use super::*;

/// Runs over all formats together; `AGON_FAILURE_RUNS` sets another number.
const RUNS: u64 = 1_000;

#[test]
fn every_format_ends_labelled_whoever_dies_and_whenever() {
    let runs = std::env::var("AGON_FAILURE_RUNS").ok();
    let runs = runs.and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    let library = FormatLibrary::embedded();
    let formats: Vec<String> = library.iter().map(|format| format.id.clone()).collect();
    for seed in 0..runs {
        let format = &formats[seed as usize % formats.len()];
        let mut dice = Dice::new(seed);
        let size = sim::world(format, seed, Trouble::default())
            .state
            .spec()
            .cast
            .len();
        let trouble = Trouble {
            dies: Some((dice.throw(size), dice.throw(12))),
            absent: (dice.throw(4) == 0).then(|| dice.throw(size)),
        };
        let mut world = sim::world(format, seed, trouble);
        sim::play(&mut world, &mut dice, trouble);
        sim::check_end(&world);
        if seed % 10 == 0 {
            let replayed = State::replay(&world.log).unwrap();
            assert_eq!(
                replayed.progress(),
                world.state.progress(),
                "{format}, seed {seed}"
            );
        }
    }
}
