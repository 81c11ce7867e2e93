//! Our section `gateway`: tasks, plans, and how the gateway's paths are reached.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Config;
use super::named::Mention;
use super::named::NamedModel;
use super::place::Place;
use super::report::Report;
use super::tree::Node;
use super::typed;
use crate::http::GatewayConfig;
use crate::http::Plans;
use crate::types::AllowedModels;

/// The name of the models for whoever has no plan, in `LLM_PLAN_MODELS_JSON`.
const BASELINE: [&str; 2] = ["baseline", "default"];

/// The section as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Section {
    base_path: String,
    key_header: Option<String>,
    open_metrics: bool,
    tasks: BTreeMap<String, String>,
    plans: Option<PlansSection>,
}

/// Who may ask for which models.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PlansSection {
    models: BTreeMap<String, Vec<String>>,
    baseline: Vec<String>,
    shows_locked: bool,
}

/// Reads the section, and what variables say where it says nothing.
pub(super) fn read(
    section: &Node,
    environment: &BTreeMap<String, String>,
    config: &mut Config,
    report: &mut Report,
) {
    let Section {
        base_path,
        key_header,
        open_metrics,
        tasks,
        plans,
    } = typed::read("gateway", section, report);
    for (task, model) in tasks {
        let at = section.get("tasks").and_then(|tasks| tasks.entry(&task));
        config.models.named.push(NamedModel {
            place: at.map_or_else(|| section.place.clone(), |entry| entry.place.clone()),
            name: task,
            model,
        });
    }
    let set = |name: &str| {
        let value = environment.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    };
    let root = match base_path.trim() {
        "" => set("SERVER_ROOT_PATH").unwrap_or_default(),
        path => path,
    };
    let plans_place = section.get("plans").map(|node| node.place.clone());
    let plans = match (plans, set("LLM_PLAN_MODELS_JSON")) {
        (Some(plans), _) => Some(Plans {
            models: ready(plans.models),
            baseline: plans.baseline.into_iter().collect(),
            shows_locked: plans.shows_locked,
        }),
        (None, Some(json)) => of_variable(json, report),
        (None, None) => None,
    };
    let place = plans_place.unwrap_or_else(|| Place::variable("LLM_PLAN_MODELS_JSON"));
    config
        .models
        .mentioned
        .extend(mentions(plans.as_ref(), &place));
    config.gateway = GatewayConfig {
        base_path: normal_path(root),
        key_header: key_header.map(|name| name.trim().to_owned()),
        open_metrics,
        plans,
    };
    check(&config.gateway, section, report);
}

/// `/litellm` for `litellm/`; empty for `/`.
fn normal_path(path: &str) -> String {
    match path.trim().trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

fn check(gateway: &GatewayConfig, section: &Node, report: &mut Report) {
    let at = |key: &str| section.get(key).map_or(&section.place, |node| &node.place);
    if let Some(name) = &gateway.key_header
        && http::HeaderName::from_bytes(name.as_bytes()).is_err()
    {
        let help = "gateway.key_header is no header's name";
        report.mistake(at("key_header"), help);
    }
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "/-_.~".contains(c));
    if gateway.base_path.contains(odd) {
        let help = "gateway.base_path is no path: write it as /litellm";
        report.mistake(at("base_path"), help);
    }
}

/// `{"basic": ["chat-default"], "enterprise": ["*"]}`. Callers without a plan have `baseline`, or what all plans have.
fn of_variable(json: &str, report: &mut Report) -> Option<Plans> {
    let read: Result<BTreeMap<String, Vec<String>>, _> = serde_json::from_str(json);
    let Ok(mut models) = read else {
        let help = r#"is no JSON of plans: write {"basic": ["model"], "pro": ["*"]}"#;
        report.mistake(&Place::variable("LLM_PLAN_MODELS_JSON"), help);
        return None;
    };
    let named = BASELINE.iter().find_map(|name| models.remove(*name));
    let baseline = named.unwrap_or_else(|| common(&models));
    Some(Plans {
        models: ready(models),
        baseline: baseline.into_iter().collect(),
        shows_locked: false,
    })
}

fn ready(models: BTreeMap<String, Vec<String>>) -> BTreeMap<String, AllowedModels> {
    let ready = |(plan, models): (String, Vec<String>)| (plan, models.into_iter().collect());
    models.into_iter().map(ready).collect()
}

/// The models that every plan has.
fn common(plans: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let has =
        |plan: &Vec<String>, model: &String| plan.iter().any(|own| own == "*" || own == model);
    let mut common: Vec<String> = Vec::new();
    for model in plans.values().flatten() {
        let everywhere = plans.values().all(|plan| has(plan, model));
        if everywhere && !common.contains(model) {
            common.push(model.clone());
        }
    }
    common
}

fn mentions(plans: Option<&Plans>, place: &Place) -> Vec<Mention> {
    let Some(plans) = plans else {
        return Vec::new();
    };
    let named = plans
        .models
        .iter()
        .map(|(plan, models)| (format!("the plan \"{plan}\""), models))
        .chain([("the plans' baseline".to_owned(), &plans.baseline)]);
    named
        .flat_map(|(path, models)| {
            models.iter().map(move |model| Mention {
                path: path.clone(),
                group: model.clone(),
                place: place.clone(),
            })
        })
        .collect()
}
