//! The name that was asked for, in place of the upstream's in an answer that is passed on as it comes: clients look
//! models up by it, and what stands behind an alias is the operator's business.
//!
//! `LiteLLM`'s proxy does so, unless another group answered (1.109, `_override_openai_response_model`, read 2026-11).

use axum::body::Bytes;
use memchr::memmem;

use crate::types::Wire;

/// Where an event names its model. Within a text the quotes would stand behind backslashes.
const MEMBER: &[u8] = b"\"model\":";

/// Puts a name into the events of one answer.
#[derive(Debug)]
pub(super) struct Renamed {
    /// As JSON; empty when there is nothing to do, or no more.
    name: Vec<u8>,
    /// Only the first event of the answer that names a model does so, not each.
    once: bool,
}

impl Renamed {
    /// Names the model of an answer in this dialect.
    pub(super) fn new(wire: Wire, model: &str) -> Self {
        let (is_told, once) = match wire {
            Wire::OpenaiChat => (true, false),
            Wire::Anthropic => (true, true),
            // These name it deep within, or name the version that answers.
            Wire::OpenaiResponses
            | Wire::Gemini
            | Wire::Ollama
            | Wire::Cohere
            | Wire::Bedrock
            | Wire::Replicate
            | Wire::Demo => (false, true),
        };
        let name = if is_told { model } else { "" };
        Self {
            name: match name {
                "" => Vec::new(),
                name => serde_json::Value::from(name).to_string().into_bytes(),
            },
            once,
        }
    }

    /// Leaves every name as it is.
    pub(super) fn nothing() -> Self {
        Self {
            name: Vec::new(),
            once: true,
        }
    }

    /// The bytes with the name in each event that stands in them whole. Untouched bytes are not copied.
    pub(super) fn frame(&mut self, frame: Bytes) -> Bytes {
        if self.name.is_empty() {
            return frame;
        }
        let (mut out, mut copied, mut at) = (Vec::new(), 0, 0);
        while let Some(found) = memmem::find(&frame[at..], MEMBER) {
            let start = at + found + MEMBER.len();
            let Some(length) = length_of_text(&frame[start..]) else {
                // A name that is no text, or that goes on in the next piece.
                at = start;
                continue;
            };
            if frame[start..start + length] == self.name {
                // It names itself so in every event.
                self.name = Vec::new();
                break;
            }
            out.extend_from_slice(&frame[copied..start]);
            out.extend_from_slice(&self.name);
            copied = start + length;
            if self.once {
                self.name = Vec::new();
                break;
            }
            // The first of each event is its own.
            let Some(next) = memmem::find(&frame[copied..], b"\ndata:") else {
                break;
            };
            at = copied + next;
        }
        if copied == 0 {
            return frame;
        }
        out.extend_from_slice(&frame[copied..]);
        out.into()
    }
}

/// The length of a JSON text without escapes, blanks before it included in what is replaced; `None` for anything else.
fn length_of_text(bytes: &[u8]) -> Option<usize> {
    let blanks = bytes.iter().take_while(|byte| **byte == b' ').count();
    let inner = bytes[blanks..].strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', inner)?;
    (inner[end] == b'"').then_some(blanks + end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(wire: Wire, frames: &[&'static str]) -> Vec<String> {
        let mut renamed = Renamed::new(wire, "my \"best\"");
        let frames = frames.iter();
        let read = frames.map(|it| renamed.frame(Bytes::from_static(it.as_bytes())));
        read.map(|it| String::from_utf8(it.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn every_event_of_a_chat_has_the_name_and_texts_stay_as_they_are() {
        let text = "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"model\\\":\\\"x\\\"\"}}],\"model\": \"up\"}\n\n\
            data: {\"model\":\"up\",\"more\":{\"model\":\"own\"}}\n\n";
        let wanted = "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"model\\\":\\\"x\\\"\"}}],\"model\":\"my \\\"best\\\"\"}\n\n\
            data: {\"model\":\"my \\\"best\\\"\",\"more\":{\"model\":\"own\"}}\n\n";
        assert_eq!(renamed(Wire::OpenaiChat, &[text]), [wanted]);
        for untouched in [
            "data: {\"model\":null}\n\n",
            "data: {\"model\":\"cut",
            "data: [DONE]\n\n",
        ] {
            assert_eq!(renamed(Wire::OpenaiChat, &[untouched]), [untouched]);
        }
    }

    #[test]
    fn only_the_beginning_of_a_message_names_its_model() {
        let begin = "event: message_start\ndata: {\"message\":{\"model\":\"claude\"}}\n\n";
        let later = "event: x\ndata: {\"input\":{\"model\":\"claude\"}}\n\n";
        let wanted = begin.replace("\"claude\"", "\"my \\\"best\\\"\"");
        assert_eq!(
            renamed(Wire::Anthropic, &[begin, later]),
            [wanted.as_str(), later]
        );
        assert_eq!(renamed(Wire::Gemini, &[begin]), [begin]);
    }

    #[test]
    fn an_upstream_that_says_the_same_name_is_not_looked_at_again() {
        let mut renamed = Renamed::new(Wire::OpenaiChat, "up");
        let frame = Bytes::from_static(b"data: {\"model\":\"up\"}\n\n");
        assert_eq!(renamed.frame(frame.clone()).as_ptr(), frame.as_ptr());
        assert!(renamed.name.is_empty());
    }
}
