//! Answers of `InvokeModel`: each model's own JSON, in a stream wrapped as base64 into `chunk` events.

use serde_json::Value;

use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::Usage;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::anthropic;
use crate::wire::base64;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::lenient;
use crate::wire::openai_chat;
use crate::wire::stream::Dialect;

/// Where Bedrock adds its own counts to a model's last event.
const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// The reader of one model's own answer.
#[derive(Debug)]
pub(super) struct Invoked {
    quirks: Quirks,
    /// Claude's Messages.
    messages: anthropic::Stream,
    /// Set by the end of an answer that is a plain completion.
    ended: bool,
    counted: bool,
}

impl Invoked {
    pub(super) fn new(quirks: &Quirks) -> Self {
        Self {
            quirks: quirks.clone(),
            messages: anthropic::Stream::default(),
            ended: false,
            counted: false,
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.ended || self.messages.is_complete()
    }

    /// The model's own event in a `chunk`.
    pub(super) fn unwrap(chunk: &Value) -> Result<Value, WireError> {
        let Some(wrapped) = chunk.get("bytes").and_then(Value::as_str) else {
            return Err(WireError::Malformed("a chunk without bytes".to_owned()));
        };
        let bytes = base64::decode(wrapped)
            .ok_or_else(|| WireError::Malformed("a chunk that is no base64".to_owned()))?;
        lenient::parse(&bytes)
    }

    /// Takes an event of the model's own stream.
    pub(super) fn event(
        &mut self,
        value: &Value,
        chunks: &mut Vec<ChatChunk>,
    ) -> Result<(), WireError> {
        let kind = value.get("type").and_then(Value::as_str);
        if kind.is_some_and(|kind| kind != "completion") {
            self.messages(value, chunks)?;
        } else {
            match completion(value) {
                Some(chunk) => {
                    self.ended |= chunk.finish.is_some();
                    chunks.push(chunk);
                }
                None if value.get(METRICS).or(value.get("event_type")).is_some() => {}
                None => {
                    return Err(WireError::Malformed(
                        "an event of no known model".to_owned(),
                    ));
                }
            }
        }
        // Claude's Messages count for themselves, and more exactly.
        if let Some(metrics) = value.get(METRICS)
            && !self.counted
        {
            chunks.push(ChatChunk {
                usage: Some(counted(metrics)),
                ..ChatChunk::default()
            });
        }
        Ok(())
    }

    fn messages(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let event = Event {
            name: None,
            data: value.to_string(),
        };
        let before = chunks.len();
        let read = self.messages.event(&event, chunks);
        self.counted |= chunks[before..].iter().any(|chunk| chunk.usage.is_some());
        read
    }

    /// Takes a whole answer.
    pub(super) fn whole(
        mut self,
        value: &Value,
        body: &[u8],
        chunks: &mut Vec<ChatChunk>,
    ) -> Result<(), WireError> {
        if value.get("content").is_some_and(Value::is_array) {
            return self.messages.whole(body, chunks);
        }
        let choice = value.get("choices").and_then(|choices| choices.get(0));
        if choice.is_some_and(|choice| choice.get("message").is_some()) {
            return openai_chat::Stream::new(self.quirks).whole(body, chunks);
        }
        if let Some(chunk) = completion(value) {
            chunks.push(chunk);
            return Ok(());
        }
        // An error with the status of a success, or something else.
        match ["message", "Message"]
            .iter()
            .any(|key| value.get(key).is_some())
        {
            true => Err(failure::in_success(value)),
            false => Err(WireError::Malformed(
                "it is an answer of no known model".to_owned(),
            )),
        }
    }
}

/// Reads a completion that is one text, whole or a piece: where the text is, and the reason of its end.
/// Source: the documentation of Bedrock's models' parameters, read 2026-08.
fn completion(value: &Value) -> Option<ChatChunk> {
    const FORMS: [(&str, &str); 9] = [
        ("/completion", "/stop_reason"),                          // Claude 2
        ("/generation", "/stop_reason"),                          // Llama
        ("/outputs/0/text", "/outputs/0/stop_reason"),            // Mistral
        ("/results/0/outputText", "/results/0/completionReason"), // Titan
        ("/outputText", "/completionReason"),                     // Titan's stream
        ("/generations/0/text", "/generations/0/finish_reason"),  // Command
        ("/choices/0/text", "/choices/0/stop_reason"),            // DeepSeek
        (
            "/completions/0/data/text",
            "/completions/0/finishReason/reason",
        ), // Jurassic
        ("/text", "/finish_reason"),                              // Command R
    ];
    let found = FORMS.iter().find_map(|(text, finish)| {
        let text = value.pointer(text)?.as_str()?;
        Some((text, value.pointer(finish).and_then(Value::as_str)))
    });
    let (text, word) = match found {
        Some(found) => found,
        // The last event of Command's stream, which has no text any more.
        None => ("", Some(value.get("finish_reason")?.as_str()?)),
    };
    let counts = own_counts(value);
    Some(ChatChunk {
        id: lenient::text(value, "generation_id"),
        delta: Delta {
            text: text.to_owned(),
            ..Delta::default()
        },
        finish: word.map(finish),
        native_finish: word.map(str::to_owned),
        usage: (counts != Usage::default()).then_some(counts),
        ..ChatChunk::default()
    })
}

fn finish(word: &str) -> FinishReason {
    match word.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" => FinishReason::Length,
        "content_filtered" | "content_filter" | "error_toxic" => FinishReason::ContentFilter,
        // stop, stop_sequence, endoftext, finish, complete
        _ => FinishReason::Stop,
    }
}

/// Tokens as Llama's and Titan's answers count them.
fn own_counts(value: &Value) -> Usage {
    let either = |paths: [&[&str]; 2]| {
        let counts = paths.map(|path| lenient::count(value, path));
        counts[0].max(counts[1])
    };
    let result = value.pointer("/results/0").unwrap_or(&Value::Null);
    Usage {
        input: either([&["prompt_token_count"], &["inputTextTokenCount"]]),
        output: either([&["generation_token_count"], &["totalOutputTextTokenCount"]])
            .max(lenient::count(result, &["tokenCount"])),
        ..Usage::default()
    }
}

fn counted(metrics: &Value) -> Usage {
    let count = |key: &str| lenient::count(metrics, &[key]);
    Usage {
        input: count("inputTokenCount"),
        cache_read: count("cacheReadInputTokenCount"),
        cache_write: count("cacheWriteInputTokenCount"),
        output: count("outputTokenCount"),
        ..Usage::default()
    }
}
