//! Providers that are not called with a key in a header at a fixed address.

use std::sync::Arc;

use agon::catalog::Catalog;
use agon::client::BaseLlmClient;
use agon::client::LlmErrorKind;
use agon::provider::ClientFactory;
use agon::provider::DemoPace;
use agon::provider::Environment;
use agon::provider::FactoryParts;
use agon::provider::FlagState;
use agon::provider::GeneralTimeouts;
use agon::provider::LlmFlag;
use agon::types::Clock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::KeyPair;
use ring::signature::RSA_PKCS1_2048_8192_SHA256;
use ring::signature::RsaKeyPair;
use ring::signature::UnparsedPublicKey;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use serde_json::json;

use super::NOW_MS;
use super::SHORT;
use super::request;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// Made for these tests, and good for nothing else.
const THROWAWAY_RSA_KEY: &str = include_str!("fixtures/throwaway_rsa_key_for_tests_only.pem");

const CLAUDE_ON_VERTEX: &str = "vertex_ai/claude-opus-4-1@20250805";

fn factory(pairs: &[(&str, &str)]) -> ClientFactory {
    let catalog = Arc::new(Catalog::embedded());
    let ids = catalog.providers().map(|spec| spec.id.clone());
    ClientFactory::new(FactoryParts {
        flag: Arc::new(LlmFlag::new(FlagState::default(), ids)),
        catalog,
        environment: pairs.iter().copied().collect::<Environment>(),
        timeouts: GeneralTimeouts {
            cloud: SHORT,
            local: SHORT,
        },
        demo_pace: DemoPace::Fast,
        clock: Clock::starting_at(NOW_MS),
    })
    .unwrap()
}

fn client(model: &str, pairs: &[(&str, &str)]) -> Arc<dyn BaseLlmClient> {
    factory(pairs).create(model).unwrap()
}

fn service_account(token_uri: &str) -> String {
    json!({
        "type": "service_account", "client_email": "robot@my-project.iam", "private_key_id": "key-1",
        "private_key": THROWAWAY_RSA_KEY, "token_uri": token_uri,
    })
    .to_string()
}

fn token(name: &str) -> Reply {
    Reply::json(&json!({"access_token": name, "expires_in": 3599, "token_type": "Bearer"}))
}

fn claude_says_hello() -> Reply {
    Reply::sse([
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ])
}

