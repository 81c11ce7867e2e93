use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tokio::time::Instant;

use super::Strategy;
use super::*;
use crate::client::Wishes;
use crate::router::RouterConfig;
use crate::router::dice::Dice;
use crate::router::dice::Throw;
use crate::router::group::Entry;
use crate::router::group::Group;
use crate::router::group::Member;
use crate::router::health::Health;
use crate::router::minute::Minutes;
use crate::router::plan::Patience;
use crate::router::plan::Standing;
use crate::router::plan::Wanted;
use crate::router::sessions::Session;
use crate::types::Clock;
use crate::types::Deployment;
use crate::types::DeploymentInfo;
use crate::types::Target;

/// A deployment's measures: weight, calls a minute, tokens a minute.
type Measures = (Option<f64>, Option<u64>, Option<u64>);

fn group(measures: &[Measures], costs: &[Option<u64>]) -> Group {
    let config = RouterConfig::default();
    let member = |(n, (weight, rpm, tpm)): (usize, &Measures)| {
        let deployment = Arc::new(Deployment {
            id: format!("d{n}").into(),
            group: "g".into(),
            model: "p/m".into(),
            target: Arc::new(Target::default()),
            weight: *weight,
            rpm: *rpm,
            tpm: *tpm,
            max_parallel: None,
            order: None,
            tags: Vec::new(),
            num_retries: None,
            cooldown: None,
            prices: None,
            info: DeploymentInfo::default(),
        });
        Member {
            entry: Arc::new(Entry::listed(&deployment, &config, None)),
            model: Some("p/m".parse().unwrap()),
            cost: costs.get(n).copied().flatten(),
            max_prompt_tokens: None,
        }
    };
    Group {
        name: "g".into(),
        written: "g".into(),
        is_listed: true,
        members: measures.iter().enumerate().map(member).collect(),
    }
}

fn standing() -> Standing {
    Standing {
        health: Health::GOOD,
        in_flight: 0,
        calls: 0,
        tokens: 0,
        seconds: None,
    }
}

fn pick(
    group: &Group,
    standings: &[Standing],
    config: &RouterConfig,
    (throw, session): (Throw, Option<u64>),
) -> usize {
    let now = Instant::now();
    let askable: Vec<usize> = (0..group.members.len()).collect();
    let view = View {
        group,
        standings,
        failures: &[],
        config,
        wanted: Wanted {
            tokens: 1,
            tags: &[],
            wishes: &Wishes::default(),
            session: session.map(|number| Session {
                number,
                away_at: None,
            }),
            has_fallbacks: false,
            has_own_fallbacks: false,
        },
        patience: Patience {
            for_cooldown: now,
            for_place: now,
            deadline: None,
        },
        minute: Minutes::new(&Clock::starting_at(0)).at(now),
        now,
        throw,
    };
    choose(&view, &askable)
}

/// How often each is picked in 10,000 throws.
fn shares(measures: &[Measures], config: &RouterConfig, standings: &[Standing]) -> Vec<f64> {
    let group = group(measures, &[]);
    let dice = Dice::new(42);
    let mut picked: BTreeMap<usize, u32> = BTreeMap::new();
    for _ in 0..10_000 {
        let it = pick(&group, standings, config, (dice.throw(), None));
        *picked.entry(it).or_default() += 1;
    }
    (0..measures.len())
        .map(|n| f64::from(picked.get(&n).copied().unwrap_or(0)) / 10_000.0)
        .collect()
}

fn with(strategy: Strategy) -> RouterConfig {
    RouterConfig {
        strategy,
        ..RouterConfig::default()
    }
}

#[test]
fn lots_follow_weights_else_calls_a_minute_else_tokens_a_minute_else_are_alike() {
    let none = (None, None, None);
    for (measures, expected) in [
        ([none, none, none], [1.0 / 3.0; 3]),
        (
            [(Some(3.0), None, None), (Some(1.0), None, None), none],
            [0.75, 0.25, 0.0],
        ),
        (
            [(None, Some(10), Some(9)), (None, Some(30), None), none],
            [0.25, 0.75, 0.0],
        ),
        (
            [(None, None, Some(10)), none, (None, None, Some(10))],
            [0.5, 0.0, 0.5],
        ),
        (
            [(Some(1.0), Some(1), None), (None, Some(99), None), none],
            [1.0, 0.0, 0.0],
        ),
        (
            [
                (Some(0.0), Some(1), None),
                (Some(-1.0), Some(1), None),
                none,
            ],
            [0.5, 0.5, 0.0],
        ),
    ] {
        let standings = vec![standing(); 3];
        let shares = shares(&measures, &with(Strategy::SimpleShuffle), &standings);
        for (share, expected) in shares.iter().zip(expected) {
            assert!((share - expected).abs() < 0.02, "{measures:?}: {shares:?}");
        }
    }
}

