//! Counting and printing.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Up to ten minutes. Three digits suffice, except where a delay is taken off afterwards.
pub fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, digits).expect("constant bounds are valid")
}

pub struct Tally {
    pub latency: Histogram<u64>,
    pub errors: BTreeMap<String, u64>,
}

impl Tally {
    pub fn new(digits: u8) -> Self {
        Self {
            latency: histogram(digits),
            errors: BTreeMap::new(),
        }
    }

    pub fn ok(&mut self, micros: u64) {
        self.latency.saturating_record(micros.max(1));
    }

    pub fn error(&mut self, kind: String) {
        *self.errors.entry(kind).or_default() += 1;
    }

    pub fn merge(&mut self, other: Self) {
        self.latency.add(other.latency).expect("same bounds");
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
    }

    /// `requests` counts good answers; `rps` is good answers per second of the measured time.
    pub fn json(&self, mode: &str, seconds: f64) -> Value {
        let requests = self.latency.len();
        let mut out = json!({
            "mode": mode,
            "requests": requests,
            "errors": self.errors,
            "rps": (requests as f64 / seconds * 10.0).round() / 10.0,
        });
        put_quantiles(&mut out, "", &self.latency);
        out
    }
}

pub fn put_quantiles(out: &mut Value, prefix: &str, values: &Histogram<u64>) {
    for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        out[format!("{prefix}{name}_us")] = json!(values.value_at_quantile(quantile));
    }
    out[format!("{prefix}max_us")] = json!(values.max());
}

pub fn extend(out: &mut Value, more: Value) {
    let more: Map<String, Value> = match more {
        Value::Object(map) => map,
        _ => return,
    };
    for (key, value) in more {
        out[key] = value;
    }
}
