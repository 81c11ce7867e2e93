//! A conversation as one text: models here have no messages.

use crate::types::Chat;
use crate::types::Message;
use crate::types::Role;

/// How a model tells the speakers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Template {
    /// `[INST] … [/INST]`: Llama 2, Mistral and Mixtral.
    Inst,
    /// Headers with the speaker's name: Llama 3 and later.
    Headers,
    /// `User:` and `Assistant:`.
    Plain,
}

impl Template {
    /// The template of a model, told from its name.
    pub(super) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match () {
            () if says(&["llama-2", "mistral-7b-instruct", "mixtral"]) => Self::Inst,
            () if says(&["llama-3", "llama-4"]) => Self::Headers,
            () => Self::Plain,
        }
    }

    /// What ends a user's text, and then the assistant's.
    fn ends(self) -> (&'static str, &'static str) {
        match self {
            Self::Inst => (" [/INST] ", " </s><s>[INST] "),
            Self::Headers => (
                "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
            ),
            Self::Plain => ("\n\nAssistant: ", "\n\nUser: "),
        }
    }

    /// Marks that nobody but the template may write.
    fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Inst => &["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>"],
            Self::Headers => &[
                "<|begin_of_text|>",
                "<|start_header_id|>",
                "<|end_header_id|>",
                "<|eot_id|>",
            ],
            Self::Plain => &[],
        }
    }
}

/// The prompt of a conversation. A single question is the prompt as it is; the model's own template is put around
/// the whole by Replicate, so that one of several turns begins and ends in the middle of it.
pub(super) fn prompt(chat: &Chat, template: Template) -> String {
    let mut turns: Vec<(bool, String)> = Vec::new();
    for message in &chat.messages {
        let (is_users, said) = match message.role {
            Role::System => continue,
            Role::User => (true, message.joined_text()),
            Role::Tool => (true, format!("Result of a tool: {}", message.joined_text())),
            Role::Assistant => (false, assistant(message)),
        };
        if said.trim().is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some((last, earlier)) if *last == is_users => {
                earlier.push_str("\n\n");
                earlier.push_str(&said);
            }
            Some(_) | None => turns.push((is_users, said)),
        }
    }
    if turns.len() == 1 && turns[0].0 {
        return turns.remove(0).1;
    }
    let (end_of_user, end_of_assistant) = template.ends();
    let mut text = match template {
        Template::Plain if turns.first().is_some_and(|(is_users, _)| *is_users) => {
            "User: ".to_owned()
        }
        Template::Plain => "Assistant: ".to_owned(),
        Template::Inst | Template::Headers => String::new(),
    };
    let last = turns.len().saturating_sub(1);
    for (index, (is_users, said)) in turns.iter().enumerate() {
        // A template that begins with the user's turn has nothing to say in it.
        if index == 0 && !is_users && template != Template::Plain {
            text.push_str(end_of_user);
        }
        text.push_str(&unmarked(said, template));
        let end = match is_users {
            true => end_of_user,
            false => end_of_assistant,
        };
        // The end of the last user's turn is Replicate's to write, where it has a template; an assistant's last words
        // are to be continued.
        if index < last || (*is_users && template == Template::Plain) {
            text.push_str(end);
        }
    }
    text.trim_end().to_owned()
}

fn assistant(message: &Message) -> String {
    let mut text = message.joined_text();
    for call in &message.tool_calls {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("Call of {}: {}", call.name, call.arguments));
    }
    text
}

/// The text with a blank in each of the template's marks: what is said must not become another speaker's turn.
fn unmarked(text: &str, template: Template) -> String {
    let mut clean = text.to_owned();
    for mark in template.marks() {
        if clean.contains(mark) {
            let (first, rest) = mark.split_at(1);
            clean = clean.replace(mark, &format!("{first} {rest}"));
        }
    }
    clean
}
