//! A TOML document with places: every value knows its line, and every mistake is collected.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::types::Diagnostic;
use crate::types::diagnostic::nearest;

/// The mistakes found in a file so far.
pub(super) struct Mistakes<'s> {
    file: &'s str,
    source: &'s str,
    found: Vec<Diagnostic>,
}

impl<'s> Mistakes<'s> {
    pub(super) fn new(file: &'s str, source: &'s str) -> Self {
        Self {
            file,
            source,
            found: Vec::new(),
        }
    }

    /// Notes a mistake at a byte of the file.
    pub(super) fn add(&mut self, at: usize, help: impl Into<String>) {
        let line = self.line(at);
        self.found
            .push(Diagnostic::new(self.file, Some(line), help));
    }

    /// Notes a mistake at a piece of a longer text. Lines of a text are not lines of the file, where some may
    /// be continued, so the piece is looked for; the text's own place stands in for one that is not found.
    pub(super) fn add_in_text(&mut self, text_at: usize, piece: &str, help: impl Into<String>) {
        let text = self.source.get(text_at..).unwrap_or_default();
        self.add(text_at + text.find(piece).unwrap_or(0), help);
    }

    /// Notes something that is missing from the whole file.
    pub(super) fn add_missing(&mut self, help: impl Into<String>) {
        self.found.push(Diagnostic::new(self.file, None, help));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many there are so far.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// All mistakes in the order of their lines, each once.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|mistake| mistake.line);
        self.found.dedup();
        self.found
    }

    fn line(&self, at: usize) -> usize {
        let before = self.source.as_bytes().get(..at).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

/// A table: its entries in the file's order.
pub(super) struct Section<'t> {
    path: String,
    at: usize,
    entries: Vec<Item<'t>>,
}

/// One value of a table or list.
#[derive(Clone)]
pub(super) struct Item<'t> {
    /// The key under which it stands; empty in a list.
    pub(super) key: &'t str,
    /// How messages name it, for example `roles.pro.kind`.
    pub(super) path: String,
    /// Where its key stands; for a list's element, the value itself.
    pub(super) at: usize,
    /// Where the value stands.
    pub(super) value_at: usize,
    value: &'t DeValue<'t>,
}

