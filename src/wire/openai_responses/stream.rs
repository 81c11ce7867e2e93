//! Reading a stream.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::response;
use super::response::decode_response;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::ToolCallDelta;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What a stream has told so far.
#[derive(Debug)]
pub(in crate::wire) struct Stream {
    quirks: Quirks,
    ended: bool,
    /// The items, by their place in the output: some clones change an item's id on the way.
    items: BTreeMap<u64, Item>,
    /// How many functions are called so far.
    calls: usize,
}

/// What an item has told so far, so that what its end repeats is not taken twice, and what only its end tells is
/// not missed.
#[derive(Debug, Default)]
struct Item {
    /// Parts of a message, or kinds of reasoning, of which pieces came.
    said: BTreeSet<u64>,
    /// Which call it is.
    call: Option<usize>,
    ended: bool,
}

/// Summaries and reasoning itself are never taken both: the first that comes counts.
const SUMMARY: u64 = 0;
const REASONING_ITSELF: u64 = 1;

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.ended
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        chunks.extend(decode_response(body, &self.quirks)?.into_chunks());
        Ok(())
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let value = lenient::parse(data.as_bytes())?;
        let told = value.get("type").and_then(Value::as_str);
        let Some(kind) = told.or(event.name.as_deref()) else {
            return Err(match value.get("error") {
                Some(error) if !error.is_null() => failure::in_success(error),
                Some(_) | None => WireError::Malformed("an event without a type".to_owned()),
            });
        };
        let null = Value::Null;
        let answer = value.get("response").unwrap_or(&null);
        match kind {
            "error" => return Err(error(&value)),
            "response.failed" | "response.cancelled" => {
                return Err(response::failed(answer, "failed"));
            }
            "response.created" => chunks.push(ChatChunk {
                id: lenient::text(answer, "id"),
                model: lenient::text(answer, "model"),
                ..ChatChunk::default()
            }),
            "response.completed" | "response.incomplete" | "response.done" => {
                self.end(answer, chunks)?
            }
            "response.output_item.added" => self.item_added(&value, chunks),
            "response.output_item.done" => {
                let item = value.get("item").unwrap_or(&null);
                self.item_ended(place(&value), item, chunks);
            }
            other => self.piece(other, &value, chunks),
        }
        Ok(())
    }
}

