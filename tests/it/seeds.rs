//! Settings in the style of the systems that Agon takes over from, and what their text says should happen.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use agon::app::Data;
use agon::config;
use agon::config::Config;
use agon::config::Loaded;
use agon::config::Overrides;
use agon::router::RouterConfig;
use agon::types::AllowedModels;

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn loaded(text: &str, pairs: &[(&str, &str)]) -> Loaded {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let loaded = config::load(Some(file.path()), &variables(pairs), Overrides::default());
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"))
}

fn from_environment(pairs: &[(&str, &str)]) -> Config {
    let loaded = config::load(None, &variables(pairs), Overrides::default());
    loaded
        .unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
        .config
}

/// The router's settings with the models by our names, and what was told of them.
fn routed(config: &Config) -> (RouterConfig, Vec<String>) {
    let data = Data::load(config).expect("the data inside the program is right");
    let (router, warnings) = data.router(config);
    (router, warnings.iter().map(ToString::to_string).collect())
}

/// `group model`, in order.
fn shown(router: &RouterConfig) -> Vec<String> {
    let each = router.deployments.iter();
    each.map(|it| format!("{} {}", it.group, it.model))
        .collect()
}

#[test]
fn many_keys_of_one_model_are_one_group_that_rests_a_key_after_two_failures() {
    let mut text = "model_list:\n".to_owned();
    for key in 0..13 {
        let name = match key {
            0 => "GEMINI_API_KEY".to_owned(),
            key => format!("GEMINI_API_KEY_{key}"),
        };
        text.push_str(&format!(
            "  - model_name: flash\n    litellm_params:\n      model: gemini/gemini-2.5-flash\n      \
             api_key: os.environ/{name}\n    model_info: {{description: \"Key {key}\"}}\n"
        ));
    }
    text.push_str(
        "  - model_name: default\n    litellm_params:\n      model: gemini/gemini-2.5-flash\n      \
         api_key: os.environ/GEMINI_API_KEY\n\
         litellm_settings: {request_timeout: 120, num_retries: 3, drop_params: true}\n\
         router_settings:\n  routing_strategy: simple-shuffle\n  num_retries: 3\n  retry_after: 60\n  \
         allowed_fails: 2\n  cooldown_time: 300\n\
         general_settings:\n  master_key: os.environ/LITELLM_MASTER_KEY\n",
    );
    let names: Vec<String> = (1..12).map(|key| format!("GEMINI_API_KEY_{key}")).collect();
    let mut pairs = vec![
        ("LITELLM_MASTER_KEY", "sk-the-operators-own"),
        ("GEMINI_API_KEY", "key-0"),
    ];
    pairs.extend(names.iter().map(|name| (name.as_str(), "key-n")));
    let loaded = loaded(&text, &pairs);
    let (router, told) = routed(&loaded.config);
    assert_eq!(told, [""; 0]);
    let group = router.deployments.iter().filter(|it| &*it.group == "flash");
    let group: Vec<_> = group.collect();
    assert_eq!(group.len(), 13);
    assert!(
        group
            .iter()
            .all(|it| &*it.model == "gemini/gemini-2.5-flash")
    );
    assert!(group.iter().all(|it| it.target.strict == Some(false)));
    assert_eq!(group[3].info.written["description"], "Key 3");
    // The twelfth key is not set: it is told, and the others work.
    assert_eq!(
        group[12].target.unset_key.as_deref(),
        Some("GEMINI_API_KEY_12")
    );
    assert!(group[11].target.api_key.is_some());
    let warnings: Vec<String> = loaded
        .report
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        warnings
            .iter()
            .any(|it| it.contains("GEMINI_API_KEY_12 is not set")),
        "{warnings:?}"
    );
    assert_eq!((router.num_retries, router.allowed_fails), (3, 3));
    assert_eq!((router.cooldown_s, router.retry_after_s), (300, 60));
    assert_eq!(router.timeout_s, Some(120.0));
    assert_eq!(shown(&router)[13], "default gemini/gemini-2.5-flash");
    let key = loaded.config.server.master_key.unwrap().secret();
    assert_eq!(key.expose(), "sk-the-operators-own");
}

