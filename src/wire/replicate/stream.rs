//! Reading an output, whole or as a stream.

use serde_json::Value;

use super::prediction;
use super::prediction::PredictionStatus;
use crate::client::LlmErrorKind;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What a stream has told so far.
#[derive(Debug, Default)]
pub(in crate::wire) struct Stream {
    done: bool,
}

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.done
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let value = lenient::parse(body)?;
        let status = prediction::status(&value)?;
        match status {
            PredictionStatus::Starting | PredictionStatus::Processing => {
                return Err(WireError::Malformed(
                    "the prediction is not finished".to_owned(),
                ));
            }
            PredictionStatus::Failed => {
                let error = lenient::text(&value, "error").unwrap_or_default();
                return Err(failed(&error));
            }
            PredictionStatus::Succeeded | PredictionStatus::Canceled => {}
        }
        let said = value.get("output").unwrap_or(&Value::Null);
        let made_files = files(said);
        let counted = |key: &str| lenient::count(&value, &["metrics", key]);
        let response = ChatResponse {
            id: lenient::text(&value, "id").unwrap_or_default(),
            model: lenient::text(&value, "model").unwrap_or_default(),
            text: match made_files {
                true => String::new(),
                false => output(said),
            },
            unknown: made_files
                .then(|| "output files".to_owned())
                .into_iter()
                .collect(),
            finish: FinishReason::Stop,
            native_finish: lenient::text(&value, "status").unwrap_or_default(),
            usage: Usage {
                input: counted("input_token_count"),
                output: counted("output_token_count"),
                ..Usage::default()
            },
            ..ChatResponse::default()
        };
        chunks.extend(response.into_chunks());
        Ok(())
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        if self.done {
            return Ok(());
        }
        match event.name.as_deref().unwrap_or_default() {
            // Raw text, in which blanks and line ends count.
            "output" => chunks.push(ChatChunk {
                delta: Delta {
                    text: event.data.clone(),
                    ..Delta::default()
                },
                ..ChatChunk::default()
            }),
            "logs" => {}
            "error" => return Err(failed(&detail(&event.data))),
            "done" => {
                let said = lenient::parse(event.data.as_bytes()).unwrap_or_default();
                let reason = lenient::text(&said, "reason");
                if reason.as_deref() == Some("error") {
                    return Err(failed(""));
                }
                chunks.push(ChatChunk {
                    finish: Some(FinishReason::Stop),
                    native_finish: reason,
                    ..ChatChunk::default()
                });
                self.done = true;
            }
            other => chunks.push(ChatChunk {
                unknown: vec![other.to_owned()],
                ..ChatChunk::default()
            }),
        }
        Ok(())
    }
}

/// `true` for the addresses of files that a model made, which are no words of an answer.
fn files(output: &Value) -> bool {
    let address = |text: &Value| {
        let text = text.as_str().unwrap_or_default();
        text.starts_with("https://") && !text.contains(char::is_whitespace)
    };
    match output {
        Value::Array(pieces) => !pieces.is_empty() && pieces.iter().all(address),
        Value::String(_) => address(output),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// A text, or a list of its pieces; anything else is given as the JSON that it is.
fn output(output: &Value) -> String {
    match output {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(pieces) => pieces.iter().map(self::output).collect(),
        other @ (Value::Object(_) | Value::Number(_) | Value::Bool(_)) => other.to_string(),
    }
}

/// The words of an error event: `{"detail": …}`, or plain text.
fn detail(data: &str) -> String {
    let said: Option<Value> = serde_json::from_str(data).ok();
    let said = said.filter(Value::is_object);
    let told = said.and_then(|said| {
        ["detail", "error", "message"]
            .into_iter()
            .find_map(|key| lenient::text(&said, key))
    });
    told.unwrap_or_else(|| data.to_owned())
}

/// A failed prediction. It has a text and no code, but for the numbers that Replicate puts into some texts:
/// E005 stands for flagged content (Replicate's documentation of prediction errors, read 2026-08).
fn failed(message: &str) -> WireError {
    let flagged = ["E005", "NSFW", "flagged as sensitive"];
    match message {
        "" => failure::of_code("server_error", "the prediction failed"),
        text if flagged.iter().any(|word| text.contains(word)) => {
            WireError::Upstream(LlmErrorKind::ContentFiltered, text.to_owned())
        }
        text => failure::of_code("", text),
    }
}
