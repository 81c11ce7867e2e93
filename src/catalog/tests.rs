//! The loader, told by its mistakes, and the look-ups.

use std::fs;
use std::path::Path;

use super::*;
use crate::types::LongPrompt;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;

const ACME: &str = r#"id = "acme"
title = "Acme"
wire = "openai_chat"
base_url = "https://api.acme.example/v1"
base_url_env = ["ACME_BASE_URL", "ACME_API_BASE"]
aliases = ["acme_ai"]
source = "acme's manual"
checked = "2026-11-20"

[auth]
scheme = "bearer"
key_env = ["ACME_API_KEY"]

[quirks]
json = "object"
drop_params = ["seed"]
"#;

const ACME_MODELS: &str = r#"provider = "acme"
source = "acme's price list"
checked = "2026-11-20"

[[model]]
id = "anvil"
aliases = ["anvil-2"]
context_tokens = 128_000
can = ["chat", "tools"]
prices = { input = 0.003625, output = "2.5" }
drop_params = ["stop"]
"#;

/// Directories of an operator, gone with the value.
struct Operator(tempfile::TempDir);

impl Operator {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("providers")).unwrap();
        fs::create_dir(dir.path().join("catalog")).unwrap();
        Self(dir)
    }

    fn acme() -> Self {
        Self::new()
            .file("providers/acme.toml", ACME)
            .file("catalog/acme.toml", ACME_MODELS)
    }

    fn file(self, path: &str, text: &str) -> Self {
        fs::write(self.path().join(path), text).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load(&self) -> Result<Catalog, Vec<String>> {
        let dirs = DataDirs {
            providers: Some(self.path().join("providers")),
            catalog: Some(self.path().join("catalog")),
        };
        let root = format!("{}/", self.path().display());
        Catalog::load(&dirs).map_err(|mistakes| {
            let shown = mistakes.iter().map(ToString::to_string);
            shown.map(|text| text.replace(&root, "")).collect()
        })
    }
}

fn name(text: &str) -> ModelName {
    text.parse().unwrap()
}

#[test]
fn a_provider_is_one_file_and_its_models_another() {
    let catalog = Operator::acme().load().unwrap();

    let spec = catalog.provider("acme_ai").unwrap();
    assert_eq!(spec.id, "acme");
    assert_eq!(spec.auth.scheme, AuthScheme::Bearer);
    assert_eq!(spec.speech.quirks.json, JsonSupport::Object);

    let card = catalog.card(&name("acme_ai/anvil-2")).unwrap();
    assert_eq!(card.name, name("acme/anvil"));
    assert_eq!(card.source, "acme's price list");
    assert_eq!(card.pricing_tier, PricingTier::Standard);
    assert!(card.capabilities.tools && !card.capabilities.vision);
}

#[test]
fn prices_are_exact_and_a_missing_cache_price_is_that_of_the_input() {
    let catalog = Operator::acme().load().unwrap();
    let wanted = Prices {
        input: 3_625_000,
        output: 2_500_000_000,
        cache_read: 3_625_000,
        cache_write: 3_625_000,
        ..Prices::default()
    };
    assert_eq!(catalog.prices(&name("acme/anvil")), Some(wanted));
}

#[test]
fn a_model_refuses_what_its_provider_refuses_and_more() {
    let catalog = Operator::acme().load().unwrap();
    let drops = |model: &str| Vec::from_iter(catalog.quirks(&name(model)).drop_params);
    assert_eq!(drops("acme/anvil"), [Param::Stop, Param::Seed]);
    assert_eq!(drops("acme/unheard-of"), [Param::Seed]);
    assert_eq!(drops("nobody/x"), []);
}

#[test]
fn a_schema_is_asked_for_only_where_the_card_promises_one() {
    let catalog = Catalog::embedded();
    let json = |model: &str| catalog.quirks(&name(model)).json;
    assert_eq!(json("openai/gpt-4o"), JsonSupport::Schema);
    assert_eq!(json("openai/gpt-3.5-turbo"), JsonSupport::Object);
    assert_eq!(json("anthropic/claude-3-haiku-20240307"), JsonSupport::Tool);
    assert_eq!(json("openai/not-in-the-catalog"), JsonSupport::Schema);
}

