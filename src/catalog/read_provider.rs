//! Reads one file of `providers/`.

use std::collections::BTreeMap;

use http::HeaderName;
use http::HeaderValue;
use http::Uri;

use super::fields::Fields;
use super::fields::Report;
use super::provider_spec::Auth;
use super::provider_spec::AuthScheme;
use super::provider_spec::ProviderSpec;
use super::provider_spec::ProviderTimeouts;
use crate::types::Wire;
use crate::types::quirks::OllamaOptions;
use crate::types::quirks::Quirks;

/// The answer's token limit of a provider whose file names none.
const DEFAULT_MAX_OUTPUT_TOKENS: u32 = 4096;

/// What a provider's file says.
pub(super) struct ReadProvider {
    /// Whose file it is, even when it is wrong.
    pub(super) id: String,
    /// The line of the id.
    pub(super) line: Option<usize>,
    /// `None` when it is too wrong to be one.
    pub(super) spec: Option<ProviderSpec>,
}

/// Reads a provider; what is wrong goes to the report.
pub(super) fn read_provider(report: &mut Report<'_>) -> Option<ReadProvider> {
    let mut fields = report.parse()?;
    let id = fields.require_text("id", report);
    let line = fields.line("id");
    if let Some(id) = &id {
        check_prefix("id", id, line, report);
    }
    let spec = read_spec(id.clone(), &mut fields, report);
    fields.finish(report);
    Some(ReadProvider {
        id: id?,
        line,
        spec,
    })
}

fn read_spec(
    id: Option<String>,
    fields: &mut Fields<'_>,
    report: &mut Report<'_>,
) -> Option<ProviderSpec> {
    let title = fields.require_text("title", report);
    let wire = fields.require("wire", report);
    let base_url = base_url(fields, wire, report);
    let base_url_env = env_names(fields, "base_url_env", report);
    let keyless = fields.take("keyless", report).unwrap_or(false);
    let lists_all_models = fields.take("lists_all_models", report).unwrap_or(false);
    let auth = auth(fields, keyless, report);
    let headers = headers(fields, report);
    let local = fields.take("local", report).unwrap_or(false);
    let discover = fields.take("discover", report);
    let timeouts = timeouts(fields, report);
    let quirks = quirks(fields, report);
    let aliases: Vec<String> = fields.take("aliases", report).unwrap_or_default();
    let default_max_output_tokens = fields
        .take("default_max_output_tokens", report)
        .unwrap_or(DEFAULT_MAX_OUTPUT_TOKENS);
    let source = fields.require_text("source", report);
    let checked = date(fields, "checked", true, report);

    for alias in &aliases {
        check_prefix("aliases", alias, fields.line("aliases"), report);
    }
    Some(ProviderSpec {
        id: id?,
        title: title?,
        wire: wire?,
        base_url: base_url?,
        base_url_env,
        auth,
        headers,
        local,
        discover,
        timeouts,
        quirks,
        aliases,
        default_max_output_tokens,
        keyless,
        lists_all_models,
        source: source?,
        checked: checked?,
    })
}

/// Takes a day written as text; the day itself is checked.
pub(super) fn date(
    fields: &mut Fields<'_>,
    key: &'static str,
    required: bool,
    report: &mut Report<'_>,
) -> Option<String> {
    let text: String = if required {
        fields.require(key, report)?
    } else {
        fields.take(key, report)?
    };
    if text.parse::<jiff::civil::Date>().is_err() || text.len() != "2026-11-20".len() {
        let help = format!("{key}: \"{text}\" is not a day: write it as \"2026-11-20\"");
        report.at(fields.line(key), help);
        return None;
    }
    Some(text)
}

fn base_url(
    fields: &mut Fields<'_>,
    wire: Option<Wire>,
    report: &mut Report<'_>,
) -> Option<String> {
    if wire == Some(Wire::Demo) {
        return Some(fields.take("base_url", report).unwrap_or_default());
    }
    let url: String = fields.require("base_url", report)?;
    if let Err(help) = check_base_url(&url) {
        report.at(fields.line("base_url"), format!("base_url: {help}"));
        return None;
    }
    Some(url)
}

fn check_base_url(url: &str) -> Result<(), String> {
    let uri: Uri = url
        .parse()
        .map_err(|error| format!("\"{url}\" is not an address: {error}"))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    if !matches!(scheme, "http" | "https") {
        return Err(format!("\"{url}\" has to begin with https:// or http://"));
    }
    if uri
        .authority()
        .is_some_and(|host| host.as_str().contains('@'))
    {
        return Err("holds a user name: keys belong in the environment".to_owned());
    }
    if url.ends_with('/') || uri.query().is_some() {
        return Err(format!("\"{url}\" may end in neither \"/\" nor a query"));
    }
    Ok(())
}

