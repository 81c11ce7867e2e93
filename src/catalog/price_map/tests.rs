use serde_json::json;

use super::*;
use crate::catalog::DataDirs;
use crate::types::quirks::Param;

const USD: u64 = 1_000_000_000;

fn origin() -> Origin {
    Origin {
        source: "a \"map\"".to_owned(),
        checked: "2026-11-24".to_owned(),
    }
}

fn read(map: &serde_json::Value) -> PriceMap {
    PriceMap::read(&map.to_string(), &Catalog::embedded(), None, &origin()).unwrap()
}

fn one(map: &serde_json::Value) -> Taken {
    let map = read(map);
    assert_eq!((map.taken.len(), map.skipped.len()), (1, 0), "{map:?}");
    map.taken[0].clone()
}

fn reasons(map: &PriceMap) -> Vec<(&str, &[String])> {
    let all = map.skipped.iter();
    all.map(|(reason, keys)| (reason.as_str(), keys.as_slice()))
        .collect()
}

#[test]
fn a_new_model_is_taken_with_all_that_the_map_says() {
    let taken = one(&json!({"openai-next": {
        "litellm_provider": "openai", "mode": "chat",
        "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05,
        "cache_read_input_token_cost": 1.25e-07, "cache_creation_input_token_cost": 1.5625e-06,
        "input_cost_per_audio_token": 3.2e-05, "output_cost_per_reasoning_token": 1e-05,
        "input_cost_per_token_above_272k_tokens": 2.5e-06,
        "output_cost_per_token_above_272k_tokens": 1.5e-05,
        "cache_read_input_token_cost_above_272k_tokens": 2.5e-07,
        "input_cost_per_token_above_272k_tokens_priority": 9.9e-05,
        "max_input_tokens": 400000, "max_output_tokens": 128000, "deprecation_date": "2027-01-31",
        "supports_function_calling": true, "supports_vision": false, "supports_reasoning": true,
        "supports_sampling_params": false,
    }}));
    assert!(taken.is_new() && !taken.has_drifted());
    let card = &taken.card;
    assert_eq!(card.name.as_str(), "openai/openai-next");
    assert_eq!(card.capabilities.names(), ["chat", "tools", "reasoning"]);
    assert_eq!(card.context_tokens, Some(400_000));
    assert_eq!(card.drop_params, [Param::Temperature, Param::TopP].into());
    let ends = card.deprecated.as_ref().and_then(|it| it.date.as_deref());
    assert_eq!(ends, Some("2027-01-31"));
    let prices = card.prices.unwrap();
    assert_eq!((prices.input, prices.output), (1_250_000_000, 10 * USD));
    assert_eq!(
        (prices.cache_read, prices.cache_write),
        (125_000_000, 1_562_500_000)
    );
    // What costs the same as usual is not said twice.
    assert_eq!((prices.audio_in, prices.reasoning), (Some(32 * USD), None));
    let long = prices.at(272_001);
    assert_eq!((long.input, long.output), (2_500_000_000, 15 * USD));
    assert_eq!(long.cache_read, 250_000_000);
}

#[test]
fn ranges_of_prices_are_tiers() {
    let range = |from: f64, input: f64, output: f64| json!({"range": [from, from * 4.0 + 1.0], "input_cost_per_token": input, "output_cost_per_token": output});
    let taken = one(&json!({"dashscope/qwen-next": {
        "litellm_provider": "dashscope", "mode": "chat",
        "tiered_pricing": [range(0.0, 1e-06, 5e-06), range(32000.0, 1.8e-06, 9e-06), range(128000.0, 3e-06, 1.5e-05)],
    }}));
    let prices = taken.card.prices.unwrap();
    let input = |tokens| prices.at(tokens).input;
    assert_eq!(
        [input(32_000), input(32_001), input(128_001)],
        [USD, 1_800_000_000, 3 * USD]
    );
}

