//! What of an entry may be shown: everything but its secrets.

use serde_json::Map;
use serde_json::Value;

use crate::config::tree::Content;
use crate::config::tree::Entry;
use crate::config::tree::Node;

/// Parameters whose value may be shown though it came from a variable.
const OPEN: [&str; 12] = [
    "model",
    "api_base",
    "base_url",
    "api_version",
    "vertex_project",
    "vertex_location",
    "aws_region_name",
    "tenant_id",
    "rpm",
    "tpm",
    "weight",
    "timeout",
];

/// Parameters as they were written, without anything secret.
pub(super) fn params(params: &Node) -> Map<String, Value> {
    map(params.entries())
}

/// A mapping without its secrets.
pub(super) fn map(entries: &[Entry]) -> Map<String, Value> {
    let open = entries.iter().filter(|entry| !is_secret(&entry.key));
    open.map(|entry| (entry.key.clone(), value(&entry.key, &entry.node)))
        .collect()
}

fn value(key: &str, node: &Node) -> Value {
    if let Some(written) = &node.written
        && !OPEN.contains(&key)
    {
        return Value::String(written.clone());
    }
    match &node.content {
        Content::Map(entries) if key.ends_with("headers") => {
            let masked = |entry: &Entry| (entry.key.clone(), Value::from("***"));
            Value::Object(entries.iter().map(masked).collect())
        }
        Content::Map(entries) => Value::Object(map(entries)),
        Content::List(items) => items.iter().map(|item| value(key, item)).collect(),
        Content::Text(text) if text.contains("://") => Value::String(without_user(text)),
        Content::Null | Content::Bool(_) | Content::Number { .. } | Content::Text(_) => node.json(),
    }
}

/// `true` for a key whose value is a secret, by its name.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let holds = [
        "secret",
        "password",
        "credential",
        "authorization",
        "api_key",
        "apikey",
    ];
    let is_named = key == "litellm_credential_name";
    let is_price = key.ends_with("_per_token");
    !is_named
        && !is_price
        && (key == "token"
            || key.ends_with("_token")
            || key.ends_with("_key")
            || key == "aws_access_key_id"
            || holds.iter().any(|word| key.contains(word)))
}

/// An address without a user and a password in it.
pub(crate) fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}
