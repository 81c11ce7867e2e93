//! For operations, at run time: the rollback switch, and settings that are read anew.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::body::Body;
use super::error::ApiError;
use super::error::FieldProblem;
use crate::store::StoreError;
use crate::types::Diagnostic;

/// Which path model calls take, and how that is changed.
#[async_trait::async_trait]
pub trait FlagSwitch: Send + Sync {
    /// `use_unified`, and the providers that go through their legacy client all the same.
    fn state(&self) -> (bool, BTreeSet<String>);

    /// `true` when it was switched at run time and differs from the settings.
    fn is_switched(&self) -> bool;

    /// `true` when this provider's next call goes through its legacy client.
    fn wants_legacy(&self, provider: &str) -> bool;

    /// Switches from the next call on, and keeps it over a restart.
    ///
    /// # Errors
    /// When it cannot be stored; then nothing is switched.
    async fn switch(
        &self,
        use_unified: bool,
        legacy_providers: BTreeSet<String>,
    ) -> Result<(), StoreError>;

    /// Returns to the settings.
    ///
    /// # Errors
    /// When it cannot be stored; then nothing is switched.
    async fn clear(&self) -> Result<(), StoreError>;
}

/// What to switch to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `false` sends every provider that has a legacy client through it.
    use_unified: bool,
    /// Providers that go through their legacy client all the same.
    #[serde(default)]
    legacy_providers: BTreeSet<String>,
}

/// How it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Standing {
    use_unified: bool,
    legacy_providers: BTreeSet<String>,
    /// `settings`, or `switched` at run time.
    source: &'static str,
    /// The path of each provider's next call: `unified` or `legacy`.
    effective: BTreeMap<String, &'static str>,
}

fn standing(state: &HttpState) -> Json<Standing> {
    let (use_unified, legacy_providers) = state.switch.state();
    let has_legacy =
        |provider: &str| cfg!(feature = "legacy") && matches!(provider, "openai" | "anthropic");
    let path = |provider: &String| match state.switch.wants_legacy(provider) && has_legacy(provider)
    {
        true => "legacy",
        false => "unified",
    };
    let providers = state.catalog.providers().map(|spec| spec.id.clone());
    let effective = providers
        .map(|provider| (provider.clone(), path(&provider)))
        .collect();
    let source = if state.switch.is_switched() {
        "switched"
    } else {
        "settings"
    };
    Json(Standing {
        use_unified,
        legacy_providers,
        source,
        effective,
    })
}

/// Says which path model calls take.
#[utoipa::path(get, path = "/api/v1/admin/llm-flag", tag = "admin", responses((status = 200, body = Standing)))]
pub(super) async fn get(State(state): State<HttpState>) -> Json<Standing> {
    standing(&state)
}

/// Switches the path of model calls, from the next call on; running debates go on.
#[utoipa::path(put, path = "/api/v1/admin/llm-flag", tag = "admin", request_body = Wanted, responses((status = 200, body = Standing), (status = 422, body = super::error::Problem)))]
pub(super) async fn put(
    State(state): State<HttpState>,
    wanted: Body<Wanted>,
) -> Result<Json<Standing>, ApiError> {
    let Wanted {
        use_unified,
        legacy_providers,
    } = wanted.value;
    if let Some(unknown) = legacy_providers
        .iter()
        .find(|id| state.catalog.provider(id).is_none())
    {
        let help = format!("legacy_providers: there is no provider \"{unknown}\"");
        return Err(ApiError::unprocessable("unknown_provider", help));
    }
    tracing::warn!(
        use_unified,
        ?legacy_providers,
        "the path of model calls was switched"
    );
    state.switch.switch(use_unified, legacy_providers).await?;
    Ok(standing(&state))
}

/// Returns to the settings.
#[utoipa::path(delete, path = "/api/v1/admin/llm-flag", tag = "admin", responses((status = 200, body = Standing)))]
pub(super) async fn delete(State(state): State<HttpState>) -> Result<Json<Standing>, ApiError> {
    tracing::warn!("the path of model calls returned to the settings");
    state.switch.clear().await?;
    Ok(standing(&state))
}

/// Reads the settings anew.
#[async_trait::async_trait]
pub trait ConfigReload: Send + Sync {
    /// Reads them and puts them in force, all at once.
    ///
    /// # Errors
    /// Every mistake in them; then those from before hold.
    async fn reload(&self) -> Result<Reloaded, Vec<Diagnostic>>;
}

/// What became of settings that were read anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reloaded {
    /// Parts that changed and are in force.
    pub changed: Vec<String>,
    /// Parts that differ from the start and are in force only after a restart.
    pub needs_restart: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// Reads the settings anew. A file with a mistake is refused whole.
#[utoipa::path(post, path = "/api/v1/admin/reload", tag = "admin", responses((status = 200, body = Reloaded), (status = 422, body = super::error::Problem)))]
pub(super) async fn reload(State(state): State<HttpState>) -> Result<Json<Reloaded>, ApiError> {
    let problem = |it: Diagnostic| FieldProblem {
        field: match it.line {
            Some(line) => format!("{}:{line}", it.file),
            None => it.file,
        },
        code: "invalid_settings".to_owned(),
        message: it.help,
    };
    match state.reload.reload().await {
        Ok(reloaded) => Ok(Json(reloaded)),
        Err(mistakes) => {
            let problems = mistakes.into_iter().map(problem).collect();
            Err(ApiError::problems(problems))
        }
    }
}
