//! Writing what a client is answered.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::client::LlmError;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::TokenLogprob;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::wire::serve;
use crate::wire::serve::AnswerHead;
use crate::wire::serve::ErrorTold;
use crate::wire::serve::StreamEncoder;

/// Writes a whole answer.
pub(in crate::wire) fn encode_response(response: &ChatResponse, head: &AnswerHead) -> Bytes {
    let reasoning = &response.reasoning;
    let sealed = reasoning.iter().any(|block| !block.seal.is_empty());
    let message = Message {
        role: "assistant",
        content: given(&response.text),
        refusal: given(&response.refusal),
        reasoning_content: response.reasoning_text(),
        thinking_blocks: match sealed {
            true => reasoning.iter().map(thinking_block).collect(),
            false => Vec::new(),
        },
        tool_calls: response.tool_calls.iter().map(tool_call).collect(),
    };
    let choice = Choice {
        index: 0,
        message,
        logprobs: logprobs(&response.logprobs),
        finish_reason: finish(response.finish),
    };
    crate::wire::json_bytes(&Completion {
        id: &head.id,
        object: "chat.completion",
        created: head.created_s,
        model: &head.model,
        choices: [choice],
        usage: UsageTold::of(&response.usage),
    })
}

/// A whole answer. Written as it stands: a tree of it costs several times as much.
#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: UsageTold,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Value,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thinking_blocks: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A block of reasoning in the form that `LiteLLM`'s clients send back.
fn thinking_block(block: &Reasoning) -> Value {
    match &block.seal.encrypted {
        Some(data) => json!({"type": "redacted_thinking", "data": data}),
        None => {
            json!({"type": "thinking", "thinking": block.text, "signature": block.seal.signature})
        }
    }
}

fn tool_call(call: &ToolCall) -> Value {
    let function = json!({"name": call.name, "arguments": call.arguments});
    let mut written = json!({"id": call.id, "type": "function", "function": function});
    if let Some(signature) = &call.signature {
        written["extra_content"] = json!({"google": {"thought_signature": signature}});
    }
    written
}

fn logprobs(tokens: &[TokenLogprob]) -> Value {
    if tokens.is_empty() {
        return Value::Null;
    }
    let one = |token: &str, logprob: f64| json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()});
    let entries = tokens.iter().map(|entry| {
        let mut written = one(&entry.token, entry.logprob);
        let top = entry
            .top
            .iter()
            .map(|(token, logprob)| one(token, *logprob));
        written["top_logprobs"] = top.collect();
        written
    });
    json!({"content": entries.collect::<Vec<_>>()})
}

fn finish(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}

/// Tokens in OpenAI's form, in which the parts are contained in the wholes.
pub(in crate::wire) fn usage(usage: &Usage) -> Value {
    json!(UsageTold::of(usage))
}

/// Tokens in OpenAI's form.
#[derive(Serialize)]
struct UsageTold {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptTold,
    completion_tokens_details: CompletionTold,
}

#[derive(Serialize)]
struct PromptTold {
    cached_tokens: u64,
    cache_write_tokens: u64,
    audio_tokens: u64,
}

#[derive(Serialize)]
struct CompletionTold {
    reasoning_tokens: u64,
    audio_tokens: u64,
}

impl UsageTold {
    fn of(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens(),
            completion_tokens: usage.completion_tokens(),
            total_tokens: usage.total_tokens(),
            prompt_tokens_details: PromptTold {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write,
                audio_tokens: usage.audio_in,
            },
            completion_tokens_details: CompletionTold {
                reasoning_tokens: usage.reasoning,
                audio_tokens: usage.audio_out,
            },
        }
    }
}

/// An error in OpenAI's form, as it stands in a stream.
pub(in crate::wire) fn error_body(error: &LlmError) -> Value {
    error_told(error, &ErrorTold::of(error))
}

/// An error in OpenAI's form. Its code is the status as a text, as the clients of `LiteLLM` expect it.
pub(in crate::wire) fn error_told(error: &LlmError, told: &ErrorTold) -> Value {
    json!({"error": {
        "message": serve::public_message(error),
        "type": told.class,
        "param": told.param,
        "code": told.status.to_string(),
    }})
}

/// Writes a stream.
#[derive(Debug)]
pub(in crate::wire) struct Encoder {
    head: AnswerHead,
    begun: bool,
    usage: Option<Usage>,
    /// Said only once, although a provider may say it twice.
    finish: Option<FinishReason>,
    calls: bool,
    /// What stands before and behind the text of a chunk that holds nothing else, which most do.
    around_text: (String, String),
}

impl Encoder {
    pub(in crate::wire) fn new(head: AnswerHead) -> Self {
        let (id, model, created) = (json!(head.id), json!(head.model), head.created_s);
        let before = format!(
            "data: {{\"id\":{id},\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":{model},\
             \"choices\":[{{\"index\":0,\"delta\":{{\"content\":"
        );
        let usage = if head.usage_in_stream {
            ",\"usage\":null"
        } else {
            ""
        };
        let behind = format!("}},\"logprobs\":null,\"finish_reason\":null}}]{usage}}}\n\n");
        Self {
            around_text: (before, behind),
            head,
            begun: false,
            usage: None,
            finish: None,
            calls: false,
        }
    }

