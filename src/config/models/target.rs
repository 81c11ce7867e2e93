//! How an entry is reached.

use std::time::Duration;

use serde_json::Value;

use super::variables;
use crate::config::fields::Fields;
use crate::config::tree::Content;
use crate::config::tree::Node;
use crate::types::Secret;
use crate::types::Target;
use crate::types::TargetTimeouts;

/// For how long a stream may go on that names only the waits between its pieces (`LiteLLM`'s `request_timeout`).
const LONGEST_STREAM: Duration = Duration::from_secs(6000);

/// Reads address, key, provider settings, headers and time limits.
pub(super) fn read(fields: &mut Fields<'_, '_>, provider: &str) -> Target {
    let mut target = Target {
        api_base: address(fields),
        timeouts: timeouts(fields),
        ..Target::default()
    };
    target.api_key = key(fields, "api_key", &mut target).map(Secret::new);
    variables::read(fields, provider, &mut target);
    headers(fields, provider, &mut target);
    if let Some(node) = fields.take("extra_body") {
        match node.json() {
            Value::Object(members) => target.extra_body = members,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                let path = fields.path_of("extra_body");
                fields.report.kind(&path, node, "a mapping");
            }
        }
    }
    target
}

fn address(fields: &mut Fields<'_, '_>) -> Option<String> {
    let node = fields.take_first(&["api_base", "base_url"])?;
    let text = node.text().unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    // `host:port` is completed by the provider's own address.
    let has_other_scheme = match text.split_once("://") {
        Some((scheme, _)) => !matches!(scheme, "http" | "https"),
        None => false,
    };
    if has_other_scheme || text.contains(char::is_whitespace) {
        let help = format!(
            "{} is no address: write https://host",
            fields.path_of("api_base")
        );
        fields.report.mistake(&node.place, help);
        return None;
    }
    Some(text.to_owned())
}

/// A key; where its variable is not set the operator is told, and the target remembers the variable, so that a call
/// can name it.
pub(super) fn key(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    target: &mut Target,
) -> Option<String> {
    let node = &fields.take_any(name)?.node;
    if let Some(variable) = &node.unset {
        let help = format!(
            "{}: the variable {variable} is not set, so calls to this deployment will fail",
            fields.path_of(name)
        );
        fields.report.warn(&node.place, help);
        target.unset_key = Some(variable.as_str().into());
        return None;
    }
    match &node.content {
        // Google's login may be written as a mapping.
        Content::Map(_) => Some(node.json().to_string()),
        Content::List(_) => {
            let path = fields.path_of(name);
            fields.report.kind(&path, node, "a text");
            None
        }
        Content::Null | Content::Bool(_) | Content::Number { .. } | Content::Text(_) => node
            .text()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty()),
    }
}

fn headers(fields: &mut Fields<'_, '_>, provider: &str, target: &mut Target) {
    for section in ["headers", "extra_headers"] {
        let Some(node) = fields.take(section) else {
            continue;
        };
        if !matches!(node.content, Content::Map(_)) {
            let path = fields.path_of(section);
            fields.report.kind(&path, node, "a mapping");
        }
        for entry in node.entries() {
            header(fields, section, &entry.key, &entry.node, target);
        }
    }
    // Only OpenAI has them; elsewhere they would be strange headers.
    for (key, name) in [
        ("organization", "openai-organization"),
        ("project", "openai-project"),
    ] {
        let value: Option<String> = fields.read(key);
        if let Some(value) = value.filter(|_| matches!(provider, "openai" | "")) {
            target.headers.insert(name.to_owned(), Secret::new(value));
        }
    }
}

fn header(
    fields: &mut Fields<'_, '_>,
    section: &str,
    name: &str,
    node: &Node,
    target: &mut Target,
) {
    let path = fields.path_of(&format!("{section}.{name}"));
    if let Some(variable) = &node.unset {
        let help = format!("{path}: the variable {variable} is not set, so the header is not sent");
        fields.report.warn(&node.place, help);
        return;
    }
    let valid = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
    let text = node
        .text()
        .filter(|text| http::HeaderValue::from_str(text).is_ok());
    match text {
        Some(text) if valid => {
            let name = name.to_ascii_lowercase();
            target.headers.insert(name, Secret::new(text));
        }
        Some(_) | None => {
            let help = format!("{path} is no header that can be sent");
            fields.report.mistake(&node.place, help);
        }
    }
}

/// `timeout` ends a whole answer. A stream it limits as `LiteLLM` does: by the waits for its pieces, not by its
/// length; `stream_timeout` goes before it there.
fn timeouts(fields: &mut Fields<'_, '_>) -> TargetTimeouts {
    let [timeout, stream, first, idle] = [
        "timeout",
        "stream_timeout",
        "ttft_timeout",
        "stream_idle_timeout",
    ]
    .map(|key| {
        fields
            .seconds(key)
            .filter(|seconds| *seconds > 0.0)
            .map(Duration::from_secs_f64)
    });
    let wait = stream.or(timeout);
    TargetTimeouts {
        first_token: first.or(wait),
        idle: idle.or(wait),
        total: timeout,
        total_of_stream: wait.map(|wait| wait.max(LONGEST_STREAM)),
    }
}
