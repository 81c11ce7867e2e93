//! What one call asks, and what it may use at most. Pure: the same state gives the same request, to the byte.

use std::ops::Add;
use std::time::Duration;

use super::contract;
use super::state::State;
use super::state::TurnRecord;
use super::view;
use crate::events::Purpose;
use crate::types::Chat;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::ResponseFormat;
use crate::types::Sampling;
use crate::types::TurnId;
use crate::types::Usage;
use crate::types::debate::Contract;
use crate::types::debate::Extract;
use crate::types::debate::Extractor;
use crate::types::debate::Order;
use crate::types::debate::Spec;
use crate::types::usage::estimate_tokens;

/// Tokens of the engine's own words around an answer that another model is asked to read.
pub(super) const EXTRACT_FRAME_TOKENS: u64 = 200;

/// One call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct CallPlan {
    /// The turn that it writes.
    pub turn: TurnId,
    /// Which call of the turn, counted from 0.
    pub attempt: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// Who is asked.
    pub model: ModelName,
    /// What is asked.
    pub chat: Chat,
    /// How many bytes at the beginning of the first question are the same in every request to this agent; 0 where it
    /// is asked once, so that nothing is worth being kept for the next request.
    pub steady_bytes: usize,
    /// Another address or credential than the provider's own.
    pub endpoint: Option<Endpoint>,
    /// How long the answer may take.
    pub timeout: Option<Duration>,
    /// Hash of model and chat.
    pub request_hash: String,
    /// What it may use at most.
    pub reservation: Reservation,
    /// What was left out of the request to fit the model's window, one line each.
    pub left_out: Vec<String>,
    /// Set when the request does not fit the window even so: it must not be made, and the turn fails with the
    /// reason `context_overflow`.
    pub overflow: Option<String>,
}

/// What a call may use at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reservation {
    /// Calls.
    pub calls: u64,
    /// Tokens of prompt and answer.
    pub tokens: u64,
    /// Money; a price that is not known counts as nothing.
    pub cost_nanousd: u64,
}

impl Reservation {
    /// What of it is not covered by another.
    pub(super) fn beyond(&self, other: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            tokens: self.tokens.saturating_sub(other.tokens),
            cost_nanousd: self.cost_nanousd.saturating_sub(other.cost_nanousd),
        }
    }

    /// The larger of two, figure by figure.
    pub(super) fn or_more(&self, other: &Self) -> Self {
        Self {
            calls: self.calls.max(other.calls),
            tokens: self.tokens.max(other.tokens),
            cost_nanousd: self.cost_nanousd.max(other.cost_nanousd),
        }
    }
}

impl Add for Reservation {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            tokens: self.tokens + other.tokens,
            cost_nanousd: self.cost_nanousd.saturating_add(other.cost_nanousd),
        }
    }
}

/// Plans the present call of an open turn.
pub(super) fn call(state: &State, index: usize) -> CallPlan {
    let turn = &state.turns()[index];
    let asked = match (turn.purpose, &turn.unreadable, &state.spec().extractor) {
        (Purpose::Extract, Some(_), Some(extractor)) => Asked::extraction(state, turn, extractor),
        (Purpose::Extract | Purpose::Turn | Purpose::Repair, _, _) => Asked::speaker(state, turn),
    };
    let phase = state.spec().format.phase(&turn.phase);
    let timeout = phase.and_then(|phase| phase.timeout_s);
    CallPlan {
        turn: turn.id.clone(),
        attempt: turn.attempt,
        purpose: turn.purpose,
        request_hash: request_hash(&asked.model, &asked.chat),
        reservation: asked.reservation(),
        model: asked.model,
        chat: asked.chat,
        steady_bytes: asked.steady_bytes,
        endpoint: asked.endpoint,
        timeout: timeout.map(|seconds| Duration::from_secs(u64::from(seconds))),
        left_out: asked.left_out,
        overflow: asked.overflow,
    }
}

/// What the first call of a turn would use at most, before anything has to be mended.
pub(super) fn first_call(state: &State, turn: &TurnRecord) -> Reservation {
    match turn.purpose {
        Purpose::Turn => Asked::speaker(state, turn).reservation(),
        Purpose::Repair | Purpose::Extract => {
            let mut first = turn.clone();
            first.purpose = Purpose::Turn;
            first.unreadable = None;
            Asked::speaker(state, &first).reservation()
        }
    }
}

/// Who is asked what.
struct Asked {
    model: ModelName,
    chat: Chat,
    steady_bytes: usize,
    endpoint: Option<Endpoint>,
    prices: Option<Prices>,
    max_tokens: u32,
    left_out: Vec<String>,
    overflow: Option<String>,
}

