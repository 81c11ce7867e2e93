use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::Names;
use super::Provider;
use crate::config::Config;
use crate::config::Loaded;
use crate::config::Overrides;
use crate::config::read;
use crate::router::RouterConfig;
use crate::types::Deployment;
use crate::types::Diagnostic;

const USD: u64 = 1_000_000_000;

fn loaded(text: &str, pairs: &[(&str, &str)]) -> Loaded {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: BTreeMap<String, String> = pairs.iter().map(own).collect();
    read(Some(file.path()), &environment, Overrides::default())
}

fn told(diagnostics: &[Diagnostic]) -> Vec<String> {
    let line = |it: &Diagnostic| format!("{}: {}", it.line.unwrap_or(0), it.help);
    diagnostics.iter().map(line).collect()
}

/// The one deployment with these parameters.
fn entry(params: &str) -> Deployment {
    let text = format!("model_list:\n- model_name: g\n  litellm_params: {params}\n");
    let loaded = loaded(&text, &[]);
    assert_eq!(told(&loaded.report.mistakes), [""; 0], "{params}");
    let mut entries = loaded.config.models.entries;
    assert_eq!(entries.len(), 1, "{params}");
    entries.remove(0).deployment
}

/// A few providers, as a catalog would tell them.
struct Known;

impl Names for Known {
    fn model(&self, written: &str) -> Result<String, String> {
        match written.split_once('/') {
            Some((prefix, model)) => match self.provider(prefix) {
                Some(provider) => Ok(format!("{}/{model}", provider.id)),
                None => Err(format!("there is no provider \"{prefix}\"")),
            },
            None if written == "gpt-4o-mini" => Ok("openai/gpt-4o-mini".to_owned()),
            None => Err(format!("\"{written}\" is no model")),
        }
    }

    fn provider(&self, prefix: &str) -> Option<Provider> {
        let id = match prefix {
            "google" | "gemini" => "gemini",
            "openai" => "openai",
            "anthropic" => "anthropic",
            "ollama" => "ollama",
            "demo" => "demo",
            _ => return None,
        };
        Some(Provider { id: id.to_owned() })
    }

    fn local(&self) -> Vec<String> {
        vec!["ollama".to_owned(), "demo".to_owned()]
    }
}

fn routed(config: &Config) -> (RouterConfig, Vec<String>) {
    let (router, warnings) = config.routed(&Known);
    (router, told(&warnings))
}

/// `group model`, in order.
fn shown(router: &RouterConfig) -> Vec<String> {
    let each = router.deployments.iter();
    each.map(|it| format!("{} {}", it.group, it.model))
        .collect()
}

#[test]
fn every_limit_of_an_entry_is_read() {
    let it = entry(
        "{model: openai/gpt-4o, rpm: 60, tpm: \"100000\", weight: 2.5, order: 3, max_parallel_requests: 7, \
         max_retries: 4, cooldown_time: 1.5, tags: [paid, eu]}",
    );
    assert_eq!(
        (it.rpm, it.tpm, it.weight),
        (Some(60), Some(100_000), Some(2.5))
    );
    assert_eq!(
        (it.order, it.max_parallel, it.num_retries),
        (Some(3), Some(7), Some(4))
    );
    assert_eq!(it.cooldown, Some(Duration::from_millis(1500)));
    assert_eq!(it.tags, ["paid", "eu"]);
    assert_eq!((&*it.group, &*it.model), ("g", "openai/gpt-4o"));
    let own = entry("{model: openai/x, num_retries: 1, max_retries: 4, tags: one}");
    assert_eq!(
        (own.num_retries, own.tags),
        (Some(1), vec!["one".to_owned()])
    );
}

