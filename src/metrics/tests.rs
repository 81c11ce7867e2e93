use super::*;
use crate::events::FailedAttempt;
use crate::events::Remaining;
use crate::types::DeploymentInfo;
use crate::types::NanoUsd;
use crate::types::Target;
use crate::types::Usage;

fn record(model: &str, error: Option<&'static str>) -> CallRecord {
    CallRecord {
        path: "unified",
        attempts: 1,
        ttft: Some(Duration::from_millis(300)),
        total: Duration::from_millis(800),
        upstream_wait: Duration::from_micros(799_600),
        usage: Usage {
            input: 10,
            cache_read: 5,
            output: 3,
            reasoning: 4,
            ..Usage::default()
        },
        cost: Some(NanoUsd(42)),
        error,
        ..CallRecord::new(model.parse().unwrap())
    }
}

fn count(metrics: &Metrics, record: CallRecord) {
    metrics.call_finished(&Arc::new(record));
}

fn has_line(text: &str, line: &str) {
    assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
}

#[test]
fn a_call_shows_in_every_figure_about_calls() {
    let metrics = Metrics::new();
    count(&metrics, record("openai/gpt-5", None));
    count(&metrics, record("openai/gpt-5", Some("overloaded")));
    let text = metrics.render();
    let model = r#"provider="openai",model="gpt-5""#;
    for line in [
        format!(r#"agon_llm_calls_total{{{model},path="unified",outcome="ok"}} 1"#),
        format!(r#"agon_llm_calls_total{{{model},path="unified",outcome="overloaded"}} 1"#),
        format!(r#"agon_llm_tokens_total{{{model},direction="input"}} 30"#),
        format!(r#"agon_llm_tokens_total{{{model},direction="output"}} 14"#),
        format!("agon_llm_cost_nanousd_total{{{model}}} 84"),
        format!(r#"agon_llm_ttft_seconds_bucket{{le="0.5",{model}}} 2"#),
        format!(r#"agon_llm_ttft_seconds_bucket{{le="0.25",{model}}} 0"#),
        format!("agon_llm_duration_seconds_count{{{model}}} 2"),
    ] {
        has_line(&text, &line);
    }
    // 0.4 ms of Agon's own.
    has_line(
        &text,
        r#"agon_llm_overhead_seconds_bucket{le="0.00025",path="unified"} 0"#,
    );
    has_line(
        &text,
        r#"agon_llm_overhead_seconds_bucket{le="0.0005",path="unified"} 2"#,
    );
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn models_beyond_the_bound_share_one_label_and_known_ones_keep_theirs() {
    let metrics = Metrics::new();
    for n in 0..505 {
        count(&metrics, record(&format!("p/m{n}"), None));
    }
    count(&metrics, record("p/m0", None));
    let text = metrics.render();
    let calls = |model: &str, count| {
        let line =
            format!("agon_llm_calls_total{{{model},path=\"unified\",outcome=\"ok\"}} {count}");
        has_line(&text, &line);
    };
    calls(r#"provider="p",model="m0""#, 2);
    calls(r#"provider="p",model="m499""#, 1);
    calls(r#"provider="other",model="other""#, 5);
}

#[test]
fn a_name_that_no_provider_knows_takes_nobodys_place() {
    let metrics = Metrics::new();
    for n in 0..300 {
        count(
            &metrics,
            record(&format!("p/guess{n}"), Some("model_not_found")),
        );
    }
    count(&metrics, record("p/real", None));
    let text = metrics.render();
    assert!(text.contains(r#"model="real""#), "{text}");
    assert!(!text.contains("guess"), "{text}");
}

#[test]
fn what_lasts_is_counted_until_it_ends() {
    let metrics = Metrics::new();
    let first = metrics.ws_connected();
    let second = metrics.ws_connected();
    drop(first);
    metrics.debate_began();
    has_line(&metrics.render(), "agon_ws_connections 1");
    has_line(&metrics.render(), "agon_debates_running 1");
    drop(second);
    metrics.debate_left(None);
    has_line(&metrics.render(), "agon_ws_connections 0");
    has_line(&metrics.render(), "agon_debates_running 0");
}

#[test]
fn debates_and_relay_delays_are_counted() {
    let metrics = Metrics::new();
    metrics.debate_began();
    metrics.debate_left(Some(Outcome::Complete));
    metrics.relay_delay(Duration::from_millis(7));
    let text = metrics.render();
    has_line(
        &text,
        r#"agon_debates_finished_total{outcome="complete"} 1"#,
    );
    has_line(&text, r#"agon_relay_delay_seconds_bucket{le="0.01"} 1"#);
    has_line(&text, r#"agon_relay_delay_seconds_bucket{le="0.005"} 0"#);
}

fn deployment(id: &str, group: &str) -> Arc<Deployment> {
    Arc::new(Deployment {
        id: id.into(),
        group: group.into(),
        model: "gemini/gemini-2.5-flash".into(),
        target: Arc::new(Target {
            api_base: Some("https://gemini.example/v1".to_owned()),
            ..Target::default()
        }),
        weight: None,
        rpm: None,
        tpm: None,
        max_parallel: None,
        order: None,
        tags: Vec::new(),
        num_retries: None,
        cooldown: None,
        prices: None,
        info: DeploymentInfo::default(),
    })
}

fn of_deployment(id: &str, group: &str, error: Option<&'static str>) -> CallRecord {
    CallRecord {
        group: Some(group.into()),
        deployment: Some(deployment(id, group)),
        ..record("gemini/gemini-2.5-flash", error)
    }
}

fn failed_attempt(id: &str, group: &str) -> FailedAttempt {
    FailedAttempt {
        model: "gemini/gemini-2.5-flash".parse().unwrap(),
        group: Some(group.into()),
        deployment: Some(deployment(id, group)),
        ended: Duration::from_millis(1),
        took: Duration::from_millis(1),
        error: "rate_limited",
        status: Some(429),
    }
}

#[test]
fn dashboards_of_litellm_find_their_series_under_their_names() {
    let metrics = Metrics::new();
    count(&metrics, of_deployment("key-1", "flash", None));
    count(
        &metrics,
        of_deployment("key-1", "flash", Some("rate_limited")),
    );
    let text = metrics.render_as(Exposition::Prometheus);
    let model = r#"requested_model="flash",model="gemini-2.5-flash",model_id="key-1""#;
    let named = r#"litellm_model_name="gemini/gemini-2.5-flash",model_id="key-1",api_base="https://gemini.example/v1",api_provider="gemini""#;
    for line in [
        "# TYPE litellm_spend_metric_total counter".to_owned(),
        "# TYPE litellm_request_total_latency_metric histogram".to_owned(),
        r#"litellm_proxy_total_requests_metric_total{requested_model="flash",status_code="200"} 1"#.to_owned(),
        r#"litellm_proxy_total_requests_metric_total{requested_model="flash",status_code="429"} 1"#.to_owned(),
        r#"litellm_proxy_failed_requests_metric_total{requested_model="flash",exception_status="429",exception_class="RateLimitError"} 1"#.to_owned(),
        format!("litellm_requests_metric_total{{{model}}} 1"),
        format!("litellm_spend_metric_total{{{model}}} 0.000000084"),
        format!("litellm_total_tokens_metric_total{{{model}}} 44"),
        format!("litellm_input_tokens_metric_total{{{model}}} 30"),
        format!("litellm_output_tokens_metric_total{{{model}}} 14"),
        format!("litellm_input_cached_tokens_metric_total{{{model}}} 10"),
        format!("litellm_output_reasoning_tokens_metric_total{{{model}}} 8"),
        format!("litellm_request_total_latency_metric_bucket{{le=\"0.5\",{model}}} 0"),
        format!("litellm_request_total_latency_metric_bucket{{le=\"1.0\",{model}}} 2"),
        format!("litellm_llm_api_latency_metric_count{{{model}}} 2"),
        format!("litellm_llm_api_time_to_first_token_metric_count{{{model}}} 2"),
        format!("litellm_overhead_latency_metric_bucket{{le=\"0.005\",model_group=\"flash\",{named}}} 2"),
        format!("litellm_deployment_total_requests_total{{requested_model=\"flash\",{named}}} 2"),
        format!("litellm_deployment_success_responses_total{{requested_model=\"flash\",{named}}} 1"),
        format!("litellm_deployment_failure_responses_total{{requested_model=\"flash\",{named},exception_status=\"429\",exception_class=\"RateLimitError\"}} 1"),
        format!("litellm_deployment_state{{{named}}} 1"),
        "litellm_in_flight_requests 0".to_owned(),
    ] {
        has_line(&text, &line);
    }
    assert!(!text.contains("# EOF"));
}

#[test]
fn an_upstream_that_broke_with_500_is_no_503() {
    let metrics = Metrics::new();
    let broken = |status| CallRecord {
        status: Some(status),
        ..of_deployment("a", "g", Some("overloaded"))
    };
    for status in [500, 502, 503, 503] {
        count(&metrics, broken(status));
    }
    let before = FailedAttempt {
        error: "overloaded",
        status: Some(529),
        ..failed_attempt("b", "g")
    };
    count(
        &metrics,
        CallRecord {
            attempts: 2,
            tried: vec![before],
            ..of_deployment("a", "g", None)
        },
    );
    let text = metrics.render();
    let sum = |name: &str, labels: [&str; 2]| {
        let is_it =
            |line: &&str| line.starts_with(name) && labels.iter().all(|it| line.contains(it));
        text.lines()
            .filter(is_it)
            .map(|line| line.rsplit(' ').next().unwrap())
            .collect::<Vec<_>>()
    };
    let failed = "litellm_proxy_failed_requests_metric_total{";
    let deployment = "litellm_deployment_failure_responses_total{";
    for (status, class, count, attempts) in [
        ("500", "InternalServerError", "1", vec!["1", "1"]),
        ("502", "BadGatewayError", "1", vec!["1"]),
        ("503", "ServiceUnavailableError", "2", vec!["2"]),
    ] {
        let labels = [
            &*format!("exception_status=\"{status}\""),
            &*format!("exception_class=\"{class}\""),
        ];
        assert_eq!(sum(failed, labels), [count], "{text}");
        assert_eq!(sum(deployment, labels), attempts, "{text}");
    }
    let own = text
        .lines()
        .filter(|line| line.contains("outcome=\"overloaded\""));
    assert_eq!(own.count(), 1, "one line for Agon's own word:\n{text}");
}

#[test]
fn a_deployment_is_healthy_partly_out_or_resting() {
    let metrics = Metrics::new();
    let stands = |state: u8| {
        let text = metrics.render();
        let line = text
            .lines()
            .find(|line| line.starts_with("litellm_deployment_state{"));
        assert!(line.unwrap().ends_with(&format!("}} {state}")), "{line:?}");
    };
    count(&metrics, of_deployment("a", "g", None));
    stands(0);
    count(&metrics, of_deployment("a", "g", Some("overloaded")));
    stands(1);
    metrics.deployment_cooled(&deployment("a", "g"), "overloaded");
    stands(2);
    count(&metrics, of_deployment("a", "g", Some("overloaded")));
    stands(2);
    metrics.deployment_recovered(&deployment("a", "g"));
    stands(0);
    let text = metrics.render();
    assert!(
        text.contains("litellm_deployment_cooled_down_total{")
            && text.contains("exception_status=\"503\"} 1"),
        "{text}"
    );
}

#[test]
fn attempts_count_at_the_deployment_that_was_asked_and_fallbacks_by_their_groups() {
    let metrics = Metrics::new();
    count(
        &metrics,
        CallRecord {
            attempts: 3,
            fallbacks: 1,
            tried: vec![failed_attempt("a", "first"), failed_attempt("b", "first")],
            ..of_deployment("c", "second", None)
        },
    );
    let text = metrics.render();
    for (id, name) in [("a", "failure"), ("b", "failure"), ("c", "success")] {
        let start = format!("litellm_deployment_{name}_responses_total{{");
        let id = format!("model_id=\"{id}\"");
        let found = text
            .lines()
            .find(|line| line.starts_with(&start) && line.contains(&id));
        assert!(
            found.is_some_and(|line| line.ends_with(" 1")),
            "{id}: {found:?}"
        );
    }
    has_line(
        &text,
        r#"litellm_deployment_successful_fallbacks_total{requested_model="first",fallback_model="second",exception_status="429",exception_class="RateLimitError"} 1"#,
    );
    has_line(
        &text,
        r#"agon_llm_retries_total{provider="gemini",model="gemini-2.5-flash"} 2"#,
    );
}

#[test]
fn a_caller_who_leaves_is_no_failure_of_a_deployment() {
    let metrics = Metrics::new();
    count(&metrics, of_deployment("a", "g", Some("cancelled")));
    let text = metrics.render();
    assert!(
        !text.contains("litellm_deployment_failure_responses_total{"),
        "{text}"
    );
    has_line(
        &text,
        r#"litellm_proxy_total_requests_metric_total{requested_model="g",status_code="499"} 1"#,
    );
}

#[test]
fn what_a_provider_says_is_left_is_shown_once_it_says_so() {
    let metrics = Metrics::new();
    count(&metrics, of_deployment("a", "g", None));
    assert!(
        !metrics
            .render()
            .contains("litellm_remaining_requests_metric{")
    );
    count(
        &metrics,
        CallRecord {
            remaining: Remaining {
                requests: Some(59),
                tokens: Some(1000),
            },
            ..of_deployment("a", "g", None)
        },
    );
    let text = metrics.render();
    let shown = |name: &str, value: &str| {
        let found = text
            .lines()
            .find(|line| line.starts_with(&format!("{name}{{model_group=\"g\"")));
        assert!(
            found.is_some_and(|line| line.ends_with(value)),
            "{name}: {found:?}"
        );
    };
    shown("litellm_remaining_requests_metric", " 59");
    shown("litellm_remaining_tokens_metric", " 1000");
}

#[test]
fn no_series_is_written_twice() {
    let metrics = Metrics::new();
    for id in ["a", "b"] {
        for error in [None, Some("rate_limited"), Some("quota_exhausted")] {
            count(&metrics, of_deployment(id, "g", error));
            count(&metrics, record("openai/gpt-5", error));
            metrics.deployment_cooled(&deployment(id, "g"), error.unwrap_or("timeout"));
        }
    }
    for n in 0..600 {
        count(&metrics, record(&format!("p/m{n}"), None));
    }
    let text = metrics.render();
    let mut seen = std::collections::HashSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        assert!(seen.insert(series), "{series} is there twice");
    }
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut seen = std::collections::HashSet::new();
    for family in families {
        assert!(seen.insert(family), "{family} is there twice");
    }
}

#[test]
fn requests_in_flight_are_counted_while_they_last() {
    let metrics = Metrics::new();
    let request = metrics.in_flight();
    has_line(&metrics.render(), "litellm_in_flight_requests 1");
    has_line(&metrics.render(), "agon_requests_in_flight 1");
    drop(request);
    has_line(&metrics.render(), "litellm_in_flight_requests 0");
}
