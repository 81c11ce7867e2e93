//! Reading an answer: a stream of partial answers, a JSON array of them, or one whole answer.

use serde_json::Value;

use super::finish;
use super::finish::Ending;
use super::partial_args::PartialArgs;
use super::usage;
use crate::client::LlmErrorKind;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::Seal;
use crate::types::TokenLogprob;
use crate::types::ToolCallDelta;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What an answer has told so far.
#[derive(Debug)]
pub(in crate::wire) struct Stream {
    quirks: Quirks,
    /// The answer's id, once it was told.
    id: Option<String>,
    /// The model was told.
    named: bool,
    finish: Option<FinishReason>,
    calls: usize,
    partial: Option<PartialArgs>,
    /// A block of reasoning is open: a signature that comes with something else is not its own.
    thinking: bool,
}

impl Stream {
    pub(in crate::wire) fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            id: None,
            named: false,
            finish: None,
            calls: 0,
            partial: None,
            thinking: false,
        }
    }
}

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.finish.is_some()
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        match event.data.trim() {
            // Gateways that imitate this wire end their streams so.
            "" | "[DONE]" => Ok(()),
            data => self.take(&lenient::parse(data.as_bytes())?, chunks),
        }
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let body = body.trim_ascii();
        if let Some(elements) = body.strip_prefix(b"[") {
            return self.array(elements, chunks);
        }
        let value = lenient::parse(body)?;
        self.take(&value, chunks)?;
        // A count of tokens is an answer of this wire, too, though to another question.
        let answers = self.is_complete()
            || first_candidate(&value).is_some()
            || value.get("totalTokens").is_some();
        match answers {
            true => Ok(()),
            false => Err(WireError::Malformed("it has no candidates".to_owned())),
        }
    }
}

impl Stream {
    /// A stream asked for without `alt=sse`: an array whose elements are its events.
    fn array(&mut self, mut rest: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        loop {
            let between = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
            let start = rest.iter().take_while(|byte| between(byte)).count();
            rest = &rest[start..];
            if rest.first() == Some(&b']') {
                break;
            }
            let mut elements = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
            let element = match elements.next() {
                Some(Ok(element)) => element,
                Some(Err(error)) if !error.is_eof() => {
                    return Err(WireError::Malformed(error.to_string()));
                }
                Some(Err(_)) | None => return Err(WireError::Truncated),
            };
            let end = elements.byte_offset();
            self.take(&element, chunks)?;
            rest = &rest[end..];
        }
        match self.is_complete() {
            true => Ok(()),
            false => Err(WireError::Truncated),
        }
    }

