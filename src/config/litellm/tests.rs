use std::collections::BTreeMap;
use std::io::Write;

use serde_json::Value;
use serde_json::json;

use crate::config::Loaded;
use crate::config::Overrides;
use crate::config::read;
use crate::types::Diagnostic;

fn loaded(text: &str) -> Loaded {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    read(Some(file.path()), &BTreeMap::new(), Overrides::default())
}

fn told(diagnostics: &[Diagnostic]) -> Vec<String> {
    let line = |it: &Diagnostic| format!("{}: {}", it.line.unwrap_or(0), it.help);
    diagnostics.iter().map(line).collect()
}

/// The router's settings as text, to be compared with what was meant.
fn router(text: &str) -> String {
    let loaded = loaded(text);
    assert_eq!(told(&loaded.report.mistakes), [""; 0], "{text}");
    format!("{:?}", loaded.config.router)
}

fn meant(value: Value) -> String {
    let config: crate::router::RouterConfig = serde_json::from_value(value).unwrap();
    format!("{config:?}")
}

#[test]
fn every_setting_of_the_router_means_what_it_says() {
    for (written, ours) in [
        (
            "routing_strategy: least-busy",
            json!({"strategy": "least-busy"}),
        ),
        (
            "routing_strategy: usage-based-routing-v2",
            json!({"strategy": "usage-based-routing"}),
        ),
        (
            "{routing_strategy: latency-based-routing, routing_strategy_args: {ttl: 60, lowest_latency_buffer: 0.5, max_latency_list_size: 4}}",
            json!({"strategy": "latency-based-routing", "latency": {"ttl_s": 60, "buffer": 0.5, "kept": 4}}),
        ),
        (
            "routing_strategy: cost-based-routing",
            json!({"strategy": "cost-based-routing"}),
        ),
        ("num_retries: 4", json!({"num_retries": 4})),
        ("retry_after: 15", json!({"retry_after_s": 15})),
        ("timeout: 33.5", json!({"timeout_s": 33.5})),
        ("stream_timeout: \"7\"", json!({"stream_timeout_s": 7.0})),
        ("allowed_fails: 9", json!({"allowed_fails": 10})),
        ("cooldown_time: 0.5", json!({"cooldown_s": 1})),
        (
            "disable_cooldowns: True",
            json!({"disable_cooldowns": true}),
        ),
        (
            "retry_policy: {RateLimitErrorRetries: 5, TimeoutErrorRetries: 0, InternalServerErrorRetries: null}",
            json!({"retry_policy": {"RateLimitError": 5, "TimeoutError": 0}}),
        ),
        (
            "allowed_fails_policy: {RateLimitErrorAllowedFails: 1000}",
            json!({"allowed_fails_policy": {"RateLimitError": 1001}}),
        ),
        (
            "model_group_retry_policy: {fast: {BadRequestErrorRetries: 1}}",
            json!({"group_retry_policy": {"fast": {"BadRequestError": 1}}}),
        ),
        (
            "fallbacks: [{a: [b, c]}, {\"*\": d}]",
            json!({"fallbacks": {"a": ["b", "c"], "*": ["d"]}}),
        ),
        (
            "{context_window_fallbacks: [{a: [long]}], content_policy_fallbacks: [{a: [mild]}], default_fallbacks: [any], max_fallbacks: 2}",
            json!({"context_window_fallbacks": {"a": ["long"]}, "content_policy_fallbacks": {"a": ["mild"]},
                   "default_fallbacks": ["any"], "max_fallbacks": 2}),
        ),
        (
            "model_group_alias: {x: a, y: {model: b, hidden: true}}",
            json!({"aliases": {"x": {"group": "a"}, "y": {"group": "b", "hidden": true}}}),
        ),
        (
            "enable_pre_call_checks: true",
            json!({"pre_call_checks": true}),
        ),
        (
            "{enable_tag_filtering: true, tag_filtering_match_any: false}",
            json!({"tag_filtering": true, "tag_match_any": false}),
        ),
        (
            "{optional_pre_call_checks: [prompt_caching], deployment_affinity_ttl_seconds: 60}",
            json!({"sticky": true, "sticky_ttl_s": 60}),
        ),
        (
            "default_max_parallel_requests: 8",
            json!({"default_max_parallel": 8}),
        ),
    ] {
        let text = match written.starts_with('{') {
            true => format!("router_settings: {written}\n"),
            false => format!("router_settings:\n  {written}\n"),
        };
        assert_eq!(router(&text), meant(ours), "{written}");
    }
}

