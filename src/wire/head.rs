//! What a gateway has to know of a client's request: found by place, while the rest stays unread.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;

use super::verbatim;
use super::verbatim::Edits;
use crate::client::Wishes;
use crate::types::TopLevel;
use crate::types::Wire;

/// Longest wait that a caller can wish for: a day.
const MOST_SECONDS: f64 = 86_400.0;
/// Most labels and most other models that one request may name.
const MOST_NAMES: usize = 32;

/// What was found in a request's body.
#[derive(Debug, Default)]
pub struct Scanned<'a> {
    /// The model as the client wrote it; `None` where the body has none.
    pub model: Option<Cow<'a, str>>,
    /// Whether the answer is wanted in pieces; `None` where the body does not say.
    pub stream: Option<bool>,
    /// Whether the client wants the usage within a stream; `true` on wires that always tell it.
    pub usage_in_stream: bool,
    /// A cautious estimate of the prompt's tokens.
    pub estimated_tokens: u64,
    /// Labels for routing.
    pub tags: Vec<String>,
    /// What the client wants of the router.
    pub wishes: Wishes,
    /// Where the members of the body stand.
    pub members: TopLevel,
    /// `true` when the body's `metadata` holds what only a gateway can read: see [`without_gateway_metadata`].
    pub metadata_is_ours: bool,
}

/// Says what is wrong with a request's body, and with which of its members.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadHead {
    /// What is wrong.
    pub message: String,
    /// The member; `None` when it is the body as a whole.
    pub member: Option<&'static str>,
}

fn bad(member: &'static str, wanted: &str) -> BadHead {
    BadHead {
        message: format!("{member} has to be {wanted}"),
        member: Some(member),
    }
}

/// Looks a request's body over.
///
/// # Errors
/// When the body is no JSON object, or a member that routing needs is not of its kind.
pub fn scan(wire: Wire, body: &[u8]) -> Result<Scanned<'_>, BadHead> {
    let members = TopLevel::read(body).map_err(|error| BadHead {
        message: format!("the body is {error}"),
        member: None,
    })?;
    let mut found = Scanned {
        usage_in_stream: wire != Wire::OpenaiChat,
        ..Scanned::default()
    };
    for (name, value) in members.iter(body) {
        refuse_disguised(name)?;
        if value != b"null" {
            found.take(name, value)?;
        }
    }
    found.tags.truncate(MOST_NAMES);
    found.estimated_tokens = estimated_tokens(body);
    found.members = members;
    Ok(found)
}

/// Refuses a name that an upstream would read as another one than stands here: a second model behind it would be called
/// in place of the one that the caller's plan, the model list and the bill are about. Nobody escapes letters, and
/// readers that look past the case of names (Go's `encoding/json`, which Ollama is written with) take `Model` for
/// `model`.
fn refuse_disguised(name: &[u8]) -> Result<(), BadHead> {
    let is_another_model = name.eq_ignore_ascii_case(b"model") && name != b"model";
    if is_another_model || (memchr::memchr(b'\\', name).is_some() && is_plain_word(name)) {
        return Err(BadHead {
            message: format!(
                "write the name \"{}\" of a member plainly",
                String::from_utf8_lossy(name)
            ),
            member: None,
        });
    }
    Ok(())
}

/// `true` when a name needs no escapes, whatever it is written with.
fn is_plain_word(name: &[u8]) -> bool {
    let quoted = [b"\"".as_slice(), name, b"\""].concat();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    serde_json::from_slice::<String>(&quoted).is_ok_and(|read| read.chars().all(plain))
}

