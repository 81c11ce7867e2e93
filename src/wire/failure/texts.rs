//! Texts that are the only sign of what happened, and waits that are told in words.
//!
//! Sources: the providers' wire facts, read 2026-11-20.

use std::sync::LazyLock;
use std::time::Duration;

use regex_lite::Regex;

use super::codes::Class;

const TOO_LONG: [&str; 18] = [
    "maximum context length",
    "exceeds the context window",
    "Input tokens exceed the configured limit",
    "prompt is too long",
    "exceed context limit",
    "available context size",
    "exceeds the context length",
    "exceeded model token limit",
    "exceeds the maximum number of tokens",
    "Range of input length",
    "Input is too long",
    "Too many input tokens",
    "too many tokens",
    "too large for model with",
    "must be <= ",
    "Current length is",
    "Prompt exceeds max length",
    "total length of all messages is too long",
];

/// What the words mean, where they say more than a general code or the status.
pub(super) fn class(status: u16, message: &str) -> Option<Class> {
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    let not_a_length = says(&["string too long", "string_above_max_length"]);
    match status {
        // A single request over the per-minute limit never succeeds by waiting.
        413 | 429 if says(&["Request too large"]) => Some(Class::InvalidRequest),
        400 | 413 | 422 | 500 if says(&TOO_LONG) && !not_a_length => {
            Some(Class::ContextLengthExceeded)
        }
        400 | 403 if says(&["credit balance is too low"]) => Some(Class::QuotaExhausted),
        429 if says(&[
            "per day",
            "PerDay",
            "Trial key",
            "trial key",
            "monthly limit",
        ]) =>
        {
            Some(Class::QuotaExhausted)
        }
        400 if says(&["Incorrect API key", "API key not valid"]) => Some(Class::Authentication),
        403 if says(&["unregistered callers"]) => Some(Class::Authentication),
        400 if says(&[
            "model identifier is invalid",
            "Invalid model:",
            "on-demand throughput",
        ]) =>
        {
            Some(Class::ModelNotFound)
        }
        400 | 403
            if says(&[
                "violates usage guidelines",
                "usage policy",
                "safety system",
                "content management policy",
                "requires moderation",
            ]) =>
        {
            Some(Class::ContentFiltered)
        }
        _ => None,
    }
}

/// `in 48.9s`, `after 26 seconds`, `in ~30s`, `in 1m26.4s`, `in 120ms`, behind the words that announce a wait.
static WAIT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let announced = r"(?:retry|try again|resets?|wait)\s+(?:(?:in|after)\s+)?~?";
    let span = r"([0-9][0-9.]*\s*[a-z]+(?:[0-9.]+[a-z]+)*)";
    Regex::new(&format!("(?i){announced}{span}")).ok()
});

/// The wait that a message asks for in words.
pub(super) fn wait(message: &str) -> Option<Duration> {
    let pattern = WAIT.as_ref()?;
    pattern.captures_iter(message).find_map(|found| {
        let span = found.get(1)?.as_str().to_ascii_lowercase();
        let number = span.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = (span[..number].trim(), &span[number..]);
        let unit = match unit {
            "seconds" | "second" | "secs" | "sec" => "s",
            "minutes" | "minute" | "mins" | "min" => "m",
            "hours" | "hour" => "h",
            "milliseconds" | "millisecond" => "ms",
            short => short,
        };
        go_duration(&format!("{number}{unit}"))
    })
}

/// A span as Go and Google write it: `36s`, `34.4s`, `1m26.4s`, `17ms`.
pub(in crate::wire) fn go_duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |end| digits + end);
        seconds += match &rest[digits..unit_end] {
            "ms" => number / 1000.0,
            "s" => number,
            "m" => number * 60.0,
            "h" => number * 3600.0,
            "d" => number * 86_400.0,
            _ => return None,
        };
        rest = &rest[unit_end..];
    }
    (!text.trim().is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok())?
}
