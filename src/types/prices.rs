//! What tokens cost.

use serde::Deserialize;
use serde::Serialize;

use super::usage::NanoUsd;
use super::usage::Usage;

/// Prices in nano-USD per *million* tokens; a local model's are all 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Of fresh prompt tokens.
    pub input: u64,
    /// Of answer tokens.
    pub output: u64,
    /// Of prompt tokens read from a cache.
    pub cache_read: u64,
    /// Of prompt tokens written to a cache (the short-lived one, where there are two).
    pub cache_write: u64,
    /// Of audio tokens heard; `None` when they cost what text does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_in: Option<u64>,
    /// Of audio tokens spoken; `None` when they cost what text does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_out: Option<u64>,
    /// Of reasoning tokens; `None` when they cost what the answer does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// What calls with a long prompt cost.
    #[serde(default, skip_serializing_if = "LongPrompts::is_empty")]
    pub long_prompts: LongPrompts,
}

/// What a call costs, the *whole* of it, when its prompt is longer than a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongPrompt {
    /// The longest prompt, in tokens, to which these prices do not apply yet.
    pub above_tokens: u64,
    /// Of fresh prompt tokens, in nano-USD per million, as are the others.
    pub input: u64,
    /// Of answer tokens.
    pub output: u64,
    /// Of prompt tokens read from a cache.
    pub cache_read: u64,
    /// Of prompt tokens written to a cache.
    pub cache_write: u64,
}

/// The tiers for long prompts, from the lowest limit to the highest; at most [`LongPrompts::MOST`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<LongPrompt>", into = "Vec<LongPrompt>")]
pub struct LongPrompts([Option<LongPrompt>; Self::MOST]);

/// Says why tiers do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLongPrompts {
    /// More than a price has room for.
    #[error("at most {} tiers for long prompts are kept", LongPrompts::MOST)]
    TooMany,
    /// Limits that do not rise.
    #[error("tiers for long prompts are written from the lowest limit to the highest, each once")]
    NotRising,
}

impl LongPrompts {
    /// More tiers than any provider has (Alibaba's Qwen: three above the first).
    pub const MOST: usize = 4;

    /// No tiers: every prompt costs the same for each token.
    pub const NONE: Self = Self([None; Self::MOST]);

    /// `true` when a prompt's length does not matter.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The tiers, from the lowest limit to the highest.
    pub fn iter(&self) -> impl Iterator<Item = &LongPrompt> {
        self.0.iter().flatten()
    }

    /// The tier of a prompt of so many tokens; `None` for one that is not long.
    pub fn of(&self, prompt_tokens: u64) -> Option<&LongPrompt> {
        self.iter()
            .take_while(|tier| prompt_tokens > tier.above_tokens)
            .last()
    }
}

impl TryFrom<Vec<LongPrompt>> for LongPrompts {
    type Error = InvalidLongPrompts;

    fn try_from(tiers: Vec<LongPrompt>) -> Result<Self, Self::Error> {
        if tiers.len() > Self::MOST {
            return Err(InvalidLongPrompts::TooMany);
        }
        if !tiers.is_sorted_by(|a, b| a.above_tokens < b.above_tokens) {
            return Err(InvalidLongPrompts::NotRising);
        }
        let mut kept = Self::NONE;
        for (place, tier) in kept.0.iter_mut().zip(tiers) {
            *place = Some(tier);
        }
        Ok(kept)
    }
}

impl From<LongPrompts> for Vec<LongPrompt> {
    fn from(tiers: LongPrompts) -> Self {
        tiers.iter().copied().collect()
    }
}

impl Prices {
    /// Returns what one call costs, rounded once, half up.
    ///
    /// The length of the prompt, cached parts included, decides the tier. Where the provider says what
    /// it bills, that is charged instead of what was counted.
    pub fn cost(&self, usage: &Usage) -> NanoUsd {
        self.cost_of_calls(usage, prompt_tokens(usage))
    }

