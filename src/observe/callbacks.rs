//! Names of callbacks, and which calls each is told of.

use super::ObserveConfig;

/// Somebody who can be told of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callback {
    Langfuse,
    Otel,
    /// Always on: `/metrics`.
    Prometheus,
    Sentry,
}

impl Callback {
    const ALL: [Self; 4] = [Self::Langfuse, Self::Otel, Self::Prometheus, Self::Sentry];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Langfuse => "langfuse",
            Self::Otel => "otel",
            Self::Prometheus => "prometheus",
            Self::Sentry => "sentry",
        }
    }

    /// The callback of a name that `LiteLLM` knows.
    fn named(name: &str) -> Option<Self> {
        match name.trim().to_lowercase().as_str() {
            "langfuse" | "langfuse_otel" => Some(Self::Langfuse),
            "otel" | "otlp" | "opentelemetry" => Some(Self::Otel),
            "prometheus" => Some(Self::Prometheus),
            "sentry" => Some(Self::Sentry),
            _ => None,
        }
    }
}

/// Which calls somebody is told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sees {
    pub(super) successes: bool,
    pub(super) failures: bool,
}

impl Sees {
    pub(super) const ALL: Self = Self {
        successes: true,
        failures: true,
    };
}

/// What a configuration asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) langfuse: Sees,
    pub(super) otel: Sees,
    pub(super) sentry: Sees,
    /// What is not understood, for a person.
    pub(super) warnings: Vec<String>,
}

/// Reads the lists of a configuration.
pub(super) fn wanted(config: &ObserveConfig) -> Wanted {
    let mut wanted = Wanted::default();
    let only = |successes, failures| Sees {
        successes,
        failures,
    };
    for (names, sees) in [
        (&config.success, only(true, false)),
        (&config.failure, only(false, true)),
        (&config.callbacks, Sees::ALL),
    ] {
        for name in names {
            let seen = match Callback::named(name) {
                Some(Callback::Langfuse) => &mut wanted.langfuse,
                Some(Callback::Otel) => &mut wanted.otel,
                Some(Callback::Sentry) => &mut wanted.sentry,
                Some(Callback::Prometheus) => continue,
                None => {
                    wanted.warnings.push(unknown(name));
                    continue;
                }
            };
            seen.successes |= sees.successes;
            seen.failures |= sees.failures;
        }
    }
    if wanted.sentry.successes {
        if !wanted.sentry.failures {
            let help =
                "the callback \"sentry\" is told of failures only: name it under failure_callback";
            wanted.warnings.push(help.to_owned());
        }
        wanted.sentry.successes = false;
    }
    wanted
}

fn unknown(name: &str) -> String {
    let known = Callback::ALL.map(Callback::as_str).join(", ");
    let name: String = name.chars().take(80).collect();
    format!("the callback \"{name}\" is not known and is left out: there are {known}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(success: &[&str], failure: &[&str], both: &[&str]) -> ObserveConfig {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ObserveConfig {
            success: owned(success),
            failure: owned(failure),
            callbacks: owned(both),
            ..ObserveConfig::default()
        }
    }

    #[test]
    fn a_callback_sees_what_the_lists_that_name_it_say() {
        let wanted = wanted(&config(&["langfuse", "prometheus"], &["sentry"], &["otel"]));
        let only_successes = Sees {
            successes: true,
            failures: false,
        };
        assert_eq!(wanted.langfuse, only_successes);
        assert_eq!(wanted.otel, Sees::ALL);
        assert!(wanted.sentry.failures && !wanted.sentry.successes);
        assert_eq!(wanted.warnings, [""; 0]);
    }

    #[test]
    fn one_that_is_named_in_both_lists_sees_all() {
        let wanted = wanted(&config(&["langfuse"], &["Langfuse_OTEL"], &[]));
        assert_eq!(wanted.langfuse, Sees::ALL);
    }

    #[test]
    fn an_unknown_name_is_a_warning_that_says_what_there_is() {
        let wanted = wanted(&config(
            &["datadog"],
            &[],
            &["sentry", "my_handlers.custom"],
        ));
        assert_eq!(
            wanted.warnings,
            [
                "the callback \"datadog\" is not known and is left out: there are langfuse, otel, prometheus, sentry",
                "the callback \"my_handlers.custom\" is not known and is left out: there are langfuse, otel, prometheus, sentry",
            ]
        );
        assert!(wanted.sentry.failures);
    }

    #[test]
    fn sentry_has_no_use_for_successes() {
        let wanted = wanted(&config(&["sentry"], &[], &[]));
        assert_eq!(wanted.sentry, Sees::default());
        assert!(wanted.warnings[0].contains("failure_callback"));
    }
}
