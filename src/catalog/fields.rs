//! Reads a TOML table field by field, so that a file's mistakes are all told at once.
//!
//! Serde stops at the first mistake, which makes mending a file a game of patience.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;
use toml::de::ValueDeserializer;

use crate::types::Diagnostic;
use crate::types::diagnostic::nearest;

/// The mistakes of one file.
pub(super) struct Report<'i> {
    file: &'i str,
    text: &'i str,
    mistakes: Vec<Diagnostic>,
}

impl<'i> Report<'i> {
    pub(super) fn new(file: &'i str, text: &'i str) -> Self {
        Self {
            file,
            text,
            mistakes: Vec::new(),
        }
    }

    /// Parses the file; what is not TOML is reported, and nothing is guessed from the rest.
    pub(super) fn parse(&mut self) -> Option<Fields<'i>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let line = error.span().map(|span| self.line(&span));
            self.at(line, error.message());
        }
        errors
            .is_empty()
            .then(|| Fields::new(None, table.into_inner()))
    }

    /// Reports a mistake at a line.
    pub(super) fn at(&mut self, line: Option<usize>, help: impl Into<String>) {
        self.mistakes.push(Diagnostic::new(self.file, line, help));
    }

    pub(super) fn into_mistakes(self) -> Vec<Diagnostic> {
        self.mistakes
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }
}

/// One table whose fields are taken out one by one; what is left at the end nobody knows.
pub(super) struct Fields<'i> {
    line: Option<usize>,
    table: DeTable<'i>,
    /// Every key that was asked for, with its line where it was there.
    asked: BTreeMap<&'static str, Option<usize>>,
}

impl<'i> Fields<'i> {
    fn new(line: Option<usize>, table: DeTable<'i>) -> Self {
        Self {
            line,
            table,
            asked: BTreeMap::new(),
        }
    }

    /// The line of a key that was taken, else the table's own.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        self.asked.get(key).copied().flatten().or(self.line)
    }

    /// `true` when a field that was asked for was there.
    pub(super) fn has(&self, key: &str) -> bool {
        matches!(self.asked.get(key), Some(Some(_)))
    }

    /// Takes a field; `None` when it is absent, or wrong and reported.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let value = self.take_value(key, report)?;
        let at = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                let line = report.line(&error.span().unwrap_or(at));
                report.at(Some(line), format!("{key}: {}", error.message()));
                None
            }
        }
    }

    /// Takes a field that must be there.
    pub(super) fn require<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let value = self.take(key, report);
        if !self.has(key) {
            report.at(self.line, format!("{key} is missing"));
        }
        value
    }

    /// Takes a field that must be there and not be blank.
    pub(super) fn require_text(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<String> {
        let text: String = self.require(key, report)?;
        if text.trim().is_empty() {
            report.at(self.line(key), format!("{key} is empty"));
            return None;
        }
        Some(text)
    }

    /// Takes a field as it was written.
    pub(super) fn take_value(
        &mut self,
        key: &'static str,
        report: &Report<'_>,
    ) -> Option<Spanned<DeValue<'i>>> {
        let Some((key_at, value)) = self.table.remove_entry(key) else {
            self.asked.insert(key, None);
            return None;
        };
        self.asked.insert(key, Some(report.line(&key_at.span())));
        Some(value)
    }

    /// Takes a table; `None` when it is absent, or no table and reported.
    pub(super) fn table(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Self> {
        let value = self.take_value(key, report)?;
        Self::as_table(key, value, report)
    }

    /// Takes an array of tables, the `[[key]]` of a file.
    pub(super) fn tables(&mut self, key: &'static str, report: &mut Report<'_>) -> Vec<Self> {
        let Some(value) = self.take_value(key, report) else {
            return Vec::new();
        };
        match value.into_inner() {
            DeValue::Array(items) => items
                .into_iter()
                .filter_map(|item| Self::as_table(key, item, report))
                .collect(),
            other => {
                let found = other.type_str();
                report.at(self.line(key), format!("write [[{key}]], not a {found}"));
                Vec::new()
            }
        }
    }

    /// Reports what nobody asked for, with the nearest key that somebody did ask for.
    pub(super) fn finish(self, report: &mut Report<'_>) {
        for key in self.table.keys() {
            let line = report.line(&key.span());
            let name = key.get_ref();
            let hint = match nearest(name, self.asked.keys().copied()) {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => {
                    let known: Vec<&str> = self.asked.keys().copied().collect();
                    format!("known are {}", known.join(", "))
                }
            };
            report.at(Some(line), format!("unknown key \"{name}\": {hint}"));
        }
    }

    fn as_table(key: &str, value: Spanned<DeValue<'i>>, report: &mut Report<'_>) -> Option<Self> {
        let line = report.line(&value.span());
        match value.into_inner() {
            DeValue::Table(table) => Some(Self::new(Some(line), table)),
            other => {
                let found = other.type_str();
                report.at(Some(line), format!("{key} is a table, not a {found}"));
                None
            }
        }
    }
}
