//! `router_settings`, and those of its keys that may stand in `litellm_settings` too.

use super::Draft;
use super::fallbacks;
use super::known;
use super::number;
use super::policies;
use super::text;
use crate::config::fields::Fields;
use crate::config::report::Report;
use crate::config::tree::Content;
use crate::config::tree::Entry;
use crate::config::tree::Node;

/// Strategies by `LiteLLM`'s names, and ours for them.
const STRATEGIES: [(&str, &str); 8] = [
    ("simple-shuffle", "simple-shuffle"),
    ("least-busy", "least-busy"),
    ("usage-based-routing", "usage-based-routing"),
    ("usage-based-routing-v2", "usage-based-routing"),
    ("latency-based-routing", "latency-based-routing"),
    ("cost-based-routing", "cost-based-routing"),
    ("priority", "ordered"),
    ("ordered", "ordered"),
];

/// Checks before a call that Agon makes in its own way.
const STICKY: [&str; 3] = ["prompt_caching", "deployment_affinity", "session_affinity"];

/// Reads the section.
pub(in crate::config) fn read(node: &Node, draft: &mut Draft, report: &mut Report) {
    let mut fields = Fields::of("router_settings", node, report);
    shared(&mut fields, node, draft);
    strategy(&mut fields, draft);
    for (key, ours) in [
        ("timeout", "timeout_s"),
        ("stream_timeout", "stream_timeout_s"),
    ] {
        if fields.seconds(key).is_some_and(|seconds| seconds > 0.0)
            && let Some(node) = node.get(key)
        {
            draft.set_router(ours, node.clone());
        }
    }
    for (key, ours) in [
        ("disable_cooldowns", "disable_cooldowns"),
        ("enable_pre_call_checks", "pre_call_checks"),
        ("enable_tag_filtering", "tag_filtering"),
        ("tag_filtering_match_any", "tag_match_any"),
    ] {
        if let Some(node) = fields.take(key) {
            let path = fields.path_of(key);
            let flag: Option<bool> = crate::config::typed::value(&path, node, fields.report);
            let node = flag.map(|flag| Node::new(node.place.clone(), Content::Bool(flag)));
            node.into_iter()
                .for_each(|node| draft.set_router(ours, node));
        }
    }
    for (key, ours, most) in [
        ("max_fallbacks", "max_fallbacks", 255),
        (
            "default_max_parallel_requests",
            "default_max_parallel",
            u32::MAX,
        ),
        ("deployment_affinity_ttl_seconds", "sticky_ttl_s", u32::MAX),
    ] {
        count(&mut fields, node, draft, (key, ours, most));
    }
    checks(&mut fields, draft);
    policies::read(&mut fields, draft);
    aliases(&mut fields, draft);
    fields.finish(known::ROUTER_SETTINGS);
}

/// The keys that both sections have.
pub(super) fn shared(fields: &mut Fields<'_, '_>, node: &Node, draft: &mut Draft) {
    for key in [
        ("num_retries", "num_retries", 255),
        ("allowed_fails", "allowed_fails", u32::MAX),
        ("cooldown_time", "cooldown_s", u32::MAX),
        ("retry_after", "retry_after_s", u32::MAX),
    ] {
        count(fields, node, draft, key);
    }
    fallbacks::read(fields, draft);
}

/// A number, by the name that it has here.
fn count(
    fields: &mut Fields<'_, '_>,
    node: &Node,
    draft: &mut Draft,
    (key, ours, most): (&'static str, &str, u32),
) {
    if let Some(mut found) = fields.count(key, most)
        && let Some(node) = node.get(key)
    {
        // So many fails are allowed; the next one begins the rest.
        if key == "allowed_fails" {
            found = found.saturating_add(1);
        }
        draft.set_router(ours, number(&node.place, found));
    }
}

fn strategy(fields: &mut Fields<'_, '_>, draft: &mut Draft) {
    if let Some(node) = fields.take("routing_strategy") {
        let written = node.text().unwrap_or_default();
        match STRATEGIES
            .iter()
            .find(|(theirs, _)| *theirs == written.trim())
        {
            Some((_, ours)) => draft.set_router("strategy", text(&node.place, ours)),
            None => {
                let known: Vec<&str> = STRATEGIES.iter().map(|(theirs, _)| *theirs).collect();
                let help = format!(
                    "{} is none of {}",
                    fields.path_of("routing_strategy"),
                    known.join(", ")
                );
                fields.report.mistake(&node.place, help);
            }
        }
    }
    let Some(node) = fields.take("routing_strategy_args") else {
        return;
    };
    let path = fields.path_of("routing_strategy_args");
    let mut inner = Fields::of(path, node, fields.report);
    let mut latency = Vec::new();
    let ttl = inner.count("ttl", u32::MAX);
    let kept = inner.count("max_latency_list_size", 10_000);
    for (ours, found) in [("ttl_s", ttl), ("kept", kept)] {
        if let Some(found) = found {
            super::set(&mut latency, ours, number(&node.place, found));
        }
    }
    if let Some(buffer) = inner.take("lowest_latency_buffer") {
        super::set(&mut latency, "buffer", buffer.clone());
    }
    inner.finish(known::STRATEGY_ARGS);
    if !latency.is_empty() {
        let node = Node::new(node.place.clone(), Content::Map(latency));
        draft.set_router("latency", node);
    }
}

fn checks(fields: &mut Fields<'_, '_>, draft: &mut Draft) {
    let Some(node) = fields.take("optional_pre_call_checks") else {
        return;
    };
    let path = fields.path_of("optional_pre_call_checks");
    for item in node.items() {
        let name = item.text().unwrap_or_default();
        if STICKY.contains(&name.as_str()) {
            let sticky = Node::new(item.place.clone(), Content::Bool(true));
            draft.set_router("sticky", sticky);
            continue;
        }
        let known = known::CHECKS.iter().find(|(check, _)| *check == name);
        let why = known.map_or("it is not known", |(_, why)| why);
        fields
            .report
            .ignore(format!("{path}.{name}"), &item.place, why);
    }
}

/// `alias: group`, or `alias: {model: group, hidden: true}`.
fn aliases(fields: &mut Fields<'_, '_>, draft: &mut Draft) {
    let Some(node) = fields.take("model_group_alias") else {
        return;
    };
    let path = fields.path_of("model_group_alias");
    let mut aliases = Vec::new();
    for Entry { key, place, node } in node.entries() {
        let path = format!("{path}.{key}");
        let (group, hidden) = match &node.content {
            Content::Map(_) => {
                let mut inner = Fields::of(&path, node, fields.report);
                let group: Option<String> = inner.read("model");
                let hidden = inner.read("hidden").unwrap_or(false);
                inner.finish(&[]);
                (group, hidden)
            }
            Content::Null
            | Content::Bool(_)
            | Content::Number { .. }
            | Content::Text(_)
            | Content::List(_) => (node.text(), false),
        };
        let Some(group) = group else {
            fields
                .report
                .mistake(place, format!("{path} names no group"));
            continue;
        };
        draft.mentioned.push(crate::config::named::Mention {
            path,
            group: group.clone(),
            place: place.clone(),
        });
        let mut alias = Vec::new();
        super::set(&mut alias, "group", text(place, &group));
        let hidden = Node::new(place.clone(), Content::Bool(hidden));
        super::set(&mut alias, "hidden", hidden);
        aliases.push(Entry {
            key: key.clone(),
            place: place.clone(),
            node: Node::new(place.clone(), Content::Map(alias)),
        });
    }
    let node = Node::new(node.place.clone(), Content::Map(aliases));
    draft.set_router("aliases", node);
}
