//! One contract for both paths: the same replies of an upstream give the same answers and the same errors, whether
//! the unified client or a legacy one asks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agon::catalog::Catalog;
use agon::client::BaseLlmClient;
use agon::client::CallPath;
use agon::client::ChatRequest;
use agon::client::LlmErrorKind;
use agon::client::collect;
use agon::provider::ClientFactory;
use agon::provider::DemoPace;
use agon::provider::FactoryParts;
use agon::provider::FlagState;
use agon::provider::GeneralTimeouts;
use agon::provider::LlmFlag;
use agon::types::Chat;
use agon::types::ChatResponse;
use agon::types::Clock;
use agon::types::FinishReason;
use agon::types::Message;
use agon::types::Role;
use agon::types::Sampling;
use futures::StreamExt;
use serde_json::json;

use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Openai,
    Anthropic,
    Gemini,
}

use Provider::Anthropic;
use Provider::Gemini;
use Provider::Openai;

const EVERY_WAY: [(CallPath, Provider); 6] = [
    (CallPath::Unified, Openai),
    (CallPath::Unified, Anthropic),
    (CallPath::Unified, Gemini),
    (CallPath::Legacy, Openai),
    (CallPath::Legacy, Anthropic),
    (CallPath::Legacy, Gemini),
];

impl Provider {
    fn model(self) -> &'static str {
        match self {
            Openai => "openai/gpt-4o-mini",
            Anthropic => "anthropic/claude-haiku-4-5",
            Gemini => "gemini/gemini-2.5-flash",
        }
    }

    /// The stream of an answer of two words.
    fn answer(self) -> Vec<String> {
        match self {
            Openai => [
                json!({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
                json!({"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hello "}}]}),
                json!({"id": "c1", "choices": [{"index": 0, "delta": {"content": "there"}}]}),
                json!({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
                json!({"id": "c1", "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 5,
                    "prompt_tokens_details": {"cached_tokens": 4}}}),
            ]
            .iter()
            .map(|data| format!("data: {data}\n\n"))
            .chain(["data: [DONE]\n\n".to_owned()])
            .collect(),
            Anthropic => [
                json!({"type": "message_start", "message": {"id": "c1", "model": "m", "content": [],
                    "usage": {"input_tokens": 8, "cache_read_input_tokens": 4, "output_tokens": 1}}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello "}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "there"}}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}),
                json!({"type": "message_stop"}),
            ]
            .iter()
            .map(|data| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap()))
            .collect(),
            Gemini => [
                json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello "}]}, "index": 0}],
                    "usageMetadata": {"promptTokenCount": 12}, "modelVersion": "m", "responseId": "c1"}),
                json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "there"}]}, "index": 0}]}),
                json!({"candidates": [], "responseId": "c1"}),
                json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}],
                    "usageMetadata": {"promptTokenCount": 12, "cachedContentTokenCount": 4, "candidatesTokenCount": 5}}),
            ]
            .iter()
            .map(|data| format!("data: {data}\r\n\r\n"))
            .collect(),
        }
    }

    /// An error body in the provider's own shape.
    fn error(self, class: &str) -> String {
        match self {
            Openai => json!({"error": {"message": "no", "type": class, "code": class}}).to_string(),
            Anthropic => {
                json!({"type": "error", "error": {"type": class, "message": "no"}}).to_string()
            }
            Gemini => json!({"error": {"message": "no", "status": class}}).to_string(),
        }
    }
}

struct Way {
    client: Arc<dyn BaseLlmClient>,
    request: ChatRequest,
    upstream: Upstream,
    path: CallPath,
}

async fn way(path: CallPath, provider: Provider, reply: Reply) -> Way {
    let upstream = Upstream::start([reply]).await;
    let base = match provider {
        Openai => ("OPENAI_BASE_URL", format!("{}/v1", upstream.base_url())),
        Anthropic => ("ANTHROPIC_BASE_URL", upstream.base_url()),
        Gemini => ("GEMINI_API_BASE", format!("{}/v1beta", upstream.base_url())),
    };
    let key = |name: &'static str| (name, "sk-private-key".to_owned());
    let catalog = Arc::new(Catalog::embedded());
    let providers: Vec<String> = catalog.providers().map(|spec| spec.id.clone()).collect();
    let state = FlagState {
        use_unified: path == CallPath::Unified,
        legacy_providers: BTreeSet::new(),
    };
    let mut timeouts = GeneralTimeouts::default();
    (timeouts.cloud.first_token, timeouts.cloud.idle) =
        (Duration::from_millis(600), Duration::from_millis(400));
    let factory = ClientFactory::new(FactoryParts {
        catalog,
        environment: [
            base,
            key("OPENAI_API_KEY"),
            key("ANTHROPIC_API_KEY"),
            key("GEMINI_API_KEY"),
        ]
        .into_iter()
        .collect(),
        flag: Arc::new(LlmFlag::new(state, providers)),
        timeouts,
        demo_pace: DemoPace::Fast,
        clock: Clock::system(),
    })
    .unwrap();
    let chat = Chat {
        messages: vec![
            Message::text(Role::System, "Be brief."),
            Message::text(Role::User, "Greet me."),
        ],
        sampling: Sampling {
            max_output_tokens: Some(50),
            temperature: Some(0.5),
            ..Sampling::default()
        },
        ..Chat::default()
    };
    let request = ChatRequest::new(provider.model().parse().unwrap(), chat);
    Way {
        client: factory.create(provider.model()).unwrap(),
        request,
        upstream,
        path,
    }
}

