//! What an answer's headers tell about its call, under the names that `LiteLLM`'s clients read and under our own.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;

use super::exchange::Decimal;
use super::exchange::millis;
use super::exchange::put;
use crate::client::Routed;
use crate::types::NanoUsd;

static CALL_ID: HeaderName = HeaderName::from_static("x-litellm-call-id");
static OUR_CALL_ID: HeaderName = HeaderName::from_static("x-agon-call-id");
static VERSION: HeaderName = HeaderName::from_static("x-litellm-version");
static MODEL_ID: HeaderName = HeaderName::from_static("x-litellm-model-id");
static MODEL_NAME: HeaderName = HeaderName::from_static("x-litellm-model-name");
static MODEL_GROUP: HeaderName = HeaderName::from_static("x-litellm-model-group");
static API_BASE: HeaderName = HeaderName::from_static("x-litellm-model-api-base");
static RETRIES: HeaderName = HeaderName::from_static("x-litellm-attempted-retries");
static MAX_RETRIES: HeaderName = HeaderName::from_static("x-litellm-max-retries");
static FALLBACKS: HeaderName = HeaderName::from_static("x-litellm-attempted-fallbacks");
static TIMEOUT: HeaderName = HeaderName::from_static("x-litellm-timeout");
static DURATION: HeaderName = HeaderName::from_static("x-litellm-response-duration-ms");
static OVERHEAD: HeaderName = HeaderName::from_static("x-litellm-overhead-duration-ms");
static OUR_OVERHEAD: HeaderName = HeaderName::from_static("x-agon-overhead-ms");
static COST: HeaderName = HeaderName::from_static("x-litellm-response-cost");
static DROPPED: HeaderName = HeaderName::from_static("x-agon-dropped-params");

/// Adds the call's id, and who answers.
pub(super) fn call(id: &str, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(&CALL_ID, value.clone());
        headers.insert(&OUR_CALL_ID, value);
    }
    headers.insert(
        &VERSION,
        HeaderValue::from_static(env!("CARGO_PKG_VERSION")),
    );
}

/// Adds how the call was routed.
pub(super) fn routed(routed: &Routed, asked: &str, headers: &mut HeaderMap) {
    // LiteLLM's proxy tells the name that was asked for, an alias too, and after a fallback the group that answers
    // (1.109, Router.make_call, read 2026-11).
    let group = match routed.fallbacks {
        0 => asked,
        _ => &routed.group,
    };
    put(headers, &MODEL_GROUP, group.as_bytes());
    if let Some(deployment) = &routed.deployment {
        put(headers, &MODEL_ID, deployment.id.as_bytes());
        if let Some(base) = &deployment.target.api_base {
            put(headers, &API_BASE, base.as_bytes());
        }
    }
    if let Some(model) = &routed.model {
        put(headers, &MODEL_NAME, model.as_str().as_bytes());
    }
    if let Some(timeout) = routed.timeout {
        // As Python writes seconds: 1.0.
        put(
            headers,
            &TIMEOUT,
            format!("{:?}", timeout.as_secs_f64()).as_bytes(),
        );
    }
    let counts = [
        (&RETRIES, routed.attempts.saturating_sub(1)),
        (&MAX_RETRIES, routed.max_retries),
        (&FALLBACKS, routed.fallbacks),
    ];
    for (name, count) in counts {
        headers.insert(name, HeaderValue::from(count));
    }
}

/// Adds how long the call took, and how much of that was ours.
pub(super) fn times(took: Duration, ours: Duration, headers: &mut HeaderMap) {
    put(headers, &DURATION, millis(took).as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(millis(ours).as_bytes()) {
        headers.insert(&OVERHEAD, value.clone());
        headers.insert(&OUR_OVERHEAD, value);
    }
}

/// Adds what the call cost, in US dollars.
pub(super) fn cost(cost: NanoUsd, headers: &mut HeaderMap) {
    put(headers, &COST, Decimal::new(cost.0, 9).as_bytes());
}

/// Adds what the request could not carry.
pub(super) fn dropped(dropped: &[String], headers: &mut HeaderMap) {
    if !dropped.is_empty() {
        put(headers, &DROPPED, dropped.join(",").as_bytes());
    }
}
