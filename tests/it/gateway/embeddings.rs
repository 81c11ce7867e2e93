//! Vectors over each wire, and recorded answers.

use std::io::Write;
use std::path::PathBuf;

use agon::client::CallContext;
use agon::client::EmbeddingPurpose;
use agon::client::EmbeddingRequest;
use agon::client::EmbeddingResponse;
use agon::client::LlmError;
use agon::client::LlmErrorKind;
use agon::wire::embeddings;
use serde_json::Value;
use serde_json::json;

use super::KEY;
use super::SHORT;
use super::factory_at;
use super::keyless;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const SMALL: &str = "openai/text-embedding-3-small";

fn request(model: &str, texts: usize) -> EmbeddingRequest {
    EmbeddingRequest {
        model: model.parse().unwrap(),
        texts: (0..texts).map(|at| format!("text {at}")).collect(),
        dimensions: None,
        purpose: EmbeddingPurpose::Document,
        call: CallContext::default(),
    }
}

async fn embed(
    upstream: &Upstream,
    request: &EmbeddingRequest,
) -> Result<EmbeddingResponse, LlmError> {
    factory_at(&upstream.base_url(), SHORT)
        .embedder(request.model.as_str())?
        .embed(request)
        .await
}

/// An answer of OpenAI's dialect whose vectors say at which place each text stood, last first.
fn openai(first: usize, texts: usize) -> Reply {
    let items = (0..texts)
        .rev()
        .map(|at| json!({"object": "embedding", "index": at, "embedding": [first + at]}));
    Reply::json(&json!({
        "object": "list", "model": "text-embedding-3-small", "data": items.collect::<Vec<_>>(),
        "usage": {"prompt_tokens": texts, "total_tokens": texts},
    }))
}