#[test]
fn several_providers_under_short_names_with_callbacks_from_the_files_variables() {
    let text = "model_list:\n\
        - model_name: flash\n  litellm_params:\n    model: vertex_ai/gemini-2.5-flash\n    \
        vertex_project: ${GOOGLE_CLOUD_PROJECT}\n    vertex_location: us-central1\n\
        - model_name: gpt-4\n  litellm_params: {model: openai/gpt-4, api_key: \"${OPENAI_API_KEY}\"}\n\
        - model_name: sonnet\n  litellm_params: {model: anthropic/claude-3-5-sonnet-20241022, api_key: \"${ANTHROPIC_API_KEY}\"}\n\
        litellm_settings:\n  success_callback: [\"langfuse\", \"prometheus\"]\n  failure_callback: [\"sentry\"]\n\
        environment_variables:\n  LANGFUSE_PUBLIC_KEY: ${LANGFUSE_PUBLIC_KEY}\n  LANGFUSE_HOST: https://langfuse.internal\n\
        general_settings:\n  master_key: sk-1234\n  database_url: postgresql://litellm:pw@postgres/litellm\n\
        gateway:\n  tasks: {greeting: gpt-3.5-turbo, research: flash, creative: sonnet}\n";
    let pairs = [
        ("GOOGLE_CLOUD_PROJECT", "my-project"),
        ("OPENAI_API_KEY", "sk-openai"),
        ("ANTHROPIC_API_KEY", "sk-anthropic"),
        ("LANGFUSE_PUBLIC_KEY", "pk-lf-1"),
        ("MODEL", "sonnet"),
    ];
    let loaded = loaded(text, &pairs);
    let (router, _) = routed(&loaded.config);
    let vertex = &router.deployments[0].target.variables;
    assert_eq!(vertex["VERTEXAI_PROJECT"].expose(), "my-project");
    assert_eq!(vertex["VERTEXAI_LOCATION"].expose(), "us-central1");
    assert_eq!(loaded.config.callbacks.success, ["langfuse", "prometheus"]);
    assert_eq!(loaded.config.callbacks.failure, ["sentry"]);
    assert_eq!(loaded.variables["LANGFUSE_PUBLIC_KEY"], "pk-lf-1");
    assert_eq!(
        loaded.variables["LANGFUSE_HOST"],
        "https://langfuse.internal"
    );
    // Tasks have models, and MODEL chooses the usual one.
    assert_eq!(router.aliases["research"].group, "flash");
    assert_eq!(router.aliases["default"].group, "sonnet");
    assert!(shown(&router).contains(&"greeting openai/gpt-3.5-turbo".to_owned()));
    // The database is LiteLLM's: told, and not used.
    let warnings: Vec<String> = loaded
        .report
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        warnings
            .iter()
            .any(|it| it.contains("PostgreSQL come later")),
        "{warnings:?}"
    );
    assert!(loaded.config.database_url.0.starts_with("sqlite:"));
}

#[test]
fn behind_another_gateway_every_name_goes_there_first_and_directly_when_it_fails() {
    let config = from_environment(&[
        ("LITELLM_BASE_URL", "http://litellm-service:4000"),
        ("LITELLM_API_KEY", "sk-there"),
        ("OPENAI_API_KEY", "sk-openai"),
    ]);
    let (router, told) = routed(&config);
    assert_eq!(told, [""; 0]);
    let any: Vec<_> = router
        .deployments
        .iter()
        .filter(|it| &*it.group == "*")
        .collect();
    let [there, direct] = any.as_slice() else {
        panic!("{:?}", shown(&router));
    };
    assert_eq!((&*there.model, there.order), ("openai/*", Some(1)));
    assert_eq!(
        there.target.api_base.as_deref(),
        Some("http://litellm-service:4000")
    );
    assert_eq!(there.target.api_key.as_ref().unwrap().expose(), "sk-there");
    assert_eq!((&*direct.model, direct.order), ("*", Some(2)));
    assert_eq!(direct.target.api_base, None);
    // Models of this machine are asked here.
    assert!(shown(&router).contains(&"ollama/* ollama/*".to_owned()));
}

