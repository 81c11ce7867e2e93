//! How long a local server keeps a model in memory.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// How long Ollama keeps a model in memory after a call: seconds, where 0 means not at all and -1 for good, or a
/// span as Go writes it, such as `5m` or `1h30m`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeepAlive {
    /// Seconds; a negative number means for good.
    Seconds(i64),
    /// A span.
    Span(String),
}

/// A text that is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no span of time: write seconds, 5m, 1h30m, 0 for not at all, or -1 for good")]
pub struct NoKeepAlive(String);

impl FromStr for KeepAlive {
    type Err = NoKeepAlive;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Ok(seconds) = text.parse() {
            return Ok(Self::Seconds(seconds));
        }
        match is_span(text.strip_prefix(['-', '+']).unwrap_or(text)) {
            true => Ok(Self::Span(text.to_owned())),
            false => Err(NoKeepAlive(text.to_owned())),
        }
    }
}

/// A row of numbers, each with its unit (Go's `time.ParseDuration`).
fn is_span(mut text: &str) -> bool {
    if text.is_empty() {
        return false;
    }
    while !text.is_empty() {
        let number = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let digits = &text[..text.len() - number.len()];
        let units = ["ns", "us", "µs", "ms", "s", "m", "h"];
        let unit = number.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, rest) = number.split_at(unit.unwrap_or(number.len()));
        if digits.parse::<f64>().is_err() || !units.contains(&unit) {
            return false;
        }
        text = rest;
    }
    true
}

impl fmt::Display for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Span(span) => f.write_str(span),
        }
    }
}

impl Serialize for KeepAlive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Seconds(seconds) => serializer.serialize_i64(*seconds),
            Self::Span(span) => serializer.serialize_str(span),
        }
    }
}

impl<'de> Deserialize<'de> for KeepAlive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = KeepAlive;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds, or a span such as 5m")
            }

            fn visit_i64<E>(self, seconds: i64) -> Result<KeepAlive, E> {
                Ok(KeepAlive::Seconds(seconds))
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<KeepAlive, E> {
                i64::try_from(seconds)
                    .map(KeepAlive::Seconds)
                    .map_err(|_| E::custom("more seconds than there are"))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<KeepAlive, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_spans_are_told_apart_and_nonsense_is_refused() {
        assert_eq!("-1".parse(), Ok(KeepAlive::Seconds(-1)));
        assert_eq!("300".parse(), Ok(KeepAlive::Seconds(300)));
        for span in ["5m", "1h30m", "1.5h", "-1s", "250ms"] {
            assert_eq!(span.parse(), Ok(KeepAlive::Span(span.to_owned())), "{span}");
        }
        for wrong in ["soon", "", "5 m", "m", "5m3", "5x", "-"] {
            assert!(wrong.parse::<KeepAlive>().is_err(), "{wrong}");
        }
    }
}
