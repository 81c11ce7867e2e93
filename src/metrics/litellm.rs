//! The series of the `LiteLLM` proxy under their own names, so that its dashboards and alerts go on working.
//!
//! Names and labels as of its version 1.109. Labels about keys, teams and users come with the first of them; a label
//! that is not there counts as empty in every query.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Metrics;
use super::deployments::DeploymentFigures;
use super::exposition::Kind;
use super::exposition::Page;
use super::exposition::labels;
use super::figures::CallFigures;
use super::histogram::LATENCY_NS;
use super::histogram::LITELLM;
use super::histogram::LITELLM_OVERHEAD;
use super::histogram::OVERHEAD_NS;
use super::histogram::Totals;
use super::read;

/// Writes all of `LiteLLM`'s series.
pub(super) fn write(metrics: &Metrics, page: &mut Page) {
    let (figures, deployments) = metrics.calls.all();
    requests(&figures, page);
    by_model(&figures, page);
    latencies(&figures, page);
    overheads(&figures, page);
    let name = "litellm_in_flight_requests";
    page.family(
        name,
        Kind::Gauge,
        "Requests of clients that are being answered",
    );
    page.gauge(name, "", metrics.in_flight.load(Ordering::Relaxed));
    of_deployments(&deployments, page);
    fallbacks(metrics, page);
}

fn requests(figures: &[Arc<CallFigures>], page: &mut Page) {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed = all.clone();
    for figures in figures {
        let requested = ("requested_model", figures.key.group.as_str());
        for (end, count) in figures.outcomes.seen() {
            let of_all = labels(&[requested, ("status_code", end.status)]);
            *all.entry(of_all).or_default() += count;
            if !end.class.is_empty() {
                let why = [
                    requested,
                    ("exception_status", end.status),
                    ("exception_class", end.class),
                ];
                *failed.entry(labels(&why)).or_default() += count;
            }
        }
    }
    for (name, help, sums) in [
        (
            "litellm_proxy_total_requests_metric",
            "Requests of clients for models",
            &all,
        ),
        (
            "litellm_proxy_failed_requests_metric",
            "Requests of clients for models that failed",
            &failed,
        ),
    ] {
        page.family(name, Kind::Counter, help);
        for (labels, sum) in sums {
            page.counter(name, labels, sum);
        }
    }
}

fn of_model(figures: &CallFigures) -> String {
    let key = &figures.key;
    labels(&[
        ("requested_model", &key.group),
        ("model", key.model_name()),
        ("model_id", &key.deployment),
    ])
}

/// What is counted by model; the last one is money, in billionths.
const BY_MODEL: [(&str, &str); 7] = [
    ("litellm_requests_metric", "Calls of models that went well"),
    (
        "litellm_total_tokens_metric",
        "Tokens that models read and wrote",
    ),
    ("litellm_input_tokens_metric", "Tokens that models read"),
    ("litellm_output_tokens_metric", "Tokens that models wrote"),
    (
        "litellm_input_cached_tokens_metric",
        "Tokens that models read from their providers' caches",
    ),
    (
        "litellm_output_reasoning_tokens_metric",
        "Tokens that models wrote while they reasoned",
    ),
    ("litellm_spend_metric", "Cost of model calls in US dollars"),
];

