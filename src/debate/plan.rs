//! What one call asks, and what it may use at most. Pure: the same state gives the same request, to the byte.

use std::ops::Add;
use std::time::Duration;

use super::contract;
use super::state::State;
use super::view;
use crate::events::Purpose;
use crate::types::Chat;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::ResponseFormat;
use crate::types::Sampling;
use crate::types::TurnId;
use crate::types::Usage;
use crate::types::debate::Contract;
use crate::types::debate::Extract;
use crate::types::usage::estimate_tokens;

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
    let spec = state.spec();
    let member = &spec.cast[turn.member];
    let phase = spec
        .format
        .phase(&turn.phase)
        .expect("the loader resolved every phase");
    let contract = state.contract_of(turn);
    let choices = view::choices(state, turn);
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
        format: response_format(&phase.contract, &contract, &choices),
        ..Chat::default()
    };
    let prompt_tokens: u64 = chat
        .messages
        .iter()
        .map(|message| 4 + estimate_tokens(&message.joined_text()))
        .sum();
    let most = Usage {
        input: prompt_tokens,
        output: u64::from(max_tokens),
        ..Usage::default()
    };
    CallPlan {
        turn: turn.id.clone(),
        attempt: turn.attempt,
        purpose: turn.purpose,
        model: turn.model.clone(),
        request_hash: request_hash(&turn.model, &chat),
        chat,
        endpoint: member
            .endpoint
            .clone()
            .filter(|_| turn.model == member.model),
        timeout: phase
            .timeout_s
            .map(|seconds| Duration::from_secs(u64::from(seconds))),
        reservation: Reservation {
            calls: 1,
            tokens: most.total_tokens(),
            cost_nanousd: member.prices.map_or(0, |prices| prices.cost(&most).0),
        },
        left_out: rendered.left_out,
        overflow: rendered.overflow,
    }
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
