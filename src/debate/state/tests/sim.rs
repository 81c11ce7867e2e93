//! A debate of any format, played by a scheduler that draws everything from a seed: who answers first, what they
//! say, whose model is dead and from when on.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::debate::plan;
use crate::debate::view;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Document;
use crate::types::debate::FieldKind;
use crate::types::debate::Format;
use crate::types::debate::HumanSeat;
use crate::types::debate::RoleKind;

/// Steps after which a debate hangs: far more than any format can need.
const PATIENCE: usize = 3_000;

/// What is out of order in a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trouble {
    /// Whose model is dead, as a place in the cast, and after how many calls of the debate.
    pub(super) dies: Option<(usize, usize)>,
    /// Who is a person that never comes, as a place in the cast.
    pub(super) absent: Option<usize>,
}

/// Chance that can be played again.
#[derive(Debug)]
pub(super) struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    /// A number below `sides`.
    pub(super) fn throw(&mut self, sides: usize) -> usize {
        self.thrown += 1;
        let drawn = plan::draw(self.seed, &["dice", &self.thrown.to_string()]);
        (drawn % sides.max(1) as u64) as usize
    }
}

/// A debate of a format with everything that it needs.
pub(super) fn world(format: &str, seed: u64, trouble: Trouble) -> World {
    let library = FormatLibrary::embedded();
    let definition: &Format = library.get(format).unwrap();
    let mut cast: Vec<(String, String)> = Vec::new();
    for role in &definition.roles {
        if role.kind == RoleKind::Audience {
            continue;
        }
        let wanted = role
            .count
            .min
            .max(1)
            .max(if role.side.is_none() && role.count.max > 2 {
                3
            } else {
                1
            });
        for at in 0..wanted.min(role.count.max) {
            cast.push((format!("{}-{at}", role.id), role.id.clone()));
        }
    }
    let cast: Vec<(&str, &str)> = cast
        .iter()
        .map(|(name, role)| (name.as_str(), role.as_str()))
        .collect();
    let text = |title: &str| Document {
        title: title.into(),
        text: "The river rose by three feet in the night.".into(),
    };
    World::with(&format!("shipped:{format}"), &cast, |spec| {
        spec.seed = seed;
        spec.audience = true;
        spec.options = vec!["yes".into(), "no".into()];
        spec.facts = vec![text("facts")];
        spec.limits = definition.limits;
        for name in definition.needs_secrets() {
            spec.secrets.insert(name.to_owned(), text(name));
        }
        for (at, member) in spec.cast.iter_mut().enumerate() {
            member.rating = Some(1.0);
            if seed.is_multiple_of(3) {
                member.substitute = Some("demo/spare".parse().unwrap());
            }
            if trouble.absent == Some(at) {
                member.human = Some(HumanSeat {
                    identity: None,
                    deadline_s: 5,
                });
            }
        }
    })
}

/// Goes on until the debate is over; panics when it hangs. Returns the numbers of the last events of its steps.
pub(super) fn play(world: &mut World, dice: &mut Dice, trouble: Trouble) -> Vec<usize> {
    let mut ends = vec![world.log.len()];
    let mut calls = 0;
    for _ in 0..PATIENCE {
        if world.state.status().is_over() {
            return ends;
        }
        let waits = dice.throw(world.calls.len() + usize::from(!world.timers.is_empty()));
        if waits < world.calls.len() {
            let call = world.calls.remove(waits);
            calls += 1;
            let outcome = outcome_of(&world.state, &call, calls, trouble, dice);
            world.finish(call, outcome);
        } else {
            assert!(!world.timers.is_empty(), "it hangs: {:?}", world.log.last());
            let timer = world.timers.remove(0);
            world.step(Input::Timer(timer));
        }
        ends.push(world.log.len());
    }
    panic!(
        "it hangs after {} events: {:?}",
        world.log.len(),
        world.log.last()
    );
}

