//! The gateway's settings, made ready for requests, and swapped whole when they change.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::http::HeaderName;

use crate::http::GatewayConfig;
use crate::http::Plans;

/// The path that load balancers put before `LiteLLM`; it is always taken.
const USUAL_BASE_PATH: &str = "/litellm";

/// The gateway's settings as they hold now.
pub struct GatewaySettings(ArcSwap<Ready>);

/// Settings, made ready.
#[derive(Debug)]
pub(in crate::http) struct Ready {
    /// The one header that carries the key; `None` for the usual ones.
    pub(in crate::http) key_header: Option<HeaderName>,
    pub(in crate::http) open_metrics: bool,
    pub(in crate::http) plans: Option<Plans>,
    /// Begins with a slash and does not end with one; empty for none.
    base_path: String,
}

impl GatewaySettings {
    /// Makes settings ready. A header name that is none is left out.
    pub fn new(config: &GatewayConfig) -> Self {
        Self(ArcSwap::from_pointee(Ready::new(config)))
    }

    /// Lets other settings hold from the next request on.
    pub fn set(&self, config: &GatewayConfig) {
        self.0.store(Arc::new(Ready::new(config)));
    }

    /// What holds now.
    pub(in crate::http) fn now(&self) -> arc_swap::Guard<Arc<Ready>> {
        self.0.load()
    }
}

impl Ready {
    fn new(config: &GatewayConfig) -> Self {
        let base = config.base_path.trim_matches('/');
        Self {
            key_header: config.key_header.as_ref().and_then(|it| it.parse().ok()),
            open_metrics: config.open_metrics,
            plans: config.plans.clone(),
            base_path: match base.is_empty() {
                true => String::new(),
                false => format!("/{base}"),
            },
        }
    }

    /// The path behind the base path; `None` when it does not stand behind one.
    pub(in crate::http) fn behind_base<'a>(&self, path: &'a str) -> Option<&'a str> {
        let bases = [self.base_path.as_str(), USUAL_BASE_PATH];
        let behind = |base: &str| path.strip_prefix(base).filter(|rest| rest.starts_with('/'));
        bases
            .into_iter()
            .filter(|base| !base.is_empty())
            .find_map(behind)
    }
}

impl fmt::Debug for GatewaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GatewaySettings")
            .field(&*self.now())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_behind_either_base_path() {
        let config = GatewayConfig {
            base_path: "llm/".to_owned(),
            ..GatewayConfig::default()
        };
        let settings = GatewaySettings::new(&config);
        let ready = settings.now();
        assert_eq!(ready.behind_base("/llm/v1/models"), Some("/v1/models"));
        assert_eq!(ready.behind_base("/litellm/v1/models"), Some("/v1/models"));
        assert_eq!(ready.behind_base("/llmx/v1/models"), None);
        assert_eq!(ready.behind_base("/v1/models"), None);
        settings.set(&GatewayConfig::default());
        assert_eq!(settings.now().behind_base("/llm/v1/models"), None);
    }
}
