//! Which models may be called, and under which rules.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::Note;
use crate::catalog::ProviderSpec;
use crate::config::Config;
use crate::debate::OrderProblem;
use crate::debate::Roster;
use crate::provider::Discovery;
use crate::provider::Environment;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::Prices;

/// Checks models against the catalog, the keys that are set, and what local servers have installed.
pub(super) struct CatalogRoster {
    catalog: Arc<Catalog>,
    environment: Environment,
    discovery: Arc<Discovery>,
    allowed_api_bases: Vec<String>,
    judge: Option<ModelName>,
    extractor: Option<ModelName>,
}

impl CatalogRoster {
    pub(super) fn new(
        config: &Config,
        catalog: Arc<Catalog>,
        environment: Environment,
        discovery: Arc<Discovery>,
    ) -> Self {
        let allowed_api_bases = config.llm.allowed_api_bases.clone();
        Self {
            catalog,
            environment,
            discovery,
            allowed_api_bases,
            judge: config.debate.judge_model.clone(),
            extractor: config.debate.extract_model.clone(),
        }
    }

    fn unknown(&self, model: &ModelName, what: &str) -> OrderProblem {
        let near = self.catalog.suggest(model.as_str());
        let hint = match near.is_empty() {
            true => "GET /api/v1/models lists what there is".to_owned(),
            false => format!("did you mean {}?", near.join(" or ")),
        };
        problem("model", "unknown_model", format!("{what}: {hint}"))
    }

    /// What there is to know about a model's name. A provider whose every model is in the catalog answers to
    /// no other name, but for models that were tuned; a proxy at another address has names of its own.
    fn check_listed(
        &self,
        spec: &ProviderSpec,
        model: &ModelName,
        endpoint: Option<&Endpoint>,
    ) -> Result<Option<String>, OrderProblem> {
        let elsewhere =
            endpoint.is_some_and(|endpoint| endpoint.api_base.is_some()) || self.is_moved(spec);
        let notes = self
            .catalog
            .resolve(model.as_str())
            .map(|resolved| resolved.notes)
            .unwrap_or_default();
        let mut told = Vec::new();
        for note in notes {
            let tuned = model.model().starts_with("ft:");
            let listed = spec.lists_all_models && !tuned && !elsewhere;
            if matches!(note, Note::Unlisted { .. }) && listed {
                return Err(self.unknown(model, &format!("there is no model \"{model}\"")));
            }
            told.push(note.to_string());
        }
        Ok((!told.is_empty()).then(|| told.join("; ")))
    }

    /// `true` when the environment sends the provider's calls to another host than its own.
    fn is_moved(&self, spec: &ProviderSpec) -> bool {
        let own = |name: &str| self.environment.get(name).map(str::to_owned);
        let usual =
            |name: &str| own(name).filter(|_| !spec.base_url_env.iter().any(|it| it == name));
        Host::of(&spec.base_url_from(own)) != Host::of(&spec.base_url_from(usual))
    }

    fn check_key(
        &self,
        spec: &ProviderSpec,
        endpoint: Option<&Endpoint>,
    ) -> Result<(), OrderProblem> {
        if let Some(name) = endpoint.and_then(|endpoint| endpoint.api_key_env_var.as_ref()) {
            if !spec.auth.key_env.contains(name) {
                let known = spec.auth.key_env.join(", ");
                let message = format!("{} takes its key from {known} only", spec.title);
                return Err(problem(
                    "api_key_env_var",
                    "key_variable_not_allowed",
                    message,
                ));
            }
            if self.environment.get(name).is_none() {
                return Err(problem(
                    "api_key_env_var",
                    "missing_credential",
                    format!("{name} is not set"),
                ));
            }
            return Ok(());
        }
        let needs_key = !spec.keyless && !spec.auth.scheme.may_need_no_variable();
        if needs_key && self.environment.first_of(&spec.auth.key_env).is_none() {
            let names = spec.auth.key_env.join(" or ");
            let message = format!(
                "{} needs a key: set {names}, or choose a local or demo model",
                spec.title
            );
            return Err(problem("model", "missing_credential", message));
        }
        Ok(())
    }

    /// A caller may not send a key to a host of its own choice: only the provider's own address, or one that the
    /// operator allowed.
    fn check_base(
        &self,
        spec: &ProviderSpec,
        endpoint: Option<&Endpoint>,
    ) -> Result<(), OrderProblem> {
        let Some(base) = endpoint.and_then(|endpoint| endpoint.api_base.as_ref()) else {
            return Ok(());
        };
        let wrong = |help: String| Err(problem("api_base", "api_base_not_allowed", help));
        let Some(host) = Host::of(base) else {
            return wrong(format!(
                "\"{base}\" is no address: write http://host or https://host, without a user in it"
            ));
        };
        let own = spec.base_url_from(|name| self.environment.get(name).map(str::to_owned));
        let allowed = self.allowed_api_bases.iter().chain([&own]);
        match allowed
            .into_iter()
            .any(|other| Host::of(other).as_ref() == Some(&host))
        {
            true => Ok(()),
            false => wrong(format!(
                "calls to {} are not allowed: the operator can add it to llm.allowed_api_bases",
                host.name
            )),
        }
    }

