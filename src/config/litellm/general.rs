//! `general_settings`.

use super::Draft;
use super::known;
use super::number;
use crate::config::fields::Fields;
use crate::config::report::Report;
use crate::config::tree::Entry;
use crate::config::tree::Node;
use crate::types::Secret;

/// Reads the section.
pub(in crate::config) fn read(node: &Node, draft: &mut Draft, report: &mut Report) {
    let mut fields = Fields::of("general_settings", node, report);
    if let Some(key) = fields.read::<String>("master_key")
        && let Some(node) = node.get("master_key")
    {
        draft.master_key = Some((key, node.place.clone()));
    }
    if let Some(node) = fields.take("litellm_key_header_name") {
        super::set(&mut draft.gateway, "key_header", node.clone());
    }
    if let Some(url) = fields.read::<String>("database_url")
        && let Some(node) = node.get("database_url")
    {
        draft.database_url = Some((url, node.place.clone()));
    }
    if let Some(node) = fields.take("max_request_size_mb") {
        let path = fields.path_of("max_request_size_mb");
        let megabytes: Option<f64> = crate::config::typed::value(&path, node, fields.report);
        let bytes = megabytes.map(|megabytes| megabytes * 1024.0 * 1024.0);
        match bytes.filter(|bytes| (1.0..=f64::from(u32::MAX)).contains(bytes)) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it lies between one and a u32"
            )]
            Some(bytes) => {
                let node = number(&node.place, bytes.ceil() as u32);
                super::set(&mut draft.http, "max_gateway_body_bytes", node);
            }
            None if megabytes.is_some() => {
                let help = format!("{path} should be a number of megabytes, at most 4095");
                fields.report.mistake(&node.place, help);
            }
            None => {}
        }
    }
    api_keys(&mut fields, draft);
    if let Some(true) = fields.read::<bool>("store_model_in_db")
        && let Some(node) = node.get("store_model_in_db")
    {
        let help = "general_settings.store_model_in_db: models come from this file; those of a database come later";
        fields.report.warn(&node.place, help);
    }
    fields.finish(known::GENERAL_SETTINGS);
}

/// `{openai: KEY}`: keys for deployments that have none of their own, and for direct calls.
fn api_keys(fields: &mut Fields<'_, '_>, draft: &mut Draft) {
    let Some(node) = fields.take("api_keys") else {
        return;
    };
    let path = fields.path_of("api_keys");
    // Reported as a whole, and as no mapping if it is none.
    drop(Fields::of(&path, node, fields.report));
    for Entry { key, place, node } in node.entries() {
        let path = format!("{path}.{key}");
        if let Some(variable) = &node.unset {
            let help = format!("{path}: the variable {variable} is not set, so it is left out");
            fields.report.warn(place, help);
            continue;
        }
        match node.text().map(|text| text.trim().to_owned()) {
            Some(text) if !text.is_empty() => {
                fields.report.understand(path, place);
                draft.api_keys.insert(key.clone(), Secret::new(text));
            }
            Some(_) => {}
            None if node.is_null() => {}
            None => fields.report.kind(&path, node, "a text"),
        }
    }
}
