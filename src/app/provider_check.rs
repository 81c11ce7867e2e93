//! One cheap real call to each provider that is set up: is it there, is the key right, does a model answer?

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use tokio::time::timeout;

use super::AppError;
use crate::catalog::Catalog;
use crate::catalog::ModelCard;
use crate::catalog::ProviderSpec;
use crate::client::ChatRequest;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::config::Config;
use crate::provider::ClientFactory;
use crate::provider::Discovered;
use crate::provider::Discovery;
use crate::provider::Environment;
use crate::types::Chat;
use crate::types::Clock;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::Role;
use crate::types::Wire;

/// How a provider fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckState {
    /// It answered.
    Ok,
    /// It did not.
    Failed,
    /// It has no key here, or its server does not run, and nobody asked for it by name.
    NotConfigured,
}

/// What came of checking one provider.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Checked {
    pub(crate) provider: String,
    pub(crate) state: CheckState,
    /// Where it was called.
    pub(crate) base_url: String,
    /// Which model was called.
    pub(crate) model: Option<ModelName>,
    /// Milliseconds until the first token.
    pub(crate) ttft_ms: Option<u64>,
    /// The class of the failure.
    pub(crate) code: Option<String>,
    /// What happened.
    pub(crate) message: Option<String>,
    /// What to do.
    pub(crate) remedy: Option<String>,
}

/// What is to be checked: a provider, and the model if one was named.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) spec: Arc<ProviderSpec>,
    model: Option<ModelName>,
    is_named: bool,
}

/// Checks providers.
pub(crate) struct ProviderChecks {
    catalog: Arc<Catalog>,
    environment: Environment,
    factory: ClientFactory,
    found: Arc<[Discovered]>,
    limit: Duration,
}

impl ProviderChecks {
    /// Looks for local servers and prepares to call.
    pub(crate) async fn prepare(
        config: &Config,
        catalog: Arc<Catalog>,
        environment: Environment,
        limit: Duration,
    ) -> Result<Self, AppError> {
        let discovery: Arc<Discovery> = super::discovery(&catalog, &environment)?;
        let flag = super::flag(config, &catalog)?;
        let factory = super::factory(config, &catalog, &environment, flag, Clock::system())?;
        Ok(Self {
            found: discovery.current().await,
            catalog,
            environment,
            factory,
            limit,
        })
    }

    /// The providers of these names, `provider` or `provider/model`; all of them when there are none.
    ///
    /// # Errors
    /// The names that no provider has, each with those it may have been meant to be.
    pub(crate) fn subjects(&self, names: &[String]) -> Result<Vec<Subject>, Vec<String>> {
        let calls_out = |spec: &&Arc<ProviderSpec>| spec.wire() != Wire::Demo;
        if names.is_empty() {
            let subject = |spec: &Arc<ProviderSpec>| Subject {
                spec: Arc::clone(spec),
                model: None,
                is_named: false,
            };
            return Ok(self
                .catalog
                .providers()
                .filter(calls_out)
                .map(subject)
                .collect());
        }
        let (mut subjects, mut unknown) = (Vec::new(), Vec::new());
        for name in names {
            let model: Option<ModelName> = name.parse().ok();
            let provider = model.as_ref().map_or(name.as_str(), ModelName::provider);
            match self.catalog.provider(provider).filter(calls_out) {
                Some(spec) => subjects.push(Subject {
                    spec: Arc::clone(spec),
                    model,
                    is_named: true,
                }),
                None => unknown.push(self.unknown(provider)),
            }
        }
        match unknown.is_empty() {
            true => Ok(subjects),
            false => Err(unknown),
        }
    }

    fn unknown(&self, provider: &str) -> String {
        let known: Vec<&str> = self
            .catalog
            .providers()
            .map(|spec| spec.id.as_str())
            .collect();
        match crate::types::diagnostic::nearest(provider, known.iter().copied()) {
            Some(near) => format!("there is no provider \"{provider}\": did you mean {near}?"),
            None => format!(
                "there is no provider \"{provider}\": known are {}",
                known.join(", ")
            ),
        }
    }

    /// Checks one provider.
    pub(crate) async fn check(&self, subject: &Subject) -> Checked {
        let spec = &subject.spec;
        let mut checked = Checked {
            provider: spec.id.clone(),
            state: CheckState::Failed,
            base_url: spec.base_url_from(|name| self.environment.get(name).map(str::to_owned)),
            model: None,
            ttft_ms: None,
            code: None,
            message: None,
            remedy: None,
        };
        if let Some(missing) = self.missing(spec) {
            if !subject.is_named {
                checked.state = CheckState::NotConfigured;
            }
            checked.remedy = Some(missing);
            return checked;
        }
        let Some(model) = subject.model.clone().or_else(|| self.cheapest(spec)) else {
            checked.code = Some("model_not_found".to_owned());
            checked.remedy = Some(match spec.wire() {
                Wire::Ollama => "no model is installed: agon ollama pull llama3.2".to_owned(),
                Wire::OpenaiChat
                | Wire::OpenaiResponses
                | Wire::Anthropic
                | Wire::Gemini
                | Wire::Cohere
                | Wire::Bedrock
                | Wire::Replicate
                | Wire::Demo => format!("no model of it is known: name one as {}/MODEL", spec.id),
            });
            return checked;
        };
        checked.model = Some(model.clone());
        let asked = Instant::now();
        match timeout(self.limit, self.call(spec, model)).await {
            Ok(Ok(())) => {
                checked.state = CheckState::Ok;
                checked.ttft_ms = u64::try_from(asked.elapsed().as_millis()).ok();
            }
            Ok(Err(error)) => {
                checked.code = Some(error.kind.code().to_owned());
                checked.remedy = Some(remedy(spec, &error));
                checked.message = Some(error.message);
            }
            Err(_) => {
                checked.code = Some("timeout".to_owned());
                checked.message = Some(format!("no token within {} s", self.limit.as_secs()));
                checked.remedy = Some(match spec.local {
                    true => "the model may still be loading: try --timeout 300".to_owned(),
                    false => "try again, or a larger --timeout".to_owned(),
                });
            }
        }
        checked
    }

