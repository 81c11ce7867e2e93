//! What became of each setting: understood, ignored and why, warned of, wrong.

use super::place::Place;
use super::tree::Node;
use crate::types::Diagnostic;
use crate::types::diagnostic::nearest;

/// What became of each setting.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What keeps Agon from starting.
    pub mistakes: Vec<Diagnostic>,
    /// What the operator should know.
    pub warnings: Vec<Diagnostic>,
    /// Settings that hold.
    pub understood: Vec<Told>,
    /// Settings that change nothing, and why.
    pub ignored: Vec<Told>,
}

/// What became of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The section with the key: `router_settings.num_retries`.
    pub path: String,
    /// Where it stands.
    pub place: Place,
    /// Why it is ignored; empty for what is understood.
    pub why: String,
}

impl Report {
    /// In the file's order, each setting once.
    pub(super) fn tidy(&mut self) {
        for told in [&mut self.understood, &mut self.ignored] {
            let mut seen = std::collections::HashSet::new();
            told.retain(|it| seen.insert((it.path.clone(), it.place.line)));
        }
        // What is ignored is not understood, whoever looked at it.
        let ignored = &self.ignored;
        self.understood
            .retain(|it| !ignored.iter().any(|other| other.path == it.path));
    }

    pub(super) fn mistake(&mut self, place: &Place, help: impl Into<String>) {
        self.mistakes.push(place.says(help));
    }

    pub(super) fn warn(&mut self, place: &Place, help: impl Into<String>) {
        self.warnings.push(place.says(help));
    }

    pub(super) fn understand(&mut self, path: String, place: &Place) {
        self.understood.push(Told {
            path,
            place: place.clone(),
            why: String::new(),
        });
    }

    pub(super) fn ignore(&mut self, path: String, place: &Place, why: impl Into<String>) {
        self.ignored.push(Told {
            path,
            place: place.clone(),
            why: why.into(),
        });
    }

    /// A key that nobody knows: a mistake in a section of ours, a warning in one of `LiteLLM`'s.
    pub(super) fn unknown(&mut self, path: &str, place: &Place, known: &[&str], is_mistake: bool) {
        let key = path.rsplit('.').next().unwrap_or(path);
        let help = match nearest(key, known.iter().copied()) {
            Some(meant) => format!("unknown key \"{path}\": did you mean \"{meant}\"?"),
            None if is_mistake => {
                format!("unknown key \"{path}\": known are {}", known.join(", "))
            }
            None => format!("unknown key \"{path}\": it is ignored"),
        };
        match is_mistake {
            true => self.mistake(place, help),
            false => {
                self.ignore(path.to_owned(), place, "it is not known");
                self.warn(place, help);
            }
        }
    }

    /// Something of another kind than it should be.
    pub(super) fn kind(&mut self, path: &str, node: &Node, wanted: &str) {
        let help = format!("{path} is {}: it should be {wanted}", node.kind());
        self.mistake(&node.place, help);
    }
}