#[test]
fn every_mistake_of_every_file_is_told_at_once_with_its_line_and_the_remedy() {
    let provider = ACME
        .replace("title = \"Acme\"", "titel = \"Acme\"")
        .replace("https://", "ftp://")
        .replace("json = \"object\"", "jsno = \"object\"");
    let models = ACME_MODELS
        .replace("prices = { input", "prices = { inptu")
        .replace("\"tools\"]", "\"tool\"]")
        .replace("2026-11-20", "20 Nov");
    let mistakes = Operator::new()
        .file("providers/acme.toml", &provider)
        .file("catalog/acme.toml", &models)
        .load()
        .unwrap_err();
    insta::assert_snapshot!(mistakes.join("\n"));
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let mistakes = Operator::acme()
        .file("providers/broken.toml", "id = \"broken\"\ntitle = = 3\n")
        .load()
        .unwrap_err();
    assert!(
        mistakes[0].starts_with("providers/broken.toml:2  "),
        "{mistakes:?}"
    );
}

#[test]
fn a_key_pasted_in_place_of_its_variables_name_is_not_shown() {
    let pasted = ACME.replace("\"ACME_API_KEY\"", "\"sk-live-0123456789abcdef\"");
    let mistakes = Operator::new()
        .file("providers/acme.toml", &pasted)
        .load()
        .unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(
        mistakes[0].contains("providers/acme.toml:12"),
        "{mistakes:?}"
    );
    assert!(!mistakes[0].contains("0123456789"), "{mistakes:?}");
}

#[test]
fn files_are_checked_against_each_other() {
    let models = ACME_MODELS.replace("provider = \"acme\"", "provider = \"olama\"")
        + "deprecated = { successor = \"llama3.22\" }\n";
    let again = ACME.replace("[\"acme_ai\"]", "[\"ollama_chat\"]");
    let mistakes = Operator::new()
        .file("providers/acme.toml", ACME)
        .file("providers/acme2.toml", &again)
        .file("catalog/olama.toml", &models)
        .load()
        .unwrap_err();
    insta::assert_snapshot!(mistakes.join("\n"));
}

#[test]
fn an_operators_file_replaces_a_provider_and_a_card_of_the_same_name() {
    let catalog = Operator::new()
        .file(
            "providers/mine.toml",
            &ACME.replace("id = \"acme\"", "id = \"openai\""),
        )
        .file(
            "catalog/mine.toml",
            &ACME_MODELS
                .replace("provider = \"acme\"", "provider = \"openai\"")
                .replace("id = \"anvil\"", "id = \"gpt-4o\""),
        )
        .load()
        .unwrap();
    assert_eq!(catalog.provider("openai").unwrap().title, "Acme");
    let card = catalog.card(&name("openai/gpt-4o")).unwrap();
    assert_eq!(card.source, "acme's price list");
    assert!(
        catalog.card(&name("openai/gpt-4o-mini")).is_some(),
        "others stay"
    );
}

#[test]
fn a_free_model_with_a_price_is_a_contradiction() {
    let mistakes = Operator::acme()
        .file(
            "catalog/acme.toml",
            &format!("{ACME_MODELS}pricing_tier = \"free\"\n"),
        )
        .load()
        .unwrap_err();
    assert_eq!(
        mistakes,
        [
            "catalog/acme.toml:12  pricing_tier and prices contradict each other: a free model costs 0"
        ]
    );
}

#[test]
fn a_directory_that_is_not_there_is_a_mistake() {
    let dirs = DataDirs {
        providers: Some("/nowhere/at/all".into()),
        catalog: None,
    };
    let mistakes = Catalog::load(&dirs).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].file, "/nowhere/at/all");
}

#[test]
fn ollamas_latest_tag_is_the_bare_name_and_anothers_is_not() {
    let catalog = Operator::acme().load().unwrap();
    let card = |text: &str| catalog.card(&name(text)).map(|card| card.name.to_string());
    assert_eq!(
        card("ollama/llama3.2:latest").as_deref(),
        Some("ollama/llama3.2")
    );
    assert_eq!(
        card("ollama_chat/llama3.2:3b").as_deref(),
        Some("ollama/llama3.2")
    );
    assert_eq!(card("acme/anvil:latest"), None);
}

