//! The other direction: what clients of Ollama's own API ask, and what they are answered.

use bytes::Bytes;
use serde_json::Value;
use serde_json::json;

use crate::client::LlmError;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::ReasoningEffort;
use crate::types::ResponseBuilder;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Sampling;
use crate::types::Seal;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::asked::Members;
use crate::wire::lenient;
use crate::wire::serve::AnswerHead;
use crate::wire::serve::Asked;
use crate::wire::serve::StreamEncoder;

/// Reads the body of `POST /api/chat`.
pub(in crate::wire) fn decode_request(body: &[u8]) -> Result<Asked, WireError> {
    let mut members = Members::of_body(body)?;
    let model = members.require_text("model")?;
    // It streams unless told otherwise.
    let stream = members.flag("stream")?.unwrap_or(true);
    let messages = messages(&members.list("messages")?)?;
    let mut chat = Chat {
        messages,
        sampling: options(&mut members)?,
        tools: tools(&members.list("tools")?)?,
        format: format(&mut members)?,
        ..Chat::default()
    };
    chat.reasoning_effort = match members.take("think") {
        None => None,
        Some(Value::Bool(false)) => Some(ReasoningEffort::None),
        Some(Value::Bool(true)) => Some(ReasoningEffort::Medium),
        Some(word) => Some(
            word.as_str()
                .and_then(ReasoningEffort::from_word)
                .ok_or_else(|| wrong("think", "true, false, low, medium, high or max"))?,
        ),
    };
    if members.flag("logprobs")?.unwrap_or(false) {
        let top = members.count("top_logprobs")?.unwrap_or(0);
        chat.top_logprobs = u8::try_from(top).ok();
    }
    Ok(Asked {
        model,
        stream,
        usage_in_stream: true,
        chat,
        unknown: members.finish(),
    })
}

fn wrong(place: &str, wanted: &str) -> WireError {
    WireError::Malformed(format!("{place}: has to be {wanted}"))
}

fn options(members: &mut Members) -> Result<Sampling, WireError> {
    let Some(options) = members.take("options") else {
        return Ok(Sampling::default());
    };
    let mut options = Members::of_body(options.to_string().as_bytes())
        .map_err(|_| wrong("options", "an object"))?;
    let stop = options.list("stop")?;
    // Below 0 means without a limit.
    let most = options.take("num_predict").and_then(|most| most.as_u64());
    let sampling = Sampling {
        temperature: options.number("temperature")?,
        top_p: options.number("top_p")?,
        max_output_tokens: most.and_then(|most| u32::try_from(most).ok()),
        top_k: options.count("top_k")?,
        presence_penalty: options.number("presence_penalty")?,
        frequency_penalty: options.number("frequency_penalty")?,
        stop: stop
            .iter()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect(),
        seed: options.take("seed").and_then(|seed| seed.as_u64()),
    };
    let left = options
        .finish()
        .into_iter()
        .map(|key| format!("options.{key}"));
    members.unknown().extend(left);
    Ok(sampling)
}

fn messages(list: &[Value]) -> Result<Vec<Message>, WireError> {
    // Results may name the tool and not the call: they answer the last call of that tool.
    let mut calls: Vec<(String, String)> = Vec::new();
    let mut read = Vec::new();
    for (index, message) in list.iter().enumerate() {
        let role = match message.get("role").and_then(Value::as_str) {
            Some("system") => Role::System,
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("tool") => Role::Tool,
            Some(_) | None => {
                let place = format!("messages[{index}].role");
                return Err(wrong(&place, "system, user, assistant or tool"));
            }
        };
        let mut one = Message::text(role, "");
        one.parts = parts(message);
        one.tool_calls = tool_calls(message, calls.len());
        let made = one.tool_calls.iter();
        calls.extend(made.map(|call| (call.name.clone(), call.id.clone())));
        if role == Role::Tool {
            let name = lenient::text(message, "tool_name");
            let by_name = |name: &String| {
                let mut same = calls.iter().rev().filter(|(known, _)| known == name);
                same.next().map(|(_, id)| id.clone())
            };
            let told = lenient::text(message, "tool_call_id");
            one.tool_call_id = told
                .or_else(|| name.as_ref().and_then(by_name))
                .or_else(|| calls.last().map(|(_, id)| id.clone()))
                .or(name);
        }
        read.push(one);
    }
    Ok(read)
}

fn parts(message: &Value) -> Vec<ContentPart> {
    let thinking = lenient::text(message, "thinking").map(|text| {
        ContentPart::Reasoning(Reasoning {
            text,
            seal: Seal::default(),
        })
    });
    let text = lenient::text(message, "content").map(ContentPart::Text);
    let images = message.get("images").and_then(Value::as_array);
    let images = images.into_iter().flatten().filter_map(|data| {
        let data = data.as_str()?;
        Some(ContentPart::Image(Media {
            media_type: picture_type(data).to_owned(),
            source: MediaSource::Base64(data.to_owned()),
        }))
    });
    thinking.into_iter().chain(text).chain(images).collect()
}

/// The type of a picture by its first bytes, which base64 leaves recognisable.
fn picture_type(base64: &str) -> &'static str {
    match base64 {
        data if data.starts_with("iVBOR") => "image/png",
        data if data.starts_with("R0lG") => "image/gif",
        data if data.starts_with("UklG") => "image/webp",
        _ => "image/jpeg",
    }
}

