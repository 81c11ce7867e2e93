//! The report of one model call, for logs, figures, usage rows and traces.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::types::DebateId;
use crate::types::Deployment;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::Span;
use crate::types::TurnId;
use crate::types::Usage;

/// What one call took and used, retries included.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// Who was asked.
    pub model: ModelName,
    /// The model that says it has answered, by its provider's name for it; `None` when no answer says so.
    pub response_model: Option<String>,
    /// Which implementation called: `unified`, `legacy`, `demo`, or `none`.
    pub path: &'static str,
    /// The debate that it belongs to.
    pub debate: Option<DebateId>,
    /// The turn that it writes.
    pub turn: Option<TurnId>,
    /// The name that was asked for, where it is a group of the model list.
    pub group: Option<Arc<str>>,
    /// The entry of the model list that answered, or was asked last.
    pub deployment: Option<Arc<Deployment>>,
    /// The caller's id of the call, as its answer's headers tell it.
    pub call_id: Option<Arc<str>>,
    /// Who asked, when the caller is known.
    pub principal: Option<Arc<str>>,
    /// The labels of the call.
    pub tags: Vec<String>,
    /// `true` when the answer was wanted in pieces.
    pub stream: bool,
    /// Other groups that were asked instead.
    pub fallbacks: u32,
    /// Calls made upstream.
    pub attempts: u32,
    /// The attempts that failed before an answer began, in order.
    pub tried: Vec<FailedAttempt>,
    /// When it ended, in milliseconds since the Unix epoch.
    pub ended_at_ms: u64,
    /// Time until the first token; `None` when there was none.
    pub ttft: Option<Duration>,
    /// Time in all.
    pub total: Duration,
    /// Time spent waiting for the upstream.
    pub upstream_wait: Duration,
    /// Time spent resting between attempts.
    pub retry_wait: Duration,
    /// Time spent in line before a local server.
    pub queue_wait: Duration,
    /// Time in which the reader of the stream did not ask for more.
    pub reader_wait: Duration,
    /// Parameters of the request that the last attempt could not carry.
    pub dropped: Vec<String>,
    /// Tokens.
    pub usage: Usage,
    /// Money; `None` when the price is not known.
    pub cost: Option<NanoUsd>,
    /// What the provider says is left of its limits.
    pub remaining: Remaining,
    /// The class of the failure; `None` when it went well.
    pub error: Option<&'static str>,
    /// The upstream's status, when it failed with one.
    pub status: Option<u16>,
    /// What happened, when it did not go well.
    pub error_message: Option<String>,
    /// Its place in a trace, when somebody asked for one.
    pub span: Option<Span>,
    /// What was asked and answered; `None` unless the operator wants that recorded.
    pub content: Option<Arc<CallContent>>,
}

/// An attempt that failed before an answer began.
#[derive(Debug, Clone)]
pub struct FailedAttempt {
    /// Who was asked.
    pub model: ModelName,
    /// The group that it was asked for, where it is one of the model list.
    pub group: Option<Arc<str>>,
    /// The entry of the model list.
    pub deployment: Option<Arc<Deployment>>,
    /// From the call's start to the attempt's end.
    pub ended: Duration,
    /// Time of the attempt itself.
    pub took: Duration,
    /// The class of the failure.
    pub error: &'static str,
    /// The upstream's status, when there was one.
    pub status: Option<u16>,
}

/// What a provider says is left of its limits for the current minute or so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Calls.
    pub requests: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
}

/// Longest question or answer that is kept of one call.
const MAX_CONTENT_BYTES: usize = 256 << 10;

/// What was asked and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallContent {
    /// What was asked: JSON, in the caller's dialect or as Agon's own chat; cut to a bound.
    pub input: Bytes,
    /// Its length before it was cut.
    pub input_bytes: usize,
    /// The text of the answer; cut to a bound.
    pub output: String,
    /// Its length before it was cut.
    pub output_bytes: usize,
}

impl CallContent {
    /// Begins with what was asked.
    pub fn of(input: Bytes) -> Self {
        let input_bytes = input.len();
        let input = match input_bytes > MAX_CONTENT_BYTES {
            // A slice would keep the whole body alive.
            true => Bytes::copy_from_slice(&input[..MAX_CONTENT_BYTES]),
            false => input,
        };
        Self {
            input,
            input_bytes,
            ..Self::default()
        }
    }

    /// Adds to the answer.
    pub fn push(&mut self, text: &str) {
        self.output_bytes += text.len();
        let room = MAX_CONTENT_BYTES.saturating_sub(self.output.len());
        self.output
            .push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// What it holds in memory.
    pub fn held_bytes(&self) -> usize {
        self.input.len() + self.output.len()
    }
}

impl CallRecord {
    /// The record of a call that has just begun.
    pub fn new(model: ModelName) -> Self {
        Self {
            model,
            response_model: None,
            path: "none",
            debate: None,
            turn: None,
            group: None,
            deployment: None,
            call_id: None,
            principal: None,
            tags: Vec::new(),
            stream: false,
            fallbacks: 0,
            attempts: 0,
            tried: Vec::new(),
            ended_at_ms: 0,
            ttft: None,
            total: Duration::ZERO,
            upstream_wait: Duration::ZERO,
            retry_wait: Duration::ZERO,
            queue_wait: Duration::ZERO,
            reader_wait: Duration::ZERO,
            dropped: Vec::new(),
            usage: Usage::default(),
            cost: None,
            remaining: Remaining::default(),
            error: None,
            status: None,
            error_message: None,
            span: None,
            content: None,
        }
    }

    /// What Agon itself added: the total without all waiting.
    pub fn overhead(&self) -> Duration {
        self.total
            .saturating_sub(self.upstream_wait)
            .saturating_sub(self.retry_wait)
            .saturating_sub(self.queue_wait)
            .saturating_sub(self.reader_wait)
    }

    /// When it began, in milliseconds since the Unix epoch.
    pub fn started_at_ms(&self) -> u64 {
        let total_ms = u64::try_from(self.total.as_millis()).unwrap_or(u64::MAX);
        self.ended_at_ms.saturating_sub(total_ms)
    }

    /// The name that was asked for: the group's, or the model's own.
    pub fn asked_for(&self) -> &str {
        self.group.as_deref().unwrap_or(self.model.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_cut_to_a_bound_and_its_length_is_not() {
        let mut content = CallContent::of(Bytes::from(vec![b'x'; MAX_CONTENT_BYTES + 7]));
        let long = "é".repeat(MAX_CONTENT_BYTES / 2 - 1);
        content.push(&long);
        content.push("aéé");
        assert_eq!(content.input_bytes, MAX_CONTENT_BYTES + 7);
        assert_eq!(content.output_bytes, MAX_CONTENT_BYTES + 3);
        // The last letter of two bytes would have been cut in half.
        assert_eq!(content.held_bytes(), 2 * MAX_CONTENT_BYTES - 1);
    }
}
