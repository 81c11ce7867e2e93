//! `litellm_settings`.

use super::CallbacksConfig;
use super::Draft;
use super::known;
use super::router::shared;
use crate::config::fields::Fields;
use crate::config::report::Report;
use crate::config::tree::Content;
use crate::config::tree::Node;

/// Names of callbacks that lead somewhere.
const CALLBACKS: [&str; 7] = [
    "langfuse",
    "langfuse_otel",
    "prometheus",
    "sentry",
    "otel",
    "otlp",
    "opentelemetry",
];

/// Reads the section. It may hold keys of `router_settings`, which go before it.
pub(in crate::config) fn read(node: &Node, draft: &mut Draft, report: &mut Report) {
    let mut fields = Fields::of("litellm_settings", node, report);
    draft.drop_params = fields.read("drop_params");
    draft.json_logs = fields.read("json_logs").unwrap_or(false);
    if let Some(seconds) = fields.seconds("request_timeout")
        && let Some(node) = node.get("request_timeout")
        && seconds > 0.0
    {
        draft.set_router("timeout_s", node.clone());
    }
    shared(&mut fields, node, draft);
    callbacks(&mut fields, draft);
    if let Some(flag) = fields.read::<bool>("require_auth_for_metrics_endpoint") {
        let place = &node.place;
        let open = Node::new(place.clone(), Content::Bool(!flag));
        super::set(&mut draft.gateway, "open_metrics", open);
    }
    if fields.read("cache") == Some(true) {
        let help =
            "litellm_settings.cache: a response cache comes later; every call is answered anew";
        if let Some(node) = node.get("cache") {
            fields.report.warn(&node.place, help);
        }
    }
    fields.finish(known::LITELLM_SETTINGS);
}

fn callbacks(fields: &mut Fields<'_, '_>, draft: &mut Draft) {
    let mut named = |key: &'static str| -> Vec<String> {
        let place = fields.take(key).map(|node| node.place.clone());
        let names = fields.texts(key).unwrap_or_default();
        let (known, strange): (Vec<_>, Vec<_>) = names
            .into_iter()
            .partition(|name| CALLBACKS.contains(&name.as_str()));
        for name in strange {
            let path = fields.path_of(key);
            let help = format!(
                "{path}: \"{name}\" is not known and told of nothing; known are {}",
                CALLBACKS.join(", ")
            );
            if let Some(place) = &place {
                fields.report.warn(place, help);
            }
        }
        known
    };
    let (both, success, failure) = (
        named("callbacks"),
        named("success_callback"),
        named("failure_callback"),
    );
    let mut callbacks = CallbacksConfig {
        without_messages: fields.read("turn_off_message_logging").unwrap_or(false),
        ..CallbacksConfig::default()
    };
    for name in both.iter().chain(&success) {
        if !callbacks.success.contains(name) {
            callbacks.success.push(name.clone());
        }
    }
    for name in both.iter().chain(&failure) {
        if !callbacks.failure.contains(name) {
            callbacks.failure.push(name.clone());
        }
    }
    draft.callbacks = callbacks;
}