    fn take(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        // Vertex AI wraps an error of a stream in an array, with `alt=sse` too.
        if let Value::Array(elements) = value {
            return elements.iter().try_for_each(|it| self.take(it, chunks));
        }
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(failure::in_success(value));
        }
        let first = chunks.len();
        let (id, model) = self.introduced(value);
        let candidate = first_candidate(value).unwrap_or(&Value::Null);
        let unknown = self.parts(candidate, chunks);
        let mut last = ChatChunk {
            usage: value.get("usageMetadata").and_then(usage::read),
            unknown,
            ..ChatChunk::default()
        };
        last.delta.logprobs = logprobs(candidate);
        let ended = self.end(value, candidate, &mut last);
        if let Some(call) = self.partial.take_if(|_| self.finish.is_some()) {
            last.delta.tool_calls.push(arguments_of(call));
        }
        if last != ChatChunk::default() {
            chunks.push(last);
        }
        if id.is_some() || model.is_some() {
            if chunks.len() == first {
                chunks.push(ChatChunk::default());
            }
            (chunks[first].id, chunks[first].model) = (id, model);
        }
        ended
    }

    /// The answer's id and model, the first time that they are told.
    fn introduced(&mut self, value: &Value) -> (Option<String>, Option<String>) {
        let id = lenient::text(value, "responseId").filter(|_| self.id.is_none());
        let model = lenient::text(value, "modelVersion").filter(|_| !self.named);
        self.named |= model.is_some();
        self.id = self.id.take().or_else(|| id.clone());
        (id, model)
    }

    /// Pushes what the parts say, in order, and gives the kinds that were not understood.
    fn parts(&mut self, candidate: &Value, chunks: &mut Vec<ChatChunk>) -> Vec<String> {
        const BESIDE: [&str; 5] = [
            "groundingMetadata",
            "urlContextMetadata",
            "citationMetadata",
            "groundingAttributions",
            "urlRetrievalMetadata",
        ];
        let says = |value: &Value| match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        };
        let beside = BESIDE
            .iter()
            .filter(|key| candidate.get(**key).is_some_and(says));
        let mut unknown: Vec<String> = beside.map(|key| (*key).to_owned()).collect();
        let parts = candidate.get("content").and_then(|it| it.get("parts"));
        for part in parts.and_then(Value::as_array).into_iter().flatten() {
            self.part(part, chunks, &mut unknown);
        }
        unknown
    }

    fn part(&mut self, part: &Value, chunks: &mut Vec<ChatChunk>, unknown: &mut Vec<String>) {
        const KNOWN: [&str; 6] = [
            "text",
            "thought",
            "thoughtSignature",
            "functionCall",
            "videoMetadata",
            "partMetadata",
        ];
        let signature = lenient::text(part, "thoughtSignature");
        if let Some(call) = part.get("functionCall").filter(|call| call.is_object()) {
            let begins = lenient::text(call, "name").is_some();
            let earlier = self.partial.take_if(|_| begins).map(arguments_of);
            chunks.extend(earlier.map(called));
            let piece = self.call(call, signature, unknown);
            chunks.extend(piece.map(called));
            return;
        }
        let members = part.as_object();
        let kinds = members.into_iter().flat_map(|members| members.keys());
        unknown.extend(
            kinds
                .filter(|kind| !KNOWN.contains(&kind.as_str()))
                .cloned(),
        );
        let thought = part.get("thought") == Some(&Value::Bool(true));
        let text = lenient::text(part, "text").unwrap_or_default();
        let seal = signature.map(|signature| Seal {
            signature: Some(signature),
            ..Seal::default()
        });
        let mut delta = Delta::default();
        if thought {
            self.thinking |= !text.is_empty();
            delta.reasoning = text;
        } else {
            delta.text = text;
            // The signature belongs to this part, not to the thoughts before it.
            if seal.is_some() && std::mem::take(&mut self.thinking) {
                chunks.push(said(Delta {
                    seal: Some(Seal::default()),
                    ..Delta::default()
                }));
            }
        }
        self.thinking &= seal.is_none();
        delta.seal = seal;
        if !delta.is_empty() {
            chunks.push(said(delta));
        }
    }

    /// A call, whole in one part, or a piece of one.
    fn call(
        &mut self,
        call: &Value,
        signature: Option<String>,
        unknown: &mut Vec<String>,
    ) -> Option<ToolCallDelta> {
        let goes_on = call.get("willContinue") == Some(&Value::Bool(true));
        let name = lenient::text(call, "name");
        if let (Some(partial), None) = (&mut self.partial, &name) {
            unknown.extend(partial.take(call).err());
            let ended = self.partial.take_if(|_| !goes_on).map(arguments_of);
            return match (ended, signature) {
                (Some(piece), signature) => Some(ToolCallDelta { signature, ..piece }),
                (None, None) => None,
                (None, signature) => Some(ToolCallDelta {
                    index: self.calls.saturating_sub(1),
                    signature,
                    ..ToolCallDelta::default()
                }),
            };
        }
        let index = self.calls;
        self.calls += 1;
        let args = call.get("args").filter(|args| !args.is_null());
        let mut arguments = args.map_or_else(|| "{}".to_owned(), Value::to_string);
        if goes_on || call.get("partialArgs").is_some() {
            let mut partial = PartialArgs::new(index, args);
            unknown.extend(partial.take(call).err());
            arguments = match goes_on {
                true => {
                    self.partial = Some(partial);
                    String::new()
                }
                false => partial.into_text(),
            };
        }
        let id = lenient::text(call, "id").unwrap_or_else(|| self.invented_id(index));
        Some(ToolCallDelta {
            index,
            id: Some(id),
            name,
            arguments,
            signature,
        })
    }

    /// An id for a call that has none: the answer's own id keeps it apart from those of other answers.
    fn invented_id(&self, index: usize) -> String {
        match &self.id {
            Some(answer) => format!("call_{answer}_{index}"),
            None => format!("call_{index}"),
        }
    }

    /// Notes why the answer ended. A later word counts only where the earlier was a plain stop: old models say
    /// that in every event.
    fn end(
        &mut self,
        value: &Value,
        candidate: &Value,
        last: &mut ChatChunk,
    ) -> Result<(), WireError> {
        let plain = matches!(self.finish, None | Some(FinishReason::Stop));
        if let Some(word) = finish::block_reason(value).filter(|_| plain) {
            self.finish = Some(FinishReason::ContentFilter);
            last.finish = self.finish;
            last.native_finish = Some(word);
            return Ok(());
        }
        let Some(word) = finish::word(candidate).filter(|_| plain) else {
            return Ok(());
        };
        let finish = match finish::ending(&word, &self.quirks) {
            Ending::Finished(FinishReason::Stop) if self.finish.is_some() => return Ok(()),
            Ending::Finished(finish) => finish,
            Ending::UnexpectedCall if self.calls > 0 => FinishReason::ToolCalls,
            Ending::UnexpectedCall | Ending::Failed => {
                let why = lenient::text(candidate, "finishMessage");
                let why = why.unwrap_or_else(|| format!("the model's answer ended with {word}"));
                last.native_finish = Some(word);
                return Err(WireError::Upstream(LlmErrorKind::MalformedResponse, why));
            }
        };
        self.finish = Some(finish);
        last.finish = Some(finish);
        last.native_finish = Some(word);
        Ok(())
    }
}

