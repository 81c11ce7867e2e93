//! `retry_policy`, `model_group_retry_policy` and `allowed_fails_policy`.

use super::Draft;
use super::number;
use crate::config::fields::Fields;
use crate::config::tree::Content;
use crate::config::tree::Entry;
use crate::config::tree::Node;
use crate::types::diagnostic::nearest;

/// `LiteLLM`'s classes of failure, and ours for them.
const CLASSES: [(&str, &str); 10] = [
    ("BadRequestError", "BadRequestError"),
    ("AuthenticationError", "AuthenticationError"),
    ("TimeoutError", "TimeoutError"),
    ("Timeout", "TimeoutError"),
    ("RateLimitError", "RateLimitError"),
    ("ContentPolicyViolationError", "ContentPolicyViolationError"),
    ("InternalServerError", "InternalServerError"),
    ("ServiceUnavailableError", "InternalServerError"),
    ("BadGatewayError", "InternalServerError"),
    ("NotFoundError", "NotFoundError"),
];

/// Reads the three of them.
pub(super) fn read(fields: &mut Fields<'_, '_>, draft: &mut Draft) {
    for (key, ours, suffix, most) in [
        ("retry_policy", "retry_policy", "Retries", 255),
        (
            "allowed_fails_policy",
            "allowed_fails_policy",
            "AllowedFails",
            u32::MAX,
        ),
    ] {
        if let Some(node) = fields.take(key) {
            let path = fields.path_of(key);
            let policy = policy(&path, node, (suffix, most), fields);
            draft.set_router(ours, policy);
        }
    }
    let Some(node) = fields.take("model_group_retry_policy") else {
        return;
    };
    let path = fields.path_of("model_group_retry_policy");
    let groups = node.entries().iter().map(|entry| {
        let path = format!("{path}.{}", entry.key);
        Entry {
            key: entry.key.clone(),
            place: entry.place.clone(),
            node: policy(&path, &entry.node, ("Retries", 255), fields),
        }
    });
    let groups = Content::Map(groups.collect());
    draft.set_router("group_retry_policy", Node::new(node.place.clone(), groups));
}

/// `RateLimitErrorRetries: 3` as `RateLimitError: 3`. Of two names for one of our classes the greater number counts.
fn policy(
    path: &str,
    node: &Node,
    (suffix, most): (&str, u32),
    fields: &mut Fields<'_, '_>,
) -> Node {
    let mut classes: Vec<(&str, u32)> = Vec::new();
    for Entry { key, place, node } in node.entries() {
        let path = format!("{path}.{key}");
        let named = key.strip_suffix(suffix).unwrap_or(key);
        let Some((_, class)) = CLASSES.iter().find(|(theirs, _)| *theirs == named) else {
            let known = CLASSES.iter().map(|(theirs, _)| *theirs);
            let help = match nearest(named, known) {
                Some(meant) => format!("unknown key \"{path}\": did you mean \"{meant}{suffix}\"?"),
                None => format!("unknown key \"{path}\": it is ignored"),
            };
            fields.report.warn(place, help);
            continue;
        };
        if node.is_null() {
            continue;
        }
        let read: Option<u32> = crate::config::typed::value(&path, node, fields.report);
        let Some(read) = read else {
            continue;
        };
        if read > most {
            let help = format!("{path} should be a number from 0 to {most}");
            fields.report.mistake(place, help);
            continue;
        }
        let read = match suffix {
            "AllowedFails" => read.saturating_add(1),
            _ => read,
        };
        match classes.iter_mut().find(|(known, _)| known == class) {
            Some((_, number)) => *number = read.max(*number),
            None => classes.push((class, read)),
        }
    }
    let entries = classes.into_iter().map(|(class, read)| Entry {
        key: class.to_owned(),
        place: node.place.clone(),
        node: number(&node.place, read),
    });
    Node::new(node.place.clone(), Content::Map(entries.collect()))
}
