//! What the files of `providers/` and `catalog/` have to hold. A file that breaks a rule is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use agon::catalog::AuthScheme;
use agon::catalog::Catalog;
use agon::catalog::DataDirs;
use agon::catalog::Discover;
use agon::catalog::ModelCard;
use agon::catalog::PricingTier;
use agon::catalog::embedded;
use agon::types::ModelName;
use agon::types::Wire;
use agon::types::quirks::Param;

const NANO_PER_USD: u64 = 1_000_000_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn on_disk(dir: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(dir)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.ends_with(".toml"))
        .map(|name| format!("{dir}/{name}"))
        .collect()
}

fn card(catalog: &Catalog, name: &str) -> ModelCard {
    let parsed: ModelName = name.parse().unwrap();
    let card = catalog.card(&parsed);
    ModelCard::clone(card.unwrap_or_else(|| panic!("no card for {name}")))
}

fn cards_of<'a>(catalog: &'a Catalog, provider: &'a str) -> impl Iterator<Item = &'a ModelCard> {
    let cards = catalog.cards().map(AsRef::as_ref);
    cards.filter(move |card: &&ModelCard| card.name.provider() == provider)
}

#[test]
fn every_file_is_inside_the_program_and_nothing_else_is() {
    for (dir, files) in [
        ("providers", embedded::PROVIDERS),
        ("catalog", embedded::CATALOG),
    ] {
        let listed: BTreeSet<String> = files.iter().map(|(file, _)| (*file).to_owned()).collect();
        assert_eq!(listed, on_disk(dir), "src/catalog/embedded.rs lists {dir}/");
    }
}

#[test]
fn the_files_inside_the_program_have_no_mistake() {
    if let Err(mistakes) = Catalog::load(&DataDirs::default()) {
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"));
    }
}

#[test]
fn a_providers_file_is_called_by_its_id_and_a_catalog_file_by_its_provider() {
    for (key, files) in [("id", embedded::PROVIDERS), ("provider", embedded::CATALOG)] {
        for (file, text) in files {
            let stem = Path::new(file).file_stem().unwrap().to_str().unwrap();
            let wanted = format!("{key} = \"{stem}\"");
            assert!(
                text.lines().any(|line| line == wanted),
                "{file} lacks {wanted}"
            );
        }
    }
}

#[test]
fn a_provider_says_where_it_is_and_how_it_is_paid() {
    for spec in Catalog::embedded().providers() {
        let id = &spec.id;
        if spec.wire() == Wire::Demo {
            assert!(spec.keyless && spec.auth.scheme == AuthScheme::None, "{id}");
            continue;
        }
        let base_url = spec.base_url.to_string();
        assert!(
            !spec.base_url_env.is_empty(),
            "{id}: its address cannot be changed"
        );
        assert!(
            spec.keyless || !spec.auth.key_env.is_empty(),
            "{id}: its key has no name"
        );
        assert_eq!(
            base_url.starts_with("http://127.0.0.1:"),
            spec.local,
            "{id}"
        );
        assert!(
            spec.local || base_url.starts_with("https://"),
            "{id}: a key in the clear"
        );
    }
}

#[test]
fn a_local_provider_needs_no_key_has_time_to_load_a_model_and_can_be_asked_what_it_has() {
    let catalog = Catalog::embedded();
    for spec in catalog.providers().filter(|spec| spec.local) {
        assert!(spec.keyless, "{}", spec.id);
        assert_eq!(spec.timeouts.first_token_s, Some(120), "{}", spec.id);
        let wanted = match (spec.id.as_str(), spec.wire()) {
            (_, Wire::Ollama) => Discover::Ollama,
            ("lmstudio", _) => Discover::LmStudio,
            ("llamacpp", _) => Discover::LlamaCpp,
            (_, _) => Discover::OpenaiModels,
        };
        assert_eq!(spec.discover, Some(wanted), "{}", spec.id);
    }
}