#[test]
fn every_prefix_and_family_of_litellm_is_one_of_our_providers() {
    let model = |provider: &str| json!({"litellm_provider": provider, "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06});
    let map = read(&json!({
        "cohere-next": model("cohere_chat"),
        "fireworks_ai/accounts/x/models/y": model("fireworks_ai"),
        "gemini-next": model("vertex_ai-language-models"),
        "vertex_ai/claude-next": model("vertex_ai-anthropic_models"),
        "us.anthropic.claude-next": model("bedrock_converse"),
        "together_ai/meta/next": model("together_ai"),
        "zai/glm-next": model("zai"),
    }));
    let mut names: Vec<&str> = (map.taken.iter())
        .map(|taken| taken.card.name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "bedrock/us.anthropic.claude-next",
            "cohere/cohere-next",
            "fireworks/accounts/x/models/y",
            "together/meta/next",
            "vertex_ai/claude-next",
            "vertex_ai/gemini-next",
            "zhipu/glm-next"
        ]
    );
}

#[test]
fn a_known_model_keeps_what_the_map_does_not_know() {
    let taken = one(&json!({"claude-sonnet-5": {
        "litellm_provider": "anthropic", "mode": "chat",
        "input_cost_per_token": 2e-06, "output_cost_per_token": 1e-05,
        "cache_read_input_token_cost": 2e-07, "cache_creation_input_token_cost": 2.5e-06,
    }}));
    assert!(taken.has_drifted());
    assert_eq!(taken.before.unwrap().unwrap().input, 3 * USD);
    let catalog = Catalog::embedded();
    let known = catalog.card(&taken.card.name).unwrap();
    assert_eq!(taken.card.capabilities, known.capabilities);
    assert_eq!(taken.card.drop_params, known.drop_params);
    assert_eq!(taken.card.context_tokens, known.context_tokens);
    assert!(taken.card.recommended);
}

#[test]
fn what_is_not_taken_is_told_with_its_reason() {
    let map = read(&json!({
        "sample_spec": {"litellm_provider": "one of …"},
        "1024-x-1024/dall-e": {"litellm_provider": "openai", "mode": "image_generation"},
        "nobody/x": {"litellm_provider": "nobody", "mode": "chat"},
        "together-ai-up-to-4b": {"litellm_provider": "together_ai", "mode": "chat"},
        "by-the-second": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_second": 1e-3},
        "negative": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": -1e-06, "output_cost_per_token": 1e-06},
        "a blank": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
        "gpt-4o-2024-08-06": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
        "command-a-plus-05-2026": {"litellm_provider": "cohere_chat", "mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        "no-mode": {"litellm_provider": "openai"},
    }));
    assert_eq!((map.entries, map.taken.len()), (9, 0));
    let strings = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let wanted = [
        (
            "a class of prices, no model",
            strings(&["together-ai-up-to-4b"]),
        ),
        (
            "another name of a model that is in the catalog",
            strings(&["gpt-4o-2024-08-06"]),
        ),
        (
            "costs nothing there and something in the catalog",
            strings(&["command-a-plus-05-2026"]),
        ),
        (
            "has no price for tokens",
            strings(&["by-the-second", "negative"]),
        ),
        (
            "its name holds a blank or is too long",
            strings(&["a blank"]),
        ),
        (
            "no chat and no embedding: image_generation",
            strings(&["1024-x-1024/dall-e"]),
        ),
        (
            "of a provider that there is no file for",
            strings(&["nobody/x"]),
        ),
        ("says no mode", strings(&["no-mode"])),
    ];
    let wanted: Vec<(&str, &[String])> = wanted.iter().map(|(a, b)| (*a, b.as_slice())).collect();
    assert_eq!(reasons(&map), wanted);
}

#[test]
fn what_is_no_price_map_is_refused() {
    for text in ["", "[]", "{\"a\": 1}", "{\"a\": {\"b\": "] {
        let read = PriceMap::read(text, &Catalog::embedded(), None, &origin());
        assert!(read.is_err(), "{text}");
    }
}

#[test]
fn only_the_models_of_one_provider_are_taken_when_asked_for() {
    let model = |provider: &str| json!({"litellm_provider": provider, "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06});
    let map = json!({"a-next": model("openai"), "b-next": model("anthropic")}).to_string();
    let map = PriceMap::read(&map, &Catalog::embedded(), Some("anthropic"), &origin()).unwrap();
    assert_eq!(map.taken[0].card.name.as_str(), "anthropic/b-next");
    assert_eq!(
        reasons(&map),
        [(
            "of another provider than asked for",
            &["a-next".to_owned()][..]
        )]
    );
}

/// Every card of the catalog, written as a file and read again, is the card that it was.
#[test]
fn files_that_are_written_say_what_the_cards_said() {
    let catalog = Catalog::embedded();
    let taken: Vec<Taken> = (catalog.cards())
        .map(|card| {
            let (shorthands, aliases) = (catalog.aliases_of(&card.name).into_iter())
                .partition::<Vec<_>, _>(|alias| catalog.shorthands.contains(*alias));
            let ids =
                |names: Vec<&ModelName>| names.iter().map(|it| it.model().to_owned()).collect();
            Taken {
                card: ModelCard::clone(card),
                aliases: ids(aliases),
                shorthands: ids(shorthands),
                before: None,
            }
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    for (provider, text) in catalog_files(&taken, &origin()) {
        std::fs::write(dir.path().join(format!("{provider}.toml")), text).unwrap();
    }
    let dirs = DataDirs {
        providers: None,
        catalog: Some(dir.path().to_owned()),
    };
    let read = Catalog::load(&dirs).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    for card in catalog.cards() {
        let again = read.card(&card.name).unwrap();
        assert_eq!(again.source, "a \"map\"");
        assert!(says_the_same(card, again), "{card:?}\n{again:?}");
        assert_eq!(read.aliases_of(&card.name), catalog.aliases_of(&card.name));
    }
}

#[test]
fn dollars_are_written_to_the_last_digit() {
    for (nano, text) in [
        (0, "0"),
        (3_625_000, "0.003625"),
        (22_500_000_000, "22.5"),
        (10_000_000_000, "10"),
        (1, "0.000000001"),
    ] {
        assert_eq!(write::usd(nano), text);
    }
}
