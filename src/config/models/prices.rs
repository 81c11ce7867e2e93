//! Prices of an entry: USD for one token, as `LiteLLM` has them.

use super::info::Info;
use super::known;
use crate::config::report::Report;
use crate::config::tree::Node;
use crate::types::Prices;
use crate::types::amount::nano_usd_per_million;

/// The prices among parameters.
pub(super) fn written(params: &Node) -> Vec<(&'static str, Node)> {
    let named = known::PRICES.iter();
    named
        .filter_map(|key| Some((*key, params.get(key)?.clone())))
        .collect()
}

/// Reads the prices of an entry; `None` when it names none. Its parameters go before its `model_info`.
pub(super) fn read(
    path: &str,
    params: &[(&'static str, Node)],
    told: &Node,
    info: &Info,
    report: &mut Report,
) -> Option<Prices> {
    let of_params = |key: &str| {
        let found = params.iter().find(|(name, _)| *name == key);
        found.map(|(_, node)| node)
    };
    let mut price = |key: &str| -> Option<u64> {
        let node = of_params(key).or_else(|| told.get(key))?;
        let nano = node
            .text()
            .and_then(|text| nano_usd_per_million(text.trim()));
        if nano.is_none() {
            let help = format!("{path}: {key} is no price: write USD for one token, as 2.5e-06");
            report.mistake(&node.place, help);
        }
        nano
    };
    let (input, output) = (
        price("input_cost_per_token"),
        price("output_cost_per_token"),
    );
    let [cache_read, cache_write, audio_in, audio_out, reasoning] = [
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost",
        "input_cost_per_audio_token",
        "output_cost_per_audio_token",
        "output_cost_per_reasoning_token",
    ]
    .map(&mut price);
    if input.is_none() && output.is_none() {
        return None;
    }
    if output.is_none() && info.told.mode.as_deref() != Some("embedding") {
        let help = format!("{path}: output_cost_per_token is missing, so answers cost nothing");
        report.warn(&told.place, help);
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    Some(Prices {
        input,
        output,
        cache_read: cache_read.unwrap_or(input),
        cache_write: cache_write.unwrap_or(input),
        audio_in: audio_in.filter(|price| *price != input),
        audio_out: audio_out.filter(|price| *price != output),
        reasoning: reasoning.filter(|price| *price != output),
        ..Prices::default()
    })
}
