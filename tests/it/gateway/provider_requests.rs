//! What each provider is sent: three requests through every provider's file, byte for byte, one snapshot each.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use agon::catalog::Catalog;
use agon::client::ChatRequest;
use agon::provider::CallTimeouts;
use agon::provider::ClientFactory;
use agon::provider::DemoPace;
use agon::provider::Environment;
use agon::provider::FactoryParts;
use agon::provider::FlagState;
use agon::provider::GeneralTimeouts;
use agon::provider::LlmFlag;
use agon::types::Chat;
use agon::types::Clock;
use agon::types::ContentPart;
use agon::types::Media;
use agon::types::MediaSource;
use agon::types::Message;
use agon::types::Reasoning;
use agon::types::ReasoningEffort;
use agon::types::ResponseFormat;
use agon::types::Role;
use agon::types::Sampling;
use agon::types::Seal;
use agon::types::Target;
use agon::types::Tool;
use agon::types::ToolCall;
use agon::types::Wire;
use serde_json::Value;
use serde_json::json;

use super::NOW_MS;

/// A model of each family that is spoken to in its own way.
const MODELS: &[(&str, &[&str])] = &[
    (
        "anthropic",
        &[
            "claude-opus-5",
            "claude-opus-4-6",
            "claude-haiku-4-5",
            "claude-3-haiku-20240307",
        ],
    ),
    ("azure", &["gpt-4o", "o3", "gpt-5-codex"]),
    (
        "bedrock",
        &[
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-opus-5",
            "mistral.mistral-large-2407-v1:0",
            "meta.llama3-1-8b-instruct-v1:0",
            "amazon.nova-lite-v1:0",
        ],
    ),
    ("cerebras", &["gpt-oss-120b", "llama3.1-8b"]),
    ("cloudflare", &["@cf/meta/llama-3.3-70b-instruct-fp8-fast"]),
    ("cohere", &["command-a-03-2025"]),
    ("dashscope", &["qwen-plus"]),
    (
        "databricks",
        &["databricks-gpt-oss-120b", "databricks-claude-sonnet-4"],
    ),
    ("deepinfra", &["Qwen/Qwen3-32B"]),
    ("deepseek", &["deepseek-v4", "deepseek-chat"]),
    ("fireworks", &["accounts/fireworks/models/kimi-k2p5"]),
    (
        "gemini",
        &[
            "gemini-2.5-flash",
            "gemini-3-pro-preview",
            "gemini-2.0-flash",
        ],
    ),
    ("groq", &["openai/gpt-oss-120b", "llama-3.3-70b-versatile"]),
    ("huggingface", &["meta-llama/Llama-3.3-70B-Instruct:groq"]),
    ("llamacpp", &["any"]),
    ("lmstudio", &["google/gemma-3-12b"]),
    ("localai", &["any"]),
    ("mistral", &["mistral-large-latest", "mistral-small-latest"]),
    ("moonshot", &["kimi-k2.5", "moonshot-v1-8k"]),
    ("nebius", &["Qwen/Qwen3-32B"]),
    ("nvidia", &["qwen/qwen3-32b", "openai/gpt-oss-120b"]),
    ("ollama", &["qwen3:8b", "gpt-oss:20b"]),
    (
        "openai",
        &[
            "gpt-4o-mini",
            "gpt-5.4",
            "gpt-5-mini",
            "o3-mini",
            "o1-mini",
            "gpt-5-pro",
        ],
    ),
    ("openrouter", &["anthropic/claude-sonnet-4.5"]),
    ("perplexity", &["sonar"]),
    ("replicate", &["meta/meta-llama-3-70b-instruct"]),
    (
        "sambanova",
        &["gpt-oss-120b", "Meta-Llama-3.3-70B-Instruct"],
    ),
    ("tgi", &["tgi"]),
    ("together", &["Qwen/Qwen3-32B"]),
    (
        "vertex_ai",
        &[
            "gemini-2.5-flash",
            "claude-opus-4-6",
            "claude-opus-4-1@20250805",
            "mistral-medium-3",
            "meta/llama-3.3-70b-instruct-maas",
        ],
    ),
    ("vllm", &["Qwen/Qwen3-8B"]),
    ("xai", &["grok-4.3", "grok-4"]),
    ("zhipu", &["glm-5.2"]),
];