#[test]
fn a_model_has_its_provider_wherever_it_is_written() {
    for (params, model) in [
        ("{model: gpt-4o-mini}", "gpt-4o-mini"),
        (
            "{model: gpt-4o, custom_llm_provider: openai}",
            "openai/gpt-4o",
        ),
        (
            "{model: openai/gpt-4o, custom_llm_provider: openai}",
            "openai/gpt-4o",
        ),
        (
            "{model: meta/llama, custom_llm_provider: nvidia_nim}",
            "nvidia_nim/meta/llama",
        ),
        ("{model: text-completion-openai/davinci}", "openai/davinci"),
        (
            "{model: litellm_proxy/fast, api_base: \"http://b\"}",
            "openai/fast",
        ),
        ("{model: \"openai/*\"}", "openai/*"),
    ] {
        assert_eq!(&*entry(params).model, model, "{params}");
    }
}

#[test]
fn a_model_under_litellms_prefix_completes_texts() {
    let completes = |params: &str| entry(params).target.completes_text;
    assert!(completes("{model: text-completion-openai/llama}"));
    assert!(completes(
        "{model: llama, custom_llm_provider: text-completion-openai}"
    ));
    assert!(!completes("{model: openai/llama}"));
}

#[test]
fn where_and_how_it_is_called_is_read() {
    let it = entry(
        "{model: openai/x, api_base: \"https://host/v1\", api_key: \" sk-own \", organization: org-1, \
         extra_headers: {X-Team: blue}, extra_body: {top_k: 4}, temperature: 0.2, reasoning_effort: low, drop_params: true}",
    );
    let target = &it.target;
    assert_eq!(target.api_base.as_deref(), Some("https://host/v1"));
    assert_eq!(target.api_key.as_ref().unwrap().expose(), "sk-own");
    let header = |name: &str| target.headers[name].expose().to_owned();
    assert_eq!(
        (header("x-team"), header("openai-organization")),
        ("blue".to_owned(), "org-1".to_owned())
    );
    assert_eq!(json!(target.extra_body), json!({"top_k": 4}));
    assert_eq!(
        json!(target.defaults),
        json!({"temperature": 0.2, "reasoning_effort": "low"})
    );
    assert_eq!(target.strict, Some(false));
    assert_eq!(
        entry("{model: openai/x, drop_params: \"False\"}")
            .target
            .strict,
        Some(true)
    );
    assert_eq!(entry("{model: openai/x}").target.strict, None);
    // The other name of the address; `""` is no key.
    let other = entry("{model: ollama/x, base_url: \"http://h:1\", api_key: \"\"}");
    assert_eq!(other.target.api_base.as_deref(), Some("http://h:1"));
    assert_eq!(other.target.api_key, None);
}

#[test]
fn timeouts_mean_the_whole_answer_or_the_waits_of_a_stream() {
    let seconds = |params: &str| {
        let it = entry(params).target.timeouts;
        [it.first_token, it.idle, it.total, it.total_of_stream].map(|it| it.map(|it| it.as_secs()))
    };
    for (params, wanted) in [
        ("{model: openai/x}", [None; 4]),
        (
            "{model: openai/x, timeout: 60}",
            [Some(60), Some(60), Some(60), Some(6000)],
        ),
        (
            "{model: openai/x, timeout: 60, stream_timeout: 5}",
            [Some(5), Some(5), Some(60), Some(6000)],
        ),
        (
            "{model: openai/x, ttft_timeout: 3}",
            [Some(3), None, None, None],
        ),
        (
            "{model: openai/x, stream_timeout: 9, ttft_timeout: 3, stream_idle_timeout: 4}",
            [Some(3), Some(4), None, Some(6000)],
        ),
    ] {
        assert_eq!(seconds(params), wanted, "{params}");
    }
}

