//! What there is to debate with: formats and providers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::ProviderSpec;
use crate::http::HttpState;
use crate::provider::Discovered;
use crate::types::debate::Format;

/// What is available on this machine: keys that are set, servers that answer.
pub trait Availability: Send + Sync {
    /// `true` when one of these variables is set.
    fn is_set(&self, names: &[String]) -> bool;

    /// The address of a provider, as settings and environment have it.
    fn base_url(&self, spec: &ProviderSpec) -> String;

    /// Local servers and what they have installed, as found last; never waits.
    fn installed(&self) -> Arc<[Discovered]>;
}

/// A list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct List<T> {
    pub(super) data: Vec<T>,
}

/// A role of a format.
#[derive(Debug, Serialize, ToSchema)]
struct ListedRole {
    id: String,
    /// debater, judge or moderator.
    kind: String,
    min: u32,
    max: u32,
    side: Option<String>,
}

/// A phase of a format.
#[derive(Debug, Serialize, ToSchema)]
struct ListedPhase {
    id: String,
    /// Roles that speak.
    who: Vec<String>,
    /// sequential or simultaneous.
    order: String,
    /// Repetitions at least.
    min: u32,
    /// Repetitions at most.
    max: u32,
    words: Option<u32>,
}

/// A debate format.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ListedFormat {
    id: String,
    title: String,
    description: String,
    version: u32,
    roles: Vec<ListedRole>,
    phases: Vec<ListedPhase>,
    /// The rule of its decision.
    decision: String,
}

fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

impl From<&Format> for ListedFormat {
    fn from(format: &Format) -> Self {
        let role = |role: &crate::types::debate::RoleDef| ListedRole {
            id: role.id.clone(),
            kind: word(&role.kind),
            min: role.count.min,
            max: role.count.max,
            side: role.side.clone(),
        };
        let phase = |phase: &crate::types::debate::Phase| ListedPhase {
            id: phase.id.clone(),
            who: phase.who.clone(),
            order: word(&phase.order),
            min: phase.repeat.min,
            max: phase.repeat.max,
            words: phase.words,
        };
        Self {
            id: format.id.clone(),
            title: format.title.clone(),
            description: format.description.clone(),
            version: format.version,
            roles: format.roles.iter().map(role).collect(),
            phases: format.phases.iter().map(phase).collect(),
            decision: word(&format.decision.rule),
        }
    }
}

/// Lists the formats.
#[utoipa::path(get, path = "/api/v1/formats", tag = "lists", responses((status = 200, body = List<ListedFormat>)))]
pub(in crate::http) async fn formats(State(state): State<HttpState>) -> Json<List<ListedFormat>> {
    Json(List {
        data: state
            .formats
            .iter()
            .map(|format| ListedFormat::from(format.as_ref()))
            .collect(),
    })
}

/// A provider.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ListedProvider {
    id: String,
    title: String,
    /// The protocol that it speaks.
    wire: String,
    /// `true` for servers on this machine or network.
    local: bool,
    /// Where it is called.
    base_url: String,
    /// Variables that its key is read from.
    key_env: Vec<String>,
    /// `true` when one of them is set. The key itself is never shown.
    key_set: bool,
    /// Models of it in the catalog.
    models: usize,
    /// Whether a local server answers; `null` for others.
    running: Option<bool>,
}

/// Lists the providers.
#[utoipa::path(get, path = "/api/v1/providers", tag = "lists", responses((status = 200, body = List<ListedProvider>)))]
pub(in crate::http) async fn providers(
    State(state): State<HttpState>,
) -> Json<List<ListedProvider>> {
    let found = state.availability.installed();
    let listed = |spec: &Arc<ProviderSpec>| ListedProvider {
        id: spec.id.clone(),
        title: spec.title.clone(),
        wire: word(&spec.wire()),
        local: spec.local,
        base_url: state.availability.base_url(spec),
        key_set: state.availability.is_set(&spec.auth.key_env),
        key_env: spec.auth.key_env.clone(),
        models: state
            .catalog
            .cards()
            .filter(|card| card.name.provider() == spec.id)
            .count(),
        running: spec
            .local
            .then(|| found.iter().any(|server| server.provider == spec.id)),
    };
    Json(List {
        data: state.catalog.providers().map(listed).collect(),
    })
}
