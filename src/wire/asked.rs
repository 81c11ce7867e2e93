//! The members of a client's request, taken out one by one; what nobody asked for is told at the end.

use serde_json::Map;
use serde_json::Value;

use super::WireError;
use crate::types::CacheTtl;

/// A request's members.
#[derive(Debug)]
pub(super) struct Members {
    members: Map<String, Value>,
    unknown: Vec<String>,
}

impl Members {
    /// The members of a body.
    ///
    /// # Errors
    /// `Malformed` when the body is no JSON object.
    pub(super) fn of_body(body: &[u8]) -> Result<Self, WireError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self {
                members,
                unknown: Vec::new(),
            }),
            Ok(_) => Err(malformed("the body", "a JSON object")),
            Err(error) => Err(WireError::Malformed(format!(
                "the body is not valid JSON: {error}"
            ))),
        }
    }

    /// Where members that cannot be passed on are noted.
    pub(super) fn unknown(&mut self) -> &mut Vec<String> {
        &mut self.unknown
    }

    /// Looks at a member that says something.
    pub(super) fn peek(&self, key: &str) -> Option<&Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }

    /// Takes a member; `null` is the same as absent.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.members.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, WireError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed(key, "a text")),
        }
    }

    /// Takes a text that must be there and say something.
    pub(super) fn require_text(&mut self, key: &str) -> Result<String, WireError> {
        let text = self.text(key)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| WireError::Malformed(format!("{key} is missing")))
    }

    /// Takes `true` or `false`.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, WireError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(malformed(key, "true or false")),
        }
    }

    /// Takes a number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<f32>, WireError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let number = value.as_f64().map(|number| number as f32);
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(malformed(key, "a number")),
        }
    }

    /// Takes a whole number of at least 0.
    pub(super) fn count(&mut self, key: &str) -> Result<Option<u32>, WireError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let whole = value.as_u64().or_else(|| {
            let float = value.as_f64()?;
            (float >= 0.0 && float.fract() == 0.0).then_some(float as u64)
        });
        match whole.and_then(|count| u32::try_from(count).ok()) {
            Some(count) => Ok(Some(count)),
            None => Err(malformed(key, "a whole number")),
        }
    }

    /// Takes a list; absent is empty.
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<Value>, WireError> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(malformed(key, "a list")),
        }
    }

    /// The members that nobody took, and what was noted on the way.
    pub(super) fn finish(mut self) -> Vec<String> {
        let left = self
            .members
            .into_iter()
            .filter(|(_, value)| !value.is_null());
        self.unknown.extend(left.map(|(key, _)| key));
        self.unknown
    }
}

/// How long a marker (`{"type": "ephemeral", "ttl": "1h"}`) asks to keep what is cached.
pub(super) fn cache_ttl(marker: &Value) -> CacheTtl {
    match marker.get("ttl").and_then(Value::as_str) {
        Some("1h") => CacheTtl::Hour,
        Some(_) | None => CacheTtl::Usual,
    }
}

fn malformed(place: &str, wanted: &str) -> WireError {
    WireError::Malformed(format!("{place}: has to be {wanted}"))
}
