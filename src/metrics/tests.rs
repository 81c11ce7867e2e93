use super::*;
use crate::types::NanoUsd;
use crate::types::Usage;

fn record(model: &str, error: Option<&'static str>) -> CallRecord {
    CallRecord {
        model: model.parse().unwrap(),
        path: "unified",
        debate: None,
        turn: None,
        group: None,
        deployment: None,
        call_id: None,
        principal: None,
        tags: Vec::new(),
        stream: false,
        fallbacks: 0,
        attempts: 1,
        ttft: Some(Duration::from_millis(300)),
        total: Duration::from_millis(800),
        upstream_wait: Duration::from_micros(799_600),
        retry_wait: Duration::ZERO,
        queue_wait: Duration::ZERO,
        reader_wait: Duration::ZERO,
        dropped: Vec::new(),
        usage: Usage {
            input: 10,
            cache_read: 5,
            output: 3,
            reasoning: 4,
            ..Usage::default()
        },
        cost: Some(NanoUsd(42)),
        error,
        error_message: None,
    }
}

fn has_line(text: &str, line: &str) {
    assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
}

#[test]
fn a_call_shows_in_every_figure_about_calls() {
    let metrics = Metrics::new();
    metrics.call_finished(&record("openai/gpt-5", None));
    metrics.call_finished(&record("openai/gpt-5", Some("overloaded")));
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
    for n in 0..205 {
        metrics.call_finished(&record(&format!("p/m{n}"), None));
    }
    metrics.call_finished(&record("p/m0", None));
    let text = metrics.render();
    let calls = |model: &str, count| {
        let line =
            format!("agon_llm_calls_total{{{model},path=\"unified\",outcome=\"ok\"}} {count}");
        has_line(&text, &line);
    };
    calls(r#"provider="p",model="m0""#, 2);
    calls(r#"provider="p",model="m199""#, 1);
    calls(r#"provider="other",model="other""#, 5);
}

#[test]
fn a_name_that_no_provider_knows_takes_nobodys_place() {
    let metrics = Metrics::new();
    for n in 0..300 {
        metrics.call_finished(&record(&format!("p/guess{n}"), Some("model_not_found")));
    }
    metrics.call_finished(&record("p/real", None));
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
