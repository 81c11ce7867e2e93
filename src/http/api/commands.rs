//! What a debate is told over REST; the same commands as over its socket.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::told;
use crate::http::HttpState;
use crate::http::auth;
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::error::Problem;
use crate::types::DebateId;

/// A command.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "c1", "cmd": "interject", "data": {"text": "Mind the cost."}}))]
pub(in crate::http) struct Told {
    /// The client's own id of it: the same id a second time changes nothing.
    id: Option<String>,
    /// `pause`, `resume`, `stop`, `interject`, `speak`, `vote`, `end_phase`, `extend`, `retry_turn`, `skip_turn`,
    /// `swap_model` or `raise_limit`.
    cmd: String,
    /// `pause`: `{at: "turn"|"now"}`; `stop`: `{decide: bool}`; `interject`: `{text, to?}`; `speak`: `{turn, text}`;
    /// `vote`: `{poll, choice, conviction?}`, conviction 1 to 10; `extend`: `{rounds}`; `retry_turn` and `skip_turn`:
    /// `{turn}`; `swap_model`: `{agent, model}`; `raise_limit`: `{limits: {rounds?, calls?, tokens?, cost_usd?,
    /// wall_s?}}`; `resume` and `end_phase`: nothing.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// On whose behalf: polls count one ballot for each identity, and a seat may be one identity's.
    by: Option<String>,
}

/// It was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Taken {
    id: String,
    ok: bool,
}

/// Tells a debate something; answers when it is stored.
#[utoipa::path(post, path = "/api/v1/debates/{id}/commands", tag = "debates", params(("id" = String, Path)), request_body = Told,
    responses((status = 200, body = Taken), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(in crate::http) async fn tell(
    State(state): State<HttpState>,
    Path(debate): Path<String>,
    body: Body<Told>,
) -> Result<Json<Taken>, ApiError> {
    let Told { id, cmd, data, by } = body.value;
    let id = id.unwrap_or_else(|| format!("rest-{}", uuid::Uuid::now_v7().simple()));
    if !(1..=128).contains(&id.len()) {
        return Err(ApiError::unprocessable("bad_id", "id has 1 to 128 bytes"));
    }
    if by.as_ref().is_some_and(|by| !auth::is_identity(by)) {
        return Err(ApiError::unprocessable("bad_by", auth::IDENTITY_RULE));
    }
    let command =
        told::read(&cmd, data).map_err(|bad| ApiError::unprocessable(bad.code, bad.help))?;
    let debate = DebateId::new(debate);
    state.engine.tell(&debate, id.clone(), by, command).await?;
    Ok(Json(Taken { id, ok: true }))
}
