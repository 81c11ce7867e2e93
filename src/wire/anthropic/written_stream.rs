//! Writing a stream for a client.

use serde_json::Value;
use serde_json::json;

use super::failed::error_body;
use super::written::redacted;
use super::written::stop_reason;
use super::written::usage;
use crate::client::LlmError;
use crate::types::ChatChunk;
use crate::types::FinishReason;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::Usage;
use crate::wire::serve::AnswerHead;
use crate::wire::serve::StreamEncoder;
use crate::wire::waiting_calls::WaitingCalls;

/// Writes the events of one message: its blocks one after the other, each begun and ended.
#[derive(Debug)]
pub(in crate::wire) struct Encoder {
    head: AnswerHead,
    started: bool,
    open: Open,
    /// Blocks begun so far.
    blocks: usize,
    /// Calls that wait until the open one has ended: providers may mix their pieces, this wire does not.
    waiting: WaitingCalls,
    /// Calls that were written, which take no more pieces.
    ended: Vec<usize>,
    finish: Option<FinishReason>,
    native_finish: String,
    usage: Usage,
}

/// The block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Thinking,
    Text,
    /// The call of this index.
    Call(usize),
}

impl StreamEncoder for Encoder {
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.usage = chunk.usage.unwrap_or(self.usage);
        self.finish = chunk.finish.or(self.finish);
        if let Some(word) = &chunk.native_finish {
            self.native_finish.clone_from(word);
        }
        self.start(out);
        let delta = &chunk.delta;
        if !delta.reasoning.is_empty() {
            self.begin(
                Open::Thinking,
                &json!({"type": "thinking", "thinking": "", "signature": ""}),
                out,
            );
            self.delta(
                &json!({"type": "thinking_delta", "thinking": delta.reasoning}),
                out,
            );
        }
        if let Some(seal) = &delta.seal {
            self.seal(seal, out);
        }
        // A refusal is said in the text here.
        for text in [&delta.text, &delta.refusal] {
            if !text.is_empty() {
                self.begin(Open::Text, &json!({"type": "text", "text": ""}), out);
                self.delta(&json!({"type": "text_delta", "text": text}), out);
            }
        }
        for piece in &delta.tool_calls {
            self.call_piece(piece, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.end_block(out);
        let finish = match self.finish.unwrap_or_default() {
            FinishReason::Stop if !self.ended.is_empty() => FinishReason::ToolCalls,
            other => other,
        };
        let stop_reason = stop_reason(finish, &self.native_finish);
        let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
        let mut usage = usage(&self.usage);
        // The end tells only what there was of a cache, as LiteLLM's bridge has it (1.109, read 2026-11).
        if let Some(counts) = usage.as_object_mut() {
            counts.retain(|name, count| !name.starts_with("cache_") || *count != 0);
        }
        event(
            "message_delta",
            &json!({"type": "message_delta", "delta": delta, "usage": usage}),
            out,
        );
        event("message_stop", &json!({"type": "message_stop"}), out);
    }

    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>) {
        event("error", &error_body(error), out);
    }
}

impl Encoder {
    pub(in crate::wire) fn new(head: AnswerHead) -> Self {
        Self {
            head,
            started: false,
            open: Open::Nothing,
            blocks: 0,
            waiting: WaitingCalls::default(),
            ended: Vec::new(),
            finish: None,
            native_finish: String::new(),
            usage: Usage::default(),
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = json!({
            "id": self.head.id,
            "type": "message",
            "role": "assistant",
            "model": self.head.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": usage(&self.usage),
        });
        event(
            "message_start",
            &json!({"type": "message_start", "message": message}),
            out,
        );
    }

    /// Opens a block, unless it is open; what else is open ends.
    fn begin(&mut self, wanted: Open, block: &Value, out: &mut Vec<u8>) {
        if self.open == wanted {
            return;
        }
        self.end_block(out);
        self.open_block(wanted, block, out);
    }

    fn open_block(&mut self, opened: Open, block: &Value, out: &mut Vec<u8>) {
        let start =
            json!({"type": "content_block_start", "index": self.blocks, "content_block": block});
        event("content_block_start", &start, out);
        self.blocks += 1;
        self.open = opened;
    }

    fn delta(&self, delta: &Value, out: &mut Vec<u8>) {
        let index = self.blocks.saturating_sub(1);
        event(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": index, "delta": delta}),
            out,
        );
    }

    /// Ends the open block; after a call come those that wait.
    fn end_block(&mut self, out: &mut Vec<u8>) {
        self.stop(out);
        for call in self.waiting.take() {
            self.open_call(&call, out);
            self.stop(out);
        }
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return,
            Open::Call(index) => self.ended.push(index),
            Open::Thinking | Open::Text => {}
        }
        let index = self.blocks.saturating_sub(1);
        event(
            "content_block_stop",
            &json!({"type": "content_block_stop", "index": index}),
            out,
        );
    }

    /// A signature ends the thinking that is open, or is a block without words.
    fn seal(&mut self, seal: &Seal, out: &mut Vec<u8>) {
        if let Some(signature) = &seal.signature {
            self.begin(
                Open::Thinking,
                &json!({"type": "thinking", "thinking": "", "signature": ""}),
                out,
            );
            self.delta(
                &json!({"type": "signature_delta", "signature": signature}),
                out,
            );
        }
        if self.open == Open::Thinking {
            self.end_block(out);
        }
        if let Some(sealed) = &seal.encrypted {
            self.begin(Open::Thinking, &redacted(sealed), out);
            self.end_block(out);
        }
    }

    fn call_piece(&mut self, piece: &ToolCallDelta, out: &mut Vec<u8>) {
        if self.ended.contains(&piece.index) {
            return;
        }
        match self.open {
            Open::Call(index) if index == piece.index => self.arguments(&piece.arguments, out),
            Open::Call(_) => self.waiting.add(piece),
            Open::Nothing | Open::Thinking | Open::Text => {
                self.end_block(out);
                self.open_call(piece, out);
            }
        }
    }

    fn open_call(&mut self, call: &ToolCallDelta, out: &mut Vec<u8>) {
        let (id, name) = (
            call.id.as_deref().unwrap_or_default(),
            call.name.as_deref().unwrap_or_default(),
        );
        let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        self.open_block(Open::Call(call.index), &block, out);
        self.arguments(&call.arguments, out);
    }

    fn arguments(&self, piece: &str, out: &mut Vec<u8>) {
        if !piece.is_empty() {
            self.delta(
                &json!({"type": "input_json_delta", "partial_json": piece}),
                out,
            );
        }
    }
}

fn event(name: &str, data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}
