//! Writing a stream for a client.

use serde_json::Value;
use serde_json::json;

use super::failed;
use super::written;
use super::written::State;
use super::written::item_id;
use super::written::response;
use crate::client::LlmError;
use crate::types::ChatChunk;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::Seal;
use crate::types::TokenLogprob;
use crate::types::ToolCallDelta;
use crate::types::Usage;
use crate::wire::serve::AnswerHead;
use crate::wire::serve::StreamEncoder;
use crate::wire::waiting_calls::WaitingCalls;

/// Writes the events of one answer: its items one after the other, each begun and ended.
#[derive(Debug)]
pub(in crate::wire) struct Encoder {
    head: AnswerHead,
    /// The number of the next event.
    sequence: u64,
    open: Open,
    /// The items that have ended, in order.
    output: Vec<Value>,
    /// Calls that wait until the open one has ended: providers may mix their pieces, this wire does not.
    waiting: WaitingCalls,
    /// Calls that were written, which take no more pieces.
    ended_calls: Vec<usize>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

/// The kind of a reasoning item, and which of its parts is written.
const SUMMARY: (&str, (&str, usize)) = ("rs", ("summary_index", 0));

/// The item that is open, with what it has so far.
#[derive(Debug)]
enum Open {
    Nothing,
    Reasoning(String),
    Message(Message),
    Call(ToolCallDelta),
}

/// A message that is open: the parts that have ended, and the one that goes on.
#[derive(Debug)]
struct Message {
    ended: Vec<Value>,
    refuses: bool,
    text: String,
    logprobs: Vec<TokenLogprob>,
}

impl StreamEncoder for Encoder {
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.start(out);
        self.usage = chunk.usage.or(self.usage);
        self.finish = chunk.finish.or(self.finish);
        let delta = &chunk.delta;
        if !delta.reasoning.is_empty() {
            self.think(&delta.reasoning, out);
        }
        if let Some(seal) = &delta.seal {
            self.seal(seal, out);
        }
        if !delta.text.is_empty() || !delta.logprobs.is_empty() {
            self.say(false, &delta.text, &delta.logprobs, out);
        }
        if !delta.refusal.is_empty() {
            self.say(true, &delta.refusal, &[], out);
        }
        for piece in &delta.tool_calls {
            self.call_piece(piece, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.end_item(out);
        let finish = self.finish.unwrap_or_default();
        let answer = response(
            &self.head,
            State::Ended(finish),
            &self.output,
            self.usage.as_ref(),
        );
        let name = match finish {
            FinishReason::Stop | FinishReason::ToolCalls => "response.completed",
            FinishReason::Length | FinishReason::ContentFilter => "response.incomplete",
        };
        self.event(name, json!({"response": answer}), out);
    }

    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>) {
        let (code, error) = (failed::answer_code(&error.kind), failed::error(error));
        // The API document shows the members beside the type, the API sends them inside `error`, and the SDKs read
        // either one (seen 2026-11-20).
        let failed = json!({"code": code, "message": error["message"]});
        let mut told = json!({"code": error["code"], "message": error["message"], "param": null});
        told["error"] = error;
        self.event("error", told, out);
        let state = State::Failed(&failed);
        let answer = response(&self.head, state, &self.output, self.usage.as_ref());
        self.event("response.failed", json!({"response": answer}), out);
    }
}

impl Encoder {
    pub(in crate::wire) fn new(head: AnswerHead) -> Self {
        Self {
            head,
            sequence: 0,
            open: Open::Nothing,
            output: Vec::new(),
            waiting: WaitingCalls::default(),
            ended_calls: Vec::new(),
            finish: None,
            usage: None,
        }
    }

    fn event(&mut self, name: &str, members: Value, out: &mut Vec<u8>) {
        let mut data = json!({"type": name, "sequence_number": self.sequence});
        self.sequence += 1;
        if let (Value::Object(data), Value::Object(members)) = (&mut data, members) {
            data.extend(members);
        }
        out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if self.sequence > 0 {
            return;
        }
        let answer = response(&self.head, State::Going, &[], None);
        self.event("response.created", json!({"response": answer}), out);
        self.event("response.in_progress", json!({"response": answer}), out);
    }

