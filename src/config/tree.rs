//! A settings file as a tree in which every value knows its line.

use std::fmt;

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use super::place::Place;

/// A value, and where it stands. `Debug` shows the place only, since the value may be a key.
#[derive(Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
    /// The text as it was written, where the value was looked up: `os.environ/NAME`.
    pub(super) written: Option<String>,
    /// The variable that is not set, where the value was to come from one; the content is then null.
    pub(super) unset: Option<String>,
}

/// What a node holds.
#[derive(Clone, PartialEq)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number {
        /// As it stands in the file, `1.10`.
        text: String,
        value: Number,
    },
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// A step from a node to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

impl Node {
    pub(super) fn new(place: Place, content: Content) -> Self {
        Self {
            place,
            content,
            written: None,
            unset: None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// The entries; none where it is no mapping.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            Content::Null
            | Content::Bool(_)
            | Content::Number { .. }
            | Content::Text(_)
            | Content::List(_) => &[],
        }
    }

    /// The items; none where it is no list.
    pub(super) fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            Content::Null
            | Content::Bool(_)
            | Content::Number { .. }
            | Content::Text(_)
            | Content::Map(_) => &[],
        }
    }

    /// The entry of a mapping by its key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a mapping by its key; `None` for null, too.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key)
            .map(|entry| &entry.node)
            .filter(|node| !node.is_null())
    }

    /// A single value as text; `None` for null, lists and mappings.
    pub(super) fn text(&self) -> Option<String> {
        match &self.content {
            Content::Text(text) | Content::Number { text, .. } => Some(text.clone()),
            Content::Bool(bool) => Some(bool.to_string()),
            Content::Null | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// What it is, in words, without telling it.
    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "true or false",
            Content::Number { .. } => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(bool) => Value::Bool(*bool),
            Content::Number { value, .. } => Value::Number(value.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(Self::json).collect(),
            Content::Map(entries) => Value::Object(object(entries)),
        }
    }

    /// Takes out what a path leads to; `false` when there is nothing.
    pub(super) fn prune(&mut self, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else {
            return false;
        };
        match (step, &mut self.content) {
            (Step::Key(key), Content::Map(entries)) => {
                let Some(at) = entries.iter().position(|entry| entry.key == *key) else {
                    return false;
                };
                if rest.is_empty() || !entries[at].node.prune(rest) {
                    entries.remove(at);
                }
                true
            }
            (Step::Item(at), Content::List(items)) if *at < items.len() => {
                if rest.is_empty() || !items[*at].prune(rest) {
                    items.remove(*at);
                }
                true
            }
            (Step::Key(_) | Step::Item(_), _) => false,
        }
    }
}

/// Entries as a JSON object.
pub(super) fn object(entries: &[Entry]) -> Map<String, Value> {
    entries
        .iter()
        .map(|entry| (entry.key.clone(), entry.node.json()))
        .collect()
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}",
            self.kind(),
            self.place.says("").to_string().trim_end()
        )
    }
}
