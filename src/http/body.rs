//! Request bodies: JSON, whole, within the limit, and without a key that nobody knows.

use std::time::Duration;

use axum::body::Body as AnyBody;
use axum::body::Bytes;
use axum::extract::FromRequest;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header;
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::HttpState;
use super::error::ApiError;

/// Longest silence within a body that is awaited, and longest wait for the whole of a short one.
pub(super) const MOST_QUIET: Duration = Duration::from_secs(60);

/// How much of a body that is too large is read away, and for how long.
const MAX_HEARD_BYTES: usize = 64 << 20;
const HEAR_FOR: Duration = Duration::from_secs(5);

/// A body, read; and its bytes, for a hash.
#[derive(Debug)]
pub(super) struct Body<T> {
    pub(super) value: T,
    pub(super) bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest<HttpState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, ApiError> {
        let most = state.config.max_body_bytes;
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            let help = "send JSON with the header content-type: application/json";
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                help,
            ));
        }
        let told: Option<usize> = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|it| it.to_str().ok()?.parse().ok());
        let body = request.into_body();
        if told.is_some_and(|told| told > most) {
            hear_out(body).await;
            return Err(too_large(most));
        }
        let bytes = whole(body, most).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                ApiError::unprocessable("invalid_request", error.to_string())
            }
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => {
                ApiError::bad_request("invalid_json", format!("the body is no JSON: {error}"))
            }
        })?;
        Ok(Self { value, bytes })
    }
}

/// A body that may be left out, which then stands for the default.
#[derive(Debug)]
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<HttpState> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, ApiError> {
        let most = state.config.max_body_bytes;
        let (parts, body) = request.into_parts();
        let bytes = whole(body, most).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        let request = Request::from_parts(parts, AnyBody::from(bytes));
        let body = Body::from_request(request, state).await?;
        Ok(Self(body.value))
    }
}

async fn whole(body: AnyBody, most: usize) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(MOST_QUIET, axum::body::to_bytes(body, most)).await {
        Ok(read) => read.map_err(|_| too_large(most)),
        Err(_) => {
            let help = "the rest of the body did not come in time";
            let status = StatusCode::REQUEST_TIMEOUT;
            Err(ApiError::new(status, "request_timeout", help))
        }
    }
}

fn too_large(most: usize) -> ApiError {
    let help = format!("the body is too large: {} KiB is the most", most >> 10);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", help)
}

/// Reads a body away, within bounds: a client that is still writing when the connection is closed would see a
/// broken pipe instead of the answer.
pub(super) async fn hear_out(body: AnyBody) {
    let mut heard = 0;
    let reading = async {
        let mut pieces = body.into_data_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            heard += piece.len();
            if heard > MAX_HEARD_BYTES {
                return;
            }
        }
    };
    // Whether it was heard to the end or not, the answer is the same.
    let _ = tokio::time::timeout(HEAR_FOR, reading).await;
}
