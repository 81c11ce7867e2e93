//! From a tree to a typed value: a serde format whose errors know their line and tell no values.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde::de::DeserializeSeed;
use serde::de::Error as _;
use serde::de::Expected;
use serde::de::IntoDeserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Unexpected;
use serde::de::Visitor;

use super::place::Place;
use super::report::Report;
use super::tree::Content;
use super::tree::Entry;
use super::tree::Node;
use super::tree::Step;

/// Why a tree is not what was wanted.
#[derive(Debug)]
pub(super) struct Wrong {
    help: String,
    /// The keys that are known, where another was written.
    known: Option<&'static [&'static str]>,
    place: Option<Place>,
    /// From the innermost outwards.
    path: Vec<Step>,
}

/// Reads a section. Each mistake is told and its entry left out, so that all of them are found.
pub(super) fn read<T: DeserializeOwned + Default>(
    section: &str,
    node: &Node,
    report: &mut Report,
) -> T {
    let mut node = node.clone();
    loop {
        let wrong = match T::deserialize(&node) {
            Ok(read) => return read,
            Err(wrong) => wrong,
        };
        let path = wrong.tell(section, &node, report);
        if !node.prune(&path) {
            return T::default();
        }
    }
}

/// Reads one value; `None` when it is wrong, which the report then says.
pub(super) fn value<T: DeserializeOwned>(
    path: &str,
    node: &Node,
    report: &mut Report,
) -> Option<T> {
    match T::deserialize(node) {
        Ok(read) => Some(read),
        Err(wrong) => {
            wrong.tell(path, node, report);
            None
        }
    }
}

impl Wrong {
    fn at(mut self, node: &Node) -> Self {
        self.place.get_or_insert_with(|| node.place.clone());
        self
    }

    fn under(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    /// Puts the mistake into the report, and returns the path to it.
    fn tell(mut self, section: &str, node: &Node, report: &mut Report) -> Vec<Step> {
        self.path.reverse();
        let mut path = section.to_owned();
        for step in &self.path {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.push_str(&format!(".{key}")),
                Step::Item(at) => path.push_str(&format!("[{at}]")),
            }
        }
        let place = self.place.as_ref().unwrap_or(&node.place);
        match self.known {
            Some(known) => report.unknown(&path, place, known, true),
            None => report.mistake(place, format!("{path} {}", self.help)),
        }
        self.path
    }
}

/// What is wanted, for people who do not write Rust.
fn in_words(wanted: &dyn Expected) -> Cow<'static, str> {
    let wanted = wanted.to_string();
    match wanted.as_str() {
        "f32" | "f64" => "a number".into(),
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number".into(),
        other if other == "a map" || other.starts_with("struct ") => "a mapping".into(),
        _ => wanted.into(),
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.help)
    }
}

impl std::error::Error for Wrong {}

impl serde::de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            help: format!("cannot be read: {message}"),
            known: None,
            place: None,
            path: Vec::new(),
        }
    }

    // serde's own words would repeat the value, which may be a key in the wrong place.
    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "a text",
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a mapping",
            Unexpected::NewtypeStruct
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant
            | Unexpected::Other(_) => "something else",
        };
        Self {
            help: format!("is {found}: it should be {}", in_words(wanted)),
            ..Self::custom("")
        }
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self {
            help: format!("should be {}", in_words(wanted)),
            ..Self::custom("")
        }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self {
            help: format!("is none of {}", known.join(", ")),
            ..Self::custom("")
        }
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self {
            known: Some(known),
            ..Self::custom("")
        }
    }
}

/// Numbers may come from variables, which are texts.
macro_rules! number {
    ($($method:ident $visit:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match &self.content {
                Content::Text(text) => match text.trim().parse::<$type>() {
                    Ok(number) => visitor.$visit(number).map_err(|wrong: Wrong| wrong.at(self)),
                    Err(_) => Err(Wrong::invalid_type(Unexpected::Str(""), &visitor).at(self)),
                },
                Content::Null | Content::Bool(_) | Content::Number { .. } | Content::List(_) | Content::Map(_) => {
                    self.deserialize_any(visitor)
                }
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = match &self.content {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::Number { value, .. } => match (value.as_u64(), value.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(value.as_f64().unwrap_or(f64::NAN)),
            },
            Content::Text(text) => visitor.visit_str(text),
            Content::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Content::Map(entries) => visitor.visit_map(Entries {
                entries: entries.iter(),
                value: None,
            }),
        };
        read.map_err(|wrong| wrong.at(self))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let text = match &self.content {
            Content::Text(text) => text.trim().to_ascii_lowercase(),
            Content::Null
            | Content::Bool(_)
            | Content::Number { .. }
            | Content::List(_)
            | Content::Map(_) => return self.deserialize_any(visitor),
        };
        match text.as_str() {
            "true" | "yes" | "on" | "1" => visitor.visit_bool(true),
            "false" | "no" | "off" | "0" => visitor.visit_bool(false),
            _ => Err(Wrong::invalid_type(Unexpected::Str(""), &visitor).at(self)),
        }
    }

    number! {
        deserialize_i8 visit_i64 i64,
        deserialize_i16 visit_i64 i64,
        deserialize_i32 visit_i64 i64,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u64 u64,
        deserialize_u16 visit_u64 u64,
        deserialize_u32 visit_u64 u64,
        deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f64 f64,
        deserialize_f64 visit_f64 f64,
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.text() {
            Some(text) => visitor
                .visit_string(text)
                .map_err(|wrong: Wrong| wrong.at(self)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.content {
            Content::Null => visitor.visit_none(),
            Content::Bool(_)
            | Content::Number { .. }
            | Content::Text(_)
            | Content::List(_)
            | Content::Map(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    /// A section that stands without anything under it has its defaults.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.is_null() {
            true => visitor.visit_map(Entries {
                entries: [].iter(),
                value: None,
            }),
            false => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let text = self.text();
        let text = text.ok_or_else(|| Wrong::invalid_type(Unexpected::Map, &visitor).at(self))?;
        let variant: serde::de::value::StringDeserializer<Wrong> = text.into_deserializer();
        visitor.visit_enum(variant).map_err(|wrong| wrong.at(self))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

struct Items<'n> {
    items: &'n [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(item) = self.items.get(self.next) else {
            return Ok(None);
        };
        let at = self.next;
        self.next += 1;
        let read = seed.deserialize(item);
        read.map(Some)
            .map_err(|wrong| wrong.at(item).under(Step::Item(at)))
    }
}

struct Entries<'n> {
    entries: std::slice::Iter<'n, Entry>,
    value: Option<&'n Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(entry);
        let key: serde::de::value::StrDeserializer<'_, Wrong> =
            entry.key.as_str().into_deserializer();
        let read = seed.deserialize(key).map(Some);
        read.map_err(|mut wrong| {
            wrong.place = Some(entry.place.clone());
            wrong.under(Step::Key(entry.key.clone()))
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let entry = self
            .value
            .take()
            .ok_or_else(|| Wrong::custom("a value without its key"))?;
        let read = seed.deserialize(&entry.node);
        read.map_err(|wrong| wrong.at(&entry.node).under(Step::Key(entry.key.clone())))
    }
}

/// One text, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Texts(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = access.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}
