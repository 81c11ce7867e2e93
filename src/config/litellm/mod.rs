//! `LiteLLM`'s sections of a settings file, and what they mean here.
//!
//! The router's settings become entries of our own section `router`, so that both are read by one reader and a
//! mistake keeps its line.

mod fallbacks;
mod general;
mod known;
mod policies;
mod router;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::named::Mention;
use super::place::Place;
use super::tree::Content;
use super::tree::Entry;
use super::tree::Node;
use crate::types::Secret;

pub(super) use general::read as general;
pub(super) use known::SECTIONS;
pub(super) use router::read as router;
pub(super) use settings::read as settings;

/// What `LiteLLM`'s sections say, before ours go before it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Entries of `router`.
    pub(super) router: Vec<Entry>,
    /// Entries of `http`.
    pub(super) http: Vec<Entry>,
    /// Entries of `gateway`.
    pub(super) gateway: Vec<Entry>,
    /// Groups that fallbacks and aliases name.
    pub(super) mentioned: Vec<Mention>,
    pub(super) callbacks: CallbacksConfig,
    pub(super) drop_params: Option<bool>,
    pub(super) json_logs: bool,
    pub(super) master_key: Option<(String, Place)>,
    pub(super) database_url: Option<(String, Place)>,
    pub(super) api_keys: BTreeMap<String, Secret>,
}

/// Who is told of calls, by the names that `LiteLLM` users write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CallbacksConfig {
    /// Of calls that went well.
    pub success: Vec<String>,
    /// Of calls that failed.
    pub failure: Vec<String>,
    /// `true` keeps prompts and answers out of what is told.
    pub without_messages: bool,
}

impl Draft {
    /// Sets a key of `router`; one that an earlier section set gives way.
    pub(super) fn set_router(&mut self, key: &str, node: Node) {
        set(&mut self.router, key, node);
    }
}

/// Sets a key among entries.
pub(super) fn set(entries: &mut Vec<Entry>, key: &str, node: Node) {
    entries.retain(|entry| entry.key != key);
    entries.push(Entry {
        key: key.to_owned(),
        place: node.place.clone(),
        node,
    });
}

/// A number as a node at the place of another.
pub(super) fn number(place: &Place, number: u32) -> Node {
    let content = Content::Number {
        text: number.to_string(),
        value: number.into(),
    };
    Node::new(place.clone(), content)
}

/// A text as a node at the place of another.
pub(super) fn text(place: &Place, text: &str) -> Node {
    Node::new(place.clone(), Content::Text(text.to_owned()))
}
