//! Parameters of an entry that belong to the model: `temperature`, `max_tokens`, and whatever nobody here knows.

use super::known;
use crate::config::fields::Fields;
use crate::types::Target;

/// Takes over what is neither understood nor ignored: it is sent where a caller does not say otherwise.
pub(super) fn read(fields: &mut Fields<'_, '_>, target: &mut Target) {
    for price in known::PRICES {
        fields.take(price);
    }
    for entry in fields.rest(known::PARAMS) {
        let path = fields.path_of(&entry.key);
        if let Some(variable) = &entry.node.unset {
            let help = format!("{path}: the variable {variable} is not set, so it is left out");
            fields.report.warn(&entry.node.place, help);
        }
        fields.report.understand(path, &entry.place);
        if !entry.node.is_null() {
            let value = entry.node.json();
            target.defaults.insert(entry.key.clone(), value);
        }
    }
}
