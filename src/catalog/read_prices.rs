//! Reads what a card says of money.

use toml::Spanned;
use toml::de::DeValue;

use super::fields::Fields;
use super::fields::Report;
use super::model_card::PricingTier;
use super::price::nano_usd;
use super::read_cards::Defaults;
use crate::types::LongPrompt;
use crate::types::LongPrompts;
use crate::types::Prices;

/// Takes `prices = { input = 3, output = 15 }`. A cache price that is left out is the input's: no
/// provider charges a cache that it does not have.
pub(super) fn prices(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Prices> {
    let mut table = fields.table("prices", report)?;
    let input = price(&mut table, "input", report);
    let output = price(&mut table, "output", report);
    let cache_read = price(&mut table, "cache_read", report);
    let cache_write = price(&mut table, "cache_write", report);
    let audio_in = price(&mut table, "audio_in", report);
    let audio_out = price(&mut table, "audio_out", report);
    let reasoning = price(&mut table, "reasoning", report);
    for (key, price) in [("input", input), ("output", output)] {
        if price.is_none() && !table.has(key) {
            report.at(table.line(key), format!("prices: {key} is missing"));
        }
    }
    table.finish(report);
    let long_prompts = long_prompts(fields, report);
    Some(Prices {
        input: input?,
        output: output?,
        cache_read: cache_read.or(input)?,
        cache_write: cache_write.or(input)?,
        audio_in,
        audio_out,
        reasoning,
        long_prompts,
    })
}

/// Takes `long_prompts = [{ above_tokens = 272_000, input = 10, output = 45 }]`, which stands beside
/// `prices`. A cache price that is left out is the tier's input's.
fn long_prompts(fields: &mut Fields<'_>, report: &mut Report<'_>) -> LongPrompts {
    let tables = fields.tables("long_prompts", report);
    let line = fields.line("long_prompts");
    let tiers: Vec<LongPrompt> = tables
        .into_iter()
        .filter_map(|mut table| {
            let above_tokens = table.require("above_tokens", report);
            let [input, output, cache_read, cache_write] =
                ["input", "output", "cache_read", "cache_write"]
                    .map(|key| price(&mut table, key, report));
            for key in ["input", "output"] {
                if !table.has(key) {
                    report.at(table.line(key), format!("long_prompts: {key} is missing"));
                }
            }
            table.finish(report);
            Some(LongPrompt {
                above_tokens: above_tokens?,
                input: input?,
                output: output?,
                cache_read: cache_read.or(input)?,
                cache_write: cache_write.or(input)?,
            })
        })
        .collect();
    LongPrompts::try_from(tiers).unwrap_or_else(|wrong| {
        report.at(line, format!("long_prompts: {wrong}"));
        LongPrompts::NONE
    })
}

fn price(table: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<u64> {
    let value: Spanned<DeValue<'_>> = table.take_value(key, report)?;
    match nano_usd(value.get_ref()) {
        Ok(price) => Some(price),
        Err(help) => {
            report.at(table.line(key), format!("prices: {key}: {help}"));
            None
        }
    }
}

/// Takes the tier, or finds it by the prices; the two must not contradict each other.
pub(super) fn pricing_tier(
    fields: &mut Fields<'_>,
    prices: Option<&Prices>,
    defaults: &Defaults,
    report: &mut Report<'_>,
) -> Option<PricingTier> {
    let said = fields
        .take("pricing_tier", report)
        .or(defaults.pricing_tier);
    let found = prices.map(PricingTier::of);
    let (Some(said), Some(found)) = (said, found) else {
        if said.is_none() && found.is_none() && !fields.has("prices") {
            report.at(
                fields.line("id"),
                "neither prices nor pricing_tier are given",
            );
        }
        return said.or(found);
    };
    if (said == PricingTier::Free) != (found == PricingTier::Free) {
        let help = "pricing_tier and prices contradict each other: a free model costs 0";
        report.at(fields.line("pricing_tier"), help);
    }
    Some(said)
}