/// Says what an address is made of, beside keys.
const PLACES: &[(&str, &str)] = &[
    ("AWS_REGION", "eu-west-1"),
    ("AWS_SECRET_ACCESS_KEY", "private-aws-secret"),
    ("AZURE_RESOURCE_NAME", "my-resource"),
    ("CLOUDFLARE_ACCOUNT_ID", "my-account"),
    ("DATABRICKS_HOST", "https://adb-1.azuredatabricks.net"),
    ("GOOGLE_CLOUD_PROJECT", "my-project"),
    ("GOOGLE_CLOUD_LOCATION", "global"),
];

/// A factory with a key for everybody: the last variable that each provider reads one from.
fn factory(catalog: &Arc<Catalog>) -> ClientFactory {
    let keys = catalog.providers().filter_map(|spec| {
        let variable = spec
            .auth
            .key_env
            .iter()
            .rfind(|name| *name != "AZURE_CLIENT_SECRET");
        variable.map(|variable| (variable.clone(), format!("private-{variable}")))
    });
    let places = PLACES
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment: Environment = keys.chain(places).collect();
    let ids = catalog.providers().map(|spec| spec.id.clone());
    ClientFactory::new(FactoryParts {
        catalog: Arc::clone(catalog),
        environment,
        flag: Arc::new(LlmFlag::new(FlagState::default(), ids)),
        timeouts: GeneralTimeouts {
            cloud: CallTimeouts::CLOUD,
            local: CallTimeouts::LOCAL,
        },
        demo_pace: DemoPace::Fast,
        clock: Clock::starting_at(NOW_MS),
    })
    .unwrap()
}

/// Everything that shapes how an answer is drawn.
fn sampled() -> Chat {
    Chat {
        messages: vec![
            Message::text(Role::System, "Be brief."),
            Message::text(Role::User, "Say hello."),
        ],
        sampling: Sampling {
            temperature: Some(1.2),
            top_p: Some(0.9),
            max_output_tokens: Some(256),
            top_k: Some(40),
            presence_penalty: Some(0.5),
            frequency_penalty: Some(0.25),
            stop: vec!["END".to_owned()],
            seed: Some(7),
        },
        top_logprobs: Some(2),
        user: Some("user-1".to_owned()),
        metadata: [("team".to_owned(), "red".to_owned())].into(),
        ..Chat::default()
    }
}

/// A picture, a tool that was called, its result, and an answer of a schema.
fn with_tools() -> Chat {
    let picture = ContentPart::Image(Media {
        media_type: "image/png".to_owned(),
        source: MediaSource::Base64("iVBORw0KGgo=".to_owned()),
    });
    let mut question = Message::text(Role::User, "Which city is this, and how warm is it there?");
    question.parts.push(picture);
    let mut call = Message::text(Role::Assistant, "");
    call.parts.clear();
    call.tool_calls = vec![ToolCall {
        id: "call_0123456789".to_owned(),
        name: "weather".to_owned(),
        arguments: r#"{"city":"Oslo"}"#.to_owned(),
        signature: None,
    }];
    let mut result = Message::text(Role::Tool, "-3 °C");
    result.tool_call_id = Some("call_0123456789".to_owned());
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false});
    let answer = json!({"type": "object", "properties": {"warm": {"type": "boolean"}}, "required": ["warm"], "additionalProperties": false});
    Chat {
        messages: vec![question, call, result],
        tools: vec![Tool {
            name: "weather".to_owned(),
            description: "Tells the temperature.".to_owned(),
            parameters: city,
            strict: Some(true),
            cache: None,
        }],
        parallel_tool_calls: Some(false),
        format: ResponseFormat::JsonSchema {
            name: "answer".to_owned(),
            schema: answer,
        },
        ..Chat::default()
    }
}

/// Some reasoning, after a turn that has reasoned.
fn reasoned() -> Chat {
    let mut earlier = Message::text(Role::Assistant, "4");
    let thought = Reasoning {
        text: "Two and two.".to_owned(),
        seal: Seal {
            signature: Some("c2VhbA==".to_owned()),
            ..Seal::default()
        },
    };
    earlier.parts.insert(0, ContentPart::Reasoning(thought));
    Chat {
        messages: vec![
            Message::text(Role::User, "2 + 2?"),
            earlier,
            Message::text(Role::User, "And 4 + 4?"),
        ],
        sampling: Sampling {
            max_output_tokens: Some(8000),
            ..Sampling::default()
        },
        reasoning_effort: Some(ReasoningEffort::Medium),
        ..Chat::default()
    }
}

