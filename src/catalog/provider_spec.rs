//! How one provider is reached and how it differs: what a file in `providers/` says.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::base_url::normalise_base_url;
use super::embedding_spec::EmbeddingSpec;
use super::family::Family;
use super::family::Speech;
use super::family::family_of;
use super::template::MissingVariable;
use super::template::Template;
use crate::types::Wire;

/// One company or local server that models are called at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSpec {
    /// What stands before the slash in `provider/model`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// How most of its models are spoken to.
    pub speech: Speech,
    /// Models that are spoken to otherwise.
    pub families: Vec<Family>,
    /// Its usual address, without a slash at the end; empty for [`Wire::Demo`] only.
    pub base_url: Template,
    /// Another usual address where the first variable of [`Self::base_url`] has one of these values.
    pub base_url_at: BTreeMap<String, Template>,
    /// What an address that somebody names has to end with, and gets where it does not: `/v1beta`, which some
    /// write and some leave out. Empty where nothing is added.
    pub base_path: String,
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
    /// How it is asked for vectors.
    pub embeddings: EmbeddingSpec,
    /// Other prefixes that people write for it, such as `ollama_chat`.
    pub aliases: Vec<String>,
    /// The answer's token limit when neither the request nor the model's card names one.
    pub default_max_output_tokens: u32,
    /// `true` when it answers without a key.
    pub keyless: bool,
    /// `true` when every model that it has is in the catalog, so that another name is a mistake.
    pub lists_all_models: bool,
    /// `true` when it answers requests of OpenAI's Responses API for the models that are otherwise asked for chats.
    /// Another server at another address may not.
    pub answers_responses: bool,
    /// Where these facts come from.
    pub source: String,
    /// The day they were last checked, `YYYY-MM-DD`.
    pub checked: String,
}

impl ProviderSpec {
    /// How this model of the provider is spoken to.
    pub fn speech(&self, model: &str) -> &Speech {
        family_of(&self.families, model).map_or(&self.speech, |family| &family.speech)
    }

    /// The protocol that most of its models speak.
    pub fn wire(&self) -> Wire {
        self.speech.wire
    }

    /// Returns the address to call: the first of [`Self::base_url_env`] that `env` knows, completed by
    /// [`normalise_base_url`], else the usual one. A blank variable counts as not set.
    ///
    /// # Errors
    /// When the usual address has a place for a variable that is not set.
    pub fn address(&self, env: impl Fn(&str) -> Option<String>) -> Result<String, MissingVariable> {
        let given = self.base_url_env.iter().filter_map(|name| env(name));
        match given.into_iter().find(|value| !value.trim().is_empty()) {
            Some(value) => Ok(self.completed(&value)),
            None => self.usual_address(&env),
        }
    }

    /// `true` when an address is the provider's own, and not that of another server that speaks as it does.
    pub fn is_at_home(&self, base_url: &str) -> bool {
        base_url.trim_end_matches('/') == self.base_url.example().trim_end_matches('/')
    }

    /// Returns an address as people write it, completed from the usual one.
    pub fn completed(&self, raw: &str) -> String {
        let mut address = normalise_base_url(raw, &self.base_url.example());
        if !address.ends_with(&self.base_path) {
            address.push_str(&self.base_path);
        }
        address
    }

    /// Returns the address to call, for people: where a variable is missing, its name is shown.
    pub fn base_url_from(&self, env: impl Fn(&str) -> Option<String>) -> String {
        self.address(env)
            .unwrap_or_else(|_| self.base_url.to_string())
    }

    fn usual_address(
        &self,
        env: &impl Fn(&str) -> Option<String>,
    ) -> Result<String, MissingVariable> {
        let value = self.base_url.first_value(env);
        let own = value.and_then(|value| self.base_url_at.get(&value));
        own.unwrap_or(&self.base_url).fill(env, "")
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
    /// Amazon's way: a bearer token when one is set, else a signature (Version 4) with an access key.
    Aws,
    /// Google's way: an access token from a service account, a person's login or the metadata server.
    Google,
    /// Azure's way: in the header `api-key`, or an access token of Microsoft Entra.
    Azure,
    /// Not at all.
    None,
}

impl AuthScheme {
    /// `true` when a call may succeed though none of the provider's variables is set.
    pub fn may_need_no_variable(&self) -> bool {
        match self {
            // On Google's own machines the metadata server gives the token.
            Self::Google | Self::None => true,
            Self::Bearer | Self::Header(_) | Self::Aws | Self::Azure => false,
        }
    }
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
