//! YAML text to a tree. Anchors and merge keys are resolved; a value from an anchor has the anchor's line.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Number;
use serde_saphyr::Error;
use serde_saphyr::Spanned;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::place::Place;
use super::report::Report;
use super::tree::Content;
use super::tree::Entry;
use super::tree::Node;

/// Reads a text; `None` when it is no YAML, which the report then says.
///
/// A key that stands twice counts as its last, as Python's reader has it, and is warned of.
pub(super) fn parse(file: &str, text: &str, report: &mut Report) -> Option<Node> {
    let file: Arc<str> = file.into();
    let place = |line| Place {
        file: Arc::clone(&file),
        line: Some(line),
    };
    if is_blank(text) {
        return Some(Node::new(place(1), Content::Map(Vec::new())));
    }
    let read = match shape(text, DuplicateKeyPolicy::Error) {
        Err(error) if first_line(&error).contains("duplicate mapping key") => {
            let (line, what) = (line_of(&error), first_line(&error));
            let what = what.split(", set ").next().unwrap_or_default().to_owned();
            let help = format!("{}: the last one holds", after_location(&what));
            report.warnings.push(place(line.unwrap_or(1)).says(help));
            shape(text, DuplicateKeyPolicy::LastWins)
        }
        read => read,
    };
    match read {
        Ok(read) => Some(node(read, text, &file)),
        Err(error) => {
            let place = Place {
                line: line_of(&error),
                ..place(1)
            };
            let help = after_location(&first_line(&error)).to_owned();
            report.mistakes.push(place.says(help));
            None
        }
    }
}

/// Nothing but blanks and comments.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#') || line == "---")
}

fn shape(text: &str, duplicates: DuplicateKeyPolicy) -> Result<Spanned<Shape>, Error> {
    let options = serde_saphyr::options! {
        duplicate_keys: duplicates,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(text, options)
}

fn line_of(error: &Error) -> Option<usize> {
    let line = error.location()?.line();
    usize::try_from(line).ok()
}

/// The message without the excerpt of the file behind it, which may show a key.
fn first_line(error: &Error) -> String {
    let text = error.to_string();
    let line = text.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default().trim();
    line.trim_start_matches("error:").trim().to_owned()
}

/// The message without `line 3 column 4:`, which the diagnostic says already.
fn after_location(message: &str) -> &str {
    match message.split_once(": ") {
        Some((location, rest)) if location.starts_with("line ") => rest,
        Some(_) | None => message,
    }
}

fn node(read: Spanned<Shape>, text: &str, file: &Arc<str>) -> Node {
    let at = |line: u64| Place {
        file: Arc::clone(file),
        line: usize::try_from(line).ok(),
    };
    let place = at(read.defined.line());
    let span = read.defined.span();
    let source = || {
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        text.get(start..start.checked_add(length)?)
    };
    let content = match read.value {
        Shape::Null => Content::Null,
        Shape::Bool(value) => Content::Bool(value),
        Shape::Number(number) => {
            let source = source().map(str::trim).filter(|text| is_plain(text));
            let text = source.map_or_else(|| number.to_string(), str::to_owned);
            // The digits as written, where they are a number of JSON's.
            let value = serde_json::from_str(&text).unwrap_or(number);
            Content::Number { text, value }
        }
        Shape::Text(text) => Content::Text(text),
        Shape::List(items) => {
            Content::List(items.into_iter().map(|it| node(it, text, file)).collect())
        }
        Shape::Map(entries) => {
            let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let entry = Entry {
                    place: at(key.defined.line()),
                    key: key.value,
                    node: node(value, text, file),
                };
                // The last one holds.
                match kept.iter_mut().find(|known| known.key == entry.key) {
                    Some(known) => *known = entry,
                    None => kept.push(entry),
                }
            }
            Content::Map(kept)
        }
    };
    Node::new(place, content)
}

/// A number without a tag or an anchor before it.
fn is_plain(text: &str) -> bool {
    let digits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_');
    !text.is_empty() && text.chars().all(digits)
}

/// What YAML has, before places are added.
enum Shape {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Shape, E> {
        Ok(Shape::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
        Ok(Shape::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        Ok(Shape::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
        let number = Number::from_f64(value);
        Ok(number.map_or_else(|| Shape::Text(value.to_string()), Shape::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Shape, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Shape::Map(entries))
    }
}
