//! The texts that an order brings along: options, facts and secrets.

use std::collections::BTreeSet;

use super::DebateOrder;
use super::check::Check;
use crate::types::debate::Document;
use crate::types::debate::Format;

/// Most options.
const MAX_OPTIONS: usize = 50;
/// Longest option, in characters.
const MAX_OPTION_CHARS: usize = 1_000;
/// Most facts, and most secrets.
const MAX_DOCUMENTS: usize = 50;
/// Characters of all facts and secrets together: they are stored with the debate.
const MAX_DOCUMENT_CHARS: usize = 2_000_000;

impl Check<'_> {
    /// Checks what is said without knowing the format.
    pub(super) fn documents(&mut self, order: &DebateOrder) {
        self.options(&order.options);
        let facts = order.facts.iter().enumerate();
        let facts = facts.map(|(at, text)| (format!("facts[{at}]"), text));
        let secrets = order.secrets.iter();
        let secrets = secrets.map(|(name, text)| (format!("secrets.{name}"), text));
        let all: Vec<(String, &Document)> = facts.chain(secrets).collect();
        let mut chars = 0;
        for (field, document) in &all {
            chars += document.text.chars().count();
            if document.text.trim().is_empty() {
                self.problem(field, "empty_text", "the text is empty");
            }
            if document.title.trim().is_empty() || document.title.chars().any(char::is_control) {
                let message = "a text needs a title of one line, so that quotes can name it";
                self.problem(format!("{field}.title"), "bad_title", message);
            }
        }
        if order.facts.len() > MAX_DOCUMENTS || order.secrets.len() > MAX_DOCUMENTS {
            let message = format!("{MAX_DOCUMENTS} facts and {MAX_DOCUMENTS} secrets is the most");
            self.problem("facts", "too_many_texts", message);
        }
        if chars > MAX_DOCUMENT_CHARS {
            let message = format!(
                "facts and secrets have {chars} characters; {MAX_DOCUMENT_CHARS} is the most"
            );
            self.problem("facts", "texts_too_long", message);
        }
    }

    fn options(&mut self, options: &[String]) {
        if options.len() == 1 || options.len() > MAX_OPTIONS {
            let message = format!("give 2 to {MAX_OPTIONS} options, or none");
            self.problem("options", "bad_options", message);
        }
        let mut seen = BTreeSet::new();
        for (at, option) in options.iter().enumerate() {
            let field = format!("options[{at}]");
            let length = option.trim().chars().count();
            if length == 0 || length > MAX_OPTION_CHARS || option.chars().any(char::is_control) {
                let message = format!("an option has 1 to {MAX_OPTION_CHARS} printable characters");
                self.problem(field, "bad_option", message);
            } else if !seen.insert(option.trim().to_lowercase()) {
                self.problem(field, "duplicate_option", "this option is there already");
            }
        }
    }

    /// A secret that the format knows no role for would reach nobody, and one that is missing leaves a role in the
    /// dark.
    pub(super) fn secrets_of(&mut self, format: &Format, order: &DebateOrder) {
        let wanted: BTreeSet<&String> = (format.roles.iter())
            .flat_map(|role| &role.secrets)
            .collect();
        for name in order.secrets.keys().filter(|name| !wanted.contains(name)) {
            let known: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
            let message = match known.is_empty() {
                true => format!("no role of {} has secrets: give it as a fact", format.id),
                false => format!(
                    "{} has no secret \"{name}\": it has {}",
                    format.id,
                    known.join(", ")
                ),
            };
            self.problem(format!("secrets.{name}"), "unknown_secret", message);
        }
        for name in wanted {
            if !order.secrets.contains_key(name) {
                let message = format!("{} needs a text for its secret \"{name}\"", format.id);
                self.problem(format!("secrets.{name}"), "missing_secret", message);
            }
        }
    }
}
