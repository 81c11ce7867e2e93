//! Where a call goes and how it proves who pays: the provider's file, the environment, and the request's endpoint.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::USER_AGENT;

use super::connect::Reach;
use super::environment::Environment;
use crate::catalog::AuthScheme;
use crate::catalog::ProviderSpec;
use crate::catalog::normalise_base_url;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Endpoint;
use crate::types::Secret;

/// One address with its credential, ready to be called.
#[derive(Debug)]
pub(super) struct Target {
    /// Without a slash at the end.
    pub(super) base_url: String,
    /// Which addresses that one may lead to.
    pub(super) reach: Reach,
    /// `None` where the provider answers without a key.
    pub(super) key: Option<Secret>,
}

/// Returns where the provider is called and with which key; a request's endpoint goes before the provider's own.
///
/// # Errors
/// `Authentication` when a key is needed and not set; the message names the variables to set.
pub(super) fn target(
    spec: &ProviderSpec,
    environment: &Environment,
    endpoint: Option<&Endpoint>,
) -> Result<Target, LlmError> {
    let given = endpoint.and_then(|endpoint| endpoint.api_base.as_deref());
    let (base_url, reach) = match given {
        Some(given) => (
            normalise_base_url(given, &spec.base_url),
            Reach::NotLinkLocal,
        ),
        None => (
            spec.base_url_from(|name| environment.get(name).map(str::to_owned)),
            Reach::Anywhere,
        ),
    };
    let key = key(spec, environment, endpoint)?;
    Ok(Target {
        base_url,
        reach,
        key,
    })
}

fn key(
    spec: &ProviderSpec,
    environment: &Environment,
    endpoint: Option<&Endpoint>,
) -> Result<Option<Secret>, LlmError> {
    let missing = |remedy: String| LlmError::new(LlmErrorKind::Authentication, &spec.id, remedy);
    if let Some(variable) = endpoint.and_then(|endpoint| endpoint.api_key_env_var.as_deref()) {
        return match environment.get(variable) {
            Some(key) => Ok(Some(Secret::new(key))),
            None => Err(missing(format!("no key: set {variable}"))),
        };
    }
    match environment.first_of(&spec.auth.key_env) {
        Some((_, key)) => Ok(Some(Secret::new(key))),
        None if spec.keyless || spec.auth.scheme == AuthScheme::None => Ok(None),
        None => Err(missing(format!(
            "no key: set {}",
            spec.auth.key_env.join(" or ")
        ))),
    }
}

/// Returns the headers of a call. The key's header is marked sensitive, so that no log shows it.
///
/// # Errors
/// `Authentication` when the key holds a character that no header may; `InvalidRequest` when a header of the
/// provider's file is none.
pub(super) fn headers(spec: &ProviderSpec, key: Option<&Secret>) -> Result<HeaderMap, LlmError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("agon/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in &spec.headers {
        headers.insert(header_name(spec, name)?, header_value(spec, name, value)?);
    }
    let Some(key) = key else {
        return Ok(headers);
    };
    let (name, text) = match &spec.auth.scheme {
        AuthScheme::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        AuthScheme::Header(name) => (header_name(spec, name)?, key.expose().to_owned()),
        AuthScheme::None => return Ok(headers),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        let message = format!(
            "the key in {} holds a character that cannot be sent: copy it again",
            spec.auth.key_env.join(" or ")
        );
        LlmError::new(LlmErrorKind::Authentication, &spec.id, message)
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

fn header_name(spec: &ProviderSpec, name: &str) -> Result<HeaderName, LlmError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad_header(spec, name))
}

fn header_value(spec: &ProviderSpec, name: &str, value: &str) -> Result<HeaderValue, LlmError> {
    HeaderValue::from_str(value).map_err(|_| bad_header(spec, name))
}

fn bad_header(spec: &ProviderSpec, name: &str) -> LlmError {
    let message = format!("the header \"{name}\" in the provider's file cannot be sent");
    LlmError::new(LlmErrorKind::InvalidRequest, &spec.id, message)
}

/// The text without the key, wherever a provider repeats it.
pub(super) fn without_key(text: &[u8], key: Option<&Secret>) -> Vec<u8> {
    let hidden = key.map(Secret::expose).unwrap_or_default();
    // A key of a few letters is a placeholder such as "x" or "ollama": hiding it would only garble words.
    if hidden.len() < 8 {
        return text.to_vec();
    }
    String::from_utf8_lossy(text)
        .replace(hidden, "***")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn spec(id: &str) -> ProviderSpec {
        ProviderSpec::clone(Catalog::embedded().provider(id).unwrap())
    }

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().copied().collect()
    }

    #[test]
    fn a_missing_key_names_what_to_set_and_a_local_server_needs_none() {
        let error = target(&spec("openai"), &Environment::default(), None).unwrap_err();
        assert_eq!(error.kind, LlmErrorKind::Authentication);
        assert!(error.message.contains("OPENAI_API_KEY"), "{error}");
        let ollama = target(&spec("ollama"), &Environment::default(), None).unwrap();
        assert!(ollama.key.is_none());
    }

    #[test]
    fn an_endpoint_goes_before_the_providers_own_address_and_key() {
        let set = environment(&[("OPENAI_API_KEY", "sk-first"), ("SECOND", "sk-second")]);
        let endpoint = Endpoint {
            api_base: Some("https://llm.example.com/v1/".to_owned()),
            api_key_env_var: Some("SECOND".to_owned()),
        };
        let target = target(&spec("openai"), &set, Some(&endpoint)).unwrap();
        assert_eq!(target.base_url, "https://llm.example.com/v1");
        assert_eq!(target.reach, Reach::NotLinkLocal);
        assert_eq!(target.key.unwrap().expose(), "sk-second");
    }

    #[test]
    fn the_key_is_sent_as_the_provider_wants_it_and_debug_hides_it() {
        let key = Secret::new("sk-private-key");
        let bearer = headers(&spec("openai"), Some(&key)).unwrap();
        assert_eq!(bearer["authorization"], "Bearer sk-private-key");
        let own = headers(&spec("anthropic"), Some(&key)).unwrap();
        assert_eq!(own["x-api-key"], "sk-private-key");
        assert!(own.contains_key("anthropic-version"));
        assert!(!format!("{bearer:?} {own:?}").contains("sk-private-key"));
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_told_without_showing_it() {
        let key = Secret::new("sk-private\u{7f}");
        let error = headers(&spec("openai"), Some(&key)).unwrap_err();
        assert_eq!(error.kind, LlmErrorKind::Authentication);
        assert!(!error.to_string().contains("sk-private"));
    }

    #[test]
    fn a_providers_words_lose_the_key() {
        let key = Secret::new("sk-private-key");
        let said = without_key(b"Incorrect API key: sk-private-key.", Some(&key));
        assert_eq!(said, b"Incorrect API key: ***.");
    }
}
