//! OpenAI's text completions, the form before chats: a prompt is asked as a chat of one message.

use bytes::Bytes;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::WireError;
use super::openai_chat;
use super::serve::AnswerHead;
use super::serve::FOR_THE_GATEWAY;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::TokenLogprob;
use crate::types::Usage;

/// Most prompts, and most answers to one, that one request may ask for together.
const MOST_ANSWERS: usize = 32;

/// What a client asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AskedText {
    /// What is to be answered, in order: one chat for each answer.
    pub chats: Vec<Chat>,
    /// The prompts of the chats, where the client wants them before the answers.
    pub echoed: Vec<String>,
    /// Members of the request that could not be carried.
    pub unknown: Vec<String>,
}

fn malformed(message: &str) -> WireError {
    WireError::Malformed(message.to_owned())
}

/// Reads the body of `POST /v1/completions`.
///
/// # Errors
/// `Malformed` with what is wrong; `Unsupported` for what a chat cannot do: prompts of token ids, and a suffix.
pub fn decode_request(body: &[u8]) -> Result<AskedText, WireError> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
        return Err(malformed("the body is not a valid JSON object"));
    };
    let prompts = prompts(members.remove("prompt"))?;
    let suffix = members.remove("suffix");
    if suffix.is_some_and(|it| it.as_str().is_none_or(|text| !text.is_empty()) && !it.is_null()) {
        let help = "suffix cannot be carried: completions are asked as chats";
        return Err(WireError::Unsupported(help.to_owned()));
    }
    let echo = members.remove("echo") == Some(Value::Bool(true));
    let answers = match members.remove("n").unwrap_or(Value::Null) {
        Value::Null => 1,
        n => n
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0),
    };
    if answers == 0 || answers.saturating_mul(prompts.len()) > MOST_ANSWERS {
        let help = format!("n and prompt: from 1 to {MOST_ANSWERS} answers can be asked for");
        return Err(WireError::Malformed(help));
    }
    let mut unknown = Vec::new();
    if members
        .remove("best_of")
        .is_some_and(|best| best.as_u64() > Some(1))
    {
        unknown.push("best_of".to_owned());
    }
    if let Some(top) = members.remove("logprobs").and_then(|top| top.as_u64()) {
        members.insert("logprobs".to_owned(), json!(true));
        members.insert("top_logprobs".to_owned(), json!(top));
    }
    let mut read = AskedText {
        chats: Vec::new(),
        echoed: Vec::new(),
        unknown,
    };
    for prompt in prompts {
        let asked = as_chat(&members, &prompt)?;
        for _ in 0..answers {
            read.chats.push(asked.chat.clone());
            if echo {
                read.echoed.push(prompt.clone());
            }
        }
        for name in asked.unknown {
            let is_ours = FOR_THE_GATEWAY.contains(&name.as_str());
            if !is_ours && !read.unknown.contains(&name) {
                read.unknown.push(name);
            }
        }
    }
    Ok(read)
}

fn as_chat(members: &Map<String, Value>, prompt: &str) -> Result<super::serve::Asked, WireError> {
    let mut chat = members.clone();
    let message = json!([{"role": "user", "content": prompt}]);
    chat.insert("messages".to_owned(), message);
    // The name may stand in the path.
    chat.entry("model").or_insert_with(|| json!("-"));
    openai_chat::decode_request(Value::Object(chat).to_string().as_bytes())
}

fn prompts(prompt: Option<Value>) -> Result<Vec<String>, WireError> {
    let of_tokens = || {
        let help = "prompt: token ids cannot be carried, send the text";
        WireError::Unsupported(help.to_owned())
    };
    match prompt {
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) if !texts.is_empty() => texts
            .into_iter()
            .map(|one| match one {
                Value::String(text) => Ok(text),
                Value::Number(_) | Value::Array(_) => Err(of_tokens()),
                Value::Null | Value::Bool(_) | Value::Object(_) => {
                    Err(malformed("prompt has to be a text or a list of texts"))
                }
            })
            .collect(),
        Some(_) => Err(malformed("prompt has to be a text or a list of texts")),
        None => Err(malformed("Missing required parameter: 'prompt'")),
    }
}

