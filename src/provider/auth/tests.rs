//! Addresses and credentials.

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::catalog::Catalog;
use crate::client::CallContext;
use crate::provider::timeouts::CallTimeouts;
use crate::provider::transport::Transport;
use crate::provider::waits::Waits;

fn spec(id: &str) -> ProviderSpec {
    ProviderSpec::clone(Catalog::embedded().provider(id).unwrap())
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().copied().collect()
}

/// The headers of a call in this environment, credential and all.
async fn sent(id: &str, pairs: &[(&str, &str)]) -> Result<HeaderMap, LlmError> {
    let spec = spec(id);
    let target = target(&spec, &environment(pairs), None, None)?;
    let mut outgoing = Outgoing {
        url: Arc::new(
            "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/converse"
                .parse()
                .unwrap(),
        ),
        headers: headers(&spec, None)?.into(),
        body: Bytes::from_static(b"{}"),
        reach: target.reach,
    };
    let transport = Transport::new().unwrap();
    let waits = Waits::start(CallTimeouts::CLOUD, &CallContext::default());
    let side = SideCall {
        provider: id,
        transport: &transport,
        waits: &waits,
        now_ms: 1_440_938_160_000,
    };
    let tokens = Tokens::default();
    target
        .credential
        .apply(&mut outgoing, &tokens, &side)
        .await?;
    Ok(Arc::unwrap_or_clone(outgoing.headers))
}

#[test]
fn a_missing_key_names_what_to_set_and_a_local_server_needs_none() {
    let error = target(&spec("openai"), &Environment::default(), None, None).unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Authentication);
    assert!(error.message.contains("OPENAI_API_KEY"), "{error}");
    let ollama = target(&spec("ollama"), &Environment::default(), None, None).unwrap();
    assert!(matches!(ollama.credential, Credential::None));
}

#[test]
fn a_missing_part_of_an_address_names_what_to_set() {
    let set = environment(&[("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token")]);
    let error = target(&spec("bedrock"), &set, None, None).unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::InvalidRequest);
    assert!(error.message.contains("AWS_REGION"), "{error}");
}

#[test]
fn an_endpoint_goes_before_the_providers_own_address_and_key() {
    let set = environment(&[("OPENAI_API_KEY", "sk-first"), ("SECOND", "sk-second")]);
    let endpoint = Endpoint {
        api_base: Some("https://llm.example.com/v1/".to_owned()),
        api_key_env_var: Some("SECOND".to_owned()),
    };
    let target = target(&spec("openai"), &set, Some(&endpoint), None).unwrap();
    assert_eq!(target.base_url, "https://llm.example.com/v1");
    assert_eq!(target.reach, Reach::NotLinkLocal);
    let Credential::Key(key) = target.credential else {
        panic!("{:?}", target.credential);
    };
    assert_eq!(key.secret.expose(), "sk-second");
}

#[tokio::test]
async fn the_key_is_sent_as_the_provider_wants_it_and_debug_hides_it() {
    let private = "sk-private-key";
    let bearer = sent("openai", &[("OPENAI_API_KEY", private)])
        .await
        .unwrap();
    assert_eq!(bearer["authorization"], "Bearer sk-private-key");
    let own = sent("anthropic", &[("ANTHROPIC_API_KEY", private)])
        .await
        .unwrap();
    assert_eq!(own["x-api-key"], private);
    assert!(own.contains_key("anthropic-version"));
    assert!(!format!("{bearer:?} {own:?}").contains(private));
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_told_without_showing_it() {
    let error = sent("openai", &[("OPENAI_API_KEY", "sk-private\u{7f}x")])
        .await
        .unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Authentication);
    assert!(!error.to_string().contains("sk-private"));
}

#[tokio::test]
async fn bedrock_takes_a_bearer_token_and_else_a_signature() {
    let key = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        ),
        ("AWS_REGION", "eu-west-1"),
    ];
    let signed = sent("bedrock", &key).await.unwrap();
    let authorization = signed["authorization"].to_str().unwrap();
    let begin = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/bedrock/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, Signature=";
    assert!(authorization.starts_with(begin), "{authorization}");
    let both = [
        key.as_slice(),
        &[("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token")],
    ]
    .concat();
    let bearer = sent("bedrock", &both).await.unwrap();
    assert_eq!(bearer["authorization"], "Bearer a-bearer-token");
    let half = sent("bedrock", &[key[0], key[2]]).await.unwrap_err();
    assert!(half.message.contains("AWS_SECRET_ACCESS_KEY"), "{half}");
}

#[tokio::test]
async fn azure_takes_a_key_or_a_token_of_its_directory() {
    let at = ("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com");
    let key = sent("azure", &[at, ("AZURE_API_KEY", "an-azure-key")])
        .await
        .unwrap();
    assert_eq!(key["api-key"], "an-azure-key");
    assert!(!key.contains_key("authorization"));
    let token = sent("azure", &[at, ("AZURE_OPENAI_AD_TOKEN", "a-token")])
        .await
        .unwrap();
    assert_eq!(token["authorization"], "Bearer a-token");
    let app = sent("azure", &[at, ("AZURE_CLIENT_SECRET", "a-secret")])
        .await
        .unwrap_err();
    assert!(app.message.contains("AZURE_TENANT_ID"), "{app}");
}

#[test]
fn a_providers_words_lose_the_key() {
    let key = Secret::new("sk-private-key");
    let said = without_key(b"Incorrect API key: sk-private-key.", Some(&key));
    assert_eq!(said, b"Incorrect API key: ***.");
}