    fn event(&self, choices: &Value, usage: &Value, out: &mut Vec<u8>) {
        let mut event = json!({
            "id": self.head.id,
            "object": "chat.completion.chunk",
            "created": self.head.created_s,
            "model": self.head.model,
            "choices": choices,
        });
        if self.head.usage_in_stream {
            event["usage"] = usage.clone();
        }
        write_data(&event.to_string(), out);
    }

    fn delta(&mut self, delta: &Delta) -> Value {
        let mut written = json!({});
        if !std::mem::replace(&mut self.begun, true) {
            written["role"] = json!("assistant");
            written["content"] = json!("");
        }
        let texts = [
            ("content", &delta.text),
            ("refusal", &delta.refusal),
            ("reasoning_content", &delta.reasoning),
        ];
        for (key, text) in texts {
            if !text.is_empty() {
                written[key] = json!(text);
            }
        }
        if let Some(seal) = delta.seal.as_ref().filter(|seal| !seal.is_empty()) {
            let block = Reasoning {
                text: String::new(),
                seal: seal.clone(),
            };
            written["thinking_blocks"] = json!([thinking_block(&block)]);
        }
        if !delta.tool_calls.is_empty() {
            let calls = delta.tool_calls.iter().map(|call| {
                let mut function = json!({"arguments": call.arguments});
                if let Some(name) = &call.name {
                    function["name"] = json!(name);
                }
                let mut written = json!({"index": call.index, "function": function});
                if let Some(id) = &call.id {
                    written["id"] = json!(id);
                    written["type"] = json!("function");
                }
                if let Some(signature) = &call.signature {
                    written["extra_content"] = json!({"google": {"thought_signature": signature}});
                }
                written
            });
            written["tool_calls"] = calls.collect();
        }
        written
    }
}

impl StreamEncoder for Encoder {
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.usage = chunk.usage.or(self.usage);
        self.finish = chunk.finish.or(self.finish);
        self.calls |= !chunk.delta.tool_calls.is_empty();
        if chunk.delta.is_empty() && chunk.delta.logprobs.is_empty() && self.begun {
            return;
        }
        if self.begun && is_text_alone(&chunk.delta) {
            let (before, behind) = &self.around_text;
            out.extend_from_slice(before.as_bytes());
            // Writing a text into memory cannot fail.
            let _ = serde_json::to_writer(&mut *out, &chunk.delta.text);
            out.extend_from_slice(behind.as_bytes());
            return;
        }
        let delta = self.delta(&chunk.delta);
        let choice = json!({
            "index": 0,
            "delta": delta,
            "logprobs": logprobs(&chunk.delta.logprobs),
            "finish_reason": null,
        });
        self.event(&json!([choice]), &Value::Null, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let word = match self.finish.unwrap_or_default() {
            FinishReason::Stop if self.calls => finish(FinishReason::ToolCalls),
            told => finish(told),
        };
        let choice = json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": word});
        self.event(&json!([choice]), &Value::Null, out);
        if self.head.usage_in_stream {
            let told = usage(&self.usage.unwrap_or_default());
            self.event(&json!([]), &told, out);
        }
        write_data("[DONE]", out);
    }

    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>) {
        write_data(&error_body(error).to_string(), out);
    }
}

fn is_text_alone(delta: &Delta) -> bool {
    delta.refusal.is_empty()
        && delta.reasoning.is_empty()
        && delta.seal.is_none()
        && delta.tool_calls.is_empty()
        && delta.logprobs.is_empty()
}

fn write_data(data: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data.as_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_of_text_alone_is_written_as_every_other() {
        for usage_in_stream in [true, false] {
            let mut encoder = Encoder::new(AnswerHead {
                id: "a\"1".to_owned(),
                model: "m".to_owned(),
                created_s: 7,
                usage_in_stream,
            });
            let word = ChatChunk {
                delta: Delta {
                    text: "\u{1f600} \"hi\"\n".to_owned(),
                    ..Delta::default()
                },
                ..ChatChunk::default()
            };
            let event = |encoder: &mut Encoder| -> Value {
                let mut out = Vec::new();
                encoder.chunk(&word, &mut out);
                let text = String::from_utf8(out).unwrap();
                assert!(text.ends_with("\n\n"), "{text}");
                serde_json::from_str(text.strip_prefix("data: ").unwrap()).unwrap()
            };
            let mut first = event(&mut encoder);
            // The first chunk alone names who speaks.
            let delta = first["choices"][0]["delta"].as_object_mut().unwrap();
            delta.remove("role");
            assert_eq!(event(&mut encoder), first);
        }
    }
}