impl Way {
    async fn stream(&self) -> Result<ChatResponse, LlmErrorKind> {
        let stream = self
            .client
            .stream_message(&self.request)
            .await
            .map_err(Self::checked)?;
        let answer = collect(stream).await.map_err(Self::checked)?;
        assert_eq!(self.request.call.trace.path(), Some(self.path));
        Ok(answer)
    }

    /// No error holds the key.
    fn checked(error: agon::client::LlmError) -> LlmErrorKind {
        assert!(
            !format!("{error} {error:?}").contains("private"),
            "{error:?}"
        );
        error.kind
    }
}

#[tokio::test]
async fn the_same_stream_gives_the_same_answer() {
    for (path, provider) in EVERY_WAY {
        let way = way(path, provider, Reply::sse(provider.answer())).await;
        let answer = way.stream().await.unwrap();
        assert_eq!(
            (answer.id.as_str(), answer.text.as_str()),
            ("c1", "Hello there"),
            "{path:?} {provider:?}"
        );
        assert_eq!(answer.finish, FinishReason::Stop);
        let usage = answer.usage;
        assert_eq!(
            (usage.input, usage.cache_read, usage.output),
            (8, 4, 5),
            "{path:?} {provider:?}"
        );
    }
}

#[tokio::test]
async fn the_same_chat_is_asked() {
    for (path, provider) in EVERY_WAY {
        let way = way(path, provider, Reply::sse(provider.answer())).await;
        way.stream().await.unwrap();
        let sent = way.upstream.requests()[0].json();
        let (asked, most) = match provider {
            Openai => (
                &sent["messages"][1]["content"],
                &sent["max_completion_tokens"],
            ),
            Anthropic => (
                &sent["messages"][0]["content"][0]["text"],
                &sent["max_tokens"],
            ),
            Gemini => (
                &sent["contents"][0]["parts"][0]["text"],
                &sent["generationConfig"]["maxOutputTokens"],
            ),
        };
        // Anthropic takes a plain string where there is only text.
        let asked = if asked.is_null() {
            &sent["messages"][0]["content"]
        } else {
            asked
        };
        assert_eq!(
            (asked, most),
            (&json!("Greet me."), &json!(50)),
            "{path:?} {provider:?}: {sent}"
        );
        let sampling = match provider {
            Openai | Anthropic => &sent,
            Gemini => &sent["generationConfig"],
        };
        assert_eq!(sampling["temperature"], 0.5);
        assert!(sent.to_string().contains("Be brief."), "{sent}");
    }
}

#[tokio::test]
async fn the_same_refusals_have_the_same_class() {
    let wait = Some(Duration::from_secs(7));
    let cases = [
        (
            401,
            ["invalid_api_key", "authentication_error", "UNAUTHENTICATED"],
            LlmErrorKind::Authentication,
        ),
        (
            404,
            ["model_not_found", "not_found_error", "NOT_FOUND"],
            LlmErrorKind::ModelNotFound,
        ),
        (
            429,
            [
                "rate_limit_exceeded",
                "rate_limit_error",
                "RESOURCE_EXHAUSTED",
            ],
            LlmErrorKind::RateLimited { retry_after: wait },
        ),
        (
            400,
            ["invalid_value", "invalid_request_error", "INVALID_ARGUMENT"],
            LlmErrorKind::InvalidRequest,
        ),
        (
            402,
            ["insufficient_quota", "billing_error", ""],
            LlmErrorKind::QuotaExhausted,
        ),
        (
            503,
            ["server_is_overloaded", "overloaded_error", "UNAVAILABLE"],
            LlmErrorKind::Overloaded { retry_after: wait },
        ),
    ];
    for (status, classes, kind) in cases {
        for (path, provider) in EVERY_WAY {
            let body = provider.error(classes[provider as usize]);
            let reply = Reply::status(status)
                .header("retry-after", "7")
                .header("content-type", "application/json");
            let way = way(path, provider, reply.send(body)).await;
            assert_eq!(
                way.stream().await.unwrap_err(),
                kind,
                "{status} {path:?} {provider:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_cut_after_the_first_words_is_an_interruption() {
    for (path, provider) in EVERY_WAY {
        let way = way(path, provider, Reply::sse(&provider.answer()[..3]).cut()).await;
        let error = way.stream().await.unwrap_err();
        assert!(
            matches!(error, LlmErrorKind::StreamInterrupted { .. }),
            "{path:?} {provider:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn silence_is_a_timeout_before_the_first_word() {
    for (path, provider) in EVERY_WAY {
        let error = way(path, provider, Reply::silence())
            .await
            .stream()
            .await
            .unwrap_err();
        assert!(
            matches!(error, LlmErrorKind::Timeout { .. }),
            "{path:?} {provider:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn letting_go_of_the_stream_closes_the_upstream() {
    for (path, provider) in EVERY_WAY {
        let begun = &provider.answer()[..3];
        let way = way(path, provider, Reply::sse(begun).stall()).await;
        let mut stream = way.client.stream_message(&way.request).await.unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
        let left = way.upstream.client_left().await;
        assert!(
            left < Duration::from_millis(200),
            "{path:?} {provider:?}: {left:?}"
        );
    }
}
