//! Reads LiteLLM's public price map, `model_prices_and_context_window.json`, as cards.
//!
//! The map has prices in USD for *one* token, as floats such as `1.25e-07`. Their digits are read, never a
//! float made of them. Its fields are described in LiteLLM's own `sample_spec` (1.109.1, read 2026-11-24).

mod entry;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::Catalog;
use super::ModelCard;
use crate::types::ModelName;
use crate::types::Prices;
use entry::Entry;
pub use write::catalog_files;

/// What a price map held, sorted.
#[derive(Debug, Default)]
pub struct PriceMap {
    /// Its entries, taken or not; LiteLLM's `sample_spec` is none.
    pub entries: usize,
    /// Models that the catalog does not have, or has otherwise.
    pub taken: Vec<Taken>,
    /// Models of which the catalog says the same.
    pub same: usize,
    /// What was not taken: the reason, and which entries.
    pub skipped: BTreeMap<String, Vec<String>>,
}

/// A card that a price map makes.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The card; what the map does not know is kept from the catalog's.
    pub card: ModelCard,
    /// Other names that the catalog's card has.
    pub(super) aliases: Vec<String>,
    /// Those of them that its provider does not know.
    pub(super) shorthands: Vec<String>,
    /// The catalog's prices, when it has the model.
    pub before: Option<Option<Prices>>,
}

impl Taken {
    /// `true` when the catalog does not have the model.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// `true` when the catalog has the model at other prices.
    pub fn has_drifted(&self) -> bool {
        self.before.is_some_and(|before| before != self.card.prices)
    }
}

/// Where cards come from, for the files that are written.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Their source, in words.
    pub source: String,
    /// The day, `YYYY-MM-DD`.
    pub checked: String,
}

impl PriceMap {
    /// Reads a map beside a catalog, whole or for one provider.
    ///
    /// # Errors
    ///
    /// When the text is no JSON object of objects.
    pub fn read(
        text: &str,
        catalog: &Catalog,
        provider: Option<&str>,
        origin: &Origin,
    ) -> Result<Self, serde_json::Error> {
        let entries: BTreeMap<String, BTreeMap<String, Box<RawValue>>> =
            serde_json::from_str(text)?;
        let mut map = Self::default();
        let mut seen = BTreeSet::new();
        for (key, fields) in entries {
            if key == "sample_spec" {
                continue;
            }
            map.entries += 1;
            let entry = Entry::new(&key, fields);
            match entry.name(catalog) {
                Err(reason) => map.skip(reason, key),
                Ok(name) if provider.is_some_and(|wanted| wanted != name.provider()) => {
                    map.skip("of another provider than asked for".to_owned(), key);
                }
                Ok(name) if !seen.insert(name.clone()) => {
                    map.skip("a second entry of one model".to_owned(), key);
                }
                Ok(name) => map.add(&entry, name, catalog, origin),
            }
        }
        Ok(map)
    }

    fn add(&mut self, entry: &Entry<'_>, name: ModelName, catalog: &Catalog, origin: &Origin) {
        let known = catalog.cards.get(&name);
        if known.is_none() && catalog.card_aliases.contains_key(&name) {
            let reason = "another name of a model that is in the catalog".to_owned();
            return self.skip(reason, entry.key.to_owned());
        }
        let card = match entry.card(name, known.map(AsRef::as_ref), origin) {
            Ok(card) => card,
            Err(reason) => return self.skip(reason, entry.key.to_owned()),
        };
        if known.is_some_and(|known| says_the_same(known, &card)) {
            self.same += 1;
            return;
        }
        let (shorthands, aliases) = (catalog.aliases_of(&card.name).into_iter())
            .partition::<Vec<_>, _>(|alias| catalog.shorthands.contains(*alias));
        let ids = |names: Vec<&ModelName>| names.iter().map(|it| it.model().to_owned()).collect();
        self.taken.push(Taken {
            before: known.map(|known| known.prices),
            aliases: ids(aliases),
            shorthands: ids(shorthands),
            card,
        });
    }

    fn skip(&mut self, reason: String, key: String) {
        self.skipped.entry(reason).or_default().push(key);
    }
}

/// Where the facts come from is no fact about the model.
fn says_the_same(known: &ModelCard, card: &ModelCard) -> bool {
    let without_origin = |card: &ModelCard| ModelCard {
        source: String::new(),
        checked: String::new(),
        ..card.clone()
    };
    without_origin(known) == without_origin(card)
}