/// Writes whole answers, in the order of their chats.
pub fn encode_response(answers: &[ChatResponse], echoed: &[String], head: &AnswerHead) -> Bytes {
    let choice = |(index, answer): (usize, &ChatResponse)| {
        let before = echoed.get(index).map_or("", String::as_str);
        let text = format!("{before}{}{}", answer.text, answer.refusal);
        choice(index, &text, &answer.logprobs, Some(answer.finish))
    };
    let choices: Vec<Value> = answers.iter().enumerate().map(choice).collect();
    let usage: Usage = answers.iter().map(|answer| answer.usage).sum();
    let mut body = event(head, &json!(choices));
    body["usage"] = openai_chat::usage(&usage);
    super::json_bytes(&body)
}

fn event(head: &AnswerHead, choices: &Value) -> Value {
    json!({
        "id": head.id,
        "object": "text_completion",
        "created": head.created_s,
        "model": head.model,
        "choices": choices,
    })
}

fn choice(
    index: usize,
    text: &str,
    logprobs: &[TokenLogprob],
    finish: Option<FinishReason>,
) -> Value {
    let reason = finish.map(|finish| match finish {
        FinishReason::Stop | FinishReason::ToolCalls => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
    });
    json!({"text": text, "index": index, "logprobs": told(logprobs), "finish_reason": reason})
}

/// Log probabilities in the old form: lists side by side.
fn told(tokens: &[TokenLogprob]) -> Value {
    if tokens.is_empty() {
        return Value::Null;
    }
    let top = |token: &TokenLogprob| -> Map<String, Value> {
        let pairs = token.top.iter();
        pairs
            .map(|(text, log)| (text.clone(), json!(log)))
            .collect()
    };
    let lengths = tokens.iter().map(|token| token.token.chars().count());
    let offsets: Vec<usize> = lengths
        .scan(0, |at, length| {
            *at += length;
            Some(*at - length)
        })
        .collect();
    json!({
        "tokens": tokens.iter().map(|token| &token.token).collect::<Vec<_>>(),
        "token_logprobs": tokens.iter().map(|token| token.logprob).collect::<Vec<_>>(),
        "top_logprobs": tokens.iter().map(top).collect::<Vec<_>>(),
        "text_offset": offsets,
    })
}

/// Writes the stream of one answer or of several side by side, each with its index.
#[derive(Debug)]
pub struct Encoder {
    head: AnswerHead,
    answers: Vec<Answering>,
}

/// One answer of a stream.
#[derive(Debug, Default)]
struct Answering {
    /// Comes before the first text.
    echoed: String,
    finish: Option<FinishReason>,
    usage: Usage,
}

impl Encoder {
    /// A stream of so many answers. Each begins with its prompt, where the client wants that.
    pub fn new(head: AnswerHead, answers: usize, echoed: Vec<String>) -> Self {
        let mut echoed = echoed.into_iter();
        let answering = |_| Answering {
            echoed: echoed.next().unwrap_or_default(),
            ..Answering::default()
        };
        Self {
            head,
            answers: (0..answers).map(answering).collect(),
        }
    }

