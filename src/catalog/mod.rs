//! Loads and checks `providers/` and `catalog/`: who can be called, and what each model is.
//!
//! Both are data. The files inside the program come first; the operator's directories add to them or
//! override them by id. A [`Catalog`] is immutable: every mistake is found while it is made.

mod base_url;
pub mod embedded;
mod embedding_spec;
mod family;
mod fields;
mod like;
mod load;
mod model_card;
mod price;
pub mod price_map;
mod provider_spec;
mod read_cards;
mod read_prices;
mod read_provider;
mod read_speech;
mod resolve;
mod suggest;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::LazyLock;

pub use base_url::normalise_base_url;
pub use embedding_spec::EmbeddingSpec;
pub use family::Family;
pub use family::Paths;
pub use family::Speech;
pub use load::DataDirs;
pub use model_card::Capabilities;
pub use model_card::Deprecation;
pub use model_card::ModelCard;
pub use model_card::PricingTier;
pub use provider_spec::Auth;
pub use provider_spec::AuthScheme;
pub use provider_spec::Discover;
pub use provider_spec::ProviderSpec;
pub use provider_spec::ProviderTimeouts;
pub use resolve::Note;
pub use resolve::Resolved;
pub use resolve::UnknownModel;
pub use template::MissingVariable;
pub use template::Template;

use crate::types::Diagnostic;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::Wire;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Quirks;
use load::Layer;
use load::Loader;

/// Every provider and model that is known without asking anybody.
#[derive(Debug, Clone)]
pub struct Catalog {
    providers: BTreeMap<String, Arc<ProviderSpec>>,
    /// Other prefix → provider's id.
    provider_aliases: BTreeMap<String, String>,
    cards: BTreeMap<ModelName, Arc<ModelCard>>,
    /// Other name → card's name.
    card_aliases: BTreeMap<ModelName, ModelName>,
    /// Those of the other names that the provider itself does not know.
    shorthands: BTreeSet<ModelName>,
}

impl Catalog {
    /// The catalog inside the program, alone.
    pub fn embedded() -> Self {
        static EMBEDDED: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::load(&DataDirs::default()).expect(
                "the files inside the program do not change, and tests/it/data_files.rs loads them",
            )
        });
        EMBEDDED.clone()
    }

    /// Loads the files inside the program, and the operator's over them.
    ///
    /// # Errors
    ///
    /// Every mistake of every file, by file and line; then nothing is loaded.
    pub fn load(dirs: &DataDirs) -> Result<Self, Vec<Diagnostic>> {
        let mut unreadable = Vec::new();
        let mut loader = Loader::default();
        loader.add(&Layer::embedded());
        loader.add(&Layer::from_dirs(dirs, &mut unreadable));
        loader.finish(unreadable)
    }

    /// The provider of this id or alias.
    pub fn provider(&self, id: &str) -> Option<&Arc<ProviderSpec>> {
        let id = self.provider_aliases.get(id).map_or(id, String::as_str);
        self.providers.get(id)
    }

    /// Every provider, by id.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<ProviderSpec>> {
        self.providers.values()
    }

    /// The card of this model, under any of its names: a provider's alias is its id, Ollama's `:latest`
    /// is the bare name, and a snapshot without a card of its own (`gpt-4o-2024-08-06`) is its model.
    pub fn card(&self, name: &ModelName) -> Option<&Arc<ModelCard>> {
        self.cards.get(name).or_else(|| {
            let name = self.plain(name)?;
            self.called(&name).or_else(|| {
                let model = resolve::without_snapshot(name.model())?;
                self.called(&format!("{}/{model}", name.provider()).parse().ok()?)
            })
        })
    }

    /// Every card, by name.
    pub fn cards(&self) -> impl Iterator<Item = &Arc<ModelCard>> {
        self.cards.values()
    }

    /// The protocol that this model speaks; `None` for an unknown provider.
    pub fn wire(&self, name: &ModelName) -> Option<Wire> {
        let spec = self.provider(name.provider())?;
        Some(spec.speech(name.model()).wire)
    }

    /// Where this model departs from its wire: its provider's or its family's quirks, what it refuses beside
    /// them, and a schema left to the prompt when its card does not promise one.
    pub fn quirks(&self, name: &ModelName) -> Quirks {
        let Some(spec) = self.provider(name.provider()) else {
            return Quirks::default();
        };
        let speech = spec.speech(name.model());
        let mut quirks = speech.quirks.clone();
        let Some(card) = self.card(name) else {
            return quirks;
        };
        quirks.drop_params.extend(&card.drop_params);
        if !card.capabilities.json_schema && quirks.json == JsonSupport::Schema {
            quirks.json = match speech.wire {
                Wire::OpenaiChat => JsonSupport::Object,
                // These have a schema or nothing.
                Wire::OpenaiResponses
                | Wire::Anthropic
                | Wire::Gemini
                | Wire::Ollama
                | Wire::Cohere
                | Wire::Bedrock
                | Wire::Replicate
                | Wire::Demo => JsonSupport::Prompt,
            };
        }
        quirks
    }

    /// What this model costs; a local one without a card is free, and `None` means that nobody knows.
    pub fn prices(&self, name: &ModelName) -> Option<Prices> {
        match self.card(name).and_then(|card| card.prices) {
            Some(prices) => Some(prices),
            None if self.provider(name.provider())?.local => Some(Prices::default()),
            None => None,
        }
    }

    /// The names that an unknown one may have been meant to be, nearest first, at most three.
    pub fn suggest(&self, text: &str) -> Vec<String> {
        suggest::suggest(self, text)
    }

    /// The card of this name or alias, to the letter.
    fn called(&self, name: &ModelName) -> Option<&Arc<ModelCard>> {
        let name = self.card_aliases.get(name).unwrap_or(name);
        self.cards.get(name)
    }

    /// The name with its provider's id, without a route and Ollama's usual tag; `None` for an unknown
    /// provider.
    fn plain(&self, name: &ModelName) -> Option<ModelName> {
        let spec = self.provider(name.provider())?;
        let model = resolve::without_route(spec.wire(), name.model());
        let model = match spec.wire() {
            Wire::Ollama => model.strip_suffix(":latest").unwrap_or(model),
            Wire::OpenaiChat
            | Wire::OpenaiResponses
            | Wire::Anthropic
            | Wire::Gemini
            | Wire::Cohere
            | Wire::Bedrock
            | Wire::Replicate
            | Wire::Demo => model,
        };
        format!("{}/{model}", spec.id).parse().ok()
    }
}
