use std::collections::BTreeSet;

use super::*;
use crate::provider::flag::FlagState;

fn factory(flag: FlagState) -> ClientFactory {
    let catalog = Arc::new(Catalog::embedded());
    let ids = catalog.providers().map(|spec| spec.id.clone());
    let flag = Arc::new(LlmFlag::new(flag, ids));
    ClientFactory::new(FactoryParts {
        catalog,
        environment: Environment::default(),
        flag,
        timeouts: GeneralTimeouts::default(),
        demo_pace: DemoPace::Fast,
        clock: Clock::starting_at(0),
    })
    .unwrap()
}

fn refusal(model: &str) -> LlmError {
    let made = factory(FlagState::default()).create(model);
    made.err().expect("the model is unknown")
}

#[test]
fn a_known_provider_is_enough_and_an_alias_is_its_provider() {
    let factory = factory(FlagState::default());
    for (model, provider) in [
        ("openai/not-yet-in-any-catalog", "openai"),
        ("anthropic/claude-x", "anthropic"),
        ("ollama/llama2:13b", "ollama"),
        ("ollama_chat/llama3.2", "ollama"),
        ("demo/optimist", "demo"),
        ("gpt-4o-mini", "openai"),
        ("claude-sonnet-5", "anthropic"),
        ("bedrock/converse/deepseek.v3.2", "bedrock"),
    ] {
        assert_eq!(factory.create(model).unwrap().provider_name(), provider);
    }
}

#[test]
fn an_unknown_provider_is_refused_and_the_nearest_is_named() {
    let error = refusal("olama/llama3.2");
    assert_eq!(error.kind, LlmErrorKind::ModelNotFound);
    assert!(error.message.contains("ollama/"), "{error}");
    let error = refusal("no-slash");
    assert_eq!(error.kind, LlmErrorKind::ModelNotFound);
    assert!(error.message.contains("provider/model"), "{error}");
}

#[tokio::test]
async fn a_missing_key_is_told_before_anything_is_sent() {
    let model: ModelName = "anthropic/claude-x".parse().unwrap();
    let client = factory(FlagState::default()).client(&model).unwrap();
    let request = crate::client::ChatRequest::new(model, crate::types::Chat::default());
    let error = client.send_message(&request).await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Authentication);
    assert!(error.message.contains("ANTHROPIC_API_KEY"), "{error}");
}

#[cfg(feature = "legacy")]
#[tokio::test]
async fn the_flag_decides_the_path_of_each_new_client() {
    use crate::client::CallPath;
    let state = FlagState {
        use_unified: true,
        legacy_providers: BTreeSet::from(["openai".to_owned()]),
    };
    let factory = factory(state);
    let path_of = async |model: &str| {
        let name: ModelName = model.parse().unwrap();
        let request = crate::client::ChatRequest::new(name, crate::types::Chat::default());
        // Nobody has set a key, so the call ends before it goes out, but the path has been noted.
        let client = factory.create(model).unwrap();
        client.send_message(&request).await.unwrap_err();
        request.call.trace.path()
    };
    assert_eq!(path_of("openai/gpt-x").await, Some(CallPath::Legacy));
    assert_eq!(path_of("anthropic/claude-x").await, Some(CallPath::Unified));
    factory.parts.flag.set(FlagState::default());
    assert_eq!(path_of("openai/gpt-x").await, Some(CallPath::Unified));
}