#[tokio::test]
async fn openai_is_asked_with_the_key_and_the_order_is_that_of_the_texts() {
    let upstream = Upstream::start([openai(0, 3)]).await;
    let answer = embed(&upstream, &request(SMALL, 3)).await.unwrap();
    assert_eq!(answer.vectors, [[0.0], [1.0], [2.0]]);
    assert_eq!((answer.usage.input, answer.usage.estimated), (3, false));
    assert_eq!(answer.model, "text-embedding-3-small");
    let sent = &upstream.requests()[0];
    assert_eq!(sent.path, "/v1/embeddings");
    assert_eq!(
        sent.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    let body = json!({"model": "text-embedding-3-small", "input": ["text 0", "text 1", "text 2"]});
    assert_eq!(sent.json(), body);
}

#[tokio::test]
async fn ollama_is_asked_at_its_own_address_without_a_key() {
    let answer =
        json!({"model": "nomic-embed-text", "embeddings": [[0.5, 0.25]], "prompt_eval_count": 4});
    let upstream = Upstream::start([Reply::json(&answer)]).await;
    let answer = embed(&upstream, &request("ollama/nomic-embed-text", 1))
        .await
        .unwrap();
    assert_eq!(
        (answer.vectors, answer.usage.input),
        (vec![vec![0.5, 0.25]], 4)
    );
    assert_eq!(upstream.requests()[0].path, "/api/embed");
}

#[tokio::test]
async fn a_providers_own_path_is_called_and_a_version_in_the_address_gives_way_to_one_in_the_path()
{
    let upstream = Upstream::start([openai(0, 1)]).await;
    embed(&upstream, &request("azure/my-embedder", 1))
        .await
        .unwrap();
    let path = upstream.requests()[0].path.clone();
    assert!(
        path.starts_with("/openai/deployments/my-embedder/embeddings?api-version="),
        "{path}"
    );

    let answer =
        json!({"embeddings": {"float": [[1.0]]}, "meta": {"billed_units": {"input_tokens": 2}}});
    let upstream = Upstream::start([Reply::json(&answer)]).await;
    let answer = embed(&upstream, &request("cohere/embed-v4.0", 1))
        .await
        .unwrap();
    assert_eq!((answer.vectors, answer.usage.input), (vec![vec![1.0]], 2));
    assert_eq!(upstream.requests()[0].path, "/v2/embed");
}

#[tokio::test]
async fn more_texts_than_one_call_takes_are_sent_in_several_and_stay_in_order() {
    // A local server is asked one call after the other, so the replies of this script meet their calls.
    let list = |first: usize, texts: usize| {
        let vectors: Vec<_> = (first..first + texts).map(|at| [at]).collect();
        Reply::json(&json!({"model": "m", "embeddings": vectors, "prompt_eval_count": texts}))
    };
    let upstream = Upstream::start([list(0, 128), list(128, 128), list(256, 44)]).await;
    let answer = embed(&upstream, &request("ollama/m", 300)).await.unwrap();
    let expected: Vec<Vec<f32>> = (0..300_u16).map(|at| vec![f32::from(at)]).collect();
    assert_eq!(answer.vectors, expected);
    assert_eq!(answer.usage.input, 300);
    let sent = upstream.requests();
    let sizes: Vec<_> = sent
        .iter()
        .map(|it| it.json()["input"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [128, 128, 44]);
}

#[tokio::test]
async fn a_provider_is_asked_once_whatever_it_says_since_only_the_router_asks_again() {
    let busy = Reply::status(429).header("retry-after-ms", "5").send("{}");
    let upstream = Upstream::start([busy, openai(0, 1)]).await;
    let error = embed(&upstream, &request(SMALL, 1)).await.unwrap_err();
    assert_eq!(error.kind.code(), "rate_limited");
    assert_eq!(upstream.requests().len(), 1);

    let error = json!({"error": {"message": format!("Incorrect API key provided: {KEY}"), "code": "invalid_api_key"}});
    let refused = Reply::status(401).send(error.to_string());
    let upstream = Upstream::start([refused]).await;
    let error = embed(&upstream, &request(SMALL, 1)).await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Authentication);
    keyless(&error);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_with_a_vector_too_few_is_malformed() {
    let upstream = Upstream::start([openai(0, 1)]).await;
    let error = embed(&upstream, &request(SMALL, 2)).await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::MalformedResponse);
}

#[tokio::test]
async fn who_has_no_vectors_says_so_before_anything_is_sent() {
    let factory = factory_at("http://127.0.0.1:1", SHORT);
    for model in ["anthropic/claude-haiku-4-5", "deepseek/deepseek-chat"] {
        let error = factory.embedder(model).err().unwrap();
        assert_eq!(error.kind, LlmErrorKind::InvalidRequest, "{model}");
        assert!(error.message.contains("has no vectors"), "{error}");
    }
    let nothing = factory
        .embedder(SMALL)
        .unwrap()
        .embed(&request(SMALL, 0))
        .await;
    assert_eq!(nothing.unwrap_err().kind, LlmErrorKind::InvalidRequest);
}

#[test]
fn recorded_answers_hold_one_vector_for_each_text() {
    let Some(folder) = std::env::var_os("AGON_RECORDED_DIR").map(PathBuf::from) else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: recorded embeddings: AGON_RECORDED_DIR is not set"
        );
        return;
    };
    let index = std::fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let rows = index.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    let ids: Vec<_> = rows
        .filter(|row| row[2] == "embeddings" && row[4] == "200")
        .collect();
    assert!(ids.len() >= 5, "only {} answers", ids.len());
    for row in ids {
        let id = row[0];
        let body = std::fs::read(folder.join(id).join("response.body")).unwrap();
        let answer = embeddings::decode(&body).unwrap_or_else(|error| panic!("{id}: {error}"));
        let length = answer.vectors[0].len();
        assert!(length >= 64, "{id}: {length} dimensions");
        assert!(
            answer.vectors.iter().all(|vector| vector.len() == length),
            "{id}"
        );
        let Ok(asked) = std::fs::read(folder.join(id).join("request.json")) else {
            continue;
        };
        let asked: Value = serde_json::from_slice(&asked).unwrap();
        let texts = ["input", "texts", "inputs"]
            .iter()
            .find_map(|key| asked.get(key));
        let count = texts.and_then(Value::as_array).map_or(1, Vec::len);
        assert_eq!(answer.vectors.len(), count, "{id}");
    }
}