/// The candidate of index 0; one without an index is the only one.
fn first_candidate(value: &Value) -> Option<&Value> {
    let candidates = value.get("candidates")?.as_array()?;
    let is_first = |it: &&Value| it.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
    candidates.iter().find(is_first)
}

fn logprobs(candidate: &Value) -> Vec<TokenLogprob> {
    let result = candidate.get("logprobsResult").unwrap_or(&Value::Null);
    let list = |value: &Value, key: &str| {
        let list = value.get(key).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let pair = |token: &Value| {
        let logprob = token.get("logProbability").and_then(Value::as_f64);
        let text = token.get("token").and_then(Value::as_str);
        (text.unwrap_or_default().to_owned(), logprob.unwrap_or(0.0))
    };
    let tops = list(result, "topCandidates");
    let chosen = list(result, "chosenCandidates");
    let with_top = |(index, token): (usize, &Value)| {
        let (token, logprob) = pair(token);
        let top = tops.get(index).map(|top| list(top, "candidates"));
        TokenLogprob {
            token,
            logprob,
            top: top.iter().flatten().map(pair).collect(),
        }
    };
    chosen.iter().enumerate().map(with_top).collect()
}

fn arguments_of(partial: PartialArgs) -> ToolCallDelta {
    ToolCallDelta {
        index: partial.index,
        arguments: partial.into_text(),
        ..ToolCallDelta::default()
    }
}

fn called(piece: ToolCallDelta) -> ChatChunk {
    said(Delta {
        tool_calls: vec![piece],
        ..Delta::default()
    })
}

fn said(delta: Delta) -> ChatChunk {
    ChatChunk {
        delta,
        ..ChatChunk::default()
    }
}
