//! Agon as the client of another gateway, and the variables that such clients have.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Config;
use super::models::ListedModel;
use super::named::NamedModel;
use super::named::plain_deployment;
use super::place::Place;
use super::report::Report;
use crate::types::Deployment;
use crate::types::Secret;
use crate::types::Target;

/// Where another gateway is; the first that is set counts.
const BASES: [&str; 3] = ["LLM_BASE_URL", "LITELLM_BASE_URL", "LITELLM_API_BASE"];
/// Its key.
const KEYS: [&str; 2] = ["LLM_API_KEY", "LITELLM_API_KEY"];
/// Models that clients have names for.
const MODELS: [(&str, &str); 3] = [
    ("LLM_MODEL_CHAT", "chat-default"),
    ("LLM_MODEL_PROMPT_GEN", "prompt-helper"),
    ("MODEL", "default"),
];
/// Milliseconds that a call may take; the first that is set counts.
const TIMEOUTS: [&str; 2] = ["LLM_REQUEST_TIMEOUT_MS", "LLM_TIMEOUT_MS"];

/// Reads the variables. The model list goes before them.
pub(super) fn read(
    environment: &BTreeMap<String, String>,
    config: &mut Config,
    report: &mut Report,
) {
    let set = |name: &str| {
        let value = environment.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    };
    let first = |names: &[&'static str]| names.iter().find_map(|name| Some((*name, set(name)?)));
    for (variable, name) in MODELS {
        if let Some(model) = set(variable) {
            config.models.named.push(NamedModel {
                name: name.to_owned(),
                model: model.to_owned(),
                place: Place::variable(variable),
            });
        }
    }
    if let Some((variable, written)) = first(&TIMEOUTS) {
        timeout(variable, written, config, report);
    }
    let key = first(&KEYS);
    match first(&BASES) {
        Some((variable, base)) if allows(variable, base, environment, config, report) => {
            let is_address = base.starts_with("http://") || base.starts_with("https://");
            if !is_address {
                let help = "is no address: write http://host:4000";
                report.mistake(&Place::variable(variable), help);
                return;
            }
            report.understand(variable.to_owned(), &Place::variable(variable));
            let key = key.map(|(_, key)| Secret::new(key));
            config.models.entries = deployments(variable, base, key);
            config.models.through_gateway = true;
        }
        Some(_) => {}
        // Without another gateway, calls go to OpenAI directly, with the key that there is.
        None => {
            if let Some(key) = set("LLM_API_KEY")
                && set("OPENAI_API_KEY").is_none()
                && !config.api_keys.contains_key("openai")
            {
                config
                    .api_keys
                    .insert("openai".to_owned(), Secret::new(key));
            }
        }
    }
}

fn timeout(variable: &'static str, written: &str, config: &mut Config, report: &mut Report) {
    let place = Place::variable(variable);
    match written.parse::<u32>() {
        Ok(ms) if ms > 0 => {
            report.understand(variable.to_owned(), &place);
            config.router.timeout_s = config.router.timeout_s.or(Some(f64::from(ms) / 1000.0));
        }
        Ok(_) | Err(_) => report.mistake(&place, "is a number of milliseconds above zero"),
    }
}

/// Why the other gateway is not asked, if it is not.
fn allows(
    variable: &'static str,
    base: &str,
    environment: &BTreeMap<String, String>,
    config: &Config,
    report: &mut Report,
) -> bool {
    let place = Place::variable(variable);
    let off = |value: &String| {
        ["false", "0", "no", "off"].contains(&value.trim().to_lowercase().as_str())
    };
    let why = if environment.get("USE_LITELLM").is_some_and(off) {
        "USE_LITELLM is false: providers are asked directly"
    } else if !config.models.entries.is_empty() {
        "the file has a model list, which goes first"
    } else if is_own(base, config) {
        "it is this server's own address"
    } else {
        return true;
    };
    report.ignore(variable.to_owned(), &place, why);
    false
}

/// A client's address of the very server that is being started.
fn is_own(base: &str, config: &Config) -> bool {
    let Ok(uri) = base.parse::<http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost"
        || host == config.server.host
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    local && uri.port_u16() == Some(config.server.port)
}

/// Every name is asked there first, and directly when that fails.
fn deployments(variable: &str, base: &str, key: Option<Secret>) -> Vec<ListedModel> {
    let target = Target {
        api_base: Some(base.to_owned()),
        api_key: key,
        ..Target::default()
    };
    let listed = |id: &str, model: &str, order: i64, target: Target| ListedModel {
        deployment: Deployment {
            id: id.into(),
            group: "*".into(),
            model: model.into(),
            order: Some(order),
            target: Arc::new(target),
            ..plain_deployment()
        },
        place: Place::variable(variable),
    };
    vec![
        listed("gateway", "openai/*", 1, target),
        listed("direct", "*", 2, Target::default()),
    ]
}
