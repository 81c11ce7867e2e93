//! What of an upstream's reply headers reaches a client: limits as OpenAI's clients read them, and everything that
//! helps to talk to the provider about a call, marked as the provider's.

use axum::http::HeaderMap;
use axum::http::HeaderName;

/// Most headers of one reply that are passed on.
const MOST: usize = 40;

/// Beginnings of names that say something about a call: its id, its limits, how long it took.
const TELLING: [&str; 6] = [
    "x-",
    "openai-",
    "anthropic-",
    "apim-",
    "retry-after",
    "request-id",
];

/// Anthropic's limits by OpenAI's names, as `LiteLLM` tells them.
const LIMITS: [(&str, HeaderName); 4] = [
    (
        "anthropic-ratelimit-requests-limit",
        HeaderName::from_static("x-ratelimit-limit-requests"),
    ),
    (
        "anthropic-ratelimit-requests-remaining",
        HeaderName::from_static("x-ratelimit-remaining-requests"),
    ),
    (
        "anthropic-ratelimit-tokens-limit",
        HeaderName::from_static("x-ratelimit-limit-tokens"),
    ),
    (
        "anthropic-ratelimit-tokens-remaining",
        HeaderName::from_static("x-ratelimit-remaining-tokens"),
    ),
];

/// Adds them.
pub(super) fn add(reply: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in reply.iter().take(MOST) {
        let text = name.as_str();
        if !TELLING.iter().any(|begin| text.starts_with(begin)) {
            continue;
        }
        if text.starts_with("x-ratelimit-") {
            headers.insert(name.clone(), value.clone());
        } else if let Some((_, known)) = LIMITS.iter().find(|(theirs, _)| *theirs == text) {
            headers.insert(known.clone(), value.clone());
        }
        let mut marked = String::with_capacity(text.len() + 13);
        marked.push_str("llm_provider-");
        marked.push_str(text);
        if let Ok(marked) = HeaderName::try_from(marked) {
            headers.insert(marked, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn limits_are_told_twice_and_cookies_never() {
        let mut reply = HeaderMap::new();
        for (name, value) in [
            ("x-ratelimit-remaining-tokens", "9"),
            ("anthropic-ratelimit-requests-limit", "50"),
            ("set-cookie", "a=b"),
            ("content-length", "3"),
        ] {
            reply.insert(name, HeaderValue::from_static(value));
        }
        let mut headers = HeaderMap::new();
        add(&reply, &mut headers);
        let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(told("x-ratelimit-remaining-tokens"), Some("9"));
        assert_eq!(told("llm_provider-x-ratelimit-remaining-tokens"), Some("9"));
        assert_eq!(told("x-ratelimit-limit-requests"), Some("50"));
        assert_eq!(headers.len(), 4);
    }
}