impl Stream {
    pub(in crate::wire) fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            ended: false,
            items: BTreeMap::new(),
            calls: 0,
        }
    }

    fn piece(&mut self, kind: &str, value: &Value, chunks: &mut Vec<ChatChunk>) {
        let piece = || lenient::text(value, "delta").unwrap_or_default();
        let delta = match kind {
            "response.output_text.delta" => {
                self.part(value);
                Delta {
                    text: piece(),
                    logprobs: response::logprobs(value),
                    ..Delta::default()
                }
            }
            "response.refusal.delta" => {
                self.part(value);
                refusal(piece())
            }
            "response.reasoning_summary_text.delta" => self.thought(value, SUMMARY, piece()),
            "response.reasoning_text.delta" => self.thought(value, REASONING_ITSELF, piece()),
            // A summary of several parts has a blank line between them.
            "response.reasoning_summary_part.added" if self.has_summary(value) => {
                self.thought(value, SUMMARY, "\n\n".to_owned())
            }
            "response.function_call_arguments.delta" => self.arguments(value, piece()),
            "response.function_call_arguments.done" => self.all_arguments(place(value), value),
            // Their content stands in the pieces, or in the end of the item; or they say that it goes on.
            "response.in_progress"
            | "response.queued"
            | "response.content_part.added"
            | "response.content_part.done"
            | "response.output_text.done"
            | "response.refusal.done"
            | "response.reasoning_summary_part.added"
            | "response.reasoning_summary_part.done"
            | "response.reasoning_summary_text.done"
            | "response.reasoning_text.done"
            | "ping"
            | "keepalive" => Delta::default(),
            "response.output_text.annotation.added" => {
                chunks.push(unknown("annotations"));
                Delta::default()
            }
            // `response.web_search_call.searching` is an event of `web_search_call`.
            other => {
                let family = other.strip_prefix("response.").unwrap_or(other);
                let family = family.split('.').next().unwrap_or(family);
                chunks.push(unknown(family));
                Delta::default()
            }
        };
        push(delta, chunks);
    }

    /// Notes that pieces of a part of a message came.
    fn part(&mut self, value: &Value) {
        let item = self.items.entry(place(value)).or_default();
        item.said.insert(lenient::count(value, &["content_index"]));
    }

    fn has_summary(&self, value: &Value) -> bool {
        let item = self.items.get(&place(value));
        item.is_some_and(|item| item.said.contains(&SUMMARY))
    }

    fn thought(&mut self, value: &Value, kind: u64, piece: String) -> Delta {
        let item = self.items.entry(place(value)).or_default();
        if item.said.is_empty() {
            item.said.insert(kind);
        }
        if item.said.contains(&kind) {
            thought(piece)
        } else {
            Delta::default()
        }
    }

    fn arguments(&mut self, value: &Value, piece: String) -> Delta {
        let item = self.items.entry(place(value)).or_default();
        item.said.insert(0);
        item.call.map_or_else(Delta::default, |index| {
            call(ToolCallDelta {
                index,
                arguments: piece,
                ..ToolCallDelta::default()
            })
        })
    }

    /// Arguments that come at the end only, without pieces (LM Studio).
    fn all_arguments(&mut self, place: u64, holder: &Value) -> Delta {
        let item = self.items.entry(place).or_default();
        let arguments = lenient::arguments(holder.get("arguments"));
        match item.call {
            Some(index) if !arguments.is_empty() && item.said.insert(0) => call(ToolCallDelta {
                index,
                arguments,
                ..ToolCallDelta::default()
            }),
            Some(_) | None => Delta::default(),
        }
    }

    fn item_added(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) {
        let null = Value::Null;
        let item = value.get("item").unwrap_or(&null);
        self.begin(place(value), item, chunks);
    }

    fn begin(&mut self, place: u64, item: &Value, chunks: &mut Vec<ChatChunk>) {
        if self.items.contains_key(&place) {
            return;
        }
        let mut begun = Item::default();
        match item.get("type").and_then(Value::as_str) {
            Some("function_call") => {
                begun.call = Some(self.calls);
                let start = ToolCallDelta {
                    index: self.calls,
                    id: response::call_id(item),
                    name: lenient::text(item, "name"),
                    ..ToolCallDelta::default()
                };
                self.calls += 1;
                push(call(start), chunks);
            }
            Some("message" | "reasoning") | None => {}
            // Tools that the provider runs itself.
            Some(other) => chunks.push(unknown(other)),
        }
        self.items.insert(place, begun);
    }

    /// Takes what only the end of an item tells.
    fn item_ended(&mut self, place: u64, item: &Value, chunks: &mut Vec<ChatChunk>) {
        self.begin(place, item, chunks);
        let known = self.items.entry(place).or_default();
        if std::mem::replace(&mut known.ended, true) {
            return;
        }
        match item.get("type").and_then(Value::as_str) {
            Some("function_call") => {
                let delta = self.all_arguments(place, item);
                push(delta, chunks);
            }
            Some("reasoning") => {
                let mut delta = Delta::default();
                if known.said.is_empty() {
                    delta.reasoning = response::reasoning_text(item);
                }
                let seal = response::seal(item);
                let says = !known.said.is_empty() || !delta.reasoning.is_empty();
                delta.seal = (says || !seal.is_empty()).then_some(seal);
                push(delta, chunks);
            }
            Some("message") => {
                for (index, part) in (0..).zip(response::parts(item)) {
                    if known.said.insert(index) {
                        whole_part(part, chunks);
                    }
                }
            }
            Some(_) | None => {}
        }
    }

    /// The end repeats the whole answer; the one of `ChatGPT` is empty, and others send nothing but it.
    fn end(&mut self, answer: &Value, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            return Err(failure::in_success(error));
        }
        let ended = response::ended(answer)?;
        let output = answer.get("output").and_then(Value::as_array);
        for (place, item) in (0..).zip(output.into_iter().flatten()) {
            self.item_ended(place, item, chunks);
        }
        self.ended = true;
        chunks.push(ChatChunk {
            id: lenient::text(answer, "id"),
            model: lenient::text(answer, "model"),
            finish: Some(match ended.finish {
                FinishReason::Stop if self.calls > 0 => FinishReason::ToolCalls,
                other => other,
            }),
            native_finish: Some(ended.word).filter(|word| !word.is_empty()),
            usage: response::usage(answer, &self.quirks),
            ..ChatChunk::default()
        });
        Ok(())
    }
}

/// Where in the output the item stands that an event is about.
fn place(value: &Value) -> u64 {
    lenient::count(value, &["output_index"])
}

/// An error event has its members inside of `error`, or, as the API document shows it, beside its type.
fn error(value: &Value) -> WireError {
    match value.get("error").filter(|error| error.is_object()) {
        Some(error) => failure::in_success(error),
        None => {
            let said = |key: &str| lenient::text(value, key).unwrap_or_default();
            failure::of_code(&said("code"), &said("message"))
        }
    }
}

fn whole_part(part: &Value, chunks: &mut Vec<ChatChunk>) {
    match part.get("type").and_then(Value::as_str) {
        Some("output_text") => push(
            Delta {
                text: lenient::text(part, "text").unwrap_or_default(),
                logprobs: response::logprobs(part),
                ..Delta::default()
            },
            chunks,
        ),
        Some("refusal") => push(
            refusal(lenient::text(part, "refusal").unwrap_or_default()),
            chunks,
        ),
        Some(other) => chunks.push(unknown(other)),
        None => {}
    }
}

fn refusal(refusal: String) -> Delta {
    Delta {
        refusal,
        ..Delta::default()
    }
}

fn thought(reasoning: String) -> Delta {
    Delta {
        reasoning,
        ..Delta::default()
    }
}

fn call(piece: ToolCallDelta) -> Delta {
    Delta {
        tool_calls: vec![piece],
        ..Delta::default()
    }
}

fn push(delta: Delta, chunks: &mut Vec<ChatChunk>) {
    if !delta.is_empty() || !delta.logprobs.is_empty() {
        chunks.push(ChatChunk {
            delta,
            ..ChatChunk::default()
        });
    }
}

fn unknown(kind: &str) -> ChatChunk {
    ChatChunk {
        unknown: vec![kind.to_owned()],
        ..ChatChunk::default()
    }
}
