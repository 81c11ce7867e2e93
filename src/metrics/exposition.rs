//! The two text forms that Prometheus reads.
//!
//! Sources, read 2026-11-24: <https://prometheus.io/docs/instrumenting/exposition_formats/> (0.0.4) and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>. In both, a sample of a counter ends in `_total`; what
//! differs is the name in its `HELP` and `TYPE` lines. Python's client, which `LiteLLM` uses, does the same: its
//! `litellm_spend_metric` is scraped as `litellm_spend_metric_total`.

use std::fmt::Write;

use super::histogram::Totals;

/// A text form of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus' own form, 0.0.4.
    Prometheus,
}

impl Exposition {
    /// The form for whoever sends this `Accept`: `OpenMetrics`, unless only the older form is named.
    pub fn wanted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("application/openmetrics-text") => Self::OpenMetrics,
            Some(accept) if accept.contains("text/plain") => Self::Prometheus,
            Some(_) | None => Self::OpenMetrics,
        }
    }

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A page under way.
pub(super) struct Page {
    text: String,
    form: Exposition,
}

impl Page {
    pub(super) fn new(form: Exposition) -> Self {
        Self {
            text: String::with_capacity(16 << 10),
            form,
        }
    }

    /// Begins a family of series. A counter's name is given without `_total`.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let (suffix, word) = match (kind, self.form) {
            (Kind::Counter, Exposition::Prometheus) => ("_total", "counter"),
            (Kind::Counter, Exposition::OpenMetrics) => ("", "counter"),
            (Kind::Gauge, _) => ("", "gauge"),
            (Kind::Histogram, _) => ("", "histogram"),
        };
        self.line(format_args!("# HELP {name}{suffix} {help}."));
        self.line(format_args!("# TYPE {name}{suffix} {word}"));
    }

    /// A counter's sample.
    pub(super) fn counter(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{name}_total{} {value}", Braces(labels)));
    }

    /// A gauge's sample.
    pub(super) fn gauge(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{name}{} {value}", Braces(labels)));
    }

    /// A histogram's samples, with these bounds in seconds.
    pub(super) fn histogram<const N: usize>(
        &mut self,
        name: &str,
        labels: &str,
        shown: &[f64],
        (totals, bounds_ns): (&Totals<N>, &[u64; N]),
    ) {
        let rest = if labels.is_empty() { "" } else { "," };
        for seconds in shown {
            let count = totals.up_to(bounds_ns, *seconds);
            let point = if seconds.fract() == 0.0 { ".0" } else { "" };
            self.line(format_args!(
                "{name}_bucket{{le=\"{seconds}{point}\"{rest}{labels}}} {count}"
            ));
        }
        let count = totals.count();
        self.line(format_args!(
            "{name}_bucket{{le=\"+Inf\"{rest}{labels}}} {count}"
        ));
        let (sum, labels) = (totals.sum_seconds(), Braces(labels));
        self.line(format_args!("{name}_sum{labels} {sum}"));
        self.line(format_args!("{name}_count{labels} {count}"));
    }

    /// The whole page.
    pub(super) fn finish(mut self) -> String {
        match self.form {
            Exposition::OpenMetrics => self.text.push_str("# EOF\n"),
            Exposition::Prometheus => {}
        }
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

struct Braces<'a>(&'a str);

impl std::fmt::Display for Braces<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            labels => write!(f, "{{{labels}}}"),
        }
    }
}

/// Labels as they stand between braces.
pub(super) fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                letter => text.push(letter),
            }
        }
        text.push('"');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        for (accept, form) in [
            (Some(prometheus), Exposition::OpenMetrics),
            (Some("text/plain;version=0.0.4"), Exposition::Prometheus),
            (Some("*/*"), Exposition::OpenMetrics),
            (None, Exposition::OpenMetrics),
        ] {
            assert_eq!(Exposition::wanted(accept), form, "{accept:?}");
        }
    }

    #[test]
    fn a_counter_ends_in_total_in_both_forms() {
        let page = |form| {
            let mut page = Page::new(form);
            page.family("a_metric", Kind::Counter, "Things");
            page.counter("a_metric", &labels(&[("b", "c\"\\\n")]), 7);
            page.finish()
        };
        assert_eq!(
            page(Exposition::OpenMetrics),
            "# HELP a_metric Things.\n# TYPE a_metric counter\na_metric_total{b=\"c\\\"\\\\\\n\"} 7\n# EOF\n"
        );
        assert_eq!(
            page(Exposition::Prometheus),
            "# HELP a_metric_total Things.\n# TYPE a_metric_total counter\na_metric_total{b=\"c\\\"\\\\\\n\"} 7\n"
        );
    }
}
