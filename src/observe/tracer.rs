//! Places of calls in traces, and which calls are traced.

use crate::provider::Environment;
use crate::types::Span;
use crate::types::TraceParent;

/// Decides which calls are traced. Copied freely; costs nothing where traces are off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tracer {
    /// `true` when somebody receives traces.
    is_on: bool,
    forwards: bool,
    follows_parent: bool,
    ratio: f64,
}

impl Tracer {
    /// Traces nothing.
    pub fn off() -> Self {
        Self {
            is_on: false,
            forwards: false,
            follows_parent: true,
            ratio: 1.0,
        }
    }

    /// Reads how much is traced: the setting, or `OTEL_TRACES_SAMPLER` and its argument.
    pub(super) fn new(environment: &Environment, ratio: Option<f64>, forwards: bool) -> Self {
        let sampler = environment.get("OTEL_TRACES_SAMPLER").unwrap_or_default();
        let argument = environment
            .get("OTEL_TRACES_SAMPLER_ARG")
            .and_then(|text| text.parse::<f64>().ok());
        let by_sampler = match sampler.trim_start_matches("parentbased_") {
            "always_off" => 0.0,
            "traceidratio" => argument.unwrap_or(1.0),
            // `always_on` is the specification's default too.
            _ => 1.0,
        };
        Self {
            is_on: true,
            forwards,
            follows_parent: sampler.is_empty() || sampler.starts_with("parentbased_"),
            ratio: ratio.unwrap_or(by_sampler).clamp(0.0, 1.0),
        }
    }

    /// The same without anybody who receives traces: callers' traces are still passed on where that is wanted.
    pub(super) fn unheard(self) -> Self {
        Self {
            is_on: false,
            ..self
        }
    }

    /// The place of a call that comes with this `traceparent`; `None` when nobody wants to know.
    pub fn begin(&self, traceparent: Option<&str>) -> Option<Span> {
        if !self.is_on && !self.forwards {
            return None;
        }
        let parent = traceparent.and_then(TraceParent::parse);
        Some(Span {
            trace: parent.map_or_else(some_trace, |parent| parent.trace),
            id: some_id(),
            parent: parent.map(|parent| parent.span),
            sampled: self.samples(parent.map(|parent| parent.sampled)),
            forwarded: self.forwards,
        })
    }

    /// `true` when a call is traced whose caller's decision, if there is one, is this.
    fn samples(&self, of_parent: Option<bool>) -> bool {
        match of_parent {
            Some(sampled) if self.follows_parent => sampled,
            Some(_) | None if !self.is_on => false,
            Some(_) | None => draws(self.ratio),
        }
    }

    /// The share of calls that are traced without a caller's decision.
    pub(super) fn ratio(&self) -> f64 {
        self.ratio
    }
}

/// `true` for this share of all questions.
pub(super) fn draws(ratio: f64) -> bool {
    ratio >= 1.0 || rand::random::<f64>() < ratio
}

/// A trace's number; zero is none.
pub(super) fn some_trace() -> u128 {
    rand::random::<u128>().max(1)
}

/// A span's number; zero is none.
pub(super) fn some_id() -> u64 {
    rand::random::<u64>().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const NOT_SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    fn tracer(sampler: &str, argument: &str) -> Tracer {
        let variables = [
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ];
        Tracer::new(&variables.into_iter().collect(), None, false)
    }

    #[test]
    fn a_call_goes_on_with_its_callers_trace() {
        let span = tracer("", "").begin(Some(SAMPLED)).unwrap();
        assert_eq!(span.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(span.parent, Some(0x00f0_67aa_0ba9_02b7));
        assert!(span.sampled && !span.forwarded);
        assert!(!tracer("", "").begin(Some(NOT_SAMPLED)).unwrap().sampled);
        let fresh = tracer("", "").begin(Some("nonsense")).unwrap();
        assert_eq!(fresh.parent, None);
        assert!(fresh.sampled);
    }

    #[test]
    fn the_sampler_is_the_environments() {
        let sampled =
            |sampler, argument, parent| tracer(sampler, argument).begin(parent).unwrap().sampled;
        assert!(!sampled("always_off", "", Some(SAMPLED)));
        assert!(sampled("parentbased_always_off", "", Some(SAMPLED)));
        assert!(!sampled("parentbased_always_off", "", None));
        assert!(sampled("always_on", "", Some(NOT_SAMPLED)));
        assert!(!sampled("traceidratio", "0", None));
        assert!(sampled("traceidratio", "1", None));
        let of = |ratio: &str| {
            let tracer = tracer("traceidratio", ratio);
            (0..2000)
                .filter(|_| tracer.begin(None).unwrap().sampled)
                .count()
        };
        // Twenty standard deviations wide.
        assert!((300..700).contains(&of("0.25")));
    }

    #[test]
    fn nothing_is_made_where_nobody_wants_to_know() {
        assert_eq!(Tracer::off().begin(Some(SAMPLED)), None);
        let forwarding = Tracer::new(&Environment::default(), None, true).unheard();
        let span = forwarding.begin(Some(SAMPLED)).unwrap();
        assert!(span.forwarded && span.sampled, "the caller records it");
        assert!(!forwarding.begin(None).unwrap().sampled, "nobody does");
    }
}