fn gpt_says_hello() -> Reply {
    Reply::sse([
        // Azure begins with what its filter thinks of the prompt (recorded from a model router, 2026-08-22).
        "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[]}\n\n",
        "data: {\"id\":\"c1\",\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"content_filter_results\":{}}]}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    ])
}

/// The claims of a token request, once its signature is checked.
fn claims(form: &str) -> Value {
    let assertion = form.rsplit_once("assertion=").unwrap().1;
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(THROWAWAY_RSA_KEY.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(text.as_bytes(), &signature).unwrap();
    let claims = URL_SAFE_NO_PAD
        .decode(text.split_once('.').unwrap().1)
        .unwrap();
    serde_json::from_slice(&claims).unwrap()
}

#[tokio::test]
async fn claude_on_vertex_is_called_at_its_path_with_a_token_that_is_fetched_once() {
    let tokens = Upstream::start([token("ya29.first-token")]).await;
    let google = Upstream::start([claude_says_hello(), claude_says_hello()]).await;
    let token_uri = format!("{}/token", tokens.base_url());
    let client = client(
        CLAUDE_ON_VERTEX,
        &[
            (
                "GOOGLE_APPLICATION_CREDENTIALS",
                &service_account(&token_uri),
            ),
            ("GOOGLE_CLOUD_PROJECT", "my-project"),
            ("GOOGLE_CLOUD_LOCATION", "europe-west1"),
            ("VERTEX_API_BASE", &google.base_url()),
        ],
    );
    for _ in 0..2 {
        let answer = client
            .send_message(&request(CLAUDE_ON_VERTEX))
            .await
            .unwrap();
        assert_eq!(answer.text, "Hello");
    }
    let asked = &tokens.requests()[0];
    assert_eq!(tokens.requests().len(), 1);
    let form = String::from_utf8(asked.body.clone()).unwrap();
    assert!(form.starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"));
    let claims = claims(&form);
    assert_eq!(claims["iss"], "robot@my-project.iam");
    assert_eq!(claims["aud"], token_uri.as_str());
    let (from, until) = (
        claims["iat"].as_u64().unwrap(),
        claims["exp"].as_u64().unwrap(),
    );
    assert_eq!((from / 3600, until - from), (NOW_MS / 3_600_000, 3600));

    let sent = &google.requests()[1];
    assert_eq!(
        sent.path,
        "/v1/projects/my-project/locations/europe-west1/publishers/anthropic/models/claude-opus-4-1@20250805:streamRawPredict"
    );
    assert_eq!(
        sent.header("authorization"),
        Some("Bearer ya29.first-token")
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew_once() {
    let refusal = || {
        Reply::status(401)
            .send("{\"error\":{\"code\":401,\"message\":\"expired ya29.second-token\"}}")
    };
    let tokens = Upstream::start([token("ya29.first-token"), token("ya29.second-token")]).await;
    let google = Upstream::start([refusal(), refusal()]).await;
    let client = client(
        CLAUDE_ON_VERTEX,
        &[
            ("VERTEXAI_CREDENTIALS", &service_account(&tokens.base_url())),
            ("VERTEXAI_PROJECT", "p"),
            ("VERTEXAI_API_BASE", &google.base_url()),
        ],
    );
    let error = client
        .send_message(&request(CLAUDE_ON_VERTEX))
        .await
        .unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Authentication);
    assert!(!error.to_string().contains("ya29."), "{error}");
    let sent = google.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(
        sent[1].header("authorization"),
        Some("Bearer ya29.second-token")
    );
}

#[tokio::test]
async fn on_googles_machines_the_metadata_server_gives_the_token() {
    let metadata = Upstream::start([token("ya29.of-the-machine")]).await;
    let google = Upstream::start([claude_says_hello()]).await;
    let client = client(
        CLAUDE_ON_VERTEX,
        &[
            ("GCE_METADATA_HOST", &metadata.base_url()),
            ("VERTEXAI_PROJECT", "p"),
            ("VERTEXAI_API_BASE", &google.base_url()),
        ],
    );
    client
        .send_message(&request(CLAUDE_ON_VERTEX))
        .await
        .unwrap();
    let asked = &metadata.requests()[0];
    assert_eq!(
        asked.path,
        "/computeMetadata/v1/instance/service-accounts/default/token"
    );
    assert_eq!(
        (asked.method.as_str(), asked.header("metadata-flavor")),
        ("GET", Some("Google"))
    );
    let sent = &google.requests()[0];
    assert_eq!(
        sent.header("authorization"),
        Some("Bearer ya29.of-the-machine")
    );
}

#[tokio::test]
async fn without_a_login_or_a_project_it_is_said_what_to_set() {
    let refused = Upstream::start([Reply::status(404)]).await;
    let metadata = refused.base_url();
    let nothing = [("GCE_METADATA_HOST", metadata.as_str())];
    let error = client(CLAUDE_ON_VERTEX, &nothing)
        .send_message(&request(CLAUDE_ON_VERTEX))
        .await
        .unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::InvalidRequest);
    assert!(error.message.contains("GOOGLE_CLOUD_PROJECT"), "{error}");
    let project = [nothing[0], ("GOOGLE_CLOUD_PROJECT", "p")];
    let error = client(CLAUDE_ON_VERTEX, &project)
        .send_message(&request(CLAUDE_ON_VERTEX))
        .await
        .unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Authentication);
    assert!(
        error.message.contains("GOOGLE_APPLICATION_CREDENTIALS"),
        "{error}"
    );
}

#[tokio::test]
async fn azure_is_called_at_its_deployment_and_its_first_chunk_has_no_choice() {
    let azure = Upstream::start([gpt_says_hello(), gpt_says_hello()]).await;
    let model = "azure/my-gpt-4o";
    let endpoint = azure.base_url();
    let set = [
        ("AZURE_OPENAI_ENDPOINT", endpoint.as_str()),
        ("AZURE_API_KEY", "an-azure-key"),
        ("AZURE_API_VERSION", "2024-10-21"),
    ];
    let answer = client(model, &set)
        .send_message(&request(model))
        .await
        .unwrap();
    assert_eq!((answer.text.as_str(), answer.id.as_str()), ("Hello", "c1"));
    let newer = format!("{endpoint}/openai/v1/");
    let set = [("AZURE_API_BASE", newer.as_str()), set[1]];
    client(model, &set)
        .send_message(&request(model))
        .await
        .unwrap();
    let sent = azure.requests();
    assert_eq!(
        sent[0].path,
        "/openai/deployments/my-gpt-4o/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(sent[0].header("api-key"), Some("an-azure-key"));
    assert_eq!(sent[1].path, "/openai/v1/chat/completions");
    assert_eq!(sent[1].json()["model"], "my-gpt-4o");
}

#[tokio::test]
async fn an_application_of_azures_directory_gets_its_token() {
    let entra = Upstream::start([token("entra-token-1")]).await;
    let azure = Upstream::start([gpt_says_hello()]).await;
    let model = "azure/my-gpt-4o";
    let set = [
        ("AZURE_OPENAI_ENDPOINT", azure.base_url()),
        ("AZURE_AUTHORITY_HOST", entra.base_url()),
        ("AZURE_TENANT_ID", "tenant-1".to_owned()),
        ("AZURE_CLIENT_ID", "app-1".to_owned()),
        ("AZURE_CLIENT_SECRET", "an app's secret".to_owned()),
    ];
    let set = set.each_ref().map(|(name, value)| (*name, value.as_str()));
    client(model, &set)
        .send_message(&request(model))
        .await
        .unwrap();
    let asked = &entra.requests()[0];
    assert_eq!(asked.path, "/tenant-1/oauth2/v2.0/token");
    let form = String::from_utf8(asked.body.clone()).unwrap();
    assert!(
        form.contains("client_id=app-1&client_secret=an%20app%27s%20secret&scope="),
        "{form}"
    );
    let sent = &azure.requests()[0];
    assert_eq!(sent.header("authorization"), Some("Bearer entra-token-1"));
}

#[tokio::test]
async fn a_strict_call_is_refused_rather_than_sent_without_a_parameter() {
    let upstream = Upstream::start([claude_says_hello()]).await;
    let base = upstream.base_url();
    let set = [
        ("ANTHROPIC_BASE_URL", base.as_str()),
        ("ANTHROPIC_API_KEY", "sk-ant-key"),
    ];
    let model = "anthropic/claude-haiku-4-5";
    let factory = factory(&set);
    let client = factory.create(model).unwrap();
    let mut asked = request(model);
    if let agon::client::Content::Typed(chat) = &mut asked.content {
        std::sync::Arc::make_mut(chat).sampling.seed = Some(7);
    }
    let mut strict = asked.clone();
    strict.call.strict = true;
    let error = client.send_message(&strict).await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::InvalidRequest);
    assert!(error.message.contains("seed"), "{error}");
    factory.set_strict(true);
    assert!(client.send_message(&asked).await.is_err());
    assert!(upstream.requests().is_empty());
    factory.set_strict(false);
    client.send_message(&asked).await.unwrap();
    assert_eq!(asked.call.trace.dropped(), ["seed"]);
}