impl<'a> Scanned<'a> {
    fn take(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), BadHead> {
        match name {
            b"model" => {
                let model = text(value).filter(|model| !model.trim().is_empty());
                self.model = Some(model.ok_or_else(|| bad("model", "the name of a model"))?);
            }
            b"stream" => self.stream = Some(flag(value, "stream")?),
            b"stream_options" => self.usage_in_stream |= asks_for_usage(value),
            b"metadata" => self.metadata(value),
            b"tags" => self.tags.extend(texts(value, "tags")?),
            b"num_retries" => self.wishes.num_retries = Some(count(value, "num_retries")?),
            b"fallbacks" => {
                let (names, messages) = fallbacks(value)?;
                self.wishes.fallbacks = Some(names);
                self.wishes.fallback_messages = messages;
            }
            b"disable_fallbacks" => self.wishes.no_fallbacks = flag(value, "disable_fallbacks")?,
            b"timeout" | b"request_timeout" => {
                self.wishes.timeout = Some(seconds(value, "timeout")?);
            }
            b"stream_timeout" => {
                self.wishes.stream_timeout = Some(seconds(value, "stream_timeout")?);
            }
            b"drop_params" if value != b"null" => {
                self.wishes.drop_params = Some(flag(value, "drop_params")?);
            }
            b"litellm_session_id" => self.wishes.session = text(value).map(Cow::into_owned),
            _ => {}
        }
        Ok(())
    }

    /// `metadata` is the upstream's as far as it holds texts, and the gateway's as far as it holds more.
    fn metadata(&mut self, value: &[u8]) {
        let Ok(members) = TopLevel::read(value) else {
            return;
        };
        for (name, inner) in members.iter(value) {
            let is_text = inner.first() == Some(&b'"') || inner == b"null";
            self.metadata_is_ours |= !is_text;
            match name {
                b"tags" => self.tags.extend(texts(inner, "tags").unwrap_or_default()),
                b"session_id" => self.wishes.session = text(inner).map(Cow::into_owned),
                _ => {}
            }
        }
    }
}

/// A body without the members of its `metadata` that only a gateway can read: providers take texts there, and refuse
/// the lists and objects that clients of `LiteLLM` write beside them.
pub fn without_gateway_metadata(body: &Bytes, members: &TopLevel) -> Bytes {
    let mut edits = Edits::default();
    let written = members.value(body, "metadata").and_then(|value| {
        let inner = TopLevel::read(value).ok()?;
        let mut texts = inner
            .iter(value)
            .filter(|(_, value)| value.first() == Some(&b'"'))
            .peekable();
        texts.peek()?;
        let mut out = b"{".to_vec();
        for (name, value) in texts {
            if out.len() > 1 {
                out.push(b',');
            }
            for piece in [b"\"", name, b"\":", value] {
                out.extend_from_slice(piece);
            }
        }
        out.push(b'}');
        Some(out)
    });
    match written {
        Some(written) => edits.set("metadata", written),
        None => edits.remove.push("metadata"),
    }
    verbatim::edited(body, members, &edits)
}

/// The answer of an upstream with another name in place of its model's. An answer that does not name its model near
/// its beginning stays as it is.
pub fn with_model(answer: &Bytes, model: &str) -> Bytes {
    let near = &answer[..answer.len().min(1024)];
    let Some(place) = place_of_model(near) else {
        return answer.clone();
    };
    if text(&answer[place.clone()]).is_some_and(|told| told == model) {
        return answer.clone();
    }
    let mut out = Vec::with_capacity(answer.len() + model.len());
    out.extend_from_slice(&answer[..place.start]);
    // Writing a text into memory cannot fail.
    let _ = serde_json::to_writer(&mut out, model);
    out.extend_from_slice(&answer[place.end..]);
    out.into()
}

