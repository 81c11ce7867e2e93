//! Reading the members of what a client sends: a wrong one is named with its place, one that nobody reads is listed.

use serde_json::Map;
use serde_json::Value;

use super::WireError;

/// An object, and which of its members were read.
#[derive(Debug)]
pub(super) struct Members<'a> {
    whole: &'a Value,
    object: &'a Map<String, Value>,
    at: String,
    read: Vec<&'static str>,
}

impl<'a> Members<'a> {
    /// The members of an object at a place, which is empty for the body itself.
    ///
    /// # Errors
    /// `Malformed` when it is no object.
    pub(super) fn of(value: &'a Value, at: &str) -> Result<Self, WireError> {
        let Some(object) = value.as_object() else {
            let place = if at.is_empty() { "the body" } else { at };
            return Err(WireError::Malformed(format!("{place} must be an object")));
        };
        Ok(Self {
            whole: value,
            object,
            at: at.to_owned(),
            read: Vec::new(),
        })
    }

    /// The object itself; its members count as read only when they are asked for by name.
    pub(super) fn whole(&self) -> &'a Value {
        self.whole
    }

    /// A member; null is none.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'a Value> {
        self.read.push(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, WireError> {
        self.read_as(key, "a text", Value::as_str)
    }

    /// A text that must be there.
    pub(super) fn some_text(&mut self, key: &'static str) -> Result<&'a str, WireError> {
        self.text(key)?.ok_or_else(|| self.wrong(key, "a text"))
    }

    /// A number.
    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<f32>, WireError> {
        let read = |value: &Value| value.as_f64().map(|number| number as f32);
        self.read_as(key, "a number", read)
    }

    /// A whole number, not negative.
    pub(super) fn count(&mut self, key: &'static str) -> Result<Option<u32>, WireError> {
        let read = |value: &Value| value.as_u64().and_then(|number| number.try_into().ok());
        self.read_as(key, "a whole number", read)
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, WireError> {
        self.read_as(key, "true or false", Value::as_bool)
    }

    /// A list; empty when it is not there.
    pub(super) fn list(&mut self, key: &'static str) -> Result<&'a [Value], WireError> {
        let list = self.read_as(key, "a list", |value| value.as_array().map(Vec::as_slice))?;
        Ok(list.unwrap_or_default())
    }

    /// An object.
    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<Self>, WireError> {
        let place = self.place(key);
        self.get(key)
            .map(|value| Self::of(value, &place))
            .transpose()
    }

    /// Where a member stands, for errors.
    pub(super) fn place(&self, key: &str) -> String {
        match self.at.as_str() {
            "" => key.to_owned(),
            at => format!("{at}.{key}"),
        }
    }

    /// The error of a member that is not what it must be.
    pub(super) fn wrong(&self, key: &str, expected: &str) -> WireError {
        WireError::Malformed(format!("{} must be {expected}", self.place(key)))
    }

    /// Lists the members that nobody read, without the numbers of the lists that they are in.
    pub(super) fn leftover(&self, unknown: &mut Vec<String>) {
        let left = self
            .object
            .iter()
            .filter(|(key, value)| !self.read.contains(&key.as_str()) && !value.is_null());
        for (key, _) in left {
            note(unknown, &self.place(key));
        }
    }

    fn read_as<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, WireError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        read(value)
            .map(Some)
            .ok_or_else(|| self.wrong(key, expected))
    }
}

/// Most members that are listed.
const MAX_UNKNOWN: usize = 64;

/// Adds a name to a list of what is not understood, once, without list numbers.
pub(super) fn note(unknown: &mut Vec<String>, place: &str) {
    let mut name = String::with_capacity(place.len());
    let mut inside = false;
    for letter in place.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            other if !inside => name.push(other),
            _ => {}
        }
    }
    if !unknown.contains(&name) && unknown.len() < MAX_UNKNOWN {
        unknown.push(name);
    }
}
