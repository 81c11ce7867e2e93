//! What a debate is told over REST; the same commands as over its socket.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use utoipa::ToSchema;

use crate::http::HttpState;
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
    /// `pause`, `resume`, `stop` or `interject`.
    cmd: String,
    /// `pause`: `{at: "turn"|"now"}`; `stop`: `{decide: bool}`; `interject`: `{text, to?}`.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
}

/// It was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Taken {
    id: String,
    ok: bool,
}

/// Tells a debate something; answers when it is stored.
#[utoipa::path(post, path = "/api/v1/debates/{id}/commands", tag = "debates", params(("id" = String, Path)), request_body = Told,
    responses((status = 200, body = Taken), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(in crate::http) async fn tell(
    State(state): State<HttpState>,
    Path(debate): Path<String>,
    body: Body<Told>,
) -> Result<Json<Taken>, ApiError> {
    let Told { id, cmd, data } = body.value;
    if !matches!(cmd.as_str(), "pause" | "resume" | "stop" | "interject") {
        let help =
            format!("there is no command \"{cmd}\": known are pause, resume, stop and interject");
        return Err(ApiError::unprocessable("unknown_command", help));
    }
    let id = id.unwrap_or_else(|| format!("rest-{}", uuid::Uuid::now_v7().simple()));
    if !(1..=128).contains(&id.len()) {
        return Err(ApiError::unprocessable("bad_id", "id has 1 to 128 bytes"));
    }
    let command =
        serde_json::from_value(json!({"cmd": cmd, "data": data.unwrap_or_else(|| json!({}))}))
            .map_err(|error| ApiError::unprocessable("bad_data", format!("{cmd}: {error}")))?;
    state
        .engine
        .tell(&DebateId::new(debate), id.clone(), None, command)
        .await?;
    Ok(Json(Taken { id, ok: true }))
}
