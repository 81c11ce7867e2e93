//! Ollama's `/api/generate`, the form before its chats: a prompt is asked as a chat, and its answer is a chat's with
//! the text at another place.

use bytes::Bytes;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::WireError;
use super::ollama;
use super::serve::AnswerHead;
use super::serve::Asked;
use super::serve::StreamEncoder;
use crate::client::LlmError;
use crate::types::ChatChunk;
use crate::types::ChatResponse;

/// What a client asks: a chat, or only that the model is loaded, which is a request without a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum AskedGenerate {
    /// An answer.
    Answer(Box<Asked>),
    /// Nothing but that the model is there.
    Loading,
}

/// Reads the body of `POST /api/generate`.
///
/// # Errors
/// `Malformed` with what is wrong; `Unsupported` for what a chat cannot do: a suffix, and tokens of an earlier answer.
pub fn decode_request(body: &[u8]) -> Result<AskedGenerate, WireError> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
        let help = "the body is not a valid JSON object";
        return Err(WireError::Malformed(help.to_owned()));
    };
    for name in ["suffix", "context"] {
        let given = members.remove(name).filter(|value| !is_nothing(value));
        if given.is_some() {
            let help = format!("{name} cannot be carried: prompts are asked as chats");
            return Err(WireError::Unsupported(help));
        }
    }
    let prompt = members.remove("prompt").filter(|value| !is_nothing(value));
    let images = members.remove("images").filter(|value| !is_nothing(value));
    if prompt.is_none() && images.is_none() {
        return Ok(AskedGenerate::Loading);
    }
    let mut messages = Vec::new();
    if let Some(system) = members.remove("system").filter(|value| !is_nothing(value)) {
        messages.push(json!({"role": "system", "content": system}));
    }
    let mut message = json!({"role": "user", "content": prompt.unwrap_or_else(|| json!(""))});
    if let Some(images) = images {
        message["images"] = images;
    }
    messages.push(message);
    members.insert("messages".to_owned(), Value::Array(messages));
    let asked = ollama::decode_request(Value::Object(members).to_string().as_bytes())?;
    Ok(AskedGenerate::Answer(Box::new(asked)))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Writes a whole answer.
pub fn encode_response(response: &ChatResponse, head: &AnswerHead) -> Bytes {
    let line = ollama::encode_response(response, head);
    as_generated(&line).unwrap_or(line)
}

/// The answer to a request that only loads a model.
pub fn encode_loaded(head: &AnswerHead) -> Bytes {
    let created = jiff::Timestamp::from_second(i64::try_from(head.created_s).unwrap_or(0));
    let created = created.map(|at| at.to_string()).unwrap_or_default();
    json!({"model": head.model, "created_at": created, "response": "", "done": true, "done_reason": "load"})
        .to_string()
        .into()
}

/// A chat's line with its text where this API has it; `None` for another line.
fn as_generated(line: &[u8]) -> Option<Bytes> {
    let mut line: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let message = line.remove("message")?;
    line.insert("response".to_owned(), message["content"].clone());
    if let Some(thinking) = message.get("thinking") {
        line.insert("thinking".to_owned(), thinking.clone());
    }
    Some(Value::Object(line).to_string().into())
}

/// Writes a stream of lines.
#[derive(Debug)]
pub struct Encoder(ollama::Encoder);

impl Encoder {
    /// Begins a stream.
    pub fn new(head: AnswerHead) -> Self {
        Self(ollama::Encoder::new(head))
    }

    fn written(
        &mut self,
        write: impl FnOnce(&mut ollama::Encoder, &mut Vec<u8>),
        out: &mut Vec<u8>,
    ) {
        let mut lines = Vec::new();
        write(&mut self.0, &mut lines);
        for line in lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            match as_generated(line) {
                Some(generated) => out.extend_from_slice(&generated),
                None => out.extend_from_slice(line),
            }
            out.push(b'\n');
        }
    }
}

impl StreamEncoder for Encoder {
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.written(|chat, lines| chat.chunk(chunk, lines), out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.written(StreamEncoder::finish, out);
    }

    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>) {
        self.written(|chat, lines| chat.fail(error, lines), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Role;

    fn read(body: &Value) -> Result<AskedGenerate, WireError> {
        decode_request(body.to_string().as_bytes())
    }

    #[test]
    fn a_prompt_is_a_chat_and_none_only_loads() {
        let body = json!({"model": "m", "system": "Be brief.", "prompt": "Hi", "suffix": "", "stream": false});
        let AskedGenerate::Answer(asked) = read(&body).unwrap() else {
            panic!("not a question")
        };
        let roles: Vec<Role> = asked
            .chat
            .messages
            .iter()
            .map(|message| message.role)
            .collect();
        assert_eq!(roles, [Role::System, Role::User]);
        assert!(!asked.stream);
        assert_eq!(
            read(&json!({"model": "m"})).unwrap(),
            AskedGenerate::Loading
        );
        let error = read(&json!({"model": "m", "prompt": "a", "context": [1]})).unwrap_err();
        assert!(error.to_string().contains("context"), "{error}");
    }

    #[test]
    fn the_text_stands_where_this_api_has_it() {
        let head = AnswerHead {
            id: String::new(),
            model: "m".to_owned(),
            created_s: 7,
            usage_in_stream: true,
        };
        let answer = ChatResponse {
            text: "Hello".to_owned(),
            ..ChatResponse::default()
        };
        let whole: Value = serde_json::from_slice(&encode_response(&answer, &head)).unwrap();
        assert_eq!(whole["response"], "Hello");
        assert!(whole.get("message").is_none() && whole["done"] == true);
        let (mut encoder, mut out) = (Encoder::new(head), Vec::new());
        for chunk in answer.into_chunks() {
            encoder.chunk(&chunk, &mut out);
        }
        encoder.finish(&mut out);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["response"], "Hello");
        assert_eq!(lines[1]["done"], true);
    }
}
