//! Writes cards as files of `catalog/`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Origin;
use super::Taken;
use crate::catalog::ModelCard;
use crate::catalog::PricingTier;
use crate::types::Prices;

/// Writes the cards of each provider as the text of a catalog file; the same cards make the same text.
pub fn catalog_files(taken: &[Taken], origin: &Origin) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut taken: Vec<&Taken> = taken.iter().collect();
    taken.sort_by(|a, b| a.card.name.cmp(&b.card.name));
    for one in taken {
        let provider = one.card.name.provider();
        let file = files
            .entry(provider.to_owned())
            .or_insert_with(|| head(provider, origin));
        file.push_str(&model(one));
    }
    files
}

fn head(provider: &str, origin: &Origin) -> String {
    format!(
        "# Written by `agon models import`, which writes it anew the next time. Prices are USD per million\n\
         # tokens. What stands here replaces the card of the same name.\n\
         provider = {}\nsource = {}\nchecked = {}\n",
        quoted(provider),
        quoted(&origin.source),
        quoted(&origin.checked)
    )
}

fn model(taken: &Taken) -> String {
    let card = &taken.card;
    let mut lines = vec![format!("id = {}", quoted(card.name.model()))];
    let mut list = |key: &str, words: &[String]| {
        if !words.is_empty() {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            lines.push(format!("{key} = [{}]", words.join(", ")));
        }
    };
    list("aliases", &taken.aliases);
    list("shorthands", &taken.shorthands);
    if let Some(title) = &card.title {
        lines.push(format!("title = {}", quoted(title)));
    }
    let dimensions = card.dimensions.map(u64::from);
    for (key, number) in [
        ("context_tokens", card.context_tokens),
        ("max_output_tokens", card.max_output_tokens),
        ("dimensions", dimensions),
    ] {
        lines.extend(number.map(|number| format!("{key} = {number}")));
    }
    let can: Vec<String> = card.capabilities.names().into_iter().map(quoted).collect();
    lines.push(format!("can = [{}]", can.join(", ")));
    if let Some(prices) = &card.prices {
        lines.extend(price_lines(prices));
    }
    if card.prices.as_ref().map(PricingTier::of) != Some(card.pricing_tier) {
        lines.push(format!(
            "pricing_tier = {}",
            quoted(card.pricing_tier.as_str())
        ));
    }
    if card.recommended {
        lines.push("recommended = true".to_owned());
    }
    for (key, size) in [("ram_gb", card.ram_gb), ("disk_gb", card.disk_gb)] {
        lines.extend(size.map(|size| format!("{key} = {size:?}")));
    }
    lines.extend(rest(card));
    format!("\n[[model]]\n{}\n", lines.join("\n"))
}

fn rest(card: &ModelCard) -> Vec<String> {
    let mut lines = Vec::new();
    if !card.drop_params.is_empty() {
        let params = card.drop_params.iter().map(|param| quoted(param.as_str()));
        let params: Vec<String> = params.collect();
        lines.push(format!("drop_params = [{}]", params.join(", ")));
    }
    if let Some(deprecated) = &card.deprecated {
        let mut said = Vec::new();
        said.extend(
            deprecated
                .date
                .as_ref()
                .map(|day| format!("date = {}", quoted(day))),
        );
        let successor = deprecated.successor.as_ref();
        let own = successor.and_then(|it| it.strip_prefix(&format!("{}/", card.name.provider())));
        said.extend(own.map(|id| format!("successor = {}", quoted(id))));
        lines.push(format!("deprecated = {{ {} }}", said.join(", ")));
    }
    lines
}

fn price_lines(prices: &Prices) -> Vec<String> {
    let mut said = vec![
        format!("input = {}", usd(prices.input)),
        format!("output = {}", usd(prices.output)),
    ];
    let mut price = |key: &str, price: Option<u64>| {
        said.extend(price.map(|price| format!("{key} = {}", usd(price))));
    };
    let unlike = |price: u64| (price != prices.input).then_some(price);
    price("cache_read", unlike(prices.cache_read));
    price("cache_write", unlike(prices.cache_write));
    price("audio_in", prices.audio_in);
    price("audio_out", prices.audio_out);
    price("reasoning", prices.reasoning);
    let mut lines = vec![format!("prices = {{ {} }}", said.join(", "))];
    let mut tiers = String::new();
    for tier in prices.long_prompts.iter() {
        let (input, output) = (usd(tier.input), usd(tier.output));
        let (read, write) = (usd(tier.cache_read), usd(tier.cache_write));
        let _ = writeln!(
            tiers,
            "    {{ above_tokens = {}, input = {input}, output = {output}, cache_read = {read}, cache_write = {write} }},",
            tier.above_tokens
        );
    }
    if !tiers.is_empty() {
        lines.push(format!("long_prompts = [\n{tiers}]"));
    }
    lines
}

/// Nano-USD as dollars, to the last digit and no further.
pub(in crate::catalog) fn usd(nano_usd: u64) -> String {
    const NANO: u64 = 1_000_000_000;
    let text = format!("{}.{:09}", nano_usd / NANO, nano_usd % NANO);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