    /// What has to be set up before the provider can be called; `None` when nothing is missing.
    fn missing(&self, spec: &ProviderSpec) -> Option<String> {
        let is_set = |names: &[String]| self.environment.first_of(names).is_some();
        if spec.local {
            let runs = self.found.iter().any(|server| server.provider == spec.id);
            let variable = spec.base_url_env.first().map_or("", String::as_str);
            // An address that somebody has set is one that somebody wants to work.
            let wanted = is_set(&spec.base_url_env);
            return (!runs && !wanted)
                .then(|| format!("does not run here: start {}, or set {variable}", spec.title));
        }
        (!spec.keyless && !is_set(&spec.auth.key_env))
            .then(|| format!("set {}", spec.auth.key_env.join(" or ")))
    }

    /// A model that is in memory, or installed; of a company the cheapest that is recommended, else the cheapest.
    fn cheapest(&self, spec: &ProviderSpec) -> Option<ModelName> {
        if spec.local {
            let server = self
                .found
                .iter()
                .find(|server| server.provider == spec.id)?;
            let chats = server.models.iter().filter(|model| {
                let can = &model.capabilities;
                can.is_empty() || can.iter().any(|word| word == "completion")
            });
            let best = chats.min_by_key(|model| (model.loaded != Some(true), model.size_bytes))?;
            return format!("{}/{}", spec.id, best.name).parse().ok();
        }
        let price = |card: &ModelCard| card.prices.map_or(u64::MAX, |it| it.input + it.output);
        let own = self.catalog.cards().filter(|card| {
            card.name.provider() == spec.id && card.capabilities.chat && card.deprecated.is_none()
        });
        // One that reasons may use up its one token before it says anything, which some providers call an error.
        let best =
            own.min_by_key(|card| (card.capabilities.reasoning, !card.recommended, price(card)))?;
        Some(best.name.clone())
    }

    async fn call(&self, spec: &ProviderSpec, model: ModelName) -> Result<(), LlmError> {
        let mut chat = Chat {
            messages: vec![Message::text(Role::User, "Say yes.")],
            ..Chat::default()
        };
        // The Responses API takes no less than 16 (OpenAI's reference, 2026-08).
        chat.sampling.max_output_tokens = Some(match spec.wire() {
            Wire::OpenaiResponses => 16,
            Wire::OpenaiChat
            | Wire::Anthropic
            | Wire::Gemini
            | Wire::Ollama
            | Wire::Cohere
            | Wire::Bedrock
            | Wire::Replicate
            | Wire::Demo => 1,
        });
        let client = self.factory.create(model.as_str())?;
        let request = ChatRequest::new(model, chat);
        // It resolves with the first token in hand; the rest is not wanted.
        client.stream_message(&request).await.map(drop)
    }
}

fn remedy(spec: &ProviderSpec, error: &LlmError) -> String {
    let keys = spec.auth.key_env.join(" or ");
    match &error.kind {
        LlmErrorKind::InvalidRequest if error.status.is_some_and(|it| (300..400).contains(&it)) => {
            match spec.base_url_env.first() {
                Some(name) => format!("put the address that it leads to into {name}"),
                None => "call the address that it leads to".to_owned(),
            }
        }
        LlmErrorKind::Authentication => format!("the key is refused: put a valid one into {keys}"),
        LlmErrorKind::PermissionDenied => {
            "the key may not use this model: ask for access, or name another model".to_owned()
        }
        LlmErrorKind::ModelNotFound => {
            format!("name another model: agon providers check {}/MODEL", spec.id)
        }
        LlmErrorKind::QuotaExhausted => "the account has no credit left: top it up".to_owned(),
        LlmErrorKind::RateLimited { .. } => {
            "the key works, but is too busy now: try later".to_owned()
        }
        LlmErrorKind::Overloaded { .. } => "the provider is too busy: try later".to_owned(),
        LlmErrorKind::ConnectionFailed if spec.local => {
            format!("start {}, or mend its address", spec.title)
        }
        LlmErrorKind::ConnectionFailed => {
            "check the network, the proxy and the base URL".to_owned()
        }
        LlmErrorKind::Timeout { .. } => "try again, or a larger --timeout".to_owned(),
        LlmErrorKind::MalformedResponse => "is the base URL that of the API?".to_owned(),
        LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::Cancelled
        | LlmErrorKind::BudgetExceeded
        | LlmErrorKind::NoDeployment { .. } => {
            format!("name another model: agon providers check {}/MODEL", spec.id)
        }
    }
}
