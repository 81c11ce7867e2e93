//! How one provider is reached and how it differs: what a file in `providers/` says.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::base_url::normalise_base_url;
use crate::types::Wire;
use crate::types::quirks::Quirks;

/// One company or local server that models are called at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSpec {
    /// What stands before the slash in `provider/model`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// The protocol it speaks.
    pub wire: Wire,
    /// Its usual address, without a slash at the end; empty for [`Wire::Demo`] only.
    pub base_url: String,
    /// Environment variables that name another address; the first one set wins.
    pub base_url_env: Vec<String>,
    /// How a call proves who pays.
    pub auth: Auth,
    /// Headers that every request carries.
    pub headers: BTreeMap<String, String>,
    /// `true` for a server on the operator's own machines: it is free, and may have to load a model first.
    pub local: bool,
    /// How to ask it which models are installed; `None` when only the catalog knows.
    pub discover: Option<Discover>,
    /// Its own time limits, where the general ones do not fit.
    pub timeouts: ProviderTimeouts,
    /// Where it departs from its wire.
    pub quirks: Quirks,
    /// Other prefixes that people write for it, such as `ollama_chat`.
    pub aliases: Vec<String>,
    /// The answer's token limit when neither the request nor the model's card names one.
    pub default_max_output_tokens: u32,
    /// `true` when it answers without a key.
    pub keyless: bool,
    /// `true` when every model that it has is in the catalog, so that another name is a mistake.
    pub lists_all_models: bool,
    /// Where these facts come from.
    pub source: String,
    /// The day they were last checked, `YYYY-MM-DD`.
    pub checked: String,
}

impl ProviderSpec {
    /// Returns the address to call: the first of [`Self::base_url_env`] that `env` knows, completed by
    /// [`normalise_base_url`], else [`Self::base_url`]. A blank variable counts as not set.
    pub fn base_url_from(&self, env: impl Fn(&str) -> Option<String>) -> String {
        self.base_url_env
            .iter()
            .filter_map(|name| env(name))
            .find(|value| !value.trim().is_empty())
            .map_or_else(
                || self.base_url.clone(),
                |value| normalise_base_url(&value, &self.base_url),
            )
    }
}

/// How a call proves who pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// How the key is sent.
    pub scheme: AuthScheme,
    /// Environment variables that hold the key; the first one set wins.
    pub key_env: Vec<String>,
}

/// How a key is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthScheme {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// In a header of this name, as it is.
    Header(String),
    /// Not at all.
    None,
}

/// How to ask a local server which models are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discover {
    /// Ollama's `GET /api/tags`.
    Ollama,
    /// `GET {base_url}/models`.
    OpenaiModels,
    /// LM Studio's `GET /api/v0/models`, which tells more than the usual list.
    LmStudio,
    /// llama.cpp's `GET /props` beside the usual list.
    LlamaCpp,
}

/// A provider's own time limits in seconds; `None` leaves the general one in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProviderTimeouts {
    /// Until the connection stands.
    pub connect_s: Option<u64>,
    /// From the request to the first token.
    pub first_token_s: Option<u64>,
    /// Between two pieces of a stream.
    pub idle_s: Option<u64>,
    /// For the whole call.
    pub total_s: Option<u64>,
}