#[test]
fn the_variables_that_people_have_set_already_are_understood() {
    let catalog = Catalog::embedded();
    for (id, variable) in [
        ("openai", "OPENAI_BASE_URL"),
        ("openai", "OPENAI_API_BASE"),
        ("anthropic", "ANTHROPIC_BASE_URL"),
        ("anthropic", "ANTHROPIC_API_BASE"),
        ("ollama", "OLLAMA_HOST"),
        ("ollama", "OLLAMA_API_BASE"),
    ] {
        let spec = catalog.provider(id).unwrap();
        let env = |name: &str| (name == variable).then(|| "http://elsewhere:9".to_owned());
        assert_eq!(spec.base_url_from(env), "http://elsewhere:9", "{variable}");
    }
}

#[test]
fn a_model_chats_or_embeds() {
    for card in Catalog::embedded().cards() {
        let can = card.capabilities;
        assert!(!(can.chat && can.embedding), "{} does both", card.name);
        assert!(can.chat || can.embedding, "{} does neither", card.name);
    }
}

#[test]
fn sizes_make_sense() {
    for card in Catalog::embedded().cards() {
        if let (Some(context), Some(output)) = (card.context_tokens, card.max_output_tokens) {
            // One free listing allows an answer longer than its own context; no other does.
            let listed = card.name.as_str() == "openrouter/meta-llama/llama-3.3-70b-instruct:free";
            assert!(
                output <= context || listed,
                "{} answers more than it reads",
                card.name
            );
        }
        if let Some(context) = card.context_tokens {
            assert!(
                (512..=16_000_000).contains(&context),
                "{}: {context}",
                card.name
            );
        }
    }
}

#[test]
fn prices_make_sense() {
    for card in Catalog::embedded().cards() {
        let Some(prices) = card.prices else {
            continue;
        };
        let name = &card.name;
        let special = [prices.audio_in, prices.audio_out, prices.reasoning];
        let plain = [
            prices.input,
            prices.output,
            prices.cache_read,
            prices.cache_write,
        ];
        for price in plain.into_iter().chain(special.into_iter().flatten()) {
            assert!(
                price <= 300 * NANO_PER_USD,
                "{name}: {price} is not in nano-USD"
            );
        }
        let mut before = prices;
        for tier in prices.long_prompts.iter() {
            let long = prices.at(tier.above_tokens + 1);
            assert!(
                long.input > before.input && long.output >= before.output,
                "{name}: a longer prompt is not cheaper"
            );
            assert!(long.cache_read <= long.input, "{name}: a dear cache");
            assert!(
                card.context_tokens
                    .is_none_or(|context| tier.above_tokens <= context),
                "{name}: no prompt is so long"
            );
            before = long;
        }
        assert!(
            prices.cache_read <= prices.input,
            "{name}: a cache that costs more"
        );
        assert!(
            prices.cache_write <= 2 * prices.input,
            "{name}: a dear cache"
        );
        let embedding = card.capabilities.embedding;
        assert!(
            embedding || prices.output >= prices.input,
            "{name}: answers cheaper than questions"
        );
        assert_eq!(card.pricing_tier, PricingTier::of(&prices), "{name}");
    }
}

#[test]
fn at_least_three_hundred_and_fifty_models_of_twenty_providers_are_described() {
    let catalog = Catalog::embedded();
    let hosted = (catalog.cards()).filter(|card| !catalog_is_local(&catalog, card));
    assert!(hosted.count() >= 250);
    let with_models: BTreeSet<&str> = catalog.cards().map(|card| card.name.provider()).collect();
    assert!(with_models.len() >= 20, "{with_models:?}");
    for (provider, least) in [
        ("openai", 40),
        ("anthropic", 20),
        ("gemini", 20),
        ("vertex_ai", 30),
        ("azure", 35),
        ("bedrock", 20),
        ("mistral", 17),
        ("cohere", 12),
        ("groq", 8),
        ("deepseek", 4),
        ("xai", 8),
        ("openrouter", 12),
        ("together", 13),
        ("fireworks", 5),
        ("perplexity", 4),
        ("cerebras", 2),
        ("moonshot", 5),
        ("zhipu", 8),
        ("dashscope", 10),
        ("ollama", 86),
    ] {
        let count = cards_of(&catalog, provider).count();
        assert!(count >= least, "{provider}: {count}");
    }
}