fn by_model(figures: &[Arc<CallFigures>], page: &mut Page) {
    let mut sums: BTreeMap<String, [u64; BY_MODEL.len()]> = BTreeMap::new();
    for figures in figures {
        let (prompt, answer) = (read(&figures.prompt_tokens), read(&figures.answer_tokens));
        let counts = [
            figures.outcomes.successes(),
            prompt + answer,
            prompt,
            answer,
            read(&figures.cached_tokens),
            read(&figures.reasoning_tokens),
            read(&figures.cost_nanousd),
        ];
        let sums = sums.entry(of_model(figures)).or_default();
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    for (at, (name, help)) in BY_MODEL.iter().enumerate() {
        page.family(name, Kind::Counter, help);
        for (labels, sums) in &sums {
            match at == BY_MODEL.len() - 1 {
                true => page.counter(name, labels, sums[at] as f64 / 1e9),
                false => page.counter(name, labels, sums[at]),
            }
        }
    }
}

/// Three of latency: of the whole call, of the upstream, and until the first token.
type Latencies = [Totals<{ LATENCY_NS.len() }>; 3];

fn latencies(figures: &[Arc<CallFigures>], page: &mut Page) {
    let mut sums: BTreeMap<String, Latencies> = BTreeMap::new();
    for figures in figures {
        let [total, api, ttft] = sums.entry(of_model(figures)).or_default();
        figures.duration.add_to(total);
        figures.upstream.add_to(api);
        figures.ttft.add_to(ttft);
    }
    for (at, name, help) in [
        (
            0,
            "litellm_request_total_latency_metric",
            "Time in seconds from a request to the end of its answer",
        ),
        (
            1,
            "litellm_llm_api_latency_metric",
            "Time in seconds that a request waited for the model's provider",
        ),
        (
            2,
            "litellm_llm_api_time_to_first_token_metric",
            "Time in seconds from a request to the first token of its streamed answer",
        ),
    ] {
        page.family(name, Kind::Histogram, help);
        for (labels, totals) in &sums {
            if totals[at].count() > 0 {
                page.histogram(name, labels, &LITELLM, (&totals[at], &LATENCY_NS));
            }
        }
    }
}

fn overheads(figures: &[Arc<CallFigures>], page: &mut Page) {
    let mut sums: BTreeMap<String, Totals<{ OVERHEAD_NS.len() }>> = BTreeMap::new();
    for figures in figures {
        let of = &figures.deployment.labels;
        let labels = format!("{},{of}", labels(&[("model_group", &figures.key.group)]));
        figures.overhead.add_to(sums.entry(labels).or_default());
    }
    let name = "litellm_overhead_latency_metric";
    let help = "Time in seconds that the gateway itself added to a request";
    page.family(name, Kind::Histogram, help);
    for (labels, totals) in &sums {
        page.histogram(name, labels, &LITELLM_OVERHEAD, (totals, &OVERHEAD_NS));
    }
}

fn of_deployments(deployments: &[Arc<DeploymentFigures>], page: &mut Page) {
    let requested = |deployment: &DeploymentFigures| {
        let requested = labels(&[("requested_model", &deployment.group)]);
        format!("{requested},{}", deployment.labels)
    };
    let name = "litellm_deployment_state";
    let help = "How a deployment stands: 0 healthy, 1 partial outage, 2 complete outage";
    page.family(name, Kind::Gauge, help);
    for deployment in deployments {
        page.gauge(name, &deployment.labels, deployment.state());
    }
    let name = "litellm_deployment_total_requests";
    page.family(name, Kind::Counter, "Attempts at a deployment that ended");
    for deployment in deployments {
        let failures: u64 = deployment.failures.seen().map(|(_, count)| count).sum();
        let all = read(&deployment.successes) + failures;
        page.counter(name, &requested(deployment), all);
    }
    let name = "litellm_deployment_success_responses";
    page.family(
        name,
        Kind::Counter,
        "Attempts at a deployment that went well",
    );
    for deployment in deployments {
        page.counter(name, &requested(deployment), read(&deployment.successes));
    }
    let name = "litellm_deployment_failure_responses";
    page.family(name, Kind::Counter, "Attempts at a deployment that failed");
    for deployment in deployments {
        // Several ends have one status and class.
        let mut sums: BTreeMap<[&str; 2], u64> = BTreeMap::new();
        for (end, count) in deployment.failures.seen() {
            *sums.entry([end.status, end.class]).or_default() += count;
        }
        for ([status, class], count) in sums {
            let why = labels(&[("exception_status", status), ("exception_class", class)]);
            page.counter(name, &format!("{},{why}", requested(deployment)), count);
        }
    }
    let name = "litellm_deployment_cooled_down";
    page.family(
        name,
        Kind::Counter,
        "How often a deployment was made to rest",
    );
    for deployment in deployments {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (end, count) in deployment.cooldowns.seen() {
            *sums.entry(end.status).or_default() += count;
        }
        for (status, count) in sums {
            let why = labels(&[("exception_status", status)]);
            page.counter(name, &format!("{},{why}", deployment.labels), count);
        }
    }
    remaining(deployments, page);
}

fn remaining(deployments: &[Arc<DeploymentFigures>], page: &mut Page) {
    let of_group = |deployment: &DeploymentFigures| {
        let group = labels(&[("model_group", &deployment.group)]);
        format!("{group},{}", deployment.labels)
    };
    let name = "litellm_remaining_requests_metric";
    page.family(name, Kind::Gauge, "Calls that the provider says are left");
    for deployment in deployments {
        if let Some(left) = deployment.remaining_requests() {
            page.gauge(name, &of_group(deployment), left);
        }
    }
    let name = "litellm_remaining_tokens_metric";
    page.family(name, Kind::Gauge, "Tokens that the provider says are left");
    for deployment in deployments {
        if let Some(left) = deployment.remaining_tokens() {
            page.gauge(name, &of_group(deployment), left);
        }
    }
}

fn fallbacks(metrics: &Metrics, page: &mut Page) {
    let all = metrics.fallbacks.all();
    for (name, help, is_success) in [
        (
            "litellm_deployment_successful_fallbacks",
            "Calls that another group answered",
            true,
        ),
        (
            "litellm_deployment_failed_fallbacks",
            "Calls that no other group could answer either",
            false,
        ),
    ] {
        page.family(name, Kind::Counter, help);
        for line in &all {
            let count = if is_success {
                line.successful
            } else {
                line.failed
            };
            if count == 0 {
                continue;
            }
            let labels = labels(&[
                ("requested_model", &line.requested),
                ("fallback_model", &line.answered),
                ("exception_status", line.because.status),
                ("exception_class", line.because.class),
            ]);
            page.counter(name, &labels, count);
        }
    }
}
