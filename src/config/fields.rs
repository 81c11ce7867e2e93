//! Reads a section of `LiteLLM`'s key by key: what is understood, what is ignored and why, what is not known.

use serde::de::DeserializeOwned;

use super::report::Report;
use super::tree::Content;
use super::tree::Entry;
use super::tree::Node;
use super::typed;
use super::typed::Texts;

/// Keys that change nothing, and why.
pub(super) type Ignored = &'static [(&'static str, &'static str)];

/// A section that is being read.
pub(super) struct Fields<'n, 'r> {
    path: String,
    entries: &'n [Entry],
    known: Vec<&'static str>,
    pub(super) report: &'r mut Report,
}

impl<'n, 'r> Fields<'n, 'r> {
    /// Begins; a section that is no mapping is a mistake.
    pub(super) fn of(path: impl Into<String>, node: &'n Node, report: &'r mut Report) -> Self {
        let path = path.into();
        if !matches!(node.content, Content::Map(_) | Content::Null) {
            report.kind(&path, node, "a mapping");
        }
        Self {
            path,
            entries: node.entries(),
            known: Vec::new(),
            report,
        }
    }

    /// The entry of a key, as understood; `None` where it is missing or null.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        let entry = self.take_any(key)?;
        (!entry.node.is_null()).then_some(&entry.node)
    }

    /// The same, though it may be null.
    pub(super) fn take_any(&mut self, key: &'static str) -> Option<&'n Entry> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let path = self.path_of(key);
        self.report.understand(path, &entry.place);
        Some(entry)
    }

    /// The first of several names for one thing.
    pub(super) fn take_first(&mut self, keys: &[&'static str]) -> Option<&'n Node> {
        let mut found = None;
        for key in keys {
            let node = self.take(key);
            found = found.or(node);
        }
        found
    }

    /// The value of a key.
    pub(super) fn read<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let node = self.take(key)?;
        let path = self.path_of(key);
        typed::value(&path, node, self.report)
    }

    /// A text, or texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.read::<Texts>(key).map(|Texts(texts)| texts)
    }

    /// Seconds, not below zero.
    pub(super) fn seconds(&mut self, key: &'static str) -> Option<f64> {
        let node = self.take(key)?;
        let path = self.path_of(key);
        let seconds: f64 = typed::value(&path, node, self.report)?;
        // A hundred years is longer than anybody waits, and fits every clock.
        if (0.0..=3_153_600_000.0).contains(&seconds) {
            return Some(seconds);
        }
        let help = format!("{path} should be a number of seconds");
        self.report.mistake(&node.place, help);
        None
    }

    /// A number up to a limit; a broken one counts as the next whole one.
    pub(super) fn count(&mut self, key: &'static str, most: u32) -> Option<u32> {
        let node = self.take(key)?;
        let path = self.path_of(key);
        let number: f64 = typed::value(&path, node, self.report)?;
        match (0.0..=f64::from(most)).contains(&number) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it lies between zero and a u32"
            )]
            true => Some(number.ceil() as u32),
            false => {
                let help = format!("{path} should be a number from 0 to {most}");
                self.report.mistake(&node.place, help);
                None
            }
        }
    }

    /// `section.key`.
    pub(super) fn path_of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// The entries that nobody took; those of `ignored` are put into the report with their reason.
    pub(super) fn rest(&mut self, ignored: Ignored) -> Vec<&'n Entry> {
        let mut rest = Vec::new();
        for entry in self.entries {
            if self.known.contains(&entry.key.as_str()) {
                continue;
            }
            match ignored.iter().find(|(key, _)| *key == entry.key) {
                Some((_, why)) => {
                    let path = self.path_of(&entry.key);
                    self.report.ignore(path, &entry.place, *why);
                }
                None => rest.push(entry),
            }
        }
        rest
    }

    /// Ends: what nobody took is ignored with its reason, or not known.
    pub(super) fn finish(mut self, ignored: Ignored) {
        let rest = self.rest(ignored);
        let names = ignored.iter().map(|(key, _)| *key);
        let known: Vec<&str> = self.known.iter().copied().chain(names).collect();
        for entry in rest {
            let path = self.path_of(&entry.key);
            self.report.unknown(&path, &entry.place, &known, false);
        }
    }
}