#[test]
fn the_least_busy_least_used_cheapest_and_first_are_picked_without_chance() {
    let three = [(None, None, None); 3];
    let standings = |each: fn(&mut Standing, u64), amounts: [u64; 3]| {
        amounts.map(|amount| {
            let mut standing = standing();
            each(&mut standing, amount);
            standing
        })
    };
    let busy = |amounts| standings(|it, n| it.in_flight = n as u32, amounts);
    let used = |amounts| standings(|it, n| it.tokens = n, amounts);
    let dice = Dice::new(3);
    for (strategy, standings, costs, expected) in [
        (Strategy::LeastBusy, busy([2, 0, 0]), [None; 3], 1),
        (Strategy::UsageBasedRouting, used([9, 8, 7]), [None; 3], 2),
        (
            Strategy::CostBasedRouting,
            busy([0; 3]),
            [None, Some(4), Some(3)],
            2,
        ),
        (
            Strategy::CostBasedRouting,
            busy([0; 3]),
            [Some(3), None, Some(3)],
            0,
        ),
        (Strategy::Ordered, busy([5, 0, 0]), [None; 3], 0),
    ] {
        let group = group(&three, &costs);
        for _ in 0..5 {
            let picked = pick(&group, &standings, &with(strategy), (dice.throw(), None));
            assert_eq!(picked, expected, "{strategy:?}");
        }
    }
}

#[test]
fn one_of_the_fastest_is_picked_and_who_was_never_measured_is_tried() {
    let speeds = |seconds: [Option<f64>; 3]| {
        seconds.map(|seconds| Standing {
            seconds,
            ..standing()
        })
    };
    let buffered = |buffer| {
        let mut config = with(Strategy::LatencyBasedRouting);
        config.latency.buffer = buffer;
        config
    };
    let three = [(None, None, None); 3];
    let measured = speeds([Some(1.0), Some(1.4), Some(3.0)]);
    assert_eq!(shares(&three, &buffered(0.0), &measured), [1.0, 0.0, 0.0]);
    let near = shares(&three, &buffered(0.5), &measured);
    assert!((near[0] - 0.5).abs() < 0.02 && near[2] == 0.0, "{near:?}");
    let unknown = speeds([Some(1.0), None, Some(0.1)]);
    assert_eq!(shares(&three, &buffered(0.0), &unknown), [0.0, 1.0, 0.0]);
}

proptest! {
    #[test]
    fn weights_decide_how_many_sessions_a_deployment_has(weight in 1_u32..6) {
        let measures = [(Some(f64::from(weight)), None, None), (Some(1.0), None, None)];
        let group = group(&measures, &[]);
        let (standings, config) = (vec![standing(); 2], with(Strategy::SimpleShuffle));
        let throw = Dice::new(1).throw();
        let at_first = (0..4_000_u64)
            .filter(|n| {
                let session = Some(crate::router::dice::number_of(&n.to_le_bytes()));
                pick(&group, &standings, &config, (throw, session)) == 0
            })
            .count();
        let expected = f64::from(weight) / f64::from(weight + 1);
        let share = at_first as f64 / 4_000.0;
        prop_assert!((share - expected).abs() < 0.03, "{share} for {expected}");
    }

    #[test]
    fn only_the_sessions_of_a_deployment_that_leaves_move(session: u64, gone in 0_usize..4) {
        let four = [(None, None, None); 4];
        let group = group(&four, &[]);
        let (standings, config) = (vec![standing(); 4], with(Strategy::SimpleShuffle));
        let home = pick(&group, &standings, &config, (Throw(0), Some(session)));
        let left = Group {
            members: group
                .members
                .iter()
                .enumerate()
                .filter(|(n, _)| *n != gone)
                .map(|(_, member)| member.clone())
                .collect(),
            ..group
        };
        let moved = pick(&left, &standings[..3], &config, (Throw(0), Some(session)));
        let id = |n: usize| format!("d{n}");
        let now_at = left.members[moved].id();
        prop_assert!(home == gone || now_at == id(home), "{now_at} after {home}");
    }
}
