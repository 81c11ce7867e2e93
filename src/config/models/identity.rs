//! What deployments are told apart by.

use std::collections::HashMap;
use std::sync::Arc;

use super::ListedModel;
use crate::config::report::Report;
use crate::config::tree::Content;
use crate::config::tree::Node;

/// Hexadecimal digits of an id.
const DIGITS: usize = 32;

/// An id that is the same as long as the entry is: a hash of the group and of the entry as it was written, so that a
/// key which changes behind its variable changes nothing.
pub(super) fn of(group: &str, entry: &Node) -> Arc<str> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(group.as_bytes());
    add(entry, &mut hasher);
    hasher.finalize().to_hex()[..DIGITS].into()
}

fn add(node: &Node, hasher: &mut blake3::Hasher) {
    match &node.content {
        _ if node.written.is_some() => {
            hasher.update(node.written.as_deref().unwrap_or_default().as_bytes());
        }
        Content::Null => drop(hasher.update(b"null")),
        Content::Bool(value) => drop(hasher.update(value.to_string().as_bytes())),
        Content::Number { text, .. } | Content::Text(text) => drop(hasher.update(text.as_bytes())),
        Content::List(items) => {
            hasher.update(b"[");
            items.iter().for_each(|item| add(item, hasher));
        }
        Content::Map(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|a, b| a.key.cmp(&b.key));
            hasher.update(b"{");
            for entry in sorted {
                hasher.update(entry.key.as_bytes());
                hasher.update(b":");
                add(&entry.node, hasher);
            }
        }
    }
    hasher.update(b";");
}

/// Numbers entries that are the same, and those that were given one id.
pub(super) fn make_unique(listed: &mut [ListedModel], report: &mut Report) {
    let mut seen: HashMap<Arc<str>, usize> = HashMap::new();
    for model in listed {
        let id = Arc::clone(&model.deployment.id);
        let times = seen.entry(Arc::clone(&id)).or_insert(0);
        *times += 1;
        if *times == 1 {
            continue;
        }
        model.deployment.id = format!("{id}-{times}").into();
        if model.deployment.info.written.contains_key("id") {
            let help = format!("model_info.id \"{id}\" stands twice: this one is {id}-{times}");
            report.warn(&model.place, help);
        }
    }
}
