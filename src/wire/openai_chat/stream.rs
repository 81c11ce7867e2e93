//! Reading an answer: a stream, or a whole one, which is a stream of one chunk.

use serde_json::Value;

use super::pieces::beside;
use super::pieces::finish;
use super::pieces::first_choice;
use super::pieces::logprobs;
use super::pieces::tool_calls;
use super::pieces::words;
use super::usage::usage_of;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::ResponseBuilder;
use crate::types::ToolCallDelta;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::json_answer;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What a stream has told so far.
#[derive(Debug)]
pub(in crate::wire) struct Stream {
    quirks: Quirks,
    finished: bool,
    /// How many chunks were read.
    chunks: usize,
    /// The tool calls begun so far, in their order.
    calls: Vec<Begun>,
    /// The index of the forced call that stands for a JSON answer.
    answer_call: Option<usize>,
    /// The call that has begun last, as long as its arguments have not: its name may go on in the next piece.
    naming: Option<ToolCallDelta>,
}

/// How the provider calls a tool call: by an index, an id, both or neither.
#[derive(Debug)]
struct Begun {
    told: Option<usize>,
    id: String,
    /// The chunk that began it.
    chunk: usize,
}

impl Stream {
    pub(in crate::wire) fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            finished: false,
            calls: Vec::new(),
            chunks: 0,
            answer_call: None,
            naming: None,
        }
    }
}

impl Dialect for Stream {
    /// A stream is complete with its finish reason: one server ends a stream that it gives up with a plain
    /// `[DONE]` (llama-cpp-python 0.3), and others never send one.
    fn is_complete(&self) -> bool {
        self.finished
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let value = lenient::parse(body)?;
        fail_on_error(&value, None)?;
        if first_choice(&value).is_none() {
            return Err(WireError::Malformed("it has no choices".to_owned()));
        }
        let mut builder = ResponseBuilder::default();
        builder.push(&self.chunk(&value, "message")?);
        chunks.extend(builder.finish().into_chunks());
        Ok(())
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let value = lenient::parse(data.as_bytes())?;
        fail_on_error(&value, event.name.as_deref())?;
        if !value.is_object() {
            return Err(WireError::Malformed(format!(
                "an event that is no object: {data:.80}"
            )));
        }
        chunks.push(self.chunk(&value, "delta")?);
        Ok(())
    }
}

/// Fails on an error where an answer was promised.
fn fail_on_error(value: &Value, event: Option<&str>) -> Result<(), WireError> {
    let failed = value.get("error").is_some_and(|error| !error.is_null());
    // Cloudflare's own form, and vLLM's before 0.10.
    let flat = value.get("success") == Some(&Value::Bool(false))
        || value.get("object").and_then(Value::as_str) == Some("error");
    match failed || flat || event == Some("error") {
        true => Err(failure::in_success(value)),
        false => Ok(()),
    }
}

/// A call's beginning with the next piece of it. OpenAI's own SDKs join names that come in pieces (openai-python 2,
/// `accumulate_delta`, read 2026-11); a server that repeats the whole name in each piece means no longer one.
fn joined(begun: ToolCallDelta, piece: ToolCallDelta) -> ToolCallDelta {
    let name = match (begun.name, piece.name) {
        (Some(name), Some(more)) if name != more => Some(name + &more),
        (name, more) => name.or(more),
    };
    ToolCallDelta {
        index: begun.index,
        id: begun.id.or(piece.id),
        name,
        arguments: begun.arguments + &piece.arguments,
        signature: begun.signature.or(piece.signature),
    }
}

