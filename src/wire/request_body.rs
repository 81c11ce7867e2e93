//! A request's body as it is being written, with the report of what had to be left out.

use serde_json::Map;
use serde_json::Value;

use super::Encoded;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;

/// The members written so far, and what was lost.
#[derive(Debug)]
pub(super) struct RequestBody<'a> {
    quirks: &'a Quirks,
    members: Map<String, Value>,
    dropped: Vec<String>,
}

impl<'a> RequestBody<'a> {
    /// An empty body for a provider with these quirks.
    pub(super) fn new(quirks: &'a Quirks) -> Self {
        Self {
            quirks,
            members: Map::new(),
            dropped: Vec::new(),
        }
    }

    /// How the provider departs from its wire.
    pub(super) fn quirks(&self) -> &'a Quirks {
        self.quirks
    }

    /// Writes a member.
    pub(super) fn put(&mut self, key: &str, value: Value) {
        self.members.insert(key.to_owned(), value);
    }

    /// Writes a parameter, or reports it where the provider refuses it.
    pub(super) fn param(&mut self, param: Param, key: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        if self.refuses(param) {
            self.lose(param);
        } else {
            self.put(key, value);
        }
    }

    /// Reports a parameter that the wire has no place for, when it is asked for.
    pub(super) fn lose_if(&mut self, param: Param, asked: bool) {
        if asked {
            self.lose(param);
        }
    }

    /// `true` when the provider refuses the parameter.
    pub(super) fn refuses(&self, param: Param) -> bool {
        self.quirks.drop_params.contains(&param)
    }

    /// Reports a parameter as not, or not fully, carried.
    pub(super) fn lose(&mut self, param: Param) {
        self.lose_named(param.as_str());
    }

    /// Reports content that is not carried.
    pub(super) fn lose_named(&mut self, name: &str) {
        if !self.dropped.iter().any(|known| known == name) {
            self.dropped.push(name.to_owned());
        }
    }

    /// Ends the body.
    pub(super) fn finish(self, path: &str) -> Encoded {
        Encoded {
            path: path.to_owned(),
            body: super::json_bytes(&self.members),
            dropped: self.dropped,
        }
    }
}

/// A number as people wrote it: 0.7, not 0.699999988079071.
pub(super) fn decimal(number: f32) -> Value {
    let number: Option<f64> = number.to_string().parse().ok();
    number.map_or(Value::Null, Value::from)
}