#[test]
fn a_local_model_without_a_card_is_free_and_a_hosted_one_has_no_known_price() {
    let catalog = Catalog::embedded();
    assert_eq!(
        catalog.prices(&name("ollama/my-own-model")),
        Some(Prices::default())
    );
    assert_eq!(catalog.prices(&name("openai/gpt-99")), None);
    assert_eq!(catalog.prices(&name("nobody/x")), None);
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_ones() {
    let catalog = Catalog::embedded();
    let first = |text: &str| catalog.suggest(text).first().cloned().unwrap_or_default();
    assert_eq!(first("openai/gpt-5-mni"), "openai/gpt-5-mini");
    assert_eq!(first("olama/llama3.2"), "ollama/llama3.2");
    assert_eq!(first("gpt-4o"), "openai/gpt-4o");
    assert_eq!(first("anthropc"), "anthropic");
    assert!(catalog.suggest("anthropic/claude-sonnet").len() > 1);
    assert!(catalog.suggest("entirely-made-up-thing").is_empty());
}

#[test]
fn the_first_variable_that_is_set_decides_the_address() {
    let catalog = Operator::acme().load().unwrap();
    let spec = catalog.provider("acme").unwrap();
    let env = |name: &str| match name {
        "ACME_BASE_URL" => Some(" ".to_owned()),
        "ACME_API_BASE" => Some("https://proxy.example/acme/".to_owned()),
        _ => None,
    };
    assert_eq!(spec.base_url_from(env), "https://proxy.example/acme");
    assert_eq!(spec.base_url_from(|_| None), "https://api.acme.example/v1");
}

#[test]
fn a_family_departs_from_its_provider_and_an_unknown_model_is_asked_as_its_family_is() {
    let families = r#"
[[families]]
models = ["anvil-x"]
quirks = { json = "prompt", drop_params = ["top_p"], keep_params = ["seed"] }

[[families]]
models = ["anvil-x-pro"]
like = "anvil-x"
wire = "openai_responses"
paths = { chat = "/x/{model}?v=${ACME_VERSION:-1}" }
"#;
    let catalog = Operator::new()
        .file("providers/acme.toml", &format!("{ACME}{families}"))
        .load()
        .unwrap();
    let spec = catalog.provider("acme").unwrap();
    let quirks = catalog.quirks(&name("acme/anvil-x2"));
    assert_eq!(quirks.json, JsonSupport::Prompt);
    assert_eq!(Vec::from_iter(quirks.drop_params), [Param::TopP]);
    assert_eq!(catalog.wire(&name("acme/anvil-x2")), Some(Wire::OpenaiChat));

    assert_eq!(
        catalog.wire(&name("acme/anvil-x-pro-2")),
        Some(Wire::OpenaiResponses)
    );
    let path = spec
        .speech("anvil-x-pro-2")
        .paths
        .of("https://a.example", true)
        .unwrap();
    assert_eq!(path.fill(&|_| None, "a/b").unwrap(), "/x/a%2Fb?v=1");
    // Another wire starts from that wire's usual form.
    assert_eq!(
        catalog.quirks(&name("acme/anvil-x-pro-2")).json,
        JsonSupport::Schema
    );
    assert_eq!(catalog.wire(&name("nobody/x")), None);
}

#[test]
fn mistakes_in_places_paths_and_families_are_told() {
    let wrong = ACME.replace(
        "https://api.acme.example/v1",
        "https://${acme}.example/{model}",
    ) + r#"
[paths]
chat = "x"

[places]
region = "${A"

[[families]]
like = "anvil"
models = []
quirks = { jsno = "prompt" }
"#;
    let mistakes = Operator::new()
        .file("providers/acme.toml", &wrong)
        .load()
        .unwrap_err();
    insta::assert_snapshot!(mistakes.join("\n"));
}

#[test]
fn an_address_is_completed_from_variables_and_has_its_path() {
    let catalog = Catalog::embedded();
    let at = |id: &str, pairs: &[(&str, &str)]| {
        let env = |name: &str| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        catalog.provider(id).unwrap().address(env)
    };
    let region = [("AWS_REGION", "eu-west-1")];
    let bedrock = "https://bedrock-runtime.eu-west-1.amazonaws.com";
    assert_eq!(at("bedrock", &region).unwrap(), bedrock);
    assert!(
        at("bedrock", &[])
            .unwrap_err()
            .to_string()
            .contains("AWS_REGION")
    );
    for (location, host) in [
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ] {
        let found = at("vertex_ai", &[("GOOGLE_CLOUD_LOCATION", location)]).unwrap();
        assert_eq!(found, format!("https://{host}"));
    }
    for given in ["https://g.example", "https://g.example/v1beta/"] {
        let found = at("gemini", &[("GEMINI_API_BASE", given)]).unwrap();
        assert_eq!(found, "https://g.example/v1beta");
    }
    let host = [("DATABRICKS_HOST", "https://adb-1.azuredatabricks.net/")];
    let databricks = "https://adb-1.azuredatabricks.net/serving-endpoints";
    assert_eq!(at("databricks", &host).unwrap(), databricks);
}

#[test]
fn long_prompts_are_read_beside_the_prices_and_a_cache_price_that_is_left_out_is_the_inputs() {
    let models = format!(
        "{ACME_MODELS}long_prompts = [\n  {{ above_tokens = 32_000, input = 1, output = 2 }},\n  {{ above_tokens = 128_000, input = 3, output = \"4.5\", cache_read = 0.3, cache_write = 3.75 }},\n]\n"
    );
    let catalog = Operator::acme()
        .file("catalog/acme.toml", &models)
        .load()
        .unwrap();
    let prices = catalog.prices(&name("acme/anvil")).unwrap();
    let tiers: Vec<_> = prices.long_prompts.iter().copied().collect();
    let tier = |above_tokens, input, output, cache_read, cache_write| LongPrompt {
        above_tokens,
        input,
        output,
        cache_read,
        cache_write,
    };
    const USD: u64 = 1_000_000_000;
    assert_eq!(
        tiers,
        [
            tier(32_000, USD, 2 * USD, USD, USD),
            tier(128_000, 3 * USD, 4_500_000_000, 300_000_000, 3_750_000_000),
        ]
    );
}

#[test]
fn mistakes_in_prices_are_told_with_their_line() {
    let models = ACME_MODELS.replace(
        "prices = { input = 0.003625, output = \"2.5\" }",
        "prices = { input = 1, output = 2, audio_in = -3 }\nlong_prompts = [{ above_tokens = 9, input = 1 }, { above_tokns = 1, input = 1, output = 1 }]",
    );
    let mistakes = Operator::acme()
        .file("catalog/acme.toml", &models)
        .load()
        .unwrap_err();
    insta::assert_snapshot!(mistakes.join("\n"));
}

#[test]
fn tiers_that_do_not_rise_are_a_mistake() {
    let models = format!(
        "{ACME_MODELS}long_prompts = [{{ above_tokens = 9, input = 1, output = 1 }}, {{ above_tokens = 9, input = 2, output = 2 }}]\n"
    );
    let mistakes = Operator::acme()
        .file("catalog/acme.toml", &models)
        .load()
        .unwrap_err();
    assert!(mistakes[0].contains("acme.toml:12"), "{mistakes:?}");
    assert!(mistakes[0].contains("lowest limit"), "{mistakes:?}");
}

#[test]
fn models_that_are_anothers_have_its_cards_a_surcharge_and_their_own_days() {
    let resold = "provider = \"acme\"\nsource = \"list\"\ncheck = 1\nchecked = \"2026-11-24\"\n\n[[like]]\nprovider = \"anthropic\"\nprefix = \"eu.\"\nmodels = [\"claude-sonnet-5\", \"claude-opus-4-5@20251101\"]\nsurcharge_percent = 10\n\n[[like]]\nprovider = \"anthropic\"\nmodels = [\"claude-3-opus\", \"claude-opus-5\"]\nsame_dates = true\n"
        .replace("check = 1\n", "");
    let catalog = Operator::new()
        .file("providers/acme.toml", ACME)
        .file("catalog/acme.toml", &resold)
        .load()
        .unwrap();
    let card = catalog.card(&name("acme/eu.claude-sonnet-5")).unwrap();
    let original = catalog.card(&name("anthropic/claude-sonnet-5")).unwrap();
    assert_eq!(card.prices.unwrap().input, 3_300_000_000);
    assert_eq!(card.prices.unwrap().cache_read, 330_000_000);
    assert_eq!(card.capabilities, original.capabilities);
    assert_eq!(card.source, "list; otherwise as anthropic/claude-sonnet-5");
    assert!(!card.recommended);
    let dated = catalog.resolve("acme/eu.claude-opus-4-5").unwrap().name;
    assert_eq!(dated.as_str(), "acme/eu.claude-opus-4-5@20251101");
    let retired = catalog.card(&name("acme/claude-3-opus")).unwrap();
    let successor = retired.deprecated.as_ref().unwrap().successor.as_deref();
    assert_eq!(successor, Some("acme/claude-opus-5"));
}

#[test]
fn a_model_that_the_other_provider_does_not_have_is_a_mistake() {
    let resold = "provider = \"acme\"\nsource = \"list\"\nchecked = \"2026-11-24\"\n\n[[like]]\nprovider = \"anthropic\"\nmodels = [\"claude-99\"]\n";
    let mistakes = Operator::new()
        .file("providers/acme.toml", ACME)
        .file("catalog/acme.toml", resold)
        .load()
        .unwrap_err();
    assert_eq!(
        mistakes,
        ["catalog/acme.toml:6  models: there is no model anthropic/claude-99"]
    );
}
