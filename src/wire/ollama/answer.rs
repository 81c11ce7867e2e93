//! Reading an answer: a whole one is a single line of a streamed one.

use serde_json::Value;

use crate::client::LlmErrorKind;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::ToolCallDelta;
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
    calls: usize,
}

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.done
    }

    /// A whole answer is the last line of a streamed one.
    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let data = String::from_utf8_lossy(body).into_owned();
        self.event(&Event { name: None, data }, chunks)
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let value = lenient::parse(event.data.as_bytes())?;
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(failure::in_success(&value));
        }
        // `/api/generate` has no message, and its members stand in the line itself.
        let done = value.get("done") == Some(&Value::Bool(true));
        let (message, text) = match value.get("message") {
            Some(message) => (message, "content"),
            // The last line may have nothing left to say.
            None if done || value.get("response").is_some() => (&value, "response"),
            None => return Err(WireError::Malformed("a line without a message".to_owned())),
        };
        let mut chunk = ChatChunk {
            model: lenient::text(&value, "model"),
            delta: Delta {
                text: lenient::text(message, text).unwrap_or_default(),
                reasoning: lenient::text(message, "thinking").unwrap_or_default(),
                tool_calls: self.tool_calls(message),
                logprobs: lenient::logprobs(value.get("logprobs").and_then(Value::as_array)),
                ..Delta::default()
            },
            ..ChatChunk::default()
        };
        if done {
            self.done = true;
            chunk.usage = usage(&value);
            chunk.native_finish = lenient::text(&value, "done_reason");
            match finish(&value, self.calls) {
                Ok(finish) => chunk.finish = Some(finish),
                Err(error) => {
                    chunks.push(chunk);
                    return Err(error);
                }
            }
        }
        chunks.push(chunk);
        Ok(())
    }
}

impl Stream {
    /// Calls come whole, and before the line that ends the answer.
    fn tool_calls(&mut self, message: &Value) -> Vec<ToolCallDelta> {
        let calls = message.get("tool_calls").and_then(Value::as_array);
        let mut pieces = Vec::new();
        for call in calls.into_iter().flatten() {
            let null = Value::Null;
            let function = call.get("function").unwrap_or(&null);
            pieces.push(ToolCallDelta {
                index: self.calls,
                // Servers before 0.12 give none.
                id: lenient::text(call, "id").or_else(|| Some(format!("call_{}", self.calls))),
                name: lenient::text(function, "name"),
                arguments: lenient::arguments(function.get("arguments")),
                signature: None,
            });
            self.calls += 1;
        }
        pieces
    }
}

fn finish(value: &Value, calls: usize) -> Result<FinishReason, WireError> {
    match value.get("done_reason").and_then(Value::as_str) {
        Some("length") => Ok(FinishReason::Length),
        Some("") => {
            let message = "the server closed the answer without a reason".to_owned();
            Err(WireError::Upstream(
                LlmErrorKind::Overloaded { retry_after: None },
                message,
            ))
        }
        _ if calls > 0 => Ok(FinishReason::ToolCalls),
        _ => Ok(FinishReason::Stop),
    }
}

/// Old servers leave the prompt's count out when all of it was cached; `None` when there is no count at all.
fn usage(value: &Value) -> Option<Usage> {
    let told = value
        .get("prompt_eval_count")
        .or_else(|| value.get("eval_count"))
        .is_some();
    let (input, output) = (
        lenient::count(value, &["prompt_eval_count"]),
        lenient::count(value, &["eval_count"]),
    );
    told.then(|| Usage {
        input,
        output,
        ..Usage::default()
    })
}
