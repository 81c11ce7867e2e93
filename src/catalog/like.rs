//! Cards of models that a provider offers as another does: OpenAI's at Azure, Anthropic's at Vertex AI.

use super::model_card::ModelCard;
use super::read_cards::ReadCard;
use super::read_cards::ReadLike;
use crate::types::LongPrompt;
use crate::types::LongPrompts;
use crate::types::ModelName;
use crate::types::Prices;

/// Makes the cards of `provider` that `like` names, from those of the other provider.
///
/// # Errors
///
/// Says which model the other provider does not have, or which name cannot be one.
pub(super) fn cards_like<'a>(
    provider: &str,
    like: &ReadLike,
    known: impl Fn(&ModelName) -> Option<&'a ModelCard>,
) -> Result<Vec<ReadCard>, String> {
    let here = |id: &str| parsed(&format!("{provider}/{}{id}", like.prefix));
    let mut cards = Vec::new();
    for id in &like.models {
        let short = without_date(id);
        let original = parsed(&format!("{}/{short}", like.provider))?;
        let Some(card) = known(&original) else {
            return Err(format!("models: there is no model {original}"));
        };
        cards.push(ReadCard {
            card: ModelCard {
                name: here(id)?,
                prices: card.prices.map(|prices| dearer(&prices, like)),
                deprecated: card.deprecated.clone().filter(|_| like.same_dates),
                recommended: false,
                source: format!("{}; otherwise as {original}", like.source),
                checked: like.checked.clone(),
                ..card.clone()
            },
            aliases: Vec::new(),
            shorthands: if short == id {
                Vec::new()
            } else {
                vec![here(short)?]
            },
            line: like.line,
            successor_line: like.line,
        });
    }
    Ok(cards)
}

fn parsed(name: &str) -> Result<ModelName, String> {
    name.parse()
        .map_err(|_| format!("models: \"{name}\" cannot be a model's name"))
}

/// Vertex AI writes a date behind "@", which is no part of the id elsewhere.
fn without_date(id: &str) -> &str {
    id.split_once('@').map_or(id, |(short, _)| short)
}

fn dearer(prices: &Prices, like: &ReadLike) -> Prices {
    // Half up, as the cost itself is.
    let more = |price: u64| (price * (100 + like.surcharge_percent) + 50) / 100;
    let tiers: Vec<LongPrompt> = prices
        .long_prompts
        .iter()
        .map(|tier| LongPrompt {
            above_tokens: tier.above_tokens,
            input: more(tier.input),
            output: more(tier.output),
            cache_read: more(tier.cache_read),
            cache_write: more(tier.cache_write),
        })
        .collect();
    Prices {
        input: more(prices.input),
        output: more(prices.output),
        cache_read: more(prices.cache_read),
        cache_write: more(prices.cache_write),
        audio_in: prices.audio_in.map(more),
        audio_out: prices.audio_out.map(more),
        reasoning: prices.reasoning.map(more),
        long_prompts: LongPrompts::try_from(tiers).unwrap_or(prices.long_prompts),
    }
}