fn catalog_is_local(catalog: &Catalog, card: &ModelCard) -> bool {
    let spec = catalog.provider(card.name.provider());
    spec.is_some_and(|spec| spec.local)
}

#[test]
fn every_card_says_where_its_facts_come_from_and_when_they_were_checked() {
    for card in Catalog::embedded().cards() {
        assert!(!card.source.trim().is_empty(), "{}", card.name);
        assert!(card.checked.as_str() >= "2026-11-20", "{}", card.name);
        let priced = card.prices.is_some() || card.deprecated.is_some();
        let of_parts = card.name.as_str().starts_with("groq/groq/compound");
        assert!(priced || of_parts, "{} has no price", card.name);
    }
}

#[test]
fn an_embedding_model_says_how_long_its_vectors_are() {
    for card in Catalog::embedded().cards() {
        let embeds = card.capabilities.embedding;
        assert_eq!(card.dimensions.is_some(), embeds, "{}", card.name);
    }
}

#[test]
fn every_name_and_alias_resolves_to_its_card() {
    let catalog = Catalog::embedded();
    for card in catalog.cards() {
        let aliases = catalog.aliases_of(&card.name);
        for name in aliases.into_iter().chain([&card.name]) {
            let resolved = catalog.resolve(name.as_str()).unwrap();
            assert_eq!(resolved.card.unwrap().name, card.name, "{name}");
        }
    }
}

#[test]
fn every_local_model_is_free_and_says_so() {
    let catalog = Catalog::embedded();
    for card in catalog
        .cards()
        .filter(|card| catalog_is_local(&catalog, card))
    {
        assert_eq!(card.pricing_tier, PricingTier::Free, "{}", card.name);
        assert!(card.prices.unwrap().is_free(), "{}", card.name);
    }
}

/// Hosted prices as the price lists have them: input, output, read from the cache, in nano-USD.
#[test]
fn prices_are_those_of_the_lists() {
    let catalog = Catalog::embedded();
    for (name, input, output, cache_read) in [
        (
            "openai/gpt-5.6-sol",
            5_000_000_000,
            30_000_000_000,
            500_000_000,
        ),
        ("openai/gpt-4o-mini", 150_000_000, 600_000_000, 75_000_000),
        (
            "anthropic/claude-opus-4-8",
            5_000_000_000,
            25_000_000_000,
            500_000_000,
        ),
        (
            "gemini/gemini-2.5-flash",
            300_000_000,
            2_500_000_000,
            30_000_000,
        ),
        (
            "vertex_ai/gemini-2.5-flash",
            300_000_000,
            2_500_000_000,
            30_000_000,
        ),
        ("azure/gpt-4o", 2_500_000_000, 10_000_000_000, 1_250_000_000),
        (
            "bedrock/us.anthropic.claude-opus-4-8",
            5_500_000_000,
            27_500_000_000,
            550_000_000,
        ),
        (
            "deepseek/deepseek-v4-pro",
            435_000_000,
            870_000_000,
            3_625_000,
        ),
        (
            "cohere/command-r7b-12-2024",
            37_500_000,
            150_000_000,
            37_500_000,
        ),
        (
            "dashscope/qwen3.6-flash",
            187_500_000,
            1_125_000_000,
            187_500_000,
        ),
    ] {
        let prices = card(&catalog, name).prices.unwrap();
        let found = (prices.input, prices.output, prices.cache_read);
        assert_eq!(found, (input, output, cache_read), "{name}");
    }
}

#[test]
fn what_is_written_as_dollars_is_charged_as_such() {
    let prices = card(&Catalog::embedded(), "anthropic/claude-sonnet-5")
        .prices
        .unwrap();
    assert_eq!(prices.input, 3 * NANO_PER_USD);
    assert_eq!(prices.output, 15 * NANO_PER_USD);
    assert_eq!(prices.cache_read, 300_000_000);
    assert_eq!(prices.cache_write, 3_750_000_000);
}