    /// The place of the open item, which is after those that have ended.
    fn place(&self) -> usize {
        self.output.len()
    }

    fn id(&self, kind: &str) -> String {
        item_id(kind, &self.head, self.place())
    }

    fn item_added(&mut self, item: &Value, out: &mut Vec<u8>) {
        let place = self.place();
        self.event(
            "response.output_item.added",
            json!({"output_index": place, "item": item}),
            out,
        );
    }

    fn item_done(&mut self, item: Value, out: &mut Vec<u8>) {
        let place = self.place();
        self.event(
            "response.output_item.done",
            json!({"output_index": place, "item": item}),
            out,
        );
        self.output.push(item);
    }

    /// An event about the part of an item.
    fn part_event(
        &mut self,
        name: &str,
        (kind, number): (&str, (&str, usize)),
        members: Value,
        out: &mut Vec<u8>,
    ) {
        let mut data = json!({"item_id": self.id(kind), "output_index": self.place()});
        data[number.0] = json!(number.1);
        if let (Value::Object(data), Value::Object(members)) = (&mut data, members) {
            data.extend(members);
        }
        self.event(name, data, out);
    }

    fn think(&mut self, words: &str, out: &mut Vec<u8>) {
        if !matches!(self.open, Open::Reasoning(_)) {
            self.end_item(out);
            let begun = written::reasoning(&self.id("rs"), &Reasoning::default(), false);
            self.item_added(&begun, out);
            let part = json!({"part": written::summary_part("")});
            self.part_event("response.reasoning_summary_part.added", SUMMARY, part, out);
            self.open = Open::Reasoning(String::new());
        }
        if let Open::Reasoning(text) = &mut self.open {
            text.push_str(words);
        }
        self.part_event(
            "response.reasoning_summary_text.delta",
            SUMMARY,
            json!({"delta": words}),
            out,
        );
    }

    /// Ends the reasoning that is open, or writes one without words, which keeps the id that it came with.
    fn seal(&mut self, seal: &Seal, out: &mut Vec<u8>) {
        if let Open::Reasoning(text) = &mut self.open {
            let text = std::mem::take(text);
            self.open = Open::Nothing;
            self.end_reasoning(text, seal.clone(), out);
        } else if seal.encrypted.is_some() {
            self.end_item(out);
            let id = seal.id.clone().unwrap_or_else(|| self.id("rs"));
            let block = |seal: Seal| Reasoning {
                text: String::new(),
                seal,
            };
            self.item_added(
                &written::reasoning(&id, &block(Seal::default()), false),
                out,
            );
            self.item_done(written::reasoning(&id, &block(seal.clone()), true), out);
        }
    }

    fn end_reasoning(&mut self, text: String, seal: Seal, out: &mut Vec<u8>) {
        self.part_event(
            "response.reasoning_summary_text.done",
            SUMMARY,
            json!({"text": text}),
            out,
        );
        let part = json!({"part": written::summary_part(&text)});
        self.part_event("response.reasoning_summary_part.done", SUMMARY, part, out);
        // The item was announced before its seal told an id, so it keeps the one that it was announced with.
        let item = written::reasoning(&self.id("rs"), &Reasoning { text, seal }, true);
        self.item_done(item, out);
    }

    fn say(&mut self, refuses: bool, words: &str, logprobs: &[TokenLogprob], out: &mut Vec<u8>) {
        match &self.open {
            Open::Message(message) if message.refuses == refuses => {}
            Open::Message(_) => {
                self.end_part(out);
                self.begin_part(refuses, out);
            }
            Open::Nothing | Open::Reasoning(_) | Open::Call(_) => {
                self.end_item(out);
                let begun = written::message(&self.id("msg"), &[], false);
                self.item_added(&begun, out);
                self.open = Open::Message(Message {
                    ended: Vec::new(),
                    refuses,
                    text: String::new(),
                    logprobs: Vec::new(),
                });
                self.begin_part(refuses, out);
            }
        }
        let mut number = 0;
        if let Open::Message(message) = &mut self.open {
            message.text.push_str(words);
            message.logprobs.extend_from_slice(logprobs);
            number = message.ended.len();
        }
        let at = ("msg", ("content_index", number));
        if refuses {
            self.part_event("response.refusal.delta", at, json!({"delta": words}), out);
        } else {
            let members = json!({"delta": words, "logprobs": written::probabilities(logprobs)});
            self.part_event("response.output_text.delta", at, members, out);
        }
    }

