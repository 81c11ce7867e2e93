//! One entry of a price map.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Origin;
use crate::catalog::Capabilities;
use crate::catalog::Catalog;
use crate::catalog::Deprecation;
use crate::catalog::ModelCard;
use crate::catalog::PricingTier;
use crate::types::LongPrompt;
use crate::types::LongPrompts;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::amount::nano_usd_per_million;
use crate::types::amount::tokens;
use crate::types::quirks::Param;

type RawFields = BTreeMap<String, Box<RawValue>>;

/// What an entry says of one model.
pub(super) struct Entry<'k> {
    pub(super) key: &'k str,
    fields: RawFields,
}

impl<'k> Entry<'k> {
    pub(super) fn new(key: &'k str, fields: RawFields) -> Self {
        Self { key, fields }
    }

    /// The model that the entry is of, by our provider's id.
    ///
    /// # Errors
    ///
    /// Why the entry is none of ours.
    pub(super) fn name(&self, catalog: &Catalog) -> Result<ModelName, String> {
        let theirs = self.text("litellm_provider").unwrap_or_default();
        // vertex_ai-language-models, vertex_ai-anthropic_models …
        let family = theirs.split_once('-').map_or("", |(family, _)| family);
        let spec = catalog
            .provider(&theirs)
            .or_else(|| catalog.provider(family))
            .ok_or_else(|| "of a provider that there is no file for".to_owned())?;
        match self.text("mode").as_deref() {
            Some("chat" | "responses" | "embedding") => {}
            Some(mode) => return Err(format!("no chat and no embedding: {mode}")),
            None => return Err("says no mode".to_owned()),
        }
        // together-ai-up-to-4b, fireworks-ai-56b-to-176b …
        let dashed = theirs.replace('_', "-") + "-";
        if theirs.contains('_') && self.key.starts_with(&dashed) {
            return Err("a class of prices, no model".to_owned());
        }
        let model = match self.key.split_once('/') {
            Some((prefix, model)) if prefix == theirs || prefix == family => model,
            Some((prefix, model)) if is_called(catalog, prefix, &spec.id) => model,
            Some(_) | None => self.key,
        };
        format!("{}/{model}", spec.id)
            .parse()
            .map_err(|_| "its name holds a blank or is too long".to_owned())
    }

    /// The card, over what the catalog knows of the model.
    ///
    /// # Errors
    ///
    /// Why it makes no card.
    pub(super) fn card(
        &self,
        name: ModelName,
        known: Option<&ModelCard>,
        origin: &Origin,
    ) -> Result<ModelCard, String> {
        let prices = self
            .prices()
            .ok_or_else(|| "has no price for tokens".to_owned())?;
        let was_free = |card: &ModelCard| card.prices.is_none_or(|prices| prices.is_free());
        if prices.is_free() && known.is_some_and(|card| !was_free(card)) {
            return Err("costs nothing there and something in the catalog".to_owned());
        }
        let embeds = self.text("mode").as_deref() == Some("embedding");
        let deprecated = known.and_then(|card| card.deprecated.clone());
        let context = self.tokens("max_input_tokens");
        Ok(ModelCard {
            title: known.and_then(|card| card.title.clone()),
            context_tokens: context.or(known.and_then(|card| card.context_tokens)),
            max_output_tokens: match embeds {
                true => None,
                false => self
                    .tokens("max_output_tokens")
                    .or(known.and_then(|card| card.max_output_tokens)),
            },
            dimensions: self
                .tokens("output_vector_size")
                .and_then(|length| u32::try_from(length).ok())
                .or(known.and_then(|card| card.dimensions)),
            capabilities: known.map_or_else(|| self.capabilities(embeds), |it| it.capabilities),
            pricing_tier: PricingTier::of(&prices),
            prices: Some(prices),
            recommended: known.is_some_and(|card| card.recommended),
            ram_gb: known.and_then(|card| card.ram_gb),
            disk_gb: known.and_then(|card| card.disk_gb),
            deprecated: match self.day("deprecation_date") {
                Some(date) => Some(Deprecation {
                    date: Some(date),
                    successor: deprecated.and_then(|it| it.successor),
                }),
                None => deprecated,
            },
            drop_params: match known {
                Some(card) => card.drop_params.clone(),
                None if self.denies("supports_sampling_params") => {
                    [Param::Temperature, Param::TopP].into()
                }
                None => Default::default(),
            },
            source: origin.source.clone(),
            checked: origin.checked.clone(),
            name,
        })
    }