#[test]
fn at_least_forty_models_run_free_on_ones_own_machine_and_say_what_they_need() {
    let catalog = Catalog::embedded();
    let mut count = 0;
    for card in cards_of(&catalog, "ollama") {
        let name = &card.name;
        assert_eq!(card.pricing_tier, PricingTier::Free, "{name}");
        assert!(!card.recommended, "{name}");
        let (ram, disk) = (card.ram_gb.unwrap(), card.disk_gb.unwrap());
        assert!(
            ram > disk,
            "{name}: {disk} GB of weights do not fit in {ram} GB"
        );
        count += 1;
    }
    assert!(count >= 40, "{count}");
    for name in [
        "llama2",
        "llama2:13b",
        "mistral",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "qwen3",
    ] {
        card(&catalog, &format!("ollama/{name}"));
    }
    for name in ["gemma3", "phi4", "deepseek-r1", "gpt-oss"] {
        card(&catalog, &format!("ollama/{name}"));
    }
}

#[test]
fn models_that_always_reason_are_not_sent_a_temperature() {
    let catalog = Catalog::embedded();
    let drops = |name: &str| catalog.quirks(&name.parse().unwrap()).drop_params;
    for name in [
        "openai/o3",
        "openai/o4-mini",
        "openai/gpt-5",
        "openai/gpt-5-mini-2025-08-07",
    ] {
        for param in [Param::Temperature, Param::TopP, Param::Stop] {
            assert!(drops(name).contains(&param), "{name} refuses {param:?}");
        }
    }
    for name in [
        "claude-opus-5",
        "claude-sonnet-5",
        "claude-opus-4-8",
        "claude-opus-4-7",
        "claude-fable-5",
    ] {
        let drops = drops(&format!("anthropic/{name}"));
        assert!(
            drops.contains(&Param::Temperature) && drops.contains(&Param::TopP),
            "{name}"
        );
    }
    for name in [
        "openai/gpt-4o",
        "openai/gpt-4.1",
        "openai/gpt-5.4",
        "anthropic/claude-sonnet-4-6",
    ] {
        assert!(
            !drops(name).contains(&Param::Temperature),
            "{name} takes one"
        );
    }
}

#[test]
fn prefixes_of_other_gateways_find_their_provider() {
    let catalog = Catalog::embedded();
    for (prefix, id) in [
        ("ollama_chat", "ollama"),
        ("lm_studio", "lmstudio"),
        ("hosted_vllm", "vllm"),
        ("together_ai", "together"),
    ] {
        assert_eq!(catalog.provider(prefix).unwrap().id, id);
    }
}

#[test]
fn a_demo_answer_is_free_and_says_that_no_model_gave_it() {
    let catalog = Catalog::embedded();
    for model in ["optimist", "skeptic", "analyst", "judge"] {
        let card = card(&catalog, &format!("demo/{model}"));
        assert_eq!(card.pricing_tier, PricingTier::Free);
        assert!(card.title.unwrap().contains("canned answers, no model"));
    }
}

#[test]
fn a_retired_model_names_one_that_is_not() {
    let catalog = Catalog::embedded();
    let retired = card(&catalog, "anthropic/claude-opus-4-20250514")
        .deprecated
        .unwrap();
    assert_eq!(retired.date.as_deref(), Some("2026-06-15"));
    for card in catalog.cards() {
        let Some(deprecated) = &card.deprecated else {
            continue;
        };
        assert!(!card.recommended, "{}", card.name);
        let successor = deprecated.successor.as_ref();
        let successor = successor.unwrap_or_else(|| panic!("{} names none", card.name));
        let successor = self::card(&catalog, successor);
        assert_eq!(
            successor.deprecated, None,
            "{} names {}",
            card.name, successor.name
        );
    }
}