fn outcome_of(
    state: &State,
    call: &CallPlan,
    calls: usize,
    trouble: Trouble,
    dice: &mut Dice,
) -> CallOutcome {
    let index = state
        .turns()
        .iter()
        .position(|turn| turn.id == call.turn)
        .unwrap();
    let turn = &state.turns()[index];
    let is_dead = trouble
        .dies
        .is_some_and(|(member, from)| turn.member == member && calls > from && !turn.stand_in);
    if is_dead {
        let codes = [
            "model_not_found",
            "overloaded",
            "stream_interrupted",
            "timeout",
        ];
        return CallOutcome::Failed {
            code: codes[dice.throw(codes.len())].into(),
            message: "it is dead".into(),
            usage: Usage::default(),
            cost_nanousd: Some(NanoUsd(0)),
        };
    }
    let contract = state.contract_of(turn);
    let choices = view::choices(state, turn);
    // One answer in eight is in no form at all, and one in sixteen is empty.
    match dice.throw(16) {
        0 => answered(""),
        1 | 2 => answered("I would rather not say."),
        _ => answered(&sample(&contract, &choices, dice)),
    }
}

/// An answer that a contract takes.
pub(super) fn sample(contract: &Contract, choices: &[String], dice: &mut Dice) -> String {
    if contract.kind == ContractKind::Text {
        return format!("It rose, says number {}.", dice.throw(9));
    }
    let mut fields = Map::new();
    for field in &contract.fields {
        fields.insert(field.name.clone(), value(&field.kind, choices, dice));
    }
    Value::Object(fields).to_string()
}

fn value(kind: &FieldKind, choices: &[String], dice: &mut Dice) -> Value {
    match kind {
        FieldKind::Text => json!(["42", "41", "Paris?"][dice.throw(3)]),
        FieldKind::Bool => json!(dice.throw(4) == 0),
        FieldKind::Number { min, max } => json!(min + (max - min) * dice.throw(5) as f64 / 4.0),
        FieldKind::OneOf(words) => json!(words[dice.throw(words.len())]),
        FieldKind::Choice => choices
            .get(dice.throw(choices.len()))
            .map_or(Value::Null, |choice| json!(choice)),
        FieldKind::Ranking => {
            let mut order = choices.to_vec();
            plan::shuffle(dice.throw(1_000) as u64, "rank", &mut order);
            json!(order)
        }
        FieldKind::Several => json!(choices.iter().take(1).collect::<Vec<_>>()),
        FieldKind::Points(sum) => {
            let given = choices.iter().enumerate();
            let given =
                given.map(|(at, choice)| (choice.clone(), json!(if at == 0 { *sum } else { 0 })));
            Value::Object(given.collect())
        }
        FieldKind::Scores { keys, min, max } => {
            let middle = ((min + max) / 2.0).floor();
            Value::Object(
                keys.iter()
                    .map(|key| (key.clone(), json!(middle)))
                    .collect(),
            )
        }
    }
}

/// What every debate that is over must be: all turns closed, none twice, the log replays to the same end.
pub(super) fn check_end(world: &World) {
    assert!(world.state.status().is_over());
    let ending = world.ending();
    let labelled = ending.outcome == Outcome::Complete
        || !ending.degraded.is_empty()
        || ending.reason.is_some();
    assert!(labelled, "{ending:?}");
    for turn in world.state.turns() {
        let open = matches!(turn.standing, TurnStanding::Open | TurnStanding::Held);
        assert!(!open, "{} is open", turn.id);
        let of_turn = |event: &&Envelope| event.turn.as_ref() == Some(&turn.id);
        let closes = |event: &&Envelope| {
            matches!(
                event.body,
                EventBody::TurnCompleted(_) | EventBody::TurnFailed(_)
            )
        };
        let closed = world.log.iter().filter(of_turn).filter(closes).count();
        assert_eq!(closed, 1, "{} is closed once", turn.id);
    }
}