#[test]
fn rolling_back_is_one_variable_and_a_client_never_calls_itself() {
    for pairs in [
        &[
            ("LITELLM_BASE_URL", "http://there:4000"),
            ("USE_LITELLM", "false"),
        ][..],
        &[("LITELLM_API_BASE", "http://localhost:4000")],
    ] {
        let (router, _) = routed(&from_environment(pairs));
        assert_eq!(shown(&router), [""; 0], "{pairs:?}");
    }
    // The service's own file goes first: its environment may hold its clients' variables.
    let text = "model_list:\n- {model_name: a, litellm_params: {model: openai/gpt-4o}}\n";
    let loaded = loaded(text, &[("LITELLM_API_BASE", "http://litellm:4000")]);
    assert_eq!(shown(&routed(&loaded.config).0), ["a openai/gpt-4o"]);
}

#[test]
fn keys_by_provider_serve_short_names_and_plans_say_who_may_ask() {
    let text = "general_settings:\n  api_keys:\n    openai: ${OPENAI_API_KEY}\n    anthropic: ${ANTHROPIC_API_KEY}\n    \
        google: ${GOOGLE_API_KEY}\n    mistral: ${MISTRAL_API_KEY}\n\
        model_list:\n- model_name: chat-default\n  litellm_params: { model: gpt-4o-mini }\n\
        - model_name: prompt-helper\n  litellm_params: { model: gpt-4o-mini }\n\
        - model_name: claude-default\n  litellm_params: { model: anthropic/claude-3-5-sonnet }\n\
        - model_name: gemini-default\n  litellm_params: { model: google/gemini-1.5-flash, num_retries: 2, timeout: 20 }\n";
    let plans = r#"{"basic": ["chat-default"], "pro": ["chat-default", "claude-default"], "enterprise": ["*"]}"#;
    let loaded = loaded(
        text,
        &[
            ("OPENAI_API_KEY", "sk-openai"),
            ("GOOGLE_API_KEY", "sk-google"),
            ("ANTHROPIC_API_KEY", "sk-anthropic"),
            ("LLM_PLAN_MODELS_JSON", plans),
            ("LLM_MODEL_CHAT", "chat-default"),
            ("LLM_MODEL_PROMPT_GEN", "prompt-helper"),
            ("LLM_TIMEOUT_MS", "60000"),
        ],
    );
    let (router, told) = routed(&loaded.config);
    assert_eq!(told, [""; 0]);
    let keys: Vec<_> = router
        .deployments
        .iter()
        .map(|it| {
            format!(
                "{} {}",
                it.model,
                it.target.api_key.as_ref().map_or("", |key| key.expose())
            )
        })
        .collect();
    assert_eq!(keys[0], "openai/gpt-4o-mini sk-openai");
    assert!(
        keys[2].starts_with("anthropic/claude-3-5-sonnet") && keys[2].ends_with("sk-anthropic"),
        "{keys:?}"
    );
    assert_eq!(keys[3], "gemini/gemini-1.5-flash sk-google");
    assert_eq!(router.deployments[3].num_retries, Some(2));
    assert_eq!(router.timeout_s, Some(60.0));
    let plans = loaded.config.gateway.plans.as_ref().unwrap();
    let names = |models: &AllowedModels| Vec::from_iter(models.iter().cloned());
    assert_eq!(
        names(&plans.models["pro"]),
        ["chat-default", "claude-default"]
    );
    assert_eq!(names(&plans.models["enterprise"]), ["*"]);
    // Whoever has no plan may ask for what everybody may.
    assert_eq!(names(&plans.baseline), ["chat-default"]);
}