#[test]
fn settings_of_a_provider_are_its_files_variables() {
    let variables = |params: &str| -> Vec<String> {
        let it = entry(params);
        let all = it.target.variables.iter();
        all.map(|(name, value)| format!("{name}={}", value.expose()))
            .collect()
    };
    for (params, wanted) in [
        (
            "{model: azure/d, api_version: 2024-10-21}",
            &["AZURE_API_VERSION=2024-10-21"][..],
        ),
        (
            "{model: azure/d, tenant_id: t, client_id: c, client_secret: s}",
            &[
                "AZURE_API_KEY=",
                "AZURE_CLIENT_ID=c",
                "AZURE_CLIENT_SECRET=s",
                "AZURE_OPENAI_AD_TOKEN=",
                "AZURE_OPENAI_API_KEY=",
                "AZURE_TENANT_ID=t",
            ],
        ),
        (
            "{model: vertex_ai/m, vertex_project: p, vertex_location: eu, vertex_credentials: {type: service_account}}",
            &[
                "VERTEXAI_CREDENTIALS={\"type\":\"service_account\"}",
                "VERTEXAI_LOCATION=eu",
                "VERTEXAI_PROJECT=p",
            ],
        ),
        (
            "{model: vertex_ai/m, vertex_ai_project: p}",
            &["VERTEXAI_PROJECT=p"],
        ),
        (
            "{model: bedrock/m, aws_region_name: us-east-1, aws_access_key_id: AK, aws_secret_access_key: SK, aws_session_token: ST}",
            &[
                "AWS_ACCESS_KEY_ID=AK",
                "AWS_BEARER_TOKEN_BEDROCK=",
                "AWS_REGION_NAME=us-east-1",
                "AWS_SECRET_ACCESS_KEY=SK",
                "AWS_SESSION_TOKEN=ST",
            ],
        ),
        ("{model: openai/x, api_version: 1}", &[]),
    ] {
        assert_eq!(variables(params), wanted, "{params}");
    }
}

#[test]
fn prices_are_read_by_their_digits() {
    let prices = entry(
        "{model: openai/x, input_cost_per_token: 1.5e-07, output_cost_per_token: 0.0000006, \
         cache_read_input_token_cost: \"7.5e-08\", output_cost_per_reasoning_token: 6e-07}",
    )
    .prices
    .unwrap();
    assert_eq!((prices.input, prices.output), (150_000_000, 600_000_000));
    assert_eq!(
        (prices.cache_read, prices.cache_write),
        (75_000_000, 150_000_000)
    );
    assert_eq!(prices.reasoning, None);
    assert_eq!(entry("{model: openai/x}").prices, None);
    let text = "model_list:\n- model_name: g\n  litellm_params: {model: openai/x}\n  \
                model_info: {mode: embedding, input_cost_per_token: 0.000001}\n";
    let told_by_info = loaded(text, &[]);
    let prices = told_by_info.config.models.entries[0]
        .deployment
        .prices
        .unwrap();
    assert_eq!((prices.input, prices.output), (USD, 0));
    assert_eq!(told(&told_by_info.report.warnings), [""; 0]);
}

#[test]
fn what_is_told_of_an_entry_is_kept_without_its_secrets() {
    let text = "model_list:\n- model_name: g\n  litellm_params:\n    model: openai/x\n    api_key: sk-private-1\n    \
                api_base: https://u:sk-private-2@host/v1\n    extra_headers: {a: sk-private-3}\n    \
                aws_secret_access_key: sk-private-4\n    max_tokens: 5\n    strange: ${STRANGE}\n    \
                vertex_credentials: {private_key: sk-private-5}\n  \
                model_info: {id: mine, mode: chat, base_model: azure/gpt-4o, max_tokens: 9, access_groups: [a], \
                description: Key 1, my_secret: sk-private-6}\n";
    let loaded = loaded(text, &[("STRANGE", "sk-private-7")]);
    assert_eq!(told(&loaded.report.mistakes), [""; 0]);
    let it = &loaded.config.models.entries[0].deployment;
    assert_eq!(&*it.id, "mine");
    assert_eq!(it.info.mode.as_deref(), Some("chat"));
    assert_eq!(it.info.base_model.as_deref(), Some("azure/gpt-4o"));
    assert_eq!(it.info.max_input_tokens, Some(9));
    assert_eq!(it.info.access_groups, ["a"]);
    assert_eq!(it.info.written["description"], "Key 1");
    assert_eq!(it.info.params["api_base"], "https://host/v1");
    assert_eq!(it.info.params["strange"], "${STRANGE}");
    assert_eq!(it.info.params["max_tokens"], 5);
    let all = format!("{:?} {:?}", it.info, loaded.report);
    assert!(!all.contains("sk-private"), "{all}");
    assert!(!format!("{:?}", it.target.api_key).contains("sk-private"));
}

