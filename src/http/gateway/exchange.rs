//! One request and its answer: who asks, what is read of the body, and what the answer's headers tell.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use futures::FutureExt;
use http_body_util::BodyExt;
use serde_json::Map;
use serde_json::Value;
use tokio::time::Instant;

use super::failure::Failure;
use super::plans;
use super::request_headers::RequestHeaders;
use super::told_headers;
use super::upstream_headers;
use crate::client::CallContext;
use crate::client::CallTrace;
use crate::client::Wishes;
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::body;
use crate::metrics::Counted;
use crate::types::AllowedModels;
use crate::types::NanoUsd;
use crate::types::Span;
use crate::types::Wire;

/// One request under way.
pub(super) struct Exchange<'a> {
    pub(super) state: &'a HttpState,
    /// The dialect of the client.
    pub(super) wire: Wire,
    pub(super) call_id: Arc<str>,
    pub(super) caller: Caller,
    /// The plan on whose behalf the call is made.
    pub(super) plan: Option<String>,
    pub(super) trace: Arc<CallTrace>,
    /// The call's place in a trace, where somebody wants to know.
    span: Option<Span>,
    /// Counts the request while it is under way.
    _in_flight: Counted,
    pub(super) tags: Vec<String>,
    passed: Vec<(HeaderName, HeaderValue)>,
    headers: Wanted,
    pub(super) started: Instant,
}

/// What the answer's headers repeat.
#[derive(Default)]
struct Wanted {
    request_id: Option<HeaderValue>,
    /// The page that may read the answer.
    origin: Option<HeaderValue>,
}

impl<'a> Exchange<'a> {
    /// Lets the caller in.
    pub(super) fn begin(
        state: &'a HttpState,
        wire: Wire,
        headers: &RequestHeaders<'_>,
    ) -> Result<Self, Failure> {
        let caller = state
            .door
            .admit(headers.key)
            .map_err(|refusal| Failure::unauthorised(refusal.help()))?;
        Ok(Self {
            state,
            wire,
            call_id: match headers.call_id {
                Some(own) => own.into(),
                None => call_id(state.clock.now_ms()),
            },
            caller,
            plan: headers.plan.map(str::to_owned),
            trace: Arc::default(),
            span: state.tracer.begin(headers.traceparent),
            _in_flight: state.metrics.in_flight(),
            tags: headers.tags.map(tags).unwrap_or_default(),
            passed: betas(headers),
            headers: Wanted {
                request_id: headers.request_id.cloned(),
                origin: allowed_origin(state, headers).cloned(),
            },
            started: Instant::now(),
        })
    }