impl Asked {
    /// The speaker of a turn, for its words or for mending them.
    fn speaker(state: &State, turn: &TurnRecord) -> Self {
        let spec = state.spec();
        let member = &spec.cast[turn.member];
        let contract = state.contract_of(turn);
        let name = spec.format.phase(&turn.phase);
        let name = name.map_or(turn.phase.as_str(), |phase| phase.contract.as_str());
        let max_tokens = view::answer_tokens(state, turn);
        let rendered = view::render(state, turn);
        let chat = Chat {
            messages: rendered.messages,
            sampling: Sampling {
                temperature: member.temperature,
                max_output_tokens: Some(max_tokens),
                seed: Some(draw(spec.seed, &[turn.id.as_str(), "seed"]) & 0x7fff_ffff),
                ..Sampling::default()
            },
            format: response_format(name, &contract, &view::choices(state, turn)),
            ..Chat::default()
        };
        Self {
            model: turn.model.clone(),
            chat,
            steady_bytes: if is_asked_again(spec, &member.role) {
                rendered.steady_bytes
            } else {
                0
            },
            endpoint: member
                .endpoint
                .clone()
                .filter(|_| turn.model == member.model),
            prices: state.voice(turn.member).prices,
            max_tokens,
            left_out: rendered.left_out,
            overflow: rendered.overflow,
        }
    }

    /// A cheap model that took no part, for what an answer says that could not be read.
    fn extraction(state: &State, turn: &TurnRecord, extractor: &Extractor) -> Self {
        let max_tokens = view::answer_tokens(state, turn);
        let chat = Chat {
            messages: view::render(state, turn).messages,
            sampling: Sampling {
                temperature: Some(0.0),
                max_output_tokens: Some(max_tokens),
                ..Sampling::default()
            },
            // A forced schema would leave no way to say that the answer decides nothing.
            format: ResponseFormat::Text,
            ..Chat::default()
        };
        Self {
            model: extractor.model.clone(),
            chat,
            steady_bytes: 0,
            endpoint: None,
            prices: extractor.prices,
            max_tokens,
            left_out: Vec::new(),
            overflow: None,
        }
    }

    fn reservation(&self) -> Reservation {
        let prompt = self.chat.messages.iter();
        let prompt = prompt.map(|message| 4 + estimate_tokens(&message.joined_text()));
        let most = Usage {
            input: prompt.sum(),
            output: u64::from(self.max_tokens),
            ..Usage::default()
        };
        Reservation {
            calls: 1,
            tokens: most.total_tokens(),
            cost_nanousd: self.prices.map_or(0, |prices| prices.cost(&most).0),
        }
    }
}

/// `true` when the format asks whoever has this role more than once.
fn is_asked_again(spec: &Spec, role: &str) -> bool {
    let phases = spec.format.phases.iter();
    let asks = phases.filter(|phase| phase.who.iter().any(|who| who == role));
    let turns = asks.map(|phase| {
        let mut hosts = spec.format.phases.iter();
        let host = hosts.find(|host| host.interleave.contains(&phase.id));
        let often = host.map_or(1, |host| host.repeat.max);
        let rounds = phase.repeat.max.saturating_mul(often);
        match (phase.swap, &phase.order) {
            (true, _) | (_, Order::PairQa) => rounds.saturating_mul(2),
            (false, _) => rounds,
        }
    });
    turns.fold(0, u32::saturating_add) > 1
}

fn response_format(name: &str, contract: &Contract, choices: &[String]) -> ResponseFormat {
    match contract::schema(contract, choices) {
        Some(schema) if contract.extract.contains(&Extract::Schema) => ResponseFormat::JsonSchema {
            name: name.to_owned(),
            schema,
        },
        Some(_) | None => ResponseFormat::Text,
    }
}

fn request_hash(model: &ModelName, chat: &Chat) -> String {
    let body = serde_json::to_vec(&(model, chat)).unwrap_or_default();
    blake3::hash(&body).to_hex()[..32].to_owned()
}

/// Draws a number from the debate's seed for a purpose; the same purpose always gets the same number.
pub(super) fn draw(seed: u64, purpose: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in purpose {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// Puts items into an order drawn from the debate's seed for a purpose.
pub(super) fn shuffle<T>(seed: u64, purpose: &str, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let at = draw(seed, &[purpose, &last.to_string()]) % (last as u64 + 1);
        items.swap(last, at as usize);
    }
}