/// What a provider is sent for a chat, for people to read.
fn shown(factory: &ClientFactory, model: &str, what: &str, chat: Chat, stream: bool) -> String {
    let mut request = ChatRequest::new(model.parse().unwrap(), chat);
    request.head.stream = stream;
    let mut text = format!("=== {model}: {what}\n");
    let preview = match factory.preview(&request) {
        Ok(preview) => preview,
        Err(error) => return text + &format!("refused: {error}\n"),
    };
    writeln!(text, "{} {}", preview.method, preview.url).unwrap();
    for (name, value) in &preview.headers {
        writeln!(text, "{name}: {value}").unwrap();
    }
    let body: Value = serde_json::from_slice(&preview.body).unwrap();
    writeln!(text, "\n{}", serde_json::to_string_pretty(&body).unwrap()).unwrap();
    match preview.dropped.is_empty() {
        true => text.push_str("dropped: nothing\n"),
        false => writeln!(text, "dropped: {}", preview.dropped.join(", ")).unwrap(),
    }
    text
}

#[test]
fn every_provider_is_sent_what_its_wire_says() {
    let catalog = Arc::new(Catalog::embedded());
    let factory = factory(&catalog);
    for (provider, models) in MODELS {
        let mut all = Vec::new();
        for model in *models {
            let model = format!("{provider}/{model}");
            all.push(shown(&factory, &model, "sampling", sampled(), true));
            all.push(shown(&factory, &model, "tools", with_tools(), false));
            all.push(shown(&factory, &model, "reasoning", reasoned(), true));
        }
        let all = all.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION");
        assert!(!all.contains("private-"), "{provider} shows a credential");
        insta::with_settings!({ omit_expression => true, description => *provider }, {
            insta::assert_snapshot!(*provider, all);
        });
    }
}

#[test]
fn a_request_of_the_responses_api_reaches_openai_as_it_is() {
    let body = json!({"model": "mine", "input": "hi", "store": false, "include": ["reasoning.encrypted_content"],
        "tools": [{"type": "web_search"}], "num_retries": 1});
    let asked = |model: &str, base: Option<&str>| {
        let head = ChatRequest::new(model.parse().unwrap(), Chat::default()).head;
        let body = body.to_string().into();
        let mut request = ChatRequest::raw(head, Wire::OpenaiResponses, body);
        request.call.target = base.map(|base| {
            Arc::new(Target {
                api_base: Some(base.to_owned()),
                ..Target::default()
            })
        });
        let preview = factory(&Arc::new(Catalog::embedded()))
            .preview(&request)
            .unwrap();
        let sent: Value = serde_json::from_slice(&preview.body).unwrap();
        (preview.url, sent)
    };
    let mut wanted = body.clone();
    wanted["model"] = json!("gpt-5");
    wanted.as_object_mut().unwrap().remove("num_retries");
    let (url, sent) = asked("openai/gpt-5", Some("https://api.openai.com/v1"));
    assert_eq!(url, "https://api.openai.com/v1/responses");
    assert_eq!(sent, wanted);
    // Other servers that speak as OpenAI does may know chats only.
    let (url, _) = asked("openai/gpt-5", Some("http://127.0.0.1:9/v1"));
    assert_eq!(url, "http://127.0.0.1:9/v1/chat/completions");
    let (url, _) = asked("groq/llama-3.1-8b-instant", None);
    assert!(url.ends_with("/chat/completions"), "{url}");
}

#[test]
fn no_provider_and_no_wire_of_a_family_is_left_out() {
    let catalog = Catalog::embedded();
    for spec in catalog.providers().filter(|spec| spec.id != "demo") {
        let models = MODELS.iter().find(|(id, _)| *id == spec.id);
        let models = models
            .unwrap_or_else(|| panic!("{} is not in MODELS", spec.id))
            .1;
        let shown: BTreeSet<_> = models
            .iter()
            .map(|model| spec.speech(model).wire.to_string())
            .collect();
        let speeches = spec
            .families
            .iter()
            .map(|family| &family.speech)
            .chain([&spec.speech]);
        for speech in speeches {
            let wire = speech.wire.to_string();
            assert!(
                shown.contains(&wire),
                "{}: no model on the {wire} wire",
                spec.id
            );
        }
    }
}