    /// Returns the bytes of the next chunk of an answer; empty when there is nothing to tell yet.
    pub fn chunk(&mut self, index: usize, chunk: &ChatChunk) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(answer) = self.answers.get_mut(index) else {
            return out;
        };
        answer.finish = chunk.finish.or(answer.finish);
        answer.usage = chunk.usage.unwrap_or(answer.usage);
        let mut text = std::mem::take(&mut answer.echoed);
        text.push_str(&chunk.delta.text);
        text.push_str(&chunk.delta.refusal);
        if !text.is_empty() {
            let choice = choice(index, &text, &chunk.delta.logprobs, None);
            self.write(&json!([choice]), None, &mut out);
        }
        out
    }

    /// Returns the bytes that end an answer.
    pub fn end(&mut self, index: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let finish = self.answers.get(index).and_then(|answer| answer.finish);
        let choice = choice(index, "", &[], Some(finish.unwrap_or_default()));
        self.write(&json!([choice]), None, &mut out);
        out
    }

    /// Returns the bytes that end the stream.
    pub fn finish(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.head.usage_in_stream {
            let usage: Usage = self.answers.iter().map(|answer| answer.usage).sum();
            self.write(&json!([]), Some(&usage), &mut out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        out
    }

    fn write(&self, choices: &Value, usage: Option<&Usage>, out: &mut Vec<u8>) {
        let mut event = event(&self.head, choices);
        if let Some(usage) = usage {
            event["usage"] = openai_chat::usage(usage);
        }
        out.extend_from_slice(format!("data: {event}\n\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &Value) -> Result<AskedText, WireError> {
        decode_request(body.to_string().as_bytes())
    }

    #[test]
    fn every_prompt_is_a_chat_and_every_answer_too() {
        let body = json!({"model": "m", "prompt": ["a", "b"], "n": 2, "echo": true, "max_tokens": 5, "logprobs": 2,
            "best_of": 3, "stop": "x"});
        let read = read(&body).unwrap();
        let texts: Vec<String> = read
            .chats
            .iter()
            .map(|chat| chat.messages[0].joined_text())
            .collect();
        assert_eq!(texts, ["a", "a", "b", "b"]);
        assert_eq!(read.echoed, texts);
        assert_eq!(read.chats[0].sampling.max_output_tokens, Some(5));
        assert_eq!(read.chats[0].top_logprobs, Some(2));
        assert_eq!(read.unknown, ["best_of"]);
    }

    #[test]
    fn what_a_chat_cannot_do_is_refused_with_words() {
        for (body, wanted) in [
            (
                json!({"model": "m"}),
                "Missing required parameter: 'prompt'",
            ),
            (json!({"model": "m", "prompt": [1, 2]}), "token ids"),
            (json!({"model": "m", "prompt": [[1, 2]]}), "token ids"),
            (
                json!({"model": "m", "prompt": "a", "suffix": "b"}),
                "suffix",
            ),
            (
                json!({"model": "m", "prompt": "a", "n": 99}),
                "from 1 to 32",
            ),
            (json!({"model": "m", "prompt": {}}), "a text or a list"),
        ] {
            let error = read(&body).unwrap_err().to_string();
            assert!(error.contains(wanted), "{body}: {error}");
        }
        assert!(read(&json!({"model": "m", "prompt": "a", "suffix": null})).is_ok());
    }

    #[test]
    fn answers_are_written_in_the_old_form() {
        let head = AnswerHead {
            id: "cmpl-1".to_owned(),
            model: "m".to_owned(),
            created_s: 7,
            usage_in_stream: true,
        };
        let answer = ChatResponse {
            text: " there".to_owned(),
            logprobs: vec![TokenLogprob {
                token: " there".to_owned(),
                logprob: -0.5,
                top: vec![(" you".to_owned(), -1.0)],
            }],
            ..ChatResponse::default()
        };
        let whole = encode_response(std::slice::from_ref(&answer), &["hi".to_owned()], &head);
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(whole["object"], "text_completion");
        assert_eq!(whole["choices"][0]["text"], "hi there");
        assert_eq!(whole["choices"][0]["logprobs"]["tokens"], json!([" there"]));
        assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        let mut encoder = Encoder::new(head, 2, vec!["hi".to_owned()]);
        let mut out = Vec::new();
        for chunk in answer.into_chunks() {
            for index in [1, 0] {
                out.extend(encoder.chunk(index, &chunk));
            }
        }
        out.extend(encoder.end(0));
        out.extend(encoder.finish());
        let text = String::from_utf8(out).unwrap();
        let events: Vec<&str> = text.split_terminator("\n\n").collect();
        assert_eq!(events.len(), 5, "{text}");
        for (event, index, told) in [
            (events[0], 1, "\"text\":\" there\""),
            (events[1], 0, "\"text\":\"hi there\""),
            (events[2], 0, "\"finish_reason\":\"stop\""),
        ] {
            let index = format!("\"index\":{index}");
            assert!(event.contains(told) && event.contains(&index), "{text}");
        }
        assert!(events[3].contains("\"usage\""), "{text}");
        assert_eq!(events[4], "data: [DONE]");
    }
}