#[test]
fn an_id_stays_the_same_and_is_nobody_elses() {
    let text = "model_list:\n- model_name: g\n  litellm_params: {model: openai/x, api_key: os.environ/A}\n\
                - litellm_params: {api_key: os.environ/A, model: openai/x}\n  model_name: g\n\
                - model_name: g\n  litellm_params: {model: openai/x, api_key: os.environ/B}\n";
    let ids = |pairs: &[(&str, &str)]| -> Vec<String> {
        let entries = loaded(text, pairs).config.models.entries;
        entries
            .iter()
            .map(|it| it.deployment.id.to_string())
            .collect()
    };
    let first = ids(&[("A", "1"), ("B", "2")]);
    assert_eq!(first[1], format!("{}-2", first[0]));
    assert_ne!(first[0], first[2]);
    // Another key behind the variable is the same deployment.
    assert_eq!(ids(&[("A", "other")]), first);
}

#[test]
fn a_key_whose_variable_is_not_set_is_told_and_remembered() {
    let text = "model_list:\n- model_name: g\n  litellm_params:\n    model: gemini/x\n    api_key: os.environ/GEMINI_API_KEY_3\n";
    let loaded = loaded(text, &[("GEMINI_API_KEY", "another")]);
    assert_eq!(told(&loaded.report.mistakes), [""; 0]);
    let warnings = told(&loaded.report.warnings);
    assert!(
        warnings[0].starts_with("5: ") && warnings[0].contains("GEMINI_API_KEY_3 is not set"),
        "{warnings:?}"
    );
    let target = &loaded.config.models.entries[0].deployment.target;
    assert_eq!(target.unset_key.as_deref(), Some("GEMINI_API_KEY_3"));
    assert_eq!(target.api_key, None);
}

