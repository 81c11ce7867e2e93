//! What a chat asks a debate. Pure.

use super::options;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::debate::Atom;
use crate::types::debate::Document;
use crate::types::debate::Format;
use crate::types::debate::PhaseKind;

/// A question up to this length is the topic itself; the whole of a longer one goes beside it.
const MAX_TOPIC_CHARS: usize = 8_000;
/// Characters of what goes into the topic beside the question, for formats whose speakers see no facts.
const MAX_CONTEXT_CHARS: usize = 11_000;

/// A question, and what everybody may read beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    topic: String,
    context: Vec<Document>,
    /// Answers to choose from that stand in it; empty where it has none.
    options: Vec<String>,
}

impl Question {
    /// A question alone, with the options that stand in it.
    pub(super) fn plain(topic: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            context: Vec::new(),
            options: options::given_in(topic),
        }
    }

    /// The options that stand in it, for a format that needs some.
    pub(super) fn options_for(&self, format: &Format) -> Vec<String> {
        match format.needs_options() {
            true => self.options.clone(),
            false => Vec::new(),
        }
    }

    /// The last message of the user is the question; system messages are instructions, and all other messages are
    /// the conversation so far.
    ///
    /// # Errors
    /// `InvalidRequest` when the user says nothing.
    pub(super) fn of(chat: &Chat) -> Result<Self, LlmError> {
        let is_asked = |message: &crate::types::Message| {
            message.role == Role::User && !message.joined_text().trim().is_empty()
        };
        let Some(at) = chat.messages.iter().rposition(is_asked) else {
            let message = "a debate needs a question: a message of the user with a text in it";
            return Err(LlmError::new(
                LlmErrorKind::InvalidRequest,
                super::PROVIDER,
                message,
            ));
        };
        let asked = chat.messages[at].joined_text().trim().to_owned();
        let mut context = Vec::new();
        let (mut told, mut so_far) = (String::new(), String::new());
        for (index, message) in chat
            .messages
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != at)
        {
            let text = message.joined_text();
            let text = text.trim();
            let who = match message.role {
                _ if text.is_empty() => continue,
                Role::System => {
                    add(&mut told, text);
                    continue;
                }
                Role::User => "User",
                Role::Assistant => "Assistant",
                Role::Tool => "Tool",
            };
            let after = if index > at {
                ", after the question"
            } else {
                ""
            };
            add(&mut so_far, &format!("{who}{after}: {text}"));
        }
        let mut add_text = |title: &str, text: String| {
            if !text.is_empty() {
                let title = title.to_owned();
                context.push(Document { title, text });
            }
        };
        add_text("Instructions of the one who asks", told);
        add_text("The conversation so far", so_far);
        let options = options::given_in(&asked);
        let topic = match asked.char_indices().nth(MAX_TOPIC_CHARS) {
            None => asked,
            Some((cut, _)) => {
                let beginning = format!("{}…", &asked[..cut]);
                add_text("The question in full", asked);
                beginning
            }
        };
        Ok(Self {
            topic,
            context,
            options,
        })
    }

    /// The topic and the facts of a debate in this format. Where speakers see no facts, the topic holds what goes
    /// beside the question, its end when it is long.
    pub(super) fn for_format(self, format: &Format) -> (String, Vec<Document>) {
        let mut speaking = format
            .phases
            .iter()
            .filter(|it| it.kind == PhaseKind::Speak);
        let see_facts = speaking.all(|it| it.sees.iter().any(|sight| sight.atom == Atom::Facts));
        if see_facts || self.context.is_empty() {
            return (self.topic, self.context);
        }
        let mut beside = String::new();
        for document in &self.context {
            add(
                &mut beside,
                &format!("{}:\n{}", document.title, document.text),
            );
        }
        let chars = beside.chars().count();
        let beside: String = beside
            .chars()
            .skip(chars.saturating_sub(MAX_CONTEXT_CHARS))
            .collect();
        (format!("{}\n\n{beside}", self.topic), Vec::new())
    }
}

fn add(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// What of a chat a debate cannot carry, for the loss report.
pub(super) fn dropped(chat: &Chat) -> Vec<String> {
    let sampling = &chat.sampling;
    let has_media = chat
        .messages
        .iter()
        .flat_map(|it| &it.parts)
        .any(|part| match part {
            ContentPart::Image(_) | ContentPart::File { .. } | ContentPart::Audio(_) => true,
            ContentPart::Text(_) | ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => false,
        });
    [
        ("temperature", sampling.temperature.is_some()),
        ("top_p", sampling.top_p.is_some()),
        ("max_tokens", sampling.max_output_tokens.is_some()),
        ("stop", !sampling.stop.is_empty()),
        ("tools", !chat.tools.is_empty()),
        ("response_format", chat.format != ResponseFormat::Text),
        ("reasoning_effort", chat.reasoning_effort.is_some()),
        ("media", has_media),
    ]
    .into_iter()
    .filter(|(_, is_there)| *is_there)
    .map(|(name, _)| name.to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Message;

    fn chat(messages: &[(Role, &str)]) -> Chat {
        Chat {
            messages: messages
                .iter()
                .map(|(role, text)| Message::text(*role, *text))
                .collect(),
            ..Chat::default()
        }
    }

    #[test]
    fn the_last_thing_the_user_says_is_the_question_and_the_rest_stands_beside_it() {
        let chat = chat(&[
            (Role::System, "Be brief."),
            (Role::User, "Is 91 prime?"),
            (Role::Assistant, "No."),
            (Role::User, " Why not? "),
        ]);
        let question = Question::of(&chat).unwrap();
        assert_eq!(question.topic, "Why not?");
        let titles: Vec<&str> = question
            .context
            .iter()
            .map(|it| it.title.as_str())
            .collect();
        assert_eq!(
            titles,
            [
                "Instructions of the one who asks",
                "The conversation so far"
            ]
        );
        assert_eq!(
            question.context[1].text,
            "User: Is 91 prime?\n\nAssistant: No."
        );
    }

    #[test]
    fn a_chat_without_words_of_the_user_is_no_question() {
        for messages in [
            &[][..],
            &[(Role::System, "Be brief."), (Role::User, " ")][..],
        ] {
            let error = Question::of(&chat(messages)).unwrap_err();
            assert_eq!(error.kind, LlmErrorKind::InvalidRequest);
        }
    }

    #[test]
    fn a_question_too_long_for_a_topic_is_there_in_full() {
        let long = "why ".repeat(9_000);
        let question = Question::of(&chat(&[(Role::User, &long)])).unwrap();
        assert_eq!(question.topic.chars().count(), MAX_TOPIC_CHARS + 1);
        assert_eq!(question.context[0].text, long.trim());
        let format = crate::debate::format::FormatLibrary::load(None).unwrap();
        for format in format.iter() {
            let (topic, _) = question.clone().for_format(format);
            assert!(topic.chars().count() <= 20_000, "{}", format.id);
        }
    }
}