    /// Returns what several calls cost together whose longest prompt has `longest_prompt` tokens: each
    /// is charged by that prompt's tier, so this is an upper bound for calls of different lengths.
    pub fn cost_of_calls(&self, usage: &Usage, longest_prompt: u64) -> NanoUsd {
        let prices = self.at(longest_prompt);
        let price = |tokens: u64, per_million: u64| u128::from(tokens) * u128::from(per_million);
        let total = match usage.billed {
            Some(billed) => price(billed.input, prices.input) + price(billed.output, prices.output),
            None => [
                price(usage.input, prices.input),
                price(usage.cache_read, prices.cache_read),
                price(usage.cache_write, prices.cache_write),
                price(usage.audio_in, prices.audio_in.unwrap_or(prices.input)),
                price(usage.output, prices.output),
                price(usage.reasoning, prices.reasoning.unwrap_or(prices.output)),
                price(usage.audio_out, prices.audio_out.unwrap_or(prices.output)),
            ]
            .into_iter()
            .fold(0, u128::saturating_add),
        };
        NanoUsd(u64::try_from(total.saturating_add(500_000) / 1_000_000).unwrap_or(u64::MAX))
    }

    /// The prices that a call with a prompt of so many tokens is charged by.
    pub fn at(&self, prompt_tokens: u64) -> Self {
        let Some(tier) = self.long_prompts.of(prompt_tokens) else {
            return *self;
        };
        Self {
            input: tier.input,
            output: tier.output,
            cache_read: tier.cache_read,
            cache_write: tier.cache_write,
            ..*self
        }
    }

    /// `true` when nothing is ever charged.
    pub fn is_free(&self) -> bool {
        let plain = [self.input, self.output, self.cache_read, self.cache_write];
        let special = [self.audio_in, self.audio_out, self.reasoning];
        let tier = |it: &LongPrompt| it.input | it.output | it.cache_read | it.cache_write;
        plain.iter().all(|price| *price == 0)
            && special.iter().flatten().all(|price| *price == 0)
            && self.long_prompts.iter().all(|it| tier(it) == 0)
    }
}