impl<'t> Section<'t> {
    pub(super) fn of_table(path: &str, at: usize, table: &'t DeTable<'t>) -> Self {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}.")
        };
        let mut entries: Vec<Item<'t>> = table
            .iter()
            .map(|(key, value)| Item {
                key: key.get_ref(),
                path: format!("{prefix}{}", key.get_ref()),
                at: key.span().start,
                value_at: value.span().start,
                value: value.get_ref(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.at);
        Self {
            path: path.to_owned(),
            at,
            entries,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Its entries, in the file's order.
    pub(super) fn entries(&self) -> &[Item<'t>] {
        &self.entries
    }

    pub(super) fn get(&self, key: &str) -> Option<Item<'t>> {
        self.entries.iter().find(|entry| entry.key == key).cloned()
    }

    /// The entry of this key; its absence is a mistake.
    pub(super) fn require(&self, key: &str, mistakes: &mut Mistakes<'_>) -> Option<Item<'t>> {
        let found = self.get(key);
        if found.is_none() {
            mistakes.add(self.at, format!("{}: {key} is missing", self.path));
        }
        found
    }

    /// The keys of one of its tables; none when there is no such table.
    pub(super) fn names(&self, table: &str) -> Vec<&'t str> {
        let item = self.get(table);
        let table = item.and_then(|item| item.section_named(table));
        table.map_or_else(Vec::new, |table| {
            table.entries.iter().map(|entry| entry.key).collect()
        })
    }

    /// Where a key of one of its tables stands; the file's beginning when there is none.
    pub(super) fn place(&self, table: &str, key: &str) -> usize {
        let item = self.get(table);
        let table = item.and_then(|item| item.section_named(table));
        table
            .and_then(|table| table.get(key))
            .map_or(0, |entry| entry.at)
    }

    /// The table of this key, if there is one.
    pub(super) fn section(&self, key: &str, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        self.get(key)?.section(mistakes)
    }

    /// Refuses every key but the `known`.
    pub(super) fn only(&self, known: &[&str], mistakes: &mut Mistakes<'_>) {
        for entry in &self.entries {
            if !known.contains(&entry.key) {
                mistakes.add(entry.at, unknown("key", &entry.path, entry.key, known));
            }
        }
    }

    /// Refuses keys that mean nothing here, each with the reason.
    pub(super) fn refuse(&self, keys: &[&str], why: &str, mistakes: &mut Mistakes<'_>) {
        for item in keys.iter().filter_map(|key| self.get(key)) {
            mistakes.add(item.at, format!("{}: {why}", item.path));
        }
    }
}

impl<'t> Item<'t> {
    pub(super) fn as_str(&self) -> Option<&'t str> {
        self.value.as_str()
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub(super) fn text(&self, mistakes: &mut Mistakes<'_>) -> Option<&'t str> {
        let text = self.expect("a text", self.value.as_str(), mistakes)?;
        if text.trim().is_empty() {
            mistakes.add(self.value_at, format!("{} is empty", self.path));
            return None;
        }
        Some(text)
    }

    pub(super) fn flag(&self, mistakes: &mut Mistakes<'_>) -> Option<bool> {
        self.expect("true or false", self.value.as_bool(), mistakes)
    }

    /// A whole number in a range.
    pub(super) fn whole(
        &self,
        range: RangeInclusive<u64>,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<u64> {
        let read = self.value.as_integer().and_then(|integer| {
            let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
            range.contains(&number).then_some(number)
        });
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        self.expect(&wanted, read, mistakes)
    }

    /// A whole number in a range that fits 32 bits.
    pub(super) fn small(
        &self,
        range: RangeInclusive<u32>,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<u32> {
        let range = u64::from(*range.start())..=u64::from(*range.end());
        u32::try_from(self.whole(range, mistakes)?).ok()
    }

    /// A number above zero.
    pub(super) fn positive(&self, mistakes: &mut Mistakes<'_>) -> Option<f64> {
        let read = self.number().filter(|number| *number > 0.0);
        self.expect("a number above 0", read, mistakes)
    }

    /// A number in a range.
    pub(super) fn within(
        &self,
        range: RangeInclusive<f64>,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<f64> {
        let read = self.number().filter(|number| range.contains(number));
        let wanted = format!("a number from {} to {}", range.start(), range.end());
        self.expect(&wanted, read, mistakes)
    }

    fn number(&self) -> Option<f64> {
        let text = match self.value {
            DeValue::Float(float) => Some(float.as_str()),
            DeValue::Integer(integer) if integer.radix() == 10 => Some(integer.as_str()),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let read = text.and_then(|text| text.parse::<f64>().ok());
        read.filter(|number| number.is_finite())
    }

    /// The elements of a list.
    pub(super) fn list(&self, mistakes: &mut Mistakes<'_>) -> Option<Vec<Self>> {
        let array = self.expect("a list", self.value.as_array(), mistakes)?;
        Some(array.iter().map(|element| self.element(element)).collect())
    }

    /// A list of texts, or one text.
    pub(super) fn texts(&self, mistakes: &mut Mistakes<'_>) -> Vec<Self> {
        match self.value {
            DeValue::String(_) => vec![self.clone()],
            DeValue::Array(array) => {
                let elements = array.iter().map(|element| self.element(element));
                elements
                    .filter(|element| element.text(mistakes).is_some())
                    .collect()
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => {
                self.wrong("a text or a list of texts", mistakes);
                Vec::new()
            }
        }
    }

    pub(super) fn section(&self, mistakes: &mut Mistakes<'_>) -> Option<Section<'t>> {
        let table = self.expect("a table", self.value.as_table(), mistakes)?;
        Some(Section::of_table(&self.path, self.at, table))
    }

    /// Its table under a name of the caller's; `None` when it is none.
    pub(super) fn section_named(&self, path: &str) -> Option<Section<'t>> {
        let table = self.value.as_table()?;
        Some(Section::of_table(path, self.at, table))
    }

    fn element(&self, element: &'t Spanned<DeValue<'t>>) -> Self {
        Self {
            key: "",
            path: self.path.clone(),
            at: element.span().start,
            value_at: element.span().start,
            value: element.get_ref(),
        }
    }

    fn expect<T>(&self, wanted: &str, read: Option<T>, mistakes: &mut Mistakes<'_>) -> Option<T> {
        if read.is_none() {
            self.wrong(wanted, mistakes);
        }
        read
    }

    pub(super) fn wrong(&self, wanted: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.add(self.value_at, format!("{} must be {wanted}", self.path));
    }
}

/// The words that a key can have, and what each means.
pub(super) struct Words<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Clone> Words<T> {
    pub(super) fn read(&self, item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<T> {
        let text = item.text(mistakes)?;
        let found = self.find(&item.path, text);
        found.map_err(|help| mistakes.add(item.value_at, help)).ok()
    }

    /// Looks a word up.
    ///
    /// # Errors
    ///
    /// Says what is available.
    pub(super) fn find(&self, path: &str, text: &str) -> Result<T, String> {
        if let Some((_, value)) = self.0.iter().find(|(word, _)| *word == text) {
            return Ok(value.clone());
        }
        let available: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
        Err(unknown("word", path, text, &available))
    }
}

/// Says that a name is not known: the nearest known one, and all of them.
pub(super) fn unknown(what: &str, path: &str, name: &str, known: &[&str]) -> String {
    let meant = nearest(name, known.iter().copied());
    let meant = meant.map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
    let known = if known.is_empty() {
        "there is none".to_owned()
    } else {
        format!("available: {}", known.join(", "))
    };
    format!("{path}: no {what} \"{name}\"; {meant}{known}")
}

/// Refuses an id that is not made of lower-case letters, digits, `_` and `-`, or that stands there twice.
pub(super) fn check_id<'t>(
    item: &Item<'_>,
    id: &'t str,
    seen: &mut BTreeSet<&'t str>,
    mistakes: &mut Mistakes<'_>,
) {
    if !is_id(id) {
        mistakes.add(
            item.at,
            format!(
                "\"{id}\" is not an id: use a to z, 0 to 9, _ and -, a letter first, 64 at most"
            ),
        );
    }
    if !seen.insert(id) {
        mistakes.add(
            item.at,
            format!("the id \"{id}\" is taken: each needs its own"),
        );
    }
}

/// `true` for what can name a part of a format.
pub(super) fn is_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    id.len() <= 64 && id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(plain)
}
