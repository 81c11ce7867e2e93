use super::*;

fn resolved(text: &str) -> Resolved {
    let catalog = Catalog::embedded();
    catalog
        .resolve(text)
        .unwrap_or_else(|unknown| panic!("{unknown}"))
}

fn called(text: &str) -> String {
    resolved(text).name.to_string()
}

fn card_of(text: &str) -> String {
    let card = resolved(text).card;
    card.unwrap_or_else(|| panic!("{text} has no card"))
        .name
        .to_string()
}

fn near(text: &str) -> Vec<String> {
    let unknown = Catalog::embedded().resolve(text);
    unknown.expect_err("nobody is called so").near
}

#[test]
fn prefixes_of_litellm_find_their_provider() {
    for (written, name) in [
        ("gemini/gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("google/gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("gemini/models/gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("vertex_ai/gemini-2.5-pro", "vertex_ai/gemini-2.5-pro"),
        ("azure/gpt-4o", "azure/gpt-4o"),
        ("bedrock/deepseek.v3.2", "bedrock/deepseek.v3.2"),
        ("bedrock/converse/deepseek.v3.2", "bedrock/deepseek.v3.2"),
        ("cohere/command-r", "cohere/command-r"),
        ("cohere_chat/command-r-plus", "cohere/command-r-plus"),
        (
            "together_ai/openai/gpt-oss-120b",
            "together/openai/gpt-oss-120b",
        ),
        (
            "fireworks_ai/accounts/fireworks/models/minimax-m3",
            "fireworks/accounts/fireworks/models/minimax-m3",
        ),
        ("ollama_chat/llama2:13b", "ollama/llama2:13b"),
        ("lm_studio/any-model", "lmstudio/any-model"),
        (
            "hosted_vllm/meta-llama/Llama-3.3-70B",
            "vllm/meta-llama/Llama-3.3-70B",
        ),
        ("openai/responses/gpt-5.5-pro", "openai/gpt-5.5-pro"),
        ("OpenAI/gpt-4o", "openai/gpt-4o"),
        (
            "openrouter/meta-llama/llama-3.3-70b-instruct:free",
            "openrouter/meta-llama/llama-3.3-70b-instruct:free",
        ),
    ] {
        assert_eq!(called(written), name, "{written}");
    }
}

#[test]
fn a_bare_name_is_its_makers() {
    for (written, name) in [
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("claude-sonnet-5", "anthropic/claude-sonnet-5"),
        ("gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("command-r", "cohere/command-r"),
        ("mistral-large-latest", "mistral/mistral-large-latest"),
        ("deepseek-chat", "deepseek/deepseek-chat"),
        ("grok-4.3", "xai/grok-4.3"),
        ("llama2:13b", "ollama/llama2:13b"),
        ("llama3.2:latest", "ollama/llama3.2:latest"),
        ("GPT-4o", "openai/gpt-4o"),
    ] {
        assert_eq!(called(written), name, "{written}");
    }
}

#[test]
fn a_bare_name_that_several_have_is_told_to_be_the_makers() {
    let found = resolved("mistral-nemo");
    assert_eq!(found.name.as_str(), "mistral/mistral-nemo");
    assert_eq!(
        found.notes[0].to_string(),
        "taken as mistral/mistral-nemo; there is ollama/mistral-nemo too"
    );
    assert_eq!(resolved("gpt-4o").notes, []);
}

#[test]
fn a_resellers_model_is_not_meant_by_a_bare_name() {
    assert!(near("llama-3.3-70b-versatile").contains(&"groq/llama-3.3-70b-versatile".to_owned()));
}

#[test]
fn a_snapshot_is_sent_as_it_is_and_has_its_models_card() {
    for (written, name, card) in [
        (
            "gpt-4o-2024-08-06",
            "openai/gpt-4o-2024-08-06",
            "openai/gpt-4o",
        ),
        (
            "openai/gpt-5.4-2026-03-05",
            "openai/gpt-5.4-2026-03-05",
            "openai/gpt-5.4",
        ),
        (
            "claude-haiku-4-5-20251001",
            "anthropic/claude-haiku-4-5-20251001",
            "anthropic/claude-haiku-4-5",
        ),
        (
            "gemini/gemini-2.0-flash-001",
            "gemini/gemini-2.0-flash-001",
            "gemini/gemini-2.0-flash",
        ),
        (
            "vertex_ai/claude-opus-4-8@20260528",
            "vertex_ai/claude-opus-4-8@20260528",
            "vertex_ai/claude-opus-4-8",
        ),
        (
            "azure/gpt-4o-2024-11-20",
            "azure/gpt-4o-2024-11-20",
            "azure/gpt-4o",
        ),
    ] {
        assert_eq!(called(written), name);
        assert_eq!(card_of(written), card);
    }
    // This one is dearer than the model it is a snapshot of.
    assert_eq!(card_of("gpt-4o-2024-05-13"), "openai/gpt-4o-2024-05-13");
}

#[test]
fn a_shorthand_is_sent_as_the_id_that_its_provider_knows() {
    for (written, name) in [
        (
            "fireworks_ai/minimax-m3",
            "fireworks/accounts/fireworks/models/minimax-m3",
        ),
        ("claude-3-haiku", "anthropic/claude-3-haiku-20240307"),
        ("gemini-3-pro", "gemini/gemini-3-pro-preview"),
        (
            "vertex_ai/claude-opus-4-5",
            "vertex_ai/claude-opus-4-5@20251101",
        ),
    ] {
        assert_eq!(called(written), name, "{written}");
    }
}

/// Every model that the systems named which Agon has to take the place of, and whether it is retired.
#[test]
fn names_in_use_resolve_and_retired_ones_name_their_successor() {
    for (written, successor) in [
        ("gpt-4", Some("openai/gpt-4.1")),
        ("openai/gpt-4", Some("openai/gpt-4.1")),
        ("gpt-4-turbo", Some("openai/gpt-4.1")),
        ("gpt-3.5-turbo", Some("openai/gpt-4.1-mini")),
        ("gpt-4o-mini", None),
        ("claude-3-5-sonnet", Some("anthropic/claude-sonnet-5")),
        (
            "anthropic/claude-3-5-sonnet",
            Some("anthropic/claude-sonnet-5"),
        ),
        ("claude-3-opus", Some("anthropic/claude-opus-5")),
        ("claude-3-haiku", Some("anthropic/claude-haiku-4-5")),
        ("gemini-pro", Some("gemini/gemini-2.5-pro")),
        ("gemini-1.5-flash", Some("gemini/gemini-2.5-flash")),
        ("google/gemini-1.5-flash", Some("gemini/gemini-2.5-flash")),
        ("gemini-2.0-flash", Some("gemini/gemini-2.5-flash")),
        ("gemini-2.5-flash", None),
        (
            "gemini/gemini-2.5-flash-preview-04-17",
            Some("gemini/gemini-2.5-flash"),
        ),
        ("gemini/gemini-3-pro", Some("gemini/gemini-3.1-pro-preview")),
        ("ollama/llama2", None),
        ("ollama/llama2:13b", None),
        ("ollama/mistral", None),
        ("llama2", None),
    ] {
        let found = resolved(written);
        assert!(found.card.is_some(), "{written}");
        let named = found.notes.iter().find_map(|note| match note {
            Note::Retired { successor, .. } | Note::Deprecated { successor, .. } => {
                successor.as_deref()
            }
            Note::Assumed { .. } | Note::Unlisted { .. } => None,
        });
        assert_eq!(named, successor, "{written}");
        let told: Vec<String> = found.notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            told.iter().any(|note| note.contains(": use ")),
            successor.is_some(),
            "{told:?}"
        );
    }
}

#[test]
fn what_has_a_day_in_the_past_is_retired_and_what_has_one_ahead_is_not_yet() {
    let told = |text: &str| resolved(text).notes[0].to_string();
    assert_eq!(
        told("claude-3-opus"),
        "anthropic/claude-3-opus-20240229 was retired on 2026-01-05: use anthropic/claude-opus-5"
    );
    assert_eq!(
        told("gpt-5-mini"),
        "openai/gpt-5-mini will be retired on 2026-12-11: use openai/gpt-5.4-mini"
    );
    assert_eq!(
        told("mistral/devstral-2512"),
        "mistral/devstral-2512 is deprecated: use mistral/mistral-medium-2604"
    );
}

#[test]
fn a_model_that_the_catalog_does_not_have_is_called_all_the_same() {
    let found = resolved("openai/gpt-5.4-mni");
    assert!(found.card.is_none());
    assert_eq!(
        found.notes[0].to_string(),
        "openai/gpt-5.4-mni is not in the catalog: its price is not known; did you mean openai/gpt-5.4-mini or openai/gpt-4.1-mini or openai/gpt-5-mini?"
    );
    // A local server knows its models itself, and they are free.
    assert_eq!(resolved("ollama/my-own").notes, []);
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_ones() {
    assert_eq!(near("gpt-4o-mni").first().unwrap(), "openai/gpt-4o-mini");
    assert_eq!(near("olama/llama3.2").first().unwrap(), "ollama/llama3.2");
    let nothing = Catalog::embedded().resolve("entirely-made-up-thing");
    assert_eq!(
        nothing.unwrap_err().to_string(),
        "\"entirely-made-up-thing\" is no model of the catalog: write provider/model, for example ollama/llama3.2"
    );
    for text in ["", " ", "/", "openai/", "/gpt-4o", "open ai/x", "a\nb"] {
        assert!(Catalog::embedded().resolve(text).is_err(), "{text:?}");
    }
    // Canned answers come only where they are asked for by their full name.
    assert_eq!(near("slow").first().unwrap(), "demo/slow");
}

#[test]
fn any_text_is_answered_without_a_panic() {
    let catalog = Catalog::embedded();
    for text in [
        "ü",
        "é-2024-08-06",
        "@",
        "a@",
        "-001",
        "gpt-4o-",
        "openai//",
        "--",
    ] {
        let _ = catalog.resolve(text);
        let _ = catalog.resolve(&format!("openai/{text}"));
    }
    assert!(catalog.resolve(&"x".repeat(10_000)).is_err());
}

#[test]
fn only_a_day_or_a_number_marks_a_snapshot() {
    for (model, base) in [
        ("gpt-4o-2024-08-06", Some("gpt-4o")),
        ("claude-opus-4-5-20251101", Some("claude-opus-4-5")),
        ("gemini-2.0-flash-001", Some("gemini-2.0-flash")),
        ("claude-opus-4-8@default", Some("claude-opus-4-8")),
        ("gpt-4-0613", None),
        ("gpt-5-mini", None),
        ("claude-opus-4-5", None),
    ] {
        assert_eq!(without_snapshot(model), base, "{model}");
    }
}