impl Stream {
    /// Reads one chunk. What is new stands in `delta`, or in `message` where a provider answers with all at once;
    /// Perplexity sends both, and then the other one is cumulative.
    fn chunk(&mut self, value: &Value, place: &str) -> Result<ChatChunk, WireError> {
        let mut chunk = ChatChunk {
            // Azure's first chunk has no choices and an empty id and model.
            id: lenient::text(value, "id"),
            model: lenient::text(value, "model"),
            usage: usage_of(value, &self.quirks),
            unknown: beside(value),
            ..ChatChunk::default()
        };
        let Some(choice) = first_choice(value) else {
            return Ok(chunk);
        };
        let null = Value::Null;
        let other = if place == "delta" { "message" } else { "delta" };
        let piece = [place, other]
            .into_iter()
            .find_map(|key| choice.get(key).filter(|piece| piece.is_object()))
            .unwrap_or(&null);
        self.chunks += 1;
        let said = words(piece);
        chunk.unknown.extend(said.unknown);
        chunk.delta = Delta {
            text: said.text,
            refusal: lenient::text(piece, "refusal").unwrap_or_default(),
            reasoning: said.reasoning,
            seal: said.seal,
            logprobs: logprobs(choice),
            tool_calls: Vec::new(),
        };
        let mut calls = tool_calls(piece);
        // Llamafile and old Moonshot streams put whole calls beside the delta.
        if calls.is_empty() {
            calls = tool_calls(choice);
        }
        for (index, call) in calls {
            self.add_call(index, call, &mut chunk.delta);
        }
        let (meant, word) = finish(choice, &self.quirks)?;
        if (meant.is_some() || place == "message")
            && let Some(call) = self.naming.take()
        {
            self.tell(call, &mut chunk.delta);
        }
        chunk.finish = self.ending(meant);
        chunk.native_finish = word;
        self.finished |= chunk.finish.is_some();
        Ok(chunk)
    }

    fn add_call(&mut self, told: Option<usize>, mut call: ToolCallDelta, delta: &mut Delta) {
        let known = self.place(told, &call);
        call.index = known.unwrap_or(self.calls.len());
        if known.is_none() {
            self.calls.push(Begun {
                told,
                id: call.id.clone().unwrap_or_default(),
                chunk: self.chunks,
            });
        }
        match self.naming.take() {
            Some(begun) if begun.index == call.index => call = joined(begun, call),
            Some(begun) => self.tell(begun, delta),
            None => {}
        }
        match call.name.is_some() && call.arguments.is_empty() && !self.finished {
            true => self.naming = Some(call),
            false => self.tell(call, delta),
        }
    }

    /// Hands a piece on, now that its name is whole: the other dialects tell a name once, at a call's beginning.
    fn tell(&mut self, call: ToolCallDelta, delta: &mut Delta) {
        if call.name.as_deref() == Some(json_answer::ANSWER_TOOL) {
            self.answer_call = Some(call.index);
        }
        match self.answer_call == Some(call.index) {
            true => delta.text.push_str(&call.arguments),
            false => delta.tool_calls.push(call),
        }
    }

    /// Where the call stands that a piece goes on with; `None` for a piece that begins one. A piece with a name may
    /// begin another call under an index that is taken (Ollama and Google's compatible endpoint number all with 0),
    /// and numbers need not begin at 0.
    fn place(&self, told: Option<usize>, call: &ToolCallDelta) -> Option<usize> {
        let named = call.name.is_some();
        match (told, &call.id) {
            (Some(_), id) => {
                let at = self.calls.iter().rposition(|known| known.told == told)?;
                let known = &self.calls[at];
                let another =
                    named && !known.id.is_empty() && id.as_ref().is_some_and(|id| *id != known.id);
                (!another).then_some(at)
            }
            (None, Some(id)) => {
                let at = self.calls.iter().position(|known| known.id == *id)?;
                (!named || self.calls[at].chunk != self.chunks).then_some(at)
            }
            (None, None) => {
                let last = self.calls.last()?;
                (!named || last.chunk != self.chunks).then(|| self.calls.len() - 1)
            }
        }
    }

    /// A JSON answer by forced call ends as an answer does.
    fn ending(&self, meant: Option<FinishReason>) -> Option<FinishReason> {
        match meant {
            Some(FinishReason::ToolCalls)
                if self.answer_call.is_some() && self.calls.len() == 1 =>
            {
                Some(FinishReason::Stop)
            }
            other => other,
        }
    }
}