#[test]
fn a_client_without_a_gateway_goes_to_openai_with_the_key_that_it_has() {
    let config = from_environment(&[
        ("LLM_BASE_URL", ""),
        ("LLM_API_KEY", "sk-mine"),
        ("LLM_MODEL_CHAT", "gpt-4o-mini"),
        ("LLM_REQUEST_TIMEOUT_MS", "1500"),
    ]);
    let (router, _) = routed(&config);
    assert_eq!(shown(&router), ["chat-default openai/gpt-4o-mini"]);
    let key = router.deployments[0].target.api_key.as_ref().unwrap();
    assert_eq!(key.expose(), "sk-mine");
    assert_eq!(router.timeout_s, Some(1.5));
    let through = from_environment(&[
        ("LLM_BASE_URL", "http://gateway:4000"),
        ("LLM_API_KEY", "sk-proxy"),
        ("LLM_MODEL_CHAT", "anthropic/claude-3-5-sonnet-20241022"),
    ]);
    let (router, _) = routed(&through);
    let chat = router
        .deployments
        .iter()
        .filter(|it| &*it.group == "chat-default");
    let chat: Vec<&str> = chat.map(|it| &*it.model).collect();
    assert_eq!(
        chat,
        [
            "openai/anthropic/claude-3-5-sonnet-20241022",
            "anthropic/claude-3-5-sonnet-20241022"
        ]
    );
}

/// The indented or fenced YAML of a document that has a model list.
fn model_lists(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<(String, usize)> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        match &mut block {
            None if trimmed.starts_with("```yaml") => {
                block = Some((String::new(), line.len() - trimmed.len()));
            }
            None => {}
            Some(_) if trimmed.starts_with("```") => {
                found.extend(block.take().map(|(text, _)| text));
            }
            Some((text, indent)) => {
                let own = line.len() - trimmed.len();
                text.push_str(&line[(*indent).min(own)..]);
                text.push('\n');
            }
        }
    }
    found.retain(|text| text.contains("model_list:") || text.contains("litellm_settings:"));
    found
}

#[test]
fn every_settings_file_of_the_documents_loads() {
    let Some(folder) = std::env::var_os("AGON_SEEDS_DIR").map(PathBuf::from) else {
        // Written past the test harness, which shows what a test prints only when it fails.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: settings files of documents: AGON_SEEDS_DIR is not set"
        );
        return;
    };
    let mut lists = 0;
    for entry in std::fs::read_dir(&folder).expect("AGON_SEEDS_DIR is a folder") {
        let path = entry.unwrap().path();
        lists += check_document(&path);
    }
    assert!(lists > 0, "{} holds no settings file", folder.display());
}

fn check_document(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = model_lists(&text);
    for block in &blocks {
        let loaded = loaded(block, &[("LITELLM_MASTER_KEY", "sk-the-operators-own")]);
        let (router, _) = routed(&loaded.config);
        let entries = loaded.config.models.entries.len();
        let written = block.matches("model_name:").count();
        assert_eq!(entries, written, "{}:\n{block}", path.display());
        // A placeholder such as provider/model-id is told and left out.
        let known = !block.contains("provider/model-id");
        assert!(!known || router.deployments.len() == entries, "{block}");
    }
    blocks.len()
}

#[test]
fn the_example_file_is_understood_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.yaml.example");
    let text = std::fs::read_to_string(path).unwrap();
    let pairs = [
        ("LITELLM_MASTER_KEY", "sk-the-operators-own"),
        ("OPENAI_API_KEY", "sk-1"),
        ("OPENAI_API_KEY_2", "sk-2"),
        ("ANTHROPIC_API_KEY", "sk-3"),
        ("GEMINI_API_KEY", "sk-4"),
    ];
    let loaded = loaded(&text, &pairs);
    let (router, told) = routed(&loaded.config);
    assert_eq!(told, [""; 0]);
    let warnings: Vec<String> = loaded
        .report
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(warnings, [""; 0]);
    assert!(
        loaded.report.ignored.is_empty(),
        "{:?}",
        loaded.report.ignored
    );
    assert_eq!(router.aliases["greeting"].group, "chat-default");
}
