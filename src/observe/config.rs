//! What can be set.

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;

/// Who is told of calls, beside the log and `/metrics`. Addresses and keys come from the environment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObserveConfig {
    /// Who is told of calls that went well: `langfuse`, `otel`, `prometheus` (`LiteLLM`'s `success_callback`).
    pub success: Vec<String>,
    /// Who is told of calls that failed: those, and `sentry` (`LiteLLM`'s `failure_callback`).
    pub failure: Vec<String>,
    /// Who is told of both (`LiteLLM`'s `callbacks`).
    pub callbacks: Vec<String>,
    /// The share of calls that traces hold, from 0 to 1; `None` leaves it to `OTEL_TRACES_SAMPLER`.
    #[serde(deserialize_with = "share")]
    pub sample_ratio: Option<f64>,
    /// `true` tells the models' providers of the trace, by the header `traceparent`.
    pub forward_traceparent: bool,
}

/// Reads a share of a whole.
fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let share = Option::<f64>::deserialize(deserializer)?;
    match share {
        Some(share) if !(0.0..=1.0).contains(&share) => {
            Err(D::Error::custom("it should be a number from 0 to 1"))
        }
        share => Ok(share),
    }
}

/// How long rows of calls are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsageConfig {
    /// Days that a row is kept; 0 keeps it for ever.
    pub keep_days: u32,
    /// Calls that may be under way or waiting to be written before new ones wait at the door.
    pub queue_rows: usize,
}

impl Default for UsageConfig {
    fn default() -> Self {
        Self {
            keep_days: 90,
            queue_rows: 16_384,
        }
    }
}
