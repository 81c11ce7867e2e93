//! Reading the usage, in the many forms that providers give it.

use serde::Deserialize;
use serde_json::Value;

use super::pieces::first_choice;
use crate::types::Usage;
use crate::types::quirks::Quirks;
use crate::wire::lenient;

/// The counts of a usage, before it is settled what is part of what.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    prompt: u64,
    completion: u64,
    total: u64,
    cache_read: u64,
    cache_write: u64,
    reasoning: u64,
    audio_in: u64,
    audio_out: u64,
}

/// OpenAI's own form, and nothing else in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(default)]
    total_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    #[serde(rename = "accepted_prediction_tokens")]
    _accepted: Option<u64>,
    #[serde(rename = "rejected_prediction_tokens")]
    _rejected: Option<u64>,
}

/// The usage of a text that has OpenAI's own form, without a tree; `None` for any other form.
pub(in crate::wire) fn usual_usage(text: &[u8], quirks: &Quirks) -> Option<Usage> {
    let usual: Usual = serde_json::from_slice(text).ok()?;
    let prompt = usual.prompt_tokens_details.unwrap_or_default();
    let completion = usual.completion_tokens_details.unwrap_or_default();
    let counts = Counts {
        prompt: lenient::sane(usual.prompt_tokens),
        completion: lenient::sane(usual.completion_tokens),
        total: lenient::sane(usual.total_tokens),
        cache_read: prompt.cached_tokens.map_or(0, lenient::sane),
        cache_write: 0,
        reasoning: completion.reasoning_tokens.map_or(0, lenient::sane),
        audio_in: prompt.audio_tokens.map_or(0, lenient::sane),
        audio_out: completion.audio_tokens.map_or(0, lenient::sane),
    };
    Some(counts.settled(quirks))
}

/// The usage of a body or chunk, wherever a provider puts it; `None` when it says nothing.
pub(super) fn usage_of(value: &Value, quirks: &Quirks) -> Option<Usage> {
    let places = [
        value.get("usage"),
        // Groq compound, and old Moonshot streams.
        value.get("x_groq").and_then(|groq| groq.get("usage")),
        first_choice(value).and_then(|choice| choice.get("usage")),
    ];
    let usage = places
        .into_iter()
        .flatten()
        .find(|usage| usage.is_object())?;
    let count = |path: &[&str]| lenient::count(usage, path);
    let first_of = |paths: &[&[&str]]| paths.iter().map(|path| count(path)).max().unwrap_or(0);
    let cache_read = first_of(&[
        &["prompt_tokens_details", "cached_tokens"],
        &["prompt_token_details", "cached_tokens"],
        &["prompt_cache_hit_tokens"],
        &["num_cached_tokens"],
        &["cached_tokens"], // Moonshot
        &["cache_read_input_tokens"],
    ]);
    let cache_write = first_of(&[
        &["prompt_tokens_details", "cache_write_tokens"],
        &["cache_creation_input_tokens"],
    ]);
    let audio_in = first_of(&[
        &["prompt_tokens_details", "audio_tokens"],
        &["prompt_audio_seconds", "audio_tokens"],
    ]);
    let reasoning = first_of(&[
        &["completion_tokens_details", "reasoning_tokens"],
        &["reasoning_tokens"],
    ]);
    let counts = Counts {
        prompt: count(&["prompt_tokens"]),
        completion: count(&["completion_tokens"]),
        total: count(&["total_tokens"]),
        cache_read,
        cache_write,
        reasoning,
        audio_in,
        audio_out: count(&["completion_tokens_details", "audio_tokens"]),
    };
    Some(counts.settled(quirks))
}

impl Counts {
    /// The usage in buckets that do not overlap.
    fn settled(self, quirks: &Quirks) -> Usage {
        // xAI leaves reasoning out of the completion, and Mistral sound out of the prompt: the total tells.
        let beside = self.total.saturating_sub(self.prompt + self.completion);
        let reasoning_beside =
            quirks.reasoning_outside_completion || (self.reasoning > 0 && beside == self.reasoning);
        let audio_beside = self.audio_in > 0 && beside == self.audio_in;
        let inside = |tokens: u64, is_beside: bool| if is_beside { 0 } else { tokens };
        let cached = self.cache_read + self.cache_write;
        Usage {
            input: self
                .prompt
                .saturating_sub(cached + inside(self.audio_in, audio_beside)),
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            output: self
                .completion
                .saturating_sub(inside(self.reasoning, reasoning_beside) + self.audio_out),
            reasoning: self.reasoning,
            audio_in: self.audio_in,
            audio_out: self.audio_out,
            billed: None,
            estimated: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_and_the_long_way_read_the_same_usage() {
        for text in [
            r#"{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}"#,
            r#"{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":null},"completion_tokens_details":{"reasoning_tokens":2,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#,
            r#"{"prompt_tokens":9,"completion_tokens":5,"total_tokens":16,"completion_tokens_details":{"reasoning_tokens":2}}"#,
            r#"{"prompt_tokens":18446744073709551615,"completion_tokens":18446744073709551615,"total_tokens":18446744073709551615,"prompt_tokens_details":{"cached_tokens":18446744073709551615},"completion_tokens_details":{"reasoning_tokens":18446744073709551615}}"#,
        ] {
            let quirks = Quirks::default();
            let value = serde_json::json!({"usage": serde_json::from_str::<Value>(text).unwrap()});
            let short = usual_usage(text.as_bytes(), &quirks);
            assert_eq!(short, usage_of(&value, &quirks), "{text}");
            assert!(short.unwrap().total_tokens() > 0, "{text}");
        }
        let other = br#"{"prompt_tokens":9,"completion_tokens":5,"prompt_cache_hit_tokens":3}"#;
        assert_eq!(usual_usage(other, &Quirks::default()), None);
    }
}
