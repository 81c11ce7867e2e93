//! Checks that a log is what its inputs lead to, and says where it is not. Pure.

use serde::Serialize;
use serde_json::Value;

use super::state::Requests;
use super::state::State;
use super::state::input_of;
use crate::events::Draft;
use crate::events::Envelope;
use crate::events::EventBody;

/// What came of feeding a log's inputs again.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Replayed {
    /// Every derived event is the one that was stored.
    Identical {
        /// Events, inputs included.
        events: u64,
    },
    /// The log is not what its inputs lead to: another version wrote it, or somebody changed it.
    Diverged(Box<Divergence>),
}

/// The first event that is not what the inputs before it lead to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Divergence {
    /// The number of the event.
    pub seq: u64,
    /// In which phase it stands, or should stand.
    pub phase: Option<String>,
    /// Which turn it is about.
    pub turn: Option<String>,
    /// What the inputs lead to, as `type` and `data`; `None` when to nothing.
    pub expected: Option<Value>,
    /// What the log has; `None` when it has nothing.
    pub found: Option<Value>,
    /// The paths within the data that differ, where both are of one type: `panel[0].choice`.
    pub differing: Vec<String>,
}

/// Feeds the inputs of a log, and compares what they lead to with its other events, times apart.
pub fn replay(log: &[Envelope]) -> Replayed {
    match walk(log) {
        Ok(events) => Replayed::Identical { events },
        Err(divergence) => Replayed::Diverged(divergence),
    }
}

fn walk(log: &[Envelope]) -> Result<u64, Box<Divergence>> {
    let first = log.first();
    let Some((first, EventBody::Created(created))) = first.map(|it| (it, &it.body)) else {
        return Err(diverged(1, None, first));
    };
    let (mut state, opening) = State::create((**created).clone());
    let mut requests = Requests::default();
    let mut expected = vec![opening].into_iter();
    for (seq, envelope) in (1..).zip(log) {
        let mut next = expected.next();
        if next.is_none() {
            let input = input_of(envelope).ok_or_else(|| diverged(seq, None, Some(envelope)))?;
            expected = requests.step(&mut state, input).events.into_iter();
            next = expected.next();
        }
        let is_same = envelope.seq == seq
            && envelope.debate == first.debate
            && next.as_ref().is_some_and(|draft| is_same(draft, envelope));
        if !is_same {
            return Err(diverged(seq, next.as_ref(), Some(envelope)));
        }
    }
    let behind = log.len() as u64;
    match expected.next() {
        Some(missing) => Err(diverged(behind + 1, Some(&missing), None)),
        None => Ok(behind),
    }
}

fn is_same(draft: &Draft, envelope: &Envelope) -> bool {
    draft.body == envelope.body
        && draft.turn == envelope.turn
        && draft.phase == envelope.phase
        && draft.round == envelope.round
}

fn diverged(seq: u64, expected: Option<&Draft>, found: Option<&Envelope>) -> Box<Divergence> {
    let json = |body: &EventBody| serde_json::to_value(body).unwrap_or_default();
    let phase = expected.and_then(|it| it.phase.clone());
    let turn = expected.and_then(|it| it.turn.clone());
    let expected = expected.map(|it| json(&it.body));
    let stored = found.map(|it| json(&it.body));
    let mut differing = Vec::new();
    if let (Some(a), Some(b)) = (&expected, &stored)
        && a["type"] == b["type"]
    {
        compare("", &a["data"], &b["data"], &mut differing);
    }
    Box::new(Divergence {
        seq,
        phase: phase.or_else(|| found?.phase.clone()),
        turn: turn
            .or_else(|| found?.turn.clone())
            .map(|it| it.to_string()),
        expected,
        found: stored,
        differing,
    })
}

/// Differing paths that are told.
const MAX_PATHS: usize = 20;

fn compare(path: &str, a: &Value, b: &Value, out: &mut Vec<String>) {
    if a == b || out.len() >= MAX_PATHS {
        return;
    }
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            let missing = right.keys().filter(|key| !left.contains_key(*key));
            for key in left.keys().chain(missing) {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                compare(&path, &a[key.as_str()], &b[key.as_str()], out);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (a, b)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}[{at}]"), a, b, out);
            }
        }
        _ => out.push(path.to_owned()),
    }
}
