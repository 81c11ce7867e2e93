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
use super::read_speech::embeddings;
use super::read_speech::families;
use super::read_speech::places;
use super::read_speech::speech;
use super::template::Places;
use super::template::Template;
use super::template::is_variable;
use crate::types::Wire;

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
    let places = places(fields, report);
    let base_url = base_url(fields, wire, &places, report);
    let base_url_at = base_url_at(fields, report);
    let base_path = fields.take("base_path", report).unwrap_or_default();
    let base_url_env = env_names(fields, "base_url_env", report);
    let keyless = fields.take("keyless", report).unwrap_or(false);
    let lists_all_models = fields.take("lists_all_models", report).unwrap_or(false);
    let answers_responses = fields.take("answers_responses", report).unwrap_or(false);
    let auth = auth(fields, keyless, report);
    let headers = headers(fields, report);
    let local = fields.take("local", report).unwrap_or(false);
    let discover = fields.take("discover", report);
    let timeouts = timeouts(fields, report);
    let speech = wire.map(|wire| speech(fields, wire, &places, report));
    let families = families(fields, speech.as_ref(), &places, report);
    let embeddings = embeddings(fields, &places, report);
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
        speech: speech?,
        families,
        base_url: base_url?,
        base_url_at,
        base_path,
        base_url_env,
        auth,
        headers,
        local,
        discover,
        timeouts,
        embeddings,
        aliases,
        default_max_output_tokens,
        keyless,
        lists_all_models,
        answers_responses,
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
    places: &Places,
    report: &mut Report<'_>,
) -> Option<Template> {
    if wire == Some(Wire::Demo) {
        let url: String = fields.take("base_url", report).unwrap_or_default();
        return Template::parse(&url, places).ok();
    }
    let url: String = fields.require("base_url", report)?;
    address(&url, places)
        .map_err(|help| report.at(fields.line("base_url"), format!("base_url: {help}")))
        .ok()
}

fn base_url_at(fields: &mut Fields<'_>, report: &mut Report<'_>) -> BTreeMap<String, Template> {
    let texts: BTreeMap<String, String> = fields.take("base_url_at", report).unwrap_or_default();
    let mut at = BTreeMap::new();
    for (value, url) in texts {
        match address(&url, &Places::new()) {
            Ok(address) => drop(at.insert(value, address)),
            Err(help) => {
                let help = format!("base_url_at.{value}: {help}");
                report.at(fields.line("base_url_at"), help);
            }
        }
    }
    at
}

fn address(url: &str, places: &Places) -> Result<Template, String> {
    let template = Template::parse(url, places)?;
    if template.names_model() {
        return Err("{model} belongs in [paths]".to_owned());
    }
    check_base_url(&template.example())?;
    Ok(template)
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
    for name in names.iter().filter(|name| !is_variable(name)) {
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
        (Some("aws"), None) => AuthScheme::Aws,
        (Some("google"), None) => AuthScheme::Google,
        (Some("azure"), None) => AuthScheme::Azure,
        (Some("none"), None) => AuthScheme::None,
        (Some("bearer" | "aws" | "google" | "azure" | "none"), Some(_)) => {
            report.at(
                auth.line("header"),
                "header goes with scheme = \"header\" only",
            );
            AuthScheme::None
        }
        (Some(other), _) => {
            let help =
                format!("scheme: \"{other}\" is none of bearer, header, aws, google, azure, none");
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

/// Checks a provider's id or alias: what stands before the slash of a model's name.
fn check_prefix(key: &str, prefix: &str, line: Option<usize>, report: &mut Report<'_>) {
    let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    if prefix.is_empty() || !prefix.chars().all(usual) {
        let help = format!("{key}: \"{prefix}\" may hold a-z, 0-9, \"_\", \"-\" and \".\" only");
        report.at(line, help);
    }
}
