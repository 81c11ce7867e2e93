//! Two debates side by side: what they share, where they part, and how each ended. Pure.

use serde::Serialize;
use serde_json::Value;

use crate::events::Created;
use crate::events::Ending;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::types::NanoUsd;
use crate::types::debate::Parent;
use crate::types::debate::Verdict;

/// Two debates side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Events that both begin with, times, titles and parents apart; 0 when they share nothing.
    pub shared_events: u64,
    /// The first turn that is not the same in both; `None` when every turn of both is.
    pub first_difference: Option<Difference>,
    /// The one.
    pub a: Side,
    /// The other.
    pub b: Side,
}

/// Where two debates part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Which turn, counted from 0 over the turns that were spoken.
    pub at: usize,
    /// In the one; `None` when it has no such turn.
    pub a: Option<Said>,
    /// In the other.
    pub b: Option<Said>,
}

/// One spoken turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// The event that holds it.
    pub seq: u64,
    /// Its phase.
    pub phase: String,
    /// The repetition of the phase, counted from 0.
    pub round: u32,
    /// Who.
    pub agent: String,
    /// Through which model.
    pub model: String,
    /// The words.
    pub text: String,
    /// What was read out of them.
    pub parsed: Option<Value>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Its id.
    pub debate: String,
    /// Its short name.
    pub title: String,
    /// Its format's id.
    pub format: String,
    /// Where it was forked from.
    pub parent: Option<Parent>,
    /// How it ended; `None` while it goes on.
    pub ending: Option<Ending>,
    /// Its verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// What all of it used so far.
    pub whole: Spent,
    /// What of that it used past the events that both share.
    pub own: Spent,
}

/// What calls used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spent {
    /// Calls.
    pub calls: u64,
    /// Tokens.
    pub tokens: u64,
    /// Money, as far as prices are known.
    pub cost_usd: f64,
    /// `false` when a call's price is not known.
    pub cost_known: bool,
}

/// Compares two logs.
pub fn compare(a: &[Envelope], b: &[Envelope]) -> Comparison {
    let pairs = a.iter().zip(b);
    let shared = pairs.take_while(|(a, b)| is_shared(a, b)).count();
    Comparison {
        shared_events: shared as u64,
        first_difference: difference(a, b),
        a: side(a, shared),
        b: side(b, shared),
    }
}

fn is_shared(a: &Envelope, b: &Envelope) -> bool {
    let same_place = a.phase == b.phase && a.round == b.round && a.turn == b.turn;
    match (&a.body, &b.body) {
        (EventBody::Created(a), EventBody::Created(b)) => *without_name(a) == *without_name(b),
        (a, b) => same_place && a == b,
    }
}

fn without_name(created: &Created) -> Box<Created> {
    let mut created = Box::new(created.clone());
    created.spec.parent = None;
    created.spec.title.clear();
    created
}

fn difference(a: &[Envelope], b: &[Envelope]) -> Option<Difference> {
    let (a, b) = (spoken(a), spoken(b));
    let is_same = |at: usize| match (a.get(at), b.get(at)) {
        (Some(a), Some(b)) => {
            Said {
                seq: 0,
                ..a.clone()
            } == Said {
                seq: 0,
                ..b.clone()
            }
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let at = (0..a.len().max(b.len())).find(|at| !is_same(*at))?;
    Some(Difference {
        at,
        a: a.get(at).cloned(),
        b: b.get(at).cloned(),
    })
}

fn spoken(log: &[Envelope]) -> Vec<Said> {
    let said = |event: &Envelope| {
        let EventBody::TurnCompleted(completed) = &event.body else {
            return None;
        };
        Some(Said {
            seq: event.seq,
            phase: event.phase.clone().unwrap_or_default(),
            round: event.round.unwrap_or_default(),
            agent: completed.agent.clone(),
            model: completed.model.to_string(),
            text: completed.text.clone(),
            parsed: completed.parsed.clone(),
        })
    };
    log.iter().filter_map(said).collect()
}

fn side(log: &[Envelope], shared: usize) -> Side {
    let mut side = Side {
        debate: log
            .first()
            .map(|it| it.debate.to_string())
            .unwrap_or_default(),
        title: String::new(),
        format: String::new(),
        parent: None,
        ending: None,
        verdict: None,
        whole: spent(log),
        own: spent(&log[shared..]),
    };
    for event in log {
        match &event.body {
            EventBody::Created(created) => {
                side.title.clone_from(&created.spec.title);
                side.format.clone_from(&created.spec.format.id);
                side.parent.clone_from(&created.spec.parent);
            }
            EventBody::VerdictFinal(verdict) => side.verdict = Some((**verdict).clone()),
            EventBody::Finished(ending)
            | EventBody::Cancelled(ending)
            | EventBody::Failed(ending) => side.ending = Some((**ending).clone()),
            _ => {}
        }
    }
    side
}

fn spent(log: &[Envelope]) -> Spent {
    let mut spent = Spent {
        cost_known: true,
        ..Spent::default()
    };
    let mut cost = NanoUsd(0);
    for event in log {
        let EventBody::CallFinished(finished) = &event.body else {
            continue;
        };
        let (usage, price) = finished.outcome.used();
        spent.calls += 1;
        spent.tokens += usage.total_tokens();
        spent.cost_known &= price.is_some();
        cost = NanoUsd(cost.0.saturating_add(price.unwrap_or(NanoUsd(0)).0));
    }
    spent.cost_usd = cost.as_usd();
    spent
}
