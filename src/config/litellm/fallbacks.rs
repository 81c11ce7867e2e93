//! Fallbacks: `[{group: [other, …]}]`, and `default_fallbacks: [other, …]`.

use super::Draft;
use super::text;
use crate::config::fields::Fields;
use crate::config::named::Mention;
use crate::config::tree::Content;
use crate::config::tree::Entry;
use crate::config::tree::Node;

/// Reads the four kinds.
pub(super) fn read(fields: &mut Fields<'_, '_>, draft: &mut Draft) {
    for key in [
        "fallbacks",
        "context_window_fallbacks",
        "content_policy_fallbacks",
    ] {
        let Some(node) = fields.take(key) else {
            continue;
        };
        let path = fields.path_of(key);
        let mut groups: Vec<Entry> = Vec::new();
        // A single mapping is understood as well as a list of them.
        let maps = match &node.content {
            Content::Map(_) => std::slice::from_ref(node),
            Content::List(items) => items,
            Content::Null | Content::Bool(_) | Content::Number { .. } | Content::Text(_) => {
                fields.report.kind(&path, node, "a list of group: [others]");
                continue;
            }
        };
        for map in maps {
            if !matches!(map.content, Content::Map(_)) {
                fields
                    .report
                    .kind(&path, map, "a mapping of group: [others]");
            }
            for Entry {
                key: group,
                place,
                node,
            } in map.entries()
            {
                let others = others(&format!("{path}.{group}"), node, fields, draft);
                let others = Node::new(place.clone(), Content::List(others));
                super::set(&mut groups, group, others);
                draft.mentioned.push(Mention {
                    path: path.clone(),
                    group: group.clone(),
                    place: place.clone(),
                });
            }
        }
        draft.set_router(key, Node::new(node.place.clone(), Content::Map(groups)));
    }
    if let Some(node) = fields.take("default_fallbacks") {
        let path = fields.path_of("default_fallbacks");
        let others = others(&path, node, fields, draft);
        let others = Node::new(node.place.clone(), Content::List(others));
        draft.set_router("default_fallbacks", others);
    }
}

/// The groups of one list. An entry with parameters of its own, `{model: …, messages: …}`, is taken by its model.
fn others(path: &str, node: &Node, fields: &mut Fields<'_, '_>, draft: &mut Draft) -> Vec<Node> {
    let items = match &node.content {
        Content::List(items) => items.as_slice(),
        Content::Text(_) => std::slice::from_ref(node),
        Content::Null | Content::Bool(_) | Content::Number { .. } | Content::Map(_) => {
            fields.report.kind(path, node, "a list of groups");
            &[]
        }
    };
    let mut groups = Vec::new();
    for item in items {
        let named = match item.get("model") {
            Some(model) => {
                let why = "of a fallback only the model counts";
                fields.report.ignore(path.to_owned(), &item.place, why);
                model.text()
            }
            None => item.text(),
        };
        let Some(group) = named else {
            fields.report.kind(path, item, "a group's name");
            continue;
        };
        draft.mentioned.push(Mention {
            path: path.to_owned(),
            group: group.clone(),
            place: item.place.clone(),
        });
        groups.push(text(&item.place, &group));
    }
    groups
}