/// The prompt's length; what is billed tells it where nothing was counted.
fn prompt_tokens(usage: &Usage) -> u64 {
    let counted = [
        usage.input,
        usage.cache_read,
        usage.cache_write,
        usage.audio_in,
    ]
    .into_iter()
    .fold(0, u64::saturating_add);
    match usage.billed {
        Some(billed) if counted == 0 => billed.input,
        Some(_) | None => counted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Billed;

    const USD: u64 = 1_000_000_000;

    /// 2.50 USD in, 15 out, and above 272k tokens 5 and 22.50.
    fn tiered() -> Prices {
        let long = LongPrompt {
            above_tokens: 272_000,
            input: 5 * USD,
            output: 22 * USD + USD / 2,
            cache_read: USD / 2,
            cache_write: 5 * USD,
        };
        Prices {
            input: 2 * USD + USD / 2,
            output: 15 * USD,
            cache_read: USD / 4,
            cache_write: 2 * USD + USD / 2,
            long_prompts: vec![long].try_into().unwrap(),
            ..Prices::default()
        }
    }

    #[test]
    fn cost_is_rounded_once_for_the_whole_call() {
        let prices = Prices {
            input: 3 * USD,
            output: 15 * USD,
            cache_read: 300_000_000,
            ..Prices::default()
        };
        let usage = Usage {
            input: 1000,
            cache_read: 1,
            output: 10,
            reasoning: 5,
            ..Usage::default()
        };
        assert_eq!(prices.cost(&usage), NanoUsd(3_000_000 + 300 + 225_000));
        // A third of a nano-dollar for each of three buckets is one, not three times none.
        let thirds = Prices {
            input: 333_334,
            output: 333_333,
            cache_read: 333_333,
            ..Prices::default()
        };
        let one_each = Usage {
            input: 1,
            output: 1,
            cache_read: 1,
            ..Usage::default()
        };
        assert_eq!(thirds.cost(&one_each), NanoUsd(1));
    }

    #[test]
    fn a_free_model_costs_nothing() {
        let usage = Usage {
            input: u64::MAX / 4,
            output: 7,
            ..Usage::default()
        };
        assert_eq!(Prices::default().cost(&usage), NanoUsd(0));
        assert!(Prices::default().is_free());
        let audio = Prices {
            audio_in: Some(1),
            ..Prices::default()
        };
        assert!(!audio.is_free() && !tiered().is_free());
    }

    #[test]
    fn above_the_limit_the_whole_call_costs_the_tiers_prices() {
        let at = |input, cache_read| {
            let usage = Usage {
                input,
                cache_read,
                output: 1_000_000,
                ..Usage::default()
            };
            tiered().cost(&usage).0
        };
        // The limit itself is not above the limit.
        assert_eq!(at(272_000, 0), 272_000 * 2_500 + 15 * USD);
        assert_eq!(at(272_001, 0), 272_001 * 5_000 + 22 * USD + USD / 2);
        // What a cache holds makes a prompt long too.
        let cached = at(1, 272_000);
        assert_eq!(cached, 5_000 + 272_000 * 500 + 22 * USD + USD / 2);
    }

    #[test]
    fn the_highest_tier_that_is_passed_decides() {
        let tier = |above_tokens, input| LongPrompt {
            above_tokens,
            input,
            ..LongPrompt::default()
        };
        let prices = Prices {
            input: USD,
            long_prompts: vec![tier(32_000, 2 * USD), tier(128_000, 3 * USD)]
                .try_into()
                .unwrap(),
            ..Prices::default()
        };
        for (tokens, input) in [
            (32_000, USD),
            (32_001, 2 * USD),
            (128_000, 2 * USD),
            (1_000_000, 3 * USD),
        ] {
            assert_eq!(prices.at(tokens).input, input, "{tokens}");
        }
    }

    #[test]
    fn audio_and_reasoning_have_prices_of_their_own_where_they_are_given() {
        let usage = Usage {
            audio_in: 1_000,
            audio_out: 100,
            reasoning: 10,
            ..Usage::default()
        };
        let prices = Prices {
            input: USD,
            output: 2 * USD,
            ..Prices::default()
        };
        assert_eq!(prices.cost(&usage), NanoUsd(1_000_000 + 200_000 + 20_000));
        let dear = Prices {
            audio_in: Some(40 * USD),
            audio_out: Some(80 * USD),
            reasoning: Some(3 * USD),
            ..prices
        };
        assert_eq!(dear.cost(&usage), NanoUsd(40_000_000 + 8_000_000 + 30_000));
    }

    #[test]
    fn what_a_provider_bills_is_charged_and_what_was_counted_decides_the_tier() {
        let usage = Usage {
            input: 300_000,
            output: 5,
            billed: Some(Billed {
                input: 10,
                output: 1,
            }),
            ..Usage::default()
        };
        assert_eq!(tiered().cost(&usage), NanoUsd(10 * 5_000 + 22_500));
    }

    #[test]
    fn several_calls_are_charged_by_the_longest_prompt_not_by_their_sum() {
        let usage = Usage {
            input: 400_000,
            ..Usage::default()
        };
        assert_eq!(
            tiered().cost_of_calls(&usage, 200_000),
            NanoUsd(400_000 * 2_500)
        );
    }

    #[test]
    fn prices_of_an_older_log_are_read_and_tiers_come_back_as_they_were() {
        let old = r#"{"input":1,"output":2,"cache_read":3,"cache_write":4}"#;
        let read: Prices = serde_json::from_str(old).unwrap();
        assert_eq!((read.input, read.long_prompts.is_empty()), (1, true));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        let text = serde_json::to_string(&tiered()).unwrap();
        assert_eq!(serde_json::from_str::<Prices>(&text).unwrap(), tiered());
    }

    #[test]
    fn tiers_rise_and_are_few() {
        let tier = |above_tokens| LongPrompt {
            above_tokens,
            ..LongPrompt::default()
        };
        for (limits, wrong) in [
            (vec![2, 1], InvalidLongPrompts::NotRising),
            (vec![1, 1], InvalidLongPrompts::NotRising),
            (vec![1, 2, 3, 4, 5], InvalidLongPrompts::TooMany),
        ] {
            let tiers: Vec<LongPrompt> = limits.into_iter().map(tier).collect();
            assert_eq!(LongPrompts::try_from(tiers), Err(wrong));
        }
    }
}
