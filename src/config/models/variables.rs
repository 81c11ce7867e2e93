//! Settings of single providers, under the names that their files in `providers/` look up.

use super::target::key;
use crate::config::fields::Fields;
use crate::types::Secret;
use crate::types::Target;

/// A setting of one entry.
struct Setting {
    /// `LiteLLM`'s names for it.
    keys: &'static [&'static str],
    /// The variable that the provider's file looks up first.
    variable: &'static str,
    /// Variables of the process that would go before it, or belong to another login.
    hides: &'static [&'static str],
    /// `true` when a call without it would be another's, or nobody's.
    is_login: bool,
}

const AWS_KEYS: &[&str] = &["AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN"];
const AZURE_KEYS: &[&str] = &[
    "AZURE_OPENAI_API_KEY",
    "AZURE_API_KEY",
    "AZURE_OPENAI_AD_TOKEN",
];

/// In an order in which a later one fills what an earlier one hides.
const SETTINGS: &[Setting] = &[
    plain(&["aws_region_name"], "AWS_REGION_NAME"),
    plain(
        &["aws_bedrock_runtime_endpoint"],
        "AWS_BEDROCK_RUNTIME_ENDPOINT",
    ),
    login(&["aws_access_key_id"], "AWS_ACCESS_KEY_ID", AWS_KEYS),
    login(&["aws_secret_access_key"], "AWS_SECRET_ACCESS_KEY", &[]),
    login(&["aws_session_token"], "AWS_SESSION_TOKEN", &[]),
    plain(&["vertex_project", "vertex_ai_project"], "VERTEXAI_PROJECT"),
    plain(
        &["vertex_location", "vertex_ai_location"],
        "VERTEXAI_LOCATION",
    ),
    login(
        &["vertex_credentials", "vertex_ai_credentials"],
        "VERTEXAI_CREDENTIALS",
        &[],
    ),
    plain(&["tenant_id"], "AZURE_TENANT_ID"),
    plain(&["client_id"], "AZURE_CLIENT_ID"),
    plain(&["azure_scope"], "AZURE_SCOPE"),
    login(&["azure_ad_token"], "AZURE_AD_TOKEN", AZURE_KEYS),
    login(&["client_secret"], "AZURE_CLIENT_SECRET", AZURE_KEYS),
    plain(&["account_id"], "CLOUDFLARE_ACCOUNT_ID"),
];

const fn plain(keys: &'static [&'static str], variable: &'static str) -> Setting {
    Setting {
        keys,
        variable,
        hides: &[],
        is_login: false,
    }
}

const fn login(
    keys: &'static [&'static str],
    variable: &'static str,
    hides: &'static [&'static str],
) -> Setting {
    Setting {
        keys,
        variable,
        hides,
        is_login: true,
    }
}

/// Reads the settings of all providers: an entry has those of its own.
pub(super) fn read(fields: &mut Fields<'_, '_>, provider: &str, target: &mut Target) {
    for setting in SETTINGS {
        let mut value = None;
        for name in setting.keys {
            let found = match setting.is_login {
                true => key(fields, name, target),
                false => plain_text(fields, name),
            };
            value = value.or(found);
        }
        let Some(value) = value else {
            continue;
        };
        for hidden in setting.hides {
            target
                .variables
                .insert((*hidden).to_owned(), Secret::new(""));
        }
        target
            .variables
            .insert(setting.variable.to_owned(), Secret::new(value));
    }
    let Some(node) = fields.take("api_version") else {
        return;
    };
    match node.text() {
        Some(version) if provider.starts_with("azure") => {
            let name = "AZURE_API_VERSION".to_owned();
            target.variables.insert(name, Secret::new(version.trim()));
        }
        Some(_) => {
            let path = fields.path_of("api_version");
            let why = "only Azure's addresses have a version that can be chosen";
            fields.report.ignore(path, &node.place, why);
        }
        None => {
            let path = fields.path_of("api_version");
            fields.report.kind(&path, node, "a text");
        }
    }
}

/// A setting that is no secret; where its variable is not set, the provider's own variables are left.
fn plain_text(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let node = &fields.take_any(name)?.node;
    let path = fields.path_of(name);
    if let Some(variable) = &node.unset {
        let help = format!("{path}: the variable {variable} is not set, so it is left out");
        fields.report.warn(&node.place, help);
        return None;
    }
    let text: Option<String> = crate::config::typed::value(&path, node, fields.report)?;
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}
