//! The model list: each entry of `model_list` as a deployment.

mod defaults;
mod entry;
mod identity;
mod info;
mod known;
mod prices;
mod resolve;
mod shown;
mod target;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;

use super::place::Place;
use super::report::Report;
use super::tree::Content;
use super::tree::Entry;
use super::tree::Node;
use crate::provider::OllamaConfig;
use crate::types::Deployment;

pub use resolve::Names;
pub use resolve::Provider;
pub(super) use resolve::settle;
pub(crate) use shown::without_user as shown_address;

/// An entry of the model list, and where it stands. Its model's name is still as it was written.
#[derive(Debug, Clone)]
pub struct ListedModel {
    /// The deployment.
    pub deployment: Deployment,
    /// Where it stands.
    pub place: Place,
}

/// What entries share.
#[derive(Default)]
pub(super) struct Shared<'n> {
    /// `credential_list`: values that entries take over by a name.
    credentials: BTreeMap<String, &'n [Entry]>,
    /// `litellm_settings.drop_params`.
    pub(super) drop_params: Option<bool>,
}

impl<'n> Shared<'n> {
    /// Reads `credential_list`.
    pub(super) fn of(list: Option<&'n Node>, report: &mut Report) -> Self {
        let mut shared = Self::default();
        for (at, item) in list.into_iter().flat_map(Node::items).enumerate() {
            let path = format!("credential_list[{at}]");
            let name = item.get("credential_name").and_then(Node::text);
            match (name, item.get("credential_values")) {
                (Some(name), Some(values)) => {
                    report.understand(format!("{path}.{name}"), &item.place);
                    shared.credentials.insert(name, values.entries());
                }
                (_, _) => {
                    let help = format!("{path} needs a credential_name and credential_values");
                    report.mistake(&item.place, help);
                }
            }
        }
        shared
    }
}

/// Reads the model list. An entry that is wrong is in the report and not in the list.
pub(super) fn read(
    list: Option<&Node>,
    shared: &Shared<'_>,
    report: &mut Report,
) -> Vec<ListedModel> {
    let Some(list) = list else {
        return Vec::new();
    };
    match &list.content {
        Content::List(_) | Content::Null => {}
        Content::Bool(_) | Content::Number { .. } | Content::Text(_) | Content::Map(_) => {
            report.kind("model_list", list, "a list");
        }
    }
    let mut listed = Vec::new();
    for (at, item) in list.items().iter().enumerate() {
        let model = entry::read(&format!("model_list[{at}]"), item, shared, report);
        listed.extend(model.map(|deployment| ListedModel {
            deployment,
            place: item.place.clone(),
        }));
    }
    identity::make_unique(&mut listed, report);
    listed
}

/// Ollama's own settings of entries, which its client reads by the model's name. A setting of ours goes before them.
pub(super) fn ollama(listed: &[ListedModel], config: &mut OllamaConfig) {
    for ListedModel { deployment, .. } in listed {
        let Some(("ollama" | "ollama_chat", model)) = deployment.model.split_once('/') else {
            continue;
        };
        let defaults = &deployment.target.defaults;
        let num_ctx = defaults.get("num_ctx").and_then(serde_json::Value::as_u64);
        let keep_alive = defaults.get("keep_alive").cloned();
        let keep_alive = keep_alive.and_then(|span| serde_json::from_value(span).ok());
        if num_ctx.is_none() && keep_alive.is_none() {
            continue;
        }
        let own = config.models.entry(model.to_owned()).or_default();
        own.num_ctx = own.num_ctx.or(num_ctx);
        own.keep_alive = own.keep_alive.take().or(keep_alive);
    }
}