fn env_names(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Vec<String> {
    let names: Vec<String> = fields.take(key, report).unwrap_or_default();
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    for name in names
        .iter()
        .filter(|name| name.is_empty() || !name.chars().all(usual))
    {
        // A key that was pasted here by mistake must not be shown.
        let shown = if name.len() <= 8 {
            name.as_str()
        } else {
            "this"
        };
        let help = format!(
            "{key}: \"{shown}\" is not the name of an environment variable, such as ACME_API_KEY"
        );
        report.at(fields.line(key), help);
    }
    names
}

fn auth(fields: &mut Fields<'_>, keyless: bool, report: &mut Report<'_>) -> Auth {
    let none = Auth {
        scheme: AuthScheme::None,
        key_env: Vec::new(),
    };
    let Some(mut auth) = fields.table("auth", report) else {
        if !keyless && !fields.has("auth") {
            report.at(None, "auth is missing: write [auth], or keyless = true");
        }
        return none;
    };
    let scheme: Option<String> = auth.require("scheme", report);
    let header: Option<String> = auth.take("header", report);
    let key_env = env_names(&mut auth, "key_env", report);
    let scheme = match (scheme.as_deref(), header) {
        (Some("bearer"), None) => AuthScheme::Bearer,
        (Some("header"), Some(name)) => {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                report.at(
                    auth.line("header"),
                    format!("\"{name}\" is not a header's name"),
                );
            }
            AuthScheme::Header(name)
        }
        (Some("header"), None) => {
            let help = "header is missing: it names the header that carries the key";
            report.at(auth.line("scheme"), help);
            AuthScheme::None
        }
        (Some("none"), None) => AuthScheme::None,
        (Some("bearer" | "none"), Some(_)) => {
            report.at(
                auth.line("header"),
                "header goes with scheme = \"header\" only",
            );
            AuthScheme::None
        }
        (Some(other), _) => {
            let help = format!("scheme: \"{other}\" is none of bearer, header, none");
            report.at(auth.line("scheme"), help);
            AuthScheme::None
        }
        (None, _) => AuthScheme::None,
    };
    if !keyless && key_env.is_empty() {
        let help = "key_env is missing: name the environment variables that hold the key, or write keyless = true";
        report.at(auth.line("key_env"), help);
    }
    auth.finish(report);
    Auth { scheme, key_env }
}

fn headers(fields: &mut Fields<'_>, report: &mut Report<'_>) -> BTreeMap<String, String> {
    let headers: BTreeMap<String, String> = fields.take("headers", report).unwrap_or_default();
    for (name, value) in &headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err()
        {
            let help = format!("headers: \"{name}\" cannot be sent as a header");
            report.at(fields.line("headers"), help);
        }
    }
    headers
}

fn timeouts(fields: &mut Fields<'_>, report: &mut Report<'_>) -> ProviderTimeouts {
    let Some(mut table) = fields.table("timeouts", report) else {
        return ProviderTimeouts::default();
    };
    let timeouts = ProviderTimeouts {
        connect_s: seconds(&mut table, "connect_s", report),
        first_token_s: seconds(&mut table, "first_token_s", report),
        idle_s: seconds(&mut table, "idle_s", report),
        total_s: seconds(&mut table, "total_s", report),
    };
    table.finish(report);
    timeouts
}

fn seconds(table: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<u64> {
    let seconds: u64 = table.take(key, report)?;
    if seconds == 0 {
        report.at(
            table.line(key),
            format!("{key}: 0 would end every call; leave it out instead"),
        );
        return None;
    }
    Some(seconds)
}

fn quirks(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Quirks {
    let Some(mut table) = fields.table("quirks", report) else {
        return Quirks::default();
    };
    let quirks = Quirks {
        max_tokens_field: table.take("max_tokens_field", report).unwrap_or_default(),
        drop_params: table.take("drop_params", report).unwrap_or_default(),
        finish_reason_map: table.take("finish_reason_map", report).unwrap_or_default(),
        usage_in_stream: table.take("usage_in_stream", report).unwrap_or_default(),
        reasoning_outside_completion: table
            .take("reasoning_outside_completion", report)
            .unwrap_or_default(),
        json: table.take("json", report).unwrap_or_default(),
        max_temperature_percent: table.take("max_temperature_percent", report),
        reasoning: table.take("reasoning", report).unwrap_or_default(),
        efforts: table.take("efforts", report).unwrap_or_default(),
        reasoning_history: table.take("reasoning_history", report).unwrap_or_default(),
        seed_field: table.take("seed_field", report).unwrap_or_default(),
        tool_ids: table.take("tool_ids", report).unwrap_or_default(),
        system_role: table.take("system_role", report).unwrap_or_default(),
        documents: table.take("documents", report).unwrap_or_default(),
        inline_media_only: table.take("inline_media_only", report).unwrap_or_default(),
        anthropic_version: table.take("anthropic_version", report),
        think_tags_are_text: table
            .take("think_tags_are_text", report)
            .unwrap_or_default(),
        cache_markers: table.take("cache_markers", report).unwrap_or_default(),
        takes: table.take("takes", report).unwrap_or_default(),
        ollama: OllamaOptions::default(),
    };
    table.finish(report);
    quirks
}

/// Checks a provider's id or alias: what stands before the slash of a model's name.
fn check_prefix(key: &str, prefix: &str, line: Option<usize>, report: &mut Report<'_>) {
    let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    if prefix.is_empty() || !prefix.chars().all(usual) {
        let help = format!("{key}: \"{prefix}\" may hold a-z, 0-9, \"_\", \"-\" and \".\" only");
        report.at(line, help);
    }
}