    /// Refuses a model that the caller's plan does not have.
    pub(super) fn may_ask(&self, model: &str) -> Result<(), Failure> {
        let settings = self.state.gateway.now();
        match &settings.plans {
            Some(plans) if !plans::models(plans, self.plan.as_deref()).allows(model) => {
                Err(Failure::model_denied(model))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The models of the caller's plan; `None` where there are no plans.
    fn allowed_models(&self) -> Option<AllowedModels> {
        let settings = self.state.gateway.now();
        let plans = settings.plans.as_ref()?;
        Some(plans::models(plans, self.plan.as_deref()).clone())
    }

    /// On whose behalf the router is asked.
    pub(super) fn context(&self) -> CallContext {
        CallContext {
            call_id: Some(Arc::clone(&self.call_id)),
            principal: self.caller.principal.clone(),
            passed_headers: self.passed.clone(),
            span: self.span,
            allowed_models: self.allowed_models(),
            trace: Arc::clone(&self.trace),
            ..CallContext::default()
        }
    }

    /// Adds what the headers of every answer tell; `cost` where the whole answer is known.
    pub(super) fn describe(&self, response: &mut Response, asked: &str, cost: Option<NanoUsd>) {
        let took = self.started.elapsed();
        let headers = response.headers_mut();
        upstream_headers::add(&self.trace.take_reply_headers(), headers);
        told_headers::routed(&self.trace.routed(), asked, headers);
        let waited = self.trace.upstream_wait() + self.trace.retry_wait() + self.trace.queue_wait();
        told_headers::times(took, took.saturating_sub(waited), headers);
        if let Some(cost) = cost {
            told_headers::cost(cost, headers);
        }
        told_headers::dropped(&self.trace.dropped(), headers);
        told_headers::debate(self.trace.debate(), headers);
        self.sign(headers);
    }

    /// Adds what is told even when nobody was asked.
    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        told_headers::call(&self.call_id, headers);
        if let Some(id) = &self.headers.request_id {
            headers.insert("x-request-id", id.clone());
        }
        if let Some(origin) = &self.headers.origin {
            allow_origin(origin.clone(), headers);
        }
    }
}

/// Room that is made at once for a body that is told to be long.
const MOST_AT_ONCE: usize = 4 << 20;

/// Reads a body whole, within the gateway's limit.
pub(super) async fn read_body(
    state: &HttpState,
    parts: &Parts,
    body: Body,
) -> Result<Bytes, Failure> {
    let most = state.config.max_gateway_body_bytes;
    let told = parts.headers.get(header::CONTENT_LENGTH);
    let told = told.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > most) {
        body::hear_out(body).await;
        return Err(Failure::too_large(most));
    }
    // Most bodies are one piece, which is handed on as it is. The pieces of a longer one are let go as they come, so
    // that they are read into the same memory again.
    let (mut body, mut first, mut whole) = (body, Bytes::new(), Vec::new());
    while let Some(piece) = next_piece(&mut body).await? {
        if first.len() + whole.len() + piece.len() > most {
            return Err(Failure::too_large(most));
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(told.unwrap_or(0).min(MOST_AT_ONCE));
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&piece);
    }
    match whole.is_empty() {
        true => Ok(first),
        false => Ok(whole.into()),
    }
}

/// The next bytes of a body. Mostly they are there already, and then no timer is made.
async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    loop {
        let next = match body.frame().now_or_never() {
            Some(next) => next,
            None => tokio::time::timeout(body::MOST_QUIET, body.frame())
                .await
                .map_err(|_| Failure::too_slow())?,
        };
        let Some(frame) = next else {
            return Ok(None);
        };
        let frame = frame.map_err(|_| Failure::invalid("the body of the request broke off"))?;
        // Trailers say nothing here.
        if let Ok(piece) = frame.into_data() {
            return Ok(Some(piece));
        }
    }
}

/// Reads a body that is a JSON object, for requests that are rare.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::invalid("the body has to be a JSON object")),
        Err(error) => Err(Failure::invalid(format!(
            "the body is not valid JSON: {error}"
        ))),
    }
}

/// The model that an object names.
pub(super) fn model_of(members: &Map<String, Value>) -> Result<String, Failure> {
    let named = members.get("model").and_then(Value::as_str);
    let named = named.filter(|model| !model.trim().is_empty());
    let missing = "Missing required parameter: 'model'. The request has no model";
    named
        .map(str::to_owned)
        .ok_or_else(|| Failure::member("model", missing))
}

/// An answer of JSON.
pub(super) fn json(value: &Value) -> Response {
    json_bytes(value.to_string().into())
}

