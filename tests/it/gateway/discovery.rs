//! Local servers are found where they run, and what is installed there is listed.

use agon::catalog::Catalog;
use agon::provider::Discovered;
use agon::provider::Discovery;
use agon::provider::Environment;
use agon::provider::Transport;
use serde_json::json;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::body_json;
use wiremock::matchers::method;
use wiremock::matchers::path;

use super::ms;

const NOBODY: &str = "http://127.0.0.1:9";

/// A discovery in which nobody is at home but at these addresses.
fn discovery(ollama: &str, vllm: &str) -> Discovery {
    let catalog = Catalog::embedded();
    let elsewhere = catalog
        .providers()
        .filter(|spec| spec.local)
        .filter_map(|spec| spec.base_url_env.first().cloned())
        .map(|name| (name, NOBODY.to_owned()));
    let own = [("OLLAMA_API_BASE", ollama)].map(|(name, url)| (name.to_owned(), url.to_owned()));
    let vllm_name = catalog.provider("vllm").unwrap().base_url_env[0].clone();
    let environment: Environment = elsewhere
        .chain(own)
        .chain([(vllm_name, vllm.to_owned())])
        .collect();
    Discovery::new(&catalog, &environment, &Transport::new().unwrap()).unwrap()
}

async fn ollama() -> MockServer {
    let server = MockServer::start().await;
    let reply = |body| ResponseTemplate::new(200).set_body_json(body);
    let tags = json!({ "models": [
        { "name": "llama3.2:latest", "size": 2_019_393_189_u64, "details": { "parameter_size": "3.2B" } },
        { "name": "odd" },
    ] });
    let show = json!({
        "capabilities": ["completion", "tools"],
        "model_info": { "general.architecture": "llama", "llama.context_length": 131_072 },
    });
    let running = json!({ "models": [{ "name": "llama3.2:latest" }] });
    Mock::given(method("GET"))
        .and(path("/api/tags"))
        .respond_with(reply(tags))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/api/ps"))
        .respond_with(reply(running))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/api/show"))
        .and(body_json(json!({ "model": "llama3.2:latest" })))
        .respond_with(reply(show))
        .mount(&server)
        .await;
    server
}

fn of<'a>(found: &'a [Discovered], provider: &str) -> Option<&'a Discovered> {
    found.iter().find(|server| server.provider == provider)
}

#[tokio::test]
async fn an_ollama_server_is_found_with_what_each_model_can_do() {
    let server = ollama().await;
    let found = discovery(&server.uri(), NOBODY).current().await;
    let ollama = of(&found, "ollama").unwrap();
    assert_eq!(ollama.base_url, server.uri());
    let [llama, odd] = ollama.models.as_slice() else {
        unreachable!("two models are installed: {ollama:?}")
    };
    assert_eq!(llama.name, "llama3.2:latest");
    assert_eq!(llama.size_bytes, Some(2_019_393_189));
    assert_eq!(llama.parameter_size.as_deref(), Some("3.2B"));
    assert_eq!(llama.context_tokens, Some(131_072));
    assert_eq!(llama.capabilities, ["completion", "tools"]);
    assert_eq!((llama.loaded, odd.loaded), (Some(true), Some(false)));
    assert_eq!(odd.context_tokens, None);
    assert!(of(&found, "vllm").is_none());
}

#[tokio::test]
async fn an_openai_compatible_server_is_found_by_its_list_of_models() {
    let server = MockServer::start().await;
    let list = json!({ "data": [{ "id": "org/model", "max_model_len": 8192 }] });
    Mock::given(path("/v1/models"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list))
        .mount(&server)
        .await;
    let found = discovery(NOBODY, &format!("{}/v1", server.uri()))
        .current()
        .await;
    let vllm = of(&found, "vllm").unwrap();
    assert_eq!(vllm.models[0].name, "org/model");
    assert_eq!(vllm.models[0].context_tokens, Some(8192));
}

#[tokio::test]
async fn somebody_else_at_the_port_is_not_a_server_of_models() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string("<html>a wiki</html>"))
        .mount(&server)
        .await;
    let found = discovery(&server.uri(), &server.uri()).current().await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn a_fresh_finding_is_not_looked_up_again_and_the_latest_never_waits() {
    let server = ollama().await;
    let discovery = discovery(&server.uri(), NOBODY);
    let started = tokio::time::Instant::now();
    assert!(discovery.latest().is_empty());
    assert!(started.elapsed() < ms(50));
    assert_eq!(discovery.current().await.len(), 1);
    let asked = server.received_requests().await.unwrap().len();
    assert_eq!(discovery.current().await.len(), 1);
    assert_eq!(discovery.latest().len(), 1);
    assert_eq!(server.received_requests().await.unwrap().len(), asked);
}

#[tokio::test]
async fn one_server_at_a_port_that_several_have_is_found_once_and_is_who_the_operator_says() {
    let server = MockServer::start().await;
    let list = json!({ "object": "list", "data": [{ "id": "tiny" }] });
    Mock::given(method("GET"))
        .and(path("/models"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list))
        .mount(&server)
        .await;
    let catalog = Catalog::embedded();
    let discovery = discovery(NOBODY, &server.uri());
    let found = discovery.current().await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].provider, "vllm");
    // By their usual addresses, these would be the same.
    let usual = |id: &str| catalog.provider(id).unwrap().base_url_from(|_| None);
    assert_eq!(usual("llamacpp"), usual("localai"));
    assert_eq!(usual("llamacpp"), usual("tgi"));
    let same = ["LLAMACPP_BASE_URL", "LOCALAI_BASE_URL", "TGI_BASE_URL"];
    let elsewhere = ["OLLAMA_API_BASE", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"];
    let uri = server.uri();
    let environment: Environment = same
        .map(|name| (name, uri.as_str()))
        .into_iter()
        .chain(elsewhere.map(|name| (name, NOBODY)))
        .collect();
    let discovery = Discovery::new(&catalog, &environment, &Transport::new().unwrap()).unwrap();
    let found = discovery.current().await;
    let found = Vec::from_iter(found.iter().map(|server| server.provider.as_str()));
    assert_eq!(found, ["llamacpp"]);
}