/// Where the value of the object's own `model` stands, unless it is behind something long.
fn place_of_model(near: &[u8]) -> Option<std::ops::Range<usize>> {
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(byte) = near.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                let end = end_of_text(near, at)?;
                if depth == 1 && &near[at..end] == b"\"model\"" {
                    let colon = end + near[end..].iter().position(|byte| *byte == b':')?;
                    let blank = near[colon + 1..].iter().position(|byte| *byte != b' ')?;
                    let start = colon + 1 + blank;
                    return (near[start] == b'"')
                        .then(|| end_of_text(near, start))?
                        .map(|end| start..end);
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the text ends whose opening quote stands at a place.
fn end_of_text(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// About one token for four bytes, without what pictures and files take.
fn estimated_tokens(body: &[u8]) -> u64 {
    let mut bytes = body.len();
    if bytes > 16 << 10 {
        let mut leave_out = |text: &[u8]| {
            bytes -= memchr::memchr(b'"', text).unwrap_or(0).min(bytes);
        };
        for at in memmem::find_iter(body, ";base64,") {
            leave_out(&body[at + 8..]);
        }
        for at in memmem::find_iter(body, "\"data\":") {
            if let Some(text) = body[at + 7..].trim_ascii_start().strip_prefix(b"\"") {
                leave_out(text);
            }
        }
    }
    (bytes as u64).div_ceil(4)
}

fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    match memchr::memchr(b'\\', inner) {
        None => std::str::from_utf8(inner).ok().map(Cow::Borrowed),
        Some(_) => serde_json::from_slice::<String>(value).ok().map(Cow::Owned),
    }
}

fn flag(value: &[u8], member: &'static str) -> Result<bool, BadHead> {
    match value {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(bad(member, "true or false")),
    }
}

fn asks_for_usage(value: &[u8]) -> bool {
    TopLevel::read(value).is_ok_and(|options| options.flag(value, "include_usage") == Some(true))
}

fn texts(value: &[u8], member: &'static str) -> Result<Vec<String>, BadHead> {
    serde_json::from_slice(value).map_err(|_| bad(member, "a list of texts"))
}

fn count(value: &[u8], member: &'static str) -> Result<u8, BadHead> {
    serde_json::from_slice(value).map_err(|_| bad(member, "a number from 0 to 255"))
}

/// A span as clients write it: seconds, with a point or without.
pub fn span_of_seconds(seconds: f64) -> Option<Duration> {
    (seconds.is_finite() && seconds > 0.0)
        .then(|| Duration::from_secs_f64(seconds.min(MOST_SECONDS)))
}

fn seconds(value: &[u8], member: &'static str) -> Result<Duration, BadHead> {
    let told = serde_json::from_slice::<f64>(value).ok();
    told.and_then(span_of_seconds)
        .ok_or_else(|| bad(member, "a number of seconds above 0"))
}

/// Other models, and the messages that some of them get in place of the request's.
type Fallbacks = (Vec<String>, Vec<(String, Bytes)>);

/// Names of models, or objects that name one beside messages of its own.
fn fallbacks(value: &[u8]) -> Result<Fallbacks, BadHead> {
    let wrong = || bad("fallbacks", "a list of models");
    let list: Vec<serde_json::Value> = serde_json::from_slice(value).map_err(|_| wrong())?;
    let (mut names, mut messages) = (Vec::new(), Vec::new());
    for one in list.iter().take(MOST_NAMES) {
        let named = one
            .as_str()
            .or_else(|| one.get("model").and_then(serde_json::Value::as_str));
        let name = named.ok_or_else(wrong)?.to_owned();
        if let Some(own) = one.get("messages").filter(|own| own.is_array()) {
            messages.push((name.clone(), own.to_string().into()));
        }
        names.push(name);
    }
    Ok((names, messages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_routing_needs_is_found_and_nothing_else_is_read() {
        let body = br#"{"model":"a\u002fb","messages":[{"bad" json}],"stream":true,"stream_options":{"include_usage":true},
            "metadata":{"tags":["x"],"k":"v","session_id":"s"},"tags":["y"],"num_retries":3,"timeout":1.5,"stream_timeout":2,
            "fallbacks":["c",{"model":"d","messages":[]}],"disable_fallbacks":false,"drop_params":true,"user":null}"#;
        let found = scan(Wire::OpenaiChat, body).unwrap();
        assert_eq!(found.model.unwrap(), "a/b");
        assert_eq!((found.stream, found.usage_in_stream), (Some(true), true));
        assert_eq!(found.tags, ["x", "y"]);
        assert!(found.metadata_is_ours);
        let wishes = Wishes {
            num_retries: Some(3),
            fallbacks: Some(vec!["c".to_owned(), "d".to_owned()]),
            fallback_messages: vec![("d".to_owned(), Bytes::from_static(b"[]"))],
            timeout: Some(Duration::from_millis(1500)),
            stream_timeout: Some(Duration::from_secs(2)),
            drop_params: Some(true),
            session: Some("s".to_owned()),
            ..Wishes::default()
        };
        assert_eq!(found.wishes, wishes);
    }

    #[test]
    fn a_member_of_another_kind_is_named() {
        for (body, wanted) in [
            ("[]", "the body is not a JSON object"),
            (r#"{"model":7}"#, "model has to be the name of a model"),
            (r#"{"model":" "}"#, "model has to be the name of a model"),
            (r#"{"stream":"yes"}"#, "stream has to be true or false"),
            (r#"{"num_retries":-1}"#, "num_retries has to be a number"),
            (r#"{"timeout":0}"#, "timeout has to be a number of seconds"),
            (r#"{"fallbacks":[1]}"#, "fallbacks has to be a list"),
            (r#"{"tags":"a"}"#, "tags has to be a list of texts"),
        ] {
            let error = scan(Wire::OpenaiChat, body.as_bytes()).unwrap_err();
            assert!(error.message.starts_with(wanted), "{body}: {error}");
        }
    }

    #[test]
    fn a_name_that_only_the_upstream_would_read_as_the_model_is_refused() {
        for name in [
            r"\u006dodel",
            r"mod\u0065l",
            "Model",
            "MODEL",
            r"\u0073tream",
        ] {
            let body = format!(r#"{{"model":"a","{name}":"b"}}"#);
            let error = scan(Wire::Ollama, body.as_bytes()).unwrap_err();
            assert!(error.message.contains("plainly"), "{name}: {error}");
        }
        for name in [r"caf\u00e9", r"a\/b", r#"a\"b"#, "models", "Stream", ""] {
            let body = format!(r#"{{"model":"a","{name}":"b"}}"#);
            let found = scan(Wire::Ollama, body.as_bytes()).unwrap();
            assert_eq!(found.model.unwrap(), "a", "{name}");
        }
    }

    #[test]
    fn metadata_keeps_its_texts_and_loses_what_no_provider_takes() {
        for (body, wanted) in [
            (
                r#"{"metadata":{"tags":["x"],"k":"v","n":{"a":1}},"model":"m"}"#,
                r#"{"metadata":{"k":"v"},"model":"m"}"#,
            ),
            (
                r#"{"metadata":{"tags":["x"]},"model":"m"}"#,
                r#"{"model":"m"}"#,
            ),
        ] {
            let found = scan(Wire::OpenaiChat, body.as_bytes()).unwrap();
            assert!(found.metadata_is_ours);
            let left =
                without_gateway_metadata(&Bytes::copy_from_slice(body.as_bytes()), &found.members);
            assert_eq!(left, wanted);
        }
        let texts = scan(Wire::Anthropic, br#"{"metadata":{"user_id":"u"}}"#).unwrap();
        assert!(!texts.metadata_is_ours);
    }

    #[test]
    fn a_whole_answer_gets_the_name_that_was_asked_for() {
        for (answer, wanted) in [
            (
                r#"{"id":"x","choices_":{"model":"no"},"model": "up\"stream","k":1}"#,
                r#"{"id":"x","choices_":{"model":"no"},"model": "mine","k":1}"#,
            ),
            (
                r#"{"id":"x","model":"mine"}"#,
                r#"{"id":"x","model":"mine"}"#,
            ),
            (r#"{"id":"x","model":7}"#, r#"{"id":"x","model":7}"#),
            (
                r#"{"id":"model","x":["model","#,
                r#"{"id":"model","x":["model","#,
            ),
            (r#"{"a":"\"model\":\"b\""}"#, r#"{"a":"\"model\":\"b\""}"#),
        ] {
            assert_eq!(
                with_model(&Bytes::from_static(answer.as_bytes()), "mine"),
                wanted
            );
        }
    }

    #[test]
    fn pictures_count_as_nothing_in_the_estimate() {
        let words = "word ".repeat(4000);
        let plain = format!(r#"{{"messages":"{words}"}}"#);
        let picture = "A".repeat(400_000);
        let with_picture =
            format!(r#"{{"messages":"{words}","url":"data:image/png;base64,{picture}"}}"#);
        let (plain, with_picture) = (
            estimated_tokens(plain.as_bytes()),
            estimated_tokens(with_picture.as_bytes()),
        );
        assert!(with_picture < plain + 20, "{plain} {with_picture}");
    }
}