    fn begin_part(&mut self, refuses: bool, out: &mut Vec<u8>) {
        let Open::Message(message) = &mut self.open else {
            return;
        };
        message.refuses = refuses;
        let number = message.ended.len();
        let part = if refuses {
            written::refusal_part("")
        } else {
            written::text_part("", &[])
        };
        let at = ("msg", ("content_index", number));
        self.part_event(
            "response.content_part.added",
            at,
            json!({"part": part}),
            out,
        );
    }

    fn end_part(&mut self, out: &mut Vec<u8>) {
        let Open::Message(message) = &mut self.open else {
            return;
        };
        let (text, logprobs) = (
            std::mem::take(&mut message.text),
            std::mem::take(&mut message.logprobs),
        );
        let (name, told, part) = if message.refuses {
            let part = written::refusal_part(&text);
            ("response.refusal.done", json!({"refusal": text}), part)
        } else {
            let part = written::text_part(&text, &logprobs);
            let told = json!({"text": text, "logprobs": part["logprobs"]});
            ("response.output_text.done", told, part)
        };
        let at = ("msg", ("content_index", message.ended.len()));
        message.ended.push(part.clone());
        self.part_event(name, at, told, out);
        self.part_event("response.content_part.done", at, json!({"part": part}), out);
    }

    fn call_piece(&mut self, piece: &ToolCallDelta, out: &mut Vec<u8>) {
        if self.ended_calls.contains(&piece.index) {
            return;
        }
        match &mut self.open {
            Open::Call(call) if call.index == piece.index => {
                call.arguments.push_str(&piece.arguments);
                self.arguments(&piece.arguments, out);
            }
            Open::Call(_) => self.waiting.add(piece),
            Open::Nothing | Open::Reasoning(_) | Open::Message(_) => {
                self.end_item(out);
                self.open_call(piece.clone(), out);
            }
        }
    }

    fn open_call(&mut self, call: ToolCallDelta, out: &mut Vec<u8>) {
        let begun = written::call(&self.id("fc"), names(&call), "", false);
        self.item_added(&begun, out);
        self.arguments(&call.arguments, out);
        self.open = Open::Call(call);
    }

    fn arguments(&mut self, piece: &str, out: &mut Vec<u8>) {
        if !piece.is_empty() {
            let members =
                json!({"item_id": self.id("fc"), "output_index": self.place(), "delta": piece});
            self.event("response.function_call_arguments.delta", members, out);
        }
    }

    /// Ends the open item; after a call come those that wait.
    fn end_item(&mut self, out: &mut Vec<u8>) {
        self.end_open(out);
        for call in self.waiting.take() {
            self.open_call(call, out);
            self.end_open(out);
        }
    }

    fn end_open(&mut self, out: &mut Vec<u8>) {
        self.end_part(out);
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => {}
            Open::Reasoning(text) => self.end_reasoning(text, Seal::default(), out),
            Open::Message(message) => {
                let item = written::message(&self.id("msg"), &message.ended, true);
                self.item_done(item, out);
            }
            Open::Call(mut call) => {
                // A call without arguments has an empty object here.
                if call.arguments.trim().is_empty() {
                    call.arguments = "{}".to_owned();
                    self.arguments("{}", out);
                }
                let (id, place) = (self.id("fc"), self.place());
                let told = json!({"item_id": id, "output_index": place, "name": call.name, "arguments": call.arguments});
                self.event("response.function_call_arguments.done", told, out);
                self.item_done(written::call(&id, names(&call), &call.arguments, true), out);
                self.ended_calls.push(call.index);
            }
        }
    }
}

/// A call's own id and the function's name.
fn names(call: &ToolCallDelta) -> (&str, &str) {
    (
        call.id.as_deref().unwrap_or_default(),
        call.name.as_deref().unwrap_or_default(),
    )
}
