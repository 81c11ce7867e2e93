//! What a request's headers tell, read in one pass.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;

use crate::client::Wishes;
use crate::wire::head::span_of_seconds;

/// Longest text of a caller's that is taken from a header.
const MOST_TEXT: usize = 256;

/// What a request's headers tell.
#[derive(Debug, Default)]
pub(in crate::http) struct RequestHeaders<'a> {
    /// The key, without `Bearer`.
    pub(in crate::http) key: Option<&'a [u8]>,
    /// The place of the key's header among those that carry one; lower ones win.
    rank: u8,
    /// The caller's own id of the request.
    pub(super) request_id: Option<&'a HeaderValue>,
    /// The id that the caller gives the call.
    pub(super) call_id: Option<&'a str>,
    /// The plan on whose behalf the call is made.
    pub(in crate::http) plan: Option<&'a str>,
    /// The caller's place in a trace.
    pub(super) traceparent: Option<&'a str>,
    /// The page that asks.
    pub(super) origin: Option<&'a HeaderValue>,
    /// Labels for routing, separated by commas.
    pub(super) tags: Option<&'a str>,
    /// Anthropic's beta features that the caller wants.
    pub(super) betas: Vec<&'a HeaderValue>,
    /// `true` when the caller speaks Anthropic's API.
    pub(super) is_anthropic: bool,
    num_retries: Option<u8>,
    timeout: Option<Duration>,
    stream_timeout: Option<Duration>,
    session: Option<&'a str>,
}

impl<'a> RequestHeaders<'a> {
    /// Reads them.
    pub(in crate::http) fn read(headers: &'a HeaderMap, key_header: Option<&HeaderName>) -> Self {
        let mut read = Self {
            rank: u8::MAX,
            ..Self::default()
        };
        for (name, value) in headers {
            read.take(name.as_str(), value, key_header.is_none());
        }
        if let Some(own) = key_header {
            read.key = headers.get(own).map(|value| bare(value.as_bytes()));
        }
        read
    }

    fn take(&mut self, name: &str, value: &'a HeaderValue, takes_keys: bool) {
        match name {
            "x-litellm-api-key" if takes_keys => self.key(0, value),
            "authorization" if takes_keys => self.key(1, value),
            "api-key" if takes_keys => self.key(2, value),
            "x-api-key" if takes_keys => self.key(3, value),
            "x-goog-api-key" if takes_keys => self.key(4, value),
            "ocp-apim-subscription-key" if takes_keys => self.key(5, value),
            "anthropic-version" => self.is_anthropic = true,
            "anthropic-beta" => self.betas.push(value),
            "origin" => self.origin = Some(value),
            "x-request-id" => self.request_id = Some(value),
            "traceparent" => self.traceparent = value.to_str().ok(),
            "x-agon-plan" => self.plan = text(value),
            "x-litellm-call-id" => self.call_id = text(value),
            "x-litellm-tags" => self.tags = value.to_str().ok(),
            "x-litellm-num-retries" => self.num_retries = number(value),
            "x-litellm-timeout" => self.timeout = seconds(value),
            "x-litellm-stream-timeout" => self.stream_timeout = seconds(value),
            "x-litellm-session-id" => self.session = text(value),
            _ => {}
        }
    }

    fn key(&mut self, rank: u8, value: &'a HeaderValue) {
        let key = bare(value.as_bytes());
        if rank < self.rank && !key.is_empty() {
            (self.rank, self.key) = (rank, Some(key));
        }
    }

    /// Takes the key from the query, `?key=`, where no header carries one: Google's clients send it there.
    pub(super) fn key_of_query(&mut self, query: Option<&'a str>) {
        let key =
            query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=")));
        self.key = self.key.or(key.map(str::as_bytes));
    }

    /// Lets the headers' wishes go before the body's, as `LiteLLM` does.
    pub(super) fn add_to(&self, wishes: &mut Wishes) {
        wishes.num_retries = self.num_retries.or(wishes.num_retries);
        wishes.timeout = self.timeout.or(wishes.timeout);
        wishes.stream_timeout = self.stream_timeout.or(wishes.stream_timeout);
        if let Some(session) = self.session {
            wishes.session = Some(session.to_owned());
        }
    }
}

/// A key without the word before it.
fn bare(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    match value.split_at_checked(7) {
        Some((word, key)) if word.eq_ignore_ascii_case(b"bearer ") => key.trim_ascii(),
        Some(_) | None => value,
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= MOST_TEXT).then_some(text)
}

fn number(value: &HeaderValue) -> Option<u8> {
    text(value)?.parse().ok()
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    span_of_seconds(text(value)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_first_header_of_litellms_order_carries_the_key() {
        let all = [
            ("ocp-apim-subscription-key", "f"),
            ("x-goog-api-key", "e"),
            ("x-api-key", "d"),
            ("api-key", "c"),
            ("authorization", "Bearer b"),
            ("x-litellm-api-key", "bearer a"),
        ];
        for (left, wanted) in (1..=6).zip(["f", "e", "d", "c", "b", "a"]) {
            let headers = headers(&all[..left]);
            let read = RequestHeaders::read(&headers, None);
            assert_eq!(read.key, Some(wanted.as_bytes()));
        }
        let headers = headers(&[("authorization", "  sk-bare "), ("x-own", "Bearer own")]);
        let read = RequestHeaders::read(&headers, None);
        assert_eq!(read.key, Some(b"sk-bare".as_slice()));
        let own = HeaderName::from_static("x-own");
        let read = RequestHeaders::read(&headers, Some(&own));
        assert_eq!(read.key, Some(b"own".as_slice()));
    }

    #[test]
    fn wishes_in_headers_go_before_those_in_the_body() {
        let headers = headers(&[
            ("x-litellm-num-retries", "5"),
            ("x-litellm-timeout", "0.5"),
            ("x-litellm-stream-timeout", "never"),
            ("x-litellm-session-id", "s"),
        ]);
        let mut wishes = Wishes {
            num_retries: Some(1),
            stream_timeout: Some(Duration::from_secs(9)),
            ..Wishes::default()
        };
        RequestHeaders::read(&headers, None).add_to(&mut wishes);
        let wanted = Wishes {
            num_retries: Some(5),
            timeout: Some(Duration::from_millis(500)),
            stream_timeout: Some(Duration::from_secs(9)),
            session: Some("s".to_owned()),
            ..Wishes::default()
        };
        assert_eq!(wishes, wanted);
    }
}
