//! Writing an answer for a client.

use bytes::Bytes;
use serde_json::Value;
use serde_json::json;

use super::finish;
use super::usage;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ResponseBuilder;
use crate::types::Seal;
use crate::types::TokenLogprob;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::wire::serve::AnswerHead;
use crate::wire::serve::StreamEncoder;

/// Writes a whole answer.
pub(in crate::wire) fn encode_response(response: &ChatResponse, head: &AnswerHead) -> Bytes {
    let mut parts = Vec::new();
    for block in &response.reasoning {
        parts.extend(thought(&block.text, Some(&block.seal)));
    }
    for text in [&response.text, &response.refusal] {
        if !text.is_empty() {
            parts.push(json!({"text": text}));
        }
    }
    parts.extend(response.tool_calls.iter().map(call));
    let mut candidate = candidate(parts);
    candidate["finishReason"] = json!(finish::word_of(response.finish, &response.native_finish));
    if !response.logprobs.is_empty() {
        candidate["logprobsResult"] = logprobs(&response.logprobs);
    }
    answer(&candidate, Some(&response.usage), head)
        .to_string()
        .into()
}

/// Writes a stream: `data:` lines without names, each a partial answer.
#[derive(Debug)]
pub(in crate::wire) struct Writer {
    head: AnswerHead,
    /// The calls, which this wire has whole or not at all, and what the last event tells.
    held: ResponseBuilder,
    usage: Option<Usage>,
}

impl Writer {
    pub(in crate::wire) fn new(head: AnswerHead) -> Self {
        Self {
            head,
            held: ResponseBuilder::default(),
            usage: None,
        }
    }
}

impl StreamEncoder for Writer {
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        let delta = &chunk.delta;
        self.usage = chunk.usage.or(self.usage);
        let mut parts: Vec<Value> = thought(&delta.reasoning, delta.seal.as_ref())
            .into_iter()
            .collect();
        for text in [&delta.text, &delta.refusal] {
            if !text.is_empty() {
                parts.push(json!({"text": text}));
            }
        }
        let mut held = ChatChunk {
            finish: chunk.finish,
            native_finish: chunk.native_finish.clone(),
            ..ChatChunk::default()
        };
        held.delta.tool_calls.clone_from(&delta.tool_calls);
        self.held.push(&held);
        if parts.is_empty() && delta.logprobs.is_empty() {
            return;
        }
        let mut candidate = candidate(parts);
        if !delta.logprobs.is_empty() {
            candidate["logprobsResult"] = logprobs(&delta.logprobs);
        }
        event(&answer(&candidate, self.usage.as_ref(), &self.head), out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held).finish();
        let mut parts: Vec<Value> = held.tool_calls.iter().map(call).collect();
        if parts.is_empty() {
            parts.push(json!({"text": ""}));
        }
        let mut candidate = candidate(parts);
        candidate["finishReason"] = json!(finish::word_of(held.finish, &held.native_finish));
        let usage = self.usage.unwrap_or_default();
        event(&answer(&candidate, Some(&usage), &self.head), out);
    }

    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>) {
        event(&error_body(error), out);
    }
}

fn event(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("data: {value}\r\n\r\n").as_bytes());
}

fn answer(candidate: &Value, usage: Option<&Usage>, head: &AnswerHead) -> Value {
    let mut answer = json!({"candidates": [candidate]});
    if let Some(usage) = usage {
        answer["usageMetadata"] = usage::written(usage);
    }
    answer["modelVersion"] = json!(head.model);
    answer["responseId"] = json!(head.id);
    answer
}

fn candidate(parts: Vec<Value>) -> Value {
    let mut content = json!({"role": "model"});
    if !parts.is_empty() {
        content["parts"] = Value::Array(parts);
    }
    json!({"content": content, "index": 0})
}

/// A piece of reasoning; a signature without text stands on an empty text.
fn thought(text: &str, seal: Option<&Seal>) -> Option<Value> {
    let signature = seal.and_then(|seal| seal.signature.as_deref());
    let mut part = match (text.is_empty(), signature) {
        (true, None) => return None,
        (true, Some(_)) => json!({"text": ""}),
        (false, _) => json!({"text": text, "thought": true}),
    };
    if let Some(signature) = signature {
        part["thoughtSignature"] = json!(signature);
    }
    Some(part)
}

fn call(call: &ToolCall) -> Value {
    let args = serde_json::from_str::<Value>(&call.arguments).ok();
    let args = args
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({"invalid_arguments": call.arguments}));
    let mut part = json!({"functionCall": {"id": call.id, "name": call.name, "args": args}});
    if let Some(signature) = &call.signature {
        part["thoughtSignature"] = json!(signature);
    }
    part
}

fn logprobs(tokens: &[TokenLogprob]) -> Value {
    let pair = |token: &str, logprob: f64| json!({"token": token, "logProbability": logprob});
    let chosen = tokens.iter().map(|token| pair(&token.token, token.logprob));
    let top = tokens.iter().map(|token| {
        let top = token
            .top
            .iter()
            .map(|(token, logprob)| pair(token, *logprob));
        json!({"candidates": top.collect::<Vec<_>>()})
    });
    json!({"chosenCandidates": chosen.collect::<Vec<_>>(), "topCandidates": top.collect::<Vec<_>>()})
}

/// An error in Google's form: `google.rpc.Status` in JSON.
pub(in crate::wire) fn error_body(error: &LlmError) -> Value {
    let (code, status) = match &error.kind {
        LlmErrorKind::Authentication if error.lacks_credential() => (500, "INTERNAL"),
        LlmErrorKind::Authentication => (401, "UNAUTHENTICATED"),
        LlmErrorKind::PermissionDenied => (403, "PERMISSION_DENIED"),
        LlmErrorKind::ModelNotFound => (404, "NOT_FOUND"),
        LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered => (400, "INVALID_ARGUMENT"),
        LlmErrorKind::RateLimited { .. }
        | LlmErrorKind::QuotaExhausted
        | LlmErrorKind::BudgetExceeded => (429, "RESOURCE_EXHAUSTED"),
        LlmErrorKind::Overloaded { .. }
        | LlmErrorKind::ConnectionFailed
        | LlmErrorKind::NoDeployment { .. } => (503, "UNAVAILABLE"),
        LlmErrorKind::Timeout { .. } => (504, "DEADLINE_EXCEEDED"),
        LlmErrorKind::StreamInterrupted { .. } | LlmErrorKind::MalformedResponse => {
            (500, "INTERNAL")
        }
        LlmErrorKind::Cancelled => (499, "CANCELLED"),
    };
    let mut body = json!({"code": code, "message": error.to_string(), "status": status});
    if let Some(wait) = error.kind.retry_after() {
        let delay = format!("{}s", wait.as_secs_f64());
        body["details"] =
            json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]);
    }
    json!({"error": body})
}