    /// What a local server does not have installed, as far as it was asked lately.
    fn local_warning(&self, spec: &ProviderSpec, model: &ModelName) -> Option<String> {
        if !spec.local {
            return None;
        }
        let found = self.discovery.latest();
        let Some(server) = found.iter().find(|server| server.provider == spec.id) else {
            return Some(format!(
                "no {} server was found running: start it before the debate needs it",
                spec.title
            ));
        };
        let wanted = model.model();
        let latest = format!("{wanted}:latest");
        let installed = server
            .models
            .iter()
            .any(|known| known.name == wanted || known.name == latest);
        let pull = if spec.id == "ollama" {
            format!(": ollama pull {wanted}")
        } else {
            String::new()
        };
        (!installed).then(|| {
            format!(
                "{wanted} is not installed on the {} server{pull}",
                spec.title
            )
        })
    }
}

impl Roster for CatalogRoster {
    fn check(
        &self,
        model: &ModelName,
        endpoint: Option<&Endpoint>,
    ) -> Result<Option<String>, OrderProblem> {
        let Some(spec) = self.catalog.provider(model.provider()) else {
            return Err(self.unknown(
                model,
                &format!("there is no provider \"{}\"", model.provider()),
            ));
        };
        self.check_base(spec, endpoint)?;
        let unlisted = self.check_listed(spec, model, endpoint)?;
        self.check_key(spec, endpoint)?;
        let elsewhere = endpoint.is_some_and(|endpoint| endpoint.api_base.is_some());
        Ok(unlisted.or_else(|| self.local_warning(spec, model).filter(|_| !elsewhere)))
    }

    fn prices(&self, model: &ModelName) -> Option<Prices> {
        self.catalog.prices(model)
    }

    fn window_tokens(&self, model: &ModelName) -> Option<u64> {
        self.catalog.card(model)?.context_tokens
    }

    fn default_judge(&self) -> Option<ModelName> {
        self.judge.clone()
    }

    fn default_extractor(&self) -> Option<ModelName> {
        self.extractor.clone()
    }
}

fn problem(field: &str, code: &'static str, message: String) -> OrderProblem {
    OrderProblem {
        field: field.to_owned(),
        code,
        message,
    }
}

/// What of an address decides whom it reaches.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    scheme: String,
    name: String,
    port: u16,
}

impl Host {
    /// `None` for what is no http address, or has a user in it.
    fn of(address: &str) -> Option<Self> {
        let uri: http::Uri = address.parse().ok()?;
        let scheme = uri.scheme_str()?.to_owned();
        let usual_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let name = authority.host().to_ascii_lowercase();
        let name = if name == "localhost" {
            "127.0.0.1".to_owned()
        } else {
            name
        };
        let port = authority.port_u16().unwrap_or(usual_port);
        Some(Self { scheme, name, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Transport;

    fn roster(base_url: &str) -> CatalogRoster {
        let environment: Environment =
            [("OPENAI_API_KEY", "sk-any"), ("OPENAI_BASE_URL", base_url)]
                .into_iter()
                .collect();
        let catalog = Arc::new(Catalog::embedded());
        let discovery = Discovery::new(&catalog, &environment, &Transport::new().unwrap()).unwrap();
        CatalogRoster::new(
            &Config::default(),
            catalog,
            environment,
            Arc::new(discovery),
        )
    }

    fn check(base_url: &str, model: &str) -> Result<Option<String>, OrderProblem> {
        roster(base_url).check(&model.parse().unwrap(), None)
    }

    #[test]
    fn a_proxy_at_a_providers_address_has_models_of_its_own() {
        let warning = check("http://127.0.0.1:18120/v1", "openai/mock-chat").unwrap();
        assert!(warning.unwrap().contains("price is not known"));
        assert_eq!(
            check("http://127.0.0.1:18120/v1", "openai/gpt-4.1").unwrap(),
            None
        );
    }

    #[test]
    fn a_provider_that_lists_all_models_answers_to_no_other_name() {
        for own in ["", "https://api.openai.com", "https://api.openai.com/v1"] {
            let problem = check(own, "openai/mock-chat").unwrap_err();
            assert_eq!(problem.code, "unknown_model", "{own}");
        }
    }
}
