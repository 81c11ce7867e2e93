//! A call whose reply has begun.

use std::sync::Arc;

use bytes::Bytes;

use super::failure::Callee;
use super::prepared::Spoken;
use super::reply::Reply;
use super::reply::header_text;
use super::transport::Outgoing;
use super::waits::Waits;
use crate::client::LlmError;
use crate::types::ChatResponse;
use crate::types::Secret;
use crate::types::usage::estimate_tokens;
use crate::wire;
use crate::wire::WireError;

/// Bytes of JSON to a token of an answer, at a guess.
const BYTES_PER_TOKEN: u64 = 4;

/// A call whose reply has begun.
pub(super) struct Opened {
    pub(super) reply: Reply,
    pub(super) spoken: Spoken,
    pub(super) callee: Arc<Callee>,
    pub(super) waits: Waits,
    /// What has to be hidden in the provider's words.
    pub(super) hidden: Option<Secret>,
    /// What was sent, credential included, where the answer takes more calls.
    pub(super) asked: Option<Outgoing>,
    /// `true` when what was sent is the caller's own, so that the answer may be the upstream's own.
    pub(super) passed: bool,
}

impl Opened {
    /// A header of the reply, by its lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        header_text(&self.reply.headers, name)
    }

    /// The error of a reply that its wire cannot read.
    pub(super) fn undecodable(&self, error: WireError) -> LlmError {
        self.callee.undecodable(error)
    }

    /// Reads the whole body.
    pub(super) async fn read(&mut self) -> Result<Bytes, LlmError> {
        let read = self.reply.body.read(&self.waits).await;
        let bytes = self.reply.body.received();
        read.map_err(|failure| match bytes {
            0 => self.callee.before_answer(failure),
            bytes => self.callee.within_answer(failure, bytes),
        })
    }

    /// Reads what a whole answer tells that is passed on as it came.
    pub(super) fn passed(
        &self,
        body: &Bytes,
        prompt_tokens: u64,
    ) -> Result<ChatResponse, LlmError> {
        let read = wire::verbatim::read_whole(self.spoken.wire, body, &self.spoken.quirks);
        let mut response = read.map_err(|error| self.callee.undecodable(error))?;
        if response.usage.total_tokens() == 0 {
            response.usage.input = prompt_tokens;
            response.usage.output = body.len() as u64 / BYTES_PER_TOKEN;
            response.usage.estimated = true;
        }
        Ok(response)
    }

    /// Reads a whole answer, with an estimate of the usage where it tells none.
    pub(super) fn whole(&self, body: &Bytes, prompt_tokens: u64) -> Result<ChatResponse, LlmError> {
        let mut response = wire::decode_response(self.spoken.wire, body, &self.spoken.quirks)
            .map_err(|error| self.callee.undecodable(error))?;
        if response.usage.total_tokens() == 0 {
            response.usage.input = prompt_tokens;
            response.usage.output = estimate_tokens(&response.text);
            response.usage.reasoning = estimate_tokens(&response.reasoning_text());
            response.usage.estimated = true;
        }
        Ok(response)
    }
}