/// An answer of JSON that is written already.
pub(super) fn json_bytes(body: Bytes) -> Response {
    let mut response = with_room(Body::from(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// An answer with room for all that its headers tell: a map that grows again and again costs more than what is put
/// into it.
pub(super) fn with_room(body: Body) -> Response {
    let mut response = Response::new(body);
    *response.headers_mut() = HeaderMap::with_capacity(24);
    response
}

/// Lets the body's wishes and labels stand behind the headers'.
pub(super) fn wishes(headers: &RequestHeaders<'_>, mut of_body: Wishes) -> Wishes {
    headers.add_to(&mut of_body);
    of_body
}

/// A new id: ordered by time, unique by chance.
fn call_id(now_ms: u64) -> Arc<str> {
    let id = uuid::Builder::from_unix_timestamp_millis(now_ms, &rand::random()).into_uuid();
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    Arc::from(&*id.hyphenated().encode_lower(&mut text))
}

fn betas(headers: &RequestHeaders<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let betas = headers.betas.iter().take(16);
    betas
        .map(|beta| (HeaderName::from_static("anthropic-beta"), (*beta).clone()))
        .collect()
}

fn tags(list: &str) -> Vec<String> {
    let tags = list.split(',').map(str::trim);
    tags.filter(|tag| !tag.is_empty())
        .take(32)
        .map(str::to_owned)
        .collect()
}

/// The page that asks, when the operator lets its scripts read answers.
pub(super) fn allowed_origin<'h>(
    state: &HttpState,
    headers: &RequestHeaders<'h>,
) -> Option<&'h HeaderValue> {
    let allowed = &state.config.allowed_origins;
    let origin = headers.origin?;
    let is_allowed = |one: &String| one == "*" || one.as_bytes() == origin.as_bytes();
    allowed.iter().any(is_allowed).then_some(origin)
}

/// Lets a page's script read the answer.
pub(super) fn allow_origin(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_name(header::ORIGIN));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("*"),
    );
}

/// Adds a header whose text is made of bytes that headers may hold; another text is left out.
pub(super) fn put(headers: &mut HeaderMap, name: &HeaderName, text: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(text) {
        headers.insert(name, value);
    }
}

/// Milliseconds with three places.
pub(super) fn millis(span: Duration) -> Decimal {
    Decimal::new(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), 3)
}

/// A number with a fixed count of places, written without an allocation.
pub(super) struct Decimal {
    digits: [u8; 24],
    start: usize,
}

impl Decimal {
    /// `value` divided by ten to the power of `places`.
    pub(super) fn new(mut value: u64, places: usize) -> Self {
        let (mut digits, mut start, mut written) = ([b'0'; 24], 24, 0);
        loop {
            if written == places && places > 0 {
                start -= 1;
                digits[start] = b'.';
            }
            start -= 1;
            digits[start] = b'0' + u8::try_from(value % 10).unwrap_or(0);
            value /= 10;
            written += 1;
            if value == 0 && written > places {
                break;
            }
        }
        Self { digits, start }
    }

    /// The number's text.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::StreamExt;
    use futures::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_go_on_is_not_awaited_for_ever() {
        let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        let mut body = Body::from_stream(begun.chain(stream::pending()));
        assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "{");
        let began = Instant::now();
        let failure = next_piece(&mut body).await.unwrap_err();
        assert!(began.elapsed() >= body::MOST_QUIET);
        assert_eq!(failure.response(Wire::OpenaiChat).status(), 408);
    }

    #[test]
    fn numbers_are_written_with_their_places() {
        for (value, places, wanted) in [
            (0, 0, "0"),
            (1234, 0, "1234"),
            (0, 3, "0.000"),
            (7, 3, "0.007"),
            (1234, 3, "1.234"),
            (123_456_789, 9, "0.123456789"),
            (u64::MAX, 9, "18446744073.709551615"),
        ] {
            let decimal = Decimal::new(value, places);
            assert_eq!(std::str::from_utf8(decimal.as_bytes()).unwrap(), wanted);
        }
    }

    #[test]
    fn call_ids_are_ordered_by_time_and_never_the_same() {
        let (a, b) = (call_id(1_000), call_id(2_000));
        assert!(a < b, "{a} {b}");
        assert_ne!(call_id(1_000), call_id(1_000));
        assert!(uuid::Uuid::parse_str(&a).is_ok_and(|id| id.get_version_num() == 7));
    }
}