    fn capabilities(&self, embedding: bool) -> Capabilities {
        let supports = |what: &str| self.raw(&format!("supports_{what}")) == Some("true");
        Capabilities {
            chat: !embedding,
            tools: supports("function_calling"),
            vision: supports("vision"),
            json_schema: supports("response_schema"),
            reasoning: supports("reasoning"),
            pdf: supports("pdf_input"),
            audio: supports("audio_input"),
            embedding,
        }
    }

    fn prices(&self) -> Option<Prices> {
        if let Some(tiers) = self.raw("tiered_pricing") {
            return tiered(&serde_json::from_str::<Vec<RawFields>>(tiers).ok()?);
        }
        let input = self.price("input_cost_per_token")?;
        let output = match self.price("output_cost_per_token") {
            Some(output) => output,
            // An embedding has no answer to pay for.
            None if self.text("mode").as_deref() == Some("embedding") => 0,
            None => return None,
        };
        let (cache_read, cache_write) = (
            self.price("cache_read_input_token_cost"),
            self.price("cache_creation_input_token_cost"),
        );
        let other = |price: Option<u64>, usual: u64| price.filter(|price| *price != usual);
        Some(Prices {
            input,
            output,
            cache_read: cache_read.unwrap_or(input),
            cache_write: cache_write.unwrap_or(input),
            audio_in: other(self.price("input_cost_per_audio_token"), input),
            audio_out: other(self.price("output_cost_per_audio_token"), output),
            reasoning: other(self.price("output_cost_per_reasoning_token"), output),
            long_prompts: self.long_prompts(output)?,
        })
    }

    /// The tiers of fields such as `input_cost_per_token_above_200k_tokens`; those of other kinds of
    /// service (`…_priority`, `…_batches`) are not ours to charge.
    fn long_prompts(&self, output: u64) -> Option<LongPrompts> {
        let limit = |key: &String| -> Option<u64> {
            let rest = key.strip_prefix("input_cost_per_token_above_")?;
            rest.strip_suffix("k_tokens")?.parse().ok()
        };
        let mut limits: Vec<u64> = self.fields.keys().filter_map(limit).collect();
        limits.sort_unstable();
        let tier = |thousands: u64| {
            let price = |what: &str| self.price(&format!("{what}_above_{thousands}k_tokens"));
            let input = price("input_cost_per_token")?;
            Some(LongPrompt {
                above_tokens: thousands.checked_mul(1000)?,
                input,
                output: price("output_cost_per_token").unwrap_or(output),
                cache_read: price("cache_read_input_token_cost").unwrap_or(input),
                cache_write: price("cache_creation_input_token_cost").unwrap_or(input),
            })
        };
        let tiers: Vec<LongPrompt> = limits.into_iter().map(tier).collect::<Option<_>>()?;
        tiers.try_into().ok()
    }

    fn raw(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(|raw| raw.get().trim())
    }

    fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.raw(key)?).ok()
    }

    fn price(&self, key: &str) -> Option<u64> {
        nano_usd_per_million(self.raw(key)?)
    }

    fn tokens(&self, key: &str) -> Option<u64> {
        tokens(self.raw(key)?)
    }

    fn denies(&self, key: &str) -> bool {
        self.raw(key) == Some("false")
    }

    fn day(&self, key: &str) -> Option<String> {
        let day = self.text(key)?;
        let is_day = day.parse::<jiff::civil::Date>().is_ok() && day.len() == "2026-11-20".len();
        is_day.then_some(day)
    }
}

/// Reads `tiered_pricing`, as entries of Alibaba's models have it: every range with all its prices.
fn tiered(ranges: &[RawFields]) -> Option<Prices> {
    let price = |range: &RawFields, key: &str| nano_usd_per_million(range.get(key)?.get());
    let all = |range: &RawFields| {
        let input = price(range, "input_cost_per_token")?;
        let bounds: Vec<Box<RawValue>> = serde_json::from_str(range.get("range")?.get()).ok()?;
        Some(LongPrompt {
            above_tokens: tokens(bounds.first()?.get()).unwrap_or(0),
            input,
            output: price(range, "output_cost_per_token")?,
            cache_read: price(range, "cache_read_input_token_cost").unwrap_or(input),
            cache_write: price(range, "cache_creation_input_token_cost").unwrap_or(input),
        })
    };
    let mut tiers: Vec<LongPrompt> = ranges.iter().map(all).collect::<Option<_>>()?;
    if tiers.first()?.above_tokens != 0 {
        return None;
    }
    let first = tiers.remove(0);
    Some(Prices {
        input: first.input,
        output: first.output,
        cache_read: first.cache_read,
        cache_write: first.cache_write,
        long_prompts: tiers.try_into().ok()?,
        ..Prices::default()
    })
}

fn is_called(catalog: &Catalog, prefix: &str, id: &str) -> bool {
    catalog.provider(prefix).is_some_and(|spec| spec.id == id)
}
