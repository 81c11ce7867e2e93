//! `model_info`: what is told about an entry.

use super::known;
use super::shown;
use crate::config::fields::Fields;
use crate::config::report::Report;
use crate::config::tree::Node;
use crate::types::DeploymentInfo;

/// What `model_info` says.
pub(super) struct Info {
    pub(super) id: Option<String>,
    pub(super) cooldown_s: Option<f64>,
    pub(super) told: DeploymentInfo,
}

/// Reads it. What is not known here is kept and shown: front ends put their own things there.
pub(super) fn read(path: &str, node: &Node, report: &mut Report) -> Info {
    let mut fields = Fields::of(format!("{path}.model_info"), node, report);
    let id: Option<String> = fields.read("id");
    let cooldown_s = fields.seconds("cooldown_time");
    let told = DeploymentInfo {
        mode: fields.read("mode"),
        base_model: fields.read("base_model"),
        max_input_tokens: tokens(&mut fields),
        access_groups: fields.texts("access_groups").unwrap_or_default(),
        written: shown::map(node.entries()),
        params: Default::default(),
    };
    fields.rest(known::INFO);
    Info {
        id: id.filter(|id| !id.trim().is_empty()),
        cooldown_s,
        told,
    }
}

/// `max_tokens` is the older name of both limits; the prompt's is meant where nothing else is said.
fn tokens(fields: &mut Fields<'_, '_>) -> Option<u64> {
    let input = fields.read("max_input_tokens");
    let both = fields.read("max_tokens");
    input.or(both)
}