#[test]
fn router_settings_win_over_litellm_settings_and_ours_over_both() {
    let text = "litellm_settings: {num_retries: 1, request_timeout: 10, allowed_fails: 4}\n\
                router_settings: {num_retries: 2, timeout: 20}\nrouter: {timeout_s: 30}\n";
    assert_eq!(
        router(text),
        meant(json!({"num_retries": 2, "allowed_fails": 5, "timeout_s": 30.0}))
    );
}

#[test]
fn mistakes_in_litellms_sections_have_their_line_and_unknown_keys_are_warnings() {
    let loaded = loaded(
        "router_settings:\n  routing_strategy: fastest\n  num_retries: often\n  fallbacks: a\n  cooldwn_time: 4\n\
         litellm_settings:\n  request_timeout: -1\n  my_own: 1\ngeneral_settings:\n  max_request_size_mb: 0\n",
    );
    let mistakes = told(&loaded.report.mistakes);
    for wanted in [
        "2: router_settings.routing_strategy is none of simple-shuffle",
        "3: router_settings.num_retries is a text",
        "4: router_settings.fallbacks is a text: it should be a list",
        "7: litellm_settings.request_timeout should be a number of seconds",
        "10: general_settings.max_request_size_mb should be",
    ] {
        assert!(
            mistakes.iter().any(|it| it.starts_with(wanted)),
            "{wanted} in {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 5, "{mistakes:#?}");
    let warnings = told(&loaded.report.warnings);
    assert_eq!(
        warnings,
        [
            "8: unknown key \"litellm_settings.my_own\": it is ignored",
            "5: unknown key \"router_settings.cooldwn_time\": did you mean \"cooldown_time\"?",
        ]
    );
}

#[test]
fn what_is_ignored_is_told_with_its_line_and_why() {
    let loaded = loaded(
        "router_settings:\n  redis_host: cache\n  num_retries: 1\nlitellm_settings:\n  cache: true\n  \
         cache_params: {type: redis}\ngeneral_settings:\n  alerting: [slack]\nguardrails: []\n",
    );
    let ignored = loaded.report.ignored.iter();
    let ignored: Vec<_> = ignored
        .map(|it| (it.path.as_str(), it.place.line))
        .collect();
    for wanted in [
        ("router_settings.redis_host", Some(2)),
        ("litellm_settings.cache_params", Some(6)),
        ("general_settings.alerting", Some(8)),
        ("guardrails", Some(9)),
    ] {
        assert!(ignored.contains(&wanted), "{wanted:?} in {ignored:?}");
    }
    assert!(loaded.report.ignored.iter().all(|it| !it.why.is_empty()));
    let understood = loaded.report.understood.iter().map(|it| it.path.as_str());
    let understood: Vec<_> = understood.collect();
    assert!(understood.contains(&"router_settings.num_retries"));
    assert!(!understood.contains(&"router_settings.redis_host"));
    assert!(told(&loaded.report.warnings)[0].starts_with("5: litellm_settings.cache"));
}

#[test]
fn callbacks_are_lists_or_single_names_and_strange_ones_are_told() {
    let loaded = loaded(
        "litellm_settings:\n  callbacks: prometheus\n  success_callback: [langfuse, otlp, datadog]\n  failure_callback: [sentry]\n  \
         turn_off_message_logging: true\n  json_logs: true\n",
    );
    let callbacks = &loaded.config.callbacks;
    assert_eq!(callbacks.success, ["prometheus", "langfuse", "otlp"]);
    assert_eq!(callbacks.failure, ["prometheus", "sentry"]);
    assert!(callbacks.without_messages);
    assert_eq!(loaded.config.log.format, crate::config::LogFormat::Json);
    assert!(told(&loaded.report.warnings)[0].contains("\"datadog\" is not known"));
}

#[test]
fn general_settings_reach_the_gateway_and_the_keys() {
    let loaded = loaded(
        "general_settings:\n  litellm_key_header_name: X-Team-Key\n  api_keys:\n    openai: sk-one\n    google: ${GONE}\n\
         litellm_settings: {require_auth_for_metrics_endpoint: false, drop_params: false}\n",
    );
    let gateway = &loaded.config.gateway;
    assert_eq!(gateway.key_header.as_deref(), Some("X-Team-Key"));
    assert!(gateway.open_metrics);
    assert!(loaded.config.llm.strict);
    let keys = &loaded.config.api_keys;
    assert_eq!(keys["openai"].expose(), "sk-one");
    assert!(!keys.contains_key("google"));
    let warnings = told(&loaded.report.warnings);
    assert!(
        warnings[0].starts_with("5: ") && warnings[0].contains("GONE"),
        "{warnings:?}"
    );
    assert!(!format!("{:?}", loaded.config).contains("sk-one"));
}