#[test]
fn entries_that_are_wrong_are_told_all_at_once_with_their_lines() {
    let loaded = loaded(
        "model_list:\n- model_name: a\n- litellm_params: {model: openai/x}\n- model_name: c\n  litellm_params:\n    \
         rpm: many\n    model: openai/x\n- model_name: d\n  litellm_params: {api_key: k}\n- model_name: e\n  \
         litellm_params:\n    model: openai/x\n    input_cost_per_token: cheap\n    weight: -1\n    litellm_credential_name: gone\n  \
         model_ifo: {}\n",
        &[],
    );
    let mistakes = told(&loaded.report.mistakes);
    for wanted in [
        "2: model_list[0] needs a model_name",
        "3: model_list[1] needs a model_name",
        "6: model_list[2].litellm_params.rpm is a text",
        "9: model_list[3].litellm_params.model is missing",
        "13: model_list[4]: input_cost_per_token is no price",
        "14: model_list[4].litellm_params.weight should be",
        "15: model_list[4]: there is no credential \"gone\"",
    ] {
        assert!(
            mistakes.iter().any(|it| it.starts_with(wanted)),
            "{wanted} in {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 7, "{mistakes:#?}");
    let warnings = told(&loaded.report.warnings);
    assert!(
        warnings[0].contains("did you mean \"model_info\"?"),
        "{warnings:?}"
    );
}

#[test]
fn credentials_of_the_list_are_taken_over_by_name() {
    let text = "credential_list:\n- credential_name: work\n  credential_values: {api_key: sk-work, api_base: \"https://w\"}\n\
                model_list:\n- model_name: g\n  litellm_params: {model: openai/x, litellm_credential_name: work, api_base: \"https://own\"}\n";
    let loaded = loaded(text, &[]);
    let target = &loaded.config.models.entries[0].deployment.target;
    assert_eq!(target.api_key.as_ref().unwrap().expose(), "sk-work");
    assert_eq!(target.api_base.as_deref(), Some("https://own"));
}

#[test]
fn ollamas_own_settings_reach_its_client() {
    let text = "model_list:\n- model_name: g\n  litellm_params: {model: ollama_chat/llama3.2, num_ctx: 8192, keep_alive: 10m}\n";
    let ollama = loaded(text, &[]).config.llm.ollama;
    let own = &ollama.models["llama3.2"];
    assert_eq!(own.num_ctx, Some(8192));
    assert_eq!(
        own.keep_alive.as_ref().map(ToString::to_string).as_deref(),
        Some("10m")
    );
}

#[test]
fn names_become_those_of_our_providers_and_strangers_are_left_out() {
    let loaded = loaded(
        "model_list:\n- {model_name: a, litellm_params: {model: google/gemini-x}}\n\
         - {model_name: b, litellm_params: {model: gpt-4o-mini}}\n\
         - {model_name: c, litellm_params: {model: nobody/x}}\n\
         - {model_name: d, litellm_params: {model: claude-9}}\n\
         - {model_name: e, litellm_params: {model: my/own, api_base: \"http://h\"}}\n\
         - {model_name: \"gemini/*\", litellm_params: {model: \"google/*\"}}\n\
         - {model_name: \"*\", litellm_params: {model: \"*\"}}\n",
        &[],
    );
    let (router, warnings) = routed(&loaded.config);
    assert_eq!(
        shown(&router),
        [
            "a gemini/gemini-x",
            "b openai/gpt-4o-mini",
            "d anthropic/claude-9",
            "e openai/my/own",
            "gemini/* gemini/*",
            "* *",
        ]
    );
    assert_eq!(
        warnings,
        ["4: \"c\" is left out: there is no provider \"nobody\""]
    );
}

#[test]
fn keys_by_provider_go_to_deployments_that_have_none() {
    let loaded = loaded(
        "general_settings: {api_keys: {google: sk-google, openai: sk-openai}}\nmodel_list:\n\
         - {model_name: a, litellm_params: {model: gemini/x}}\n\
         - {model_name: b, litellm_params: {model: gpt-4o-mini, api_key: sk-own}}\n\
         - {model_name: c, litellm_params: {model: anthropic/x}}\n\
         - {model_name: d, litellm_params: {model: openai/x, api_key: os.environ/GONE}}\n\
         - {model_name: e, litellm_params: {model: openai/x, api_base: \"http://elsewhere\"}}\n",
        &[],
    );
    let (router, _) = routed(&loaded.config);
    let keys: Vec<_> = router
        .deployments
        .iter()
        .map(|it| {
            it.target
                .api_key
                .as_ref()
                .map(|key| key.expose().to_owned())
        })
        .collect();
    let key = |text: &str| Some(text.to_owned());
    // A key goes to its provider's own address only.
    assert_eq!(keys, [key("sk-google"), key("sk-own"), None, None, None]);
}

#[test]
fn groups_that_nobody_answers_for_are_told_where_they_are_named() {
    let loaded = loaded(
        "model_list:\n- {model_name: fast, litellm_params: {model: openai/x}}\nrouter_settings:\n  fallbacks:\n  \
         - fast: [fats, openai/other, zebra]\n  model_group_alias: {quick: fast}\n",
        &[],
    );
    let (_, warnings) = routed(&loaded.config);
    assert_eq!(
        warnings,
        [
            "5: router_settings.fallbacks.fast names \"fats\", which is no group: did you mean \"fast\"?",
            "5: router_settings.fallbacks.fast names \"zebra\", which is no group of the model list",
        ]
    );
}

#[test]
fn tasks_are_aliases_of_groups_or_groups_of_their_own() {
    let loaded = loaded(
        "model_list:\n- {model_name: fast, litellm_params: {model: openai/x}}\n\
         - {model_name: \"wild/*\", litellm_params: {model: \"gemini/*\", rpm: 5}}\n\
         gateway:\n  tasks:\n    greeting: fast\n    analysis: anthropic/claude-x\n    creative: wild/big\n    nothing: zebra\n",
        &[],
    );
    let (router, warnings) = routed(&loaded.config);
    assert_eq!(router.aliases["greeting"].group, "fast");
    let shown = shown(&router);
    assert!(
        shown.contains(&"analysis anthropic/claude-x".to_owned()),
        "{shown:?}"
    );
    assert!(
        shown.contains(&"creative gemini/big".to_owned()),
        "{shown:?}"
    );
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("9: \"nothing\" is left out"),
        "{warnings:?}"
    );
}