fn tool_calls(message: &Value, before: usize) -> Vec<ToolCall> {
    let list = message.get("tool_calls").and_then(Value::as_array);
    let call = |(index, call): (usize, &Value)| {
        let function = call.get("function").unwrap_or(&Value::Null);
        let arguments = lenient::arguments(function.get("arguments"));
        ToolCall {
            id: lenient::text(call, "id").unwrap_or_else(|| format!("call_{}", before + index)),
            name: lenient::text(function, "name").unwrap_or_default(),
            arguments: match arguments.trim().is_empty() {
                true => "{}".to_owned(),
                false => arguments,
            },
            signature: None,
        }
    };
    list.into_iter().flatten().enumerate().map(call).collect()
}

fn tools(list: &[Value]) -> Result<Vec<Tool>, WireError> {
    let tool = |(index, tool): (usize, &Value)| {
        let function = tool.get("function").unwrap_or(&Value::Null);
        let name = lenient::text(function, "name")
            .ok_or_else(|| wrong(&format!("tools[{index}].function.name"), "a text"))?;
        Ok(Tool {
            name,
            description: lenient::text(function, "description").unwrap_or_default(),
            parameters: function
                .get("parameters")
                .cloned()
                .unwrap_or_else(|| json!({"type": "object", "properties": {}})),
            strict: None,
            cache: None,
        })
    };
    list.iter().enumerate().map(tool).collect()
}

fn format(members: &mut Members) -> Result<ResponseFormat, WireError> {
    match members.take("format") {
        None => Ok(ResponseFormat::Text),
        Some(Value::String(word)) if word.is_empty() => Ok(ResponseFormat::Text),
        Some(Value::String(word)) if word == "json" => Ok(ResponseFormat::JsonObject),
        Some(schema @ Value::Object(_)) => Ok(ResponseFormat::JsonSchema {
            name: "answer".to_owned(),
            schema,
        }),
        Some(_) => Err(wrong("format", "\"json\" or a JSON schema")),
    }
}

/// Writes a whole answer.
pub(in crate::wire) fn encode_response(response: &ChatResponse, head: &AnswerHead) -> Bytes {
    let mut message = json!({"role": "assistant", "content": said(response)});
    let thinking = response.reasoning_text();
    if !thinking.is_empty() {
        message["thinking"] = json!(thinking);
    }
    if !response.tool_calls.is_empty() {
        message["tool_calls"] = written_calls(&response.tool_calls);
    }
    let body = last_line(head, &message, response.finish, &response.usage);
    body.to_string().into()
}

/// There is no member for a refusal here, so it is said.
fn said(response: &ChatResponse) -> String {
    format!("{}{}", response.text, response.refusal)
}

fn written_calls(calls: &[ToolCall]) -> Value {
    let call = |(index, call): (usize, &ToolCall)| {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        json!({"id": call.id, "function": {"index": index, "name": call.name, "arguments": arguments}})
    };
    calls.iter().enumerate().map(call).collect()
}

fn line(head: &AnswerHead, message: &Value) -> Value {
    let created = jiff::Timestamp::from_second(i64::try_from(head.created_s).unwrap_or(0));
    let created = created.map(|at| at.to_string()).unwrap_or_default();
    json!({"model": head.model, "created_at": created, "message": message, "done": false})
}

fn last_line(head: &AnswerHead, message: &Value, finish: FinishReason, usage: &Usage) -> Value {
    let mut last = line(head, message);
    last["done"] = json!(true);
    last["done_reason"] = json!(match finish {
        FinishReason::Length => "length",
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::ContentFilter => "stop",
    });
    last["prompt_eval_count"] = json!(usage.prompt_tokens());
    last["eval_count"] = json!(usage.completion_tokens());
    last
}

/// Writes a stream of lines. Calls are sent whole, before the last line, as Ollama does.
#[derive(Debug)]
pub(in crate::wire) struct Encoder {
    head: AnswerHead,
    answer: ResponseBuilder,
}

impl Encoder {
    pub(in crate::wire) fn new(head: AnswerHead) -> Self {
        Self {
            head,
            answer: ResponseBuilder::default(),
        }
    }
}

impl StreamEncoder for Encoder {
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.answer.push(chunk);
        let (text, thinking) = (&chunk.delta.text, &chunk.delta.reasoning);
        let text = format!("{text}{}", chunk.delta.refusal);
        if text.is_empty() && thinking.is_empty() {
            return;
        }
        let mut message = json!({"role": "assistant", "content": text});
        if !thinking.is_empty() {
            message["thinking"] = json!(thinking);
        }
        write_line(&line(&self.head, &message), out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let answer = std::mem::take(&mut self.answer).finish();
        if !answer.tool_calls.is_empty() {
            let calls = written_calls(&answer.tool_calls);
            let message = json!({"role": "assistant", "content": "", "tool_calls": calls});
            write_line(&line(&self.head, &message), out);
        }
        let message = json!({"role": "assistant", "content": ""});
        write_line(
            &last_line(&self.head, &message, answer.finish, &answer.usage),
            out,
        );
    }

    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>) {
        write_line(&json!({"error": error.message}), out);
    }
}

fn write_line(line: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(line.to_string().as_bytes());
    out.push(b'\n');
}
