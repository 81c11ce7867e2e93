//! One entry of `model_list`.

use std::time::Duration;

use super::Shared;
use super::defaults;
use super::identity;
use super::info;
use super::known;
use super::prices;
use super::shown;
use super::target;
use crate::config::fields::Fields;
use crate::config::report::Report;
use crate::config::tree::Content;
use crate::config::tree::Node;
use crate::types::Deployment;

/// Reads an entry; `None` when it is none, which the report then says.
pub(super) fn read(
    path: &str,
    item: &Node,
    shared: &Shared<'_>,
    report: &mut Report,
) -> Option<Deployment> {
    let mut fields = Fields::of(path, item, report);
    let group: Option<String> = fields.read("model_name");
    let params = fields.take("litellm_params");
    let told = fields.take("model_info");
    fields.finish(known::ENTRY);
    let (Some(group), Some(params)) = (group, params) else {
        let help = format!("{path} needs a model_name, and litellm_params with a model");
        report.mistake(&item.place, help);
        return None;
    };
    if group.trim().is_empty() {
        report.mistake(&item.place, format!("{path}.model_name is empty"));
        return None;
    }
    let params = with_credential(path, params, shared, report);
    let nothing = Node::new(item.place.clone(), Content::Null);
    let told = told.unwrap_or(&nothing);
    let info = info::read(path, told, report);
    let mut fields = Fields::of(format!("{path}.litellm_params"), &params, report);
    let (model, completes_text) = model(&mut fields, &params)?;
    let provider = model.split_once('/').map(|(provider, _)| provider);
    let mut target = target::read(&mut fields, provider.unwrap_or_default());
    let strict = fields.read::<bool>("drop_params").or(shared.drop_params);
    target.strict = strict.map(|drop| !drop);
    target.completes_text = completes_text;
    let params_prices = prices::written(&params);
    let prices = prices::read(path, &params_prices, told, &info, fields.report);
    let mut deployment = Deployment {
        id: info.id.clone().unwrap_or_default().into(),
        group: group.trim().into(),
        model: model.into(),
        target: Default::default(),
        weight: weight(&mut fields),
        rpm: fields.read("rpm"),
        tpm: fields.read("tpm"),
        max_parallel: fields.count("max_parallel_requests", u32::MAX),
        order: fields.read("order"),
        tags: fields.texts("tags").unwrap_or_default(),
        num_retries: retries(&mut fields),
        cooldown: fields
            .seconds("cooldown_time")
            .or(info.cooldown_s)
            .map(Duration::from_secs_f64),
        prices,
        info: info.told,
    };
    defaults::read(&mut fields, &mut target);
    deployment.info.params = shown::params(&params);
    deployment.target = target.into();
    if deployment.id.is_empty() {
        deployment.id = identity::of(&deployment.group, item);
    }
    Some(deployment)
}

/// Parameters with those of the credential that they name under them.
fn with_credential(path: &str, params: &Node, shared: &Shared<'_>, report: &mut Report) -> Node {
    let mut whole = params.clone();
    let Some(name) = params.get("litellm_credential_name") else {
        return whole;
    };
    let text = name.text().unwrap_or_default();
    let Some(values) = shared.credentials.get(&text) else {
        let help = format!("{path}: there is no credential \"{text}\" in credential_list");
        report.mistake(&name.place, help);
        return whole;
    };
    if let Content::Map(entries) = &mut whole.content {
        for value in *values {
            if !entries.iter().any(|entry| entry.key == value.key) {
                entries.push(value.clone());
            }
        }
    }
    whole
}

/// The model as `provider/model`, or as it was written where no provider is named, and whether it completes texts.
fn model(fields: &mut Fields<'_, '_>, params: &Node) -> Option<(String, bool)> {
    fields.take("litellm_credential_name");
    let written: Option<String> = fields.read("model");
    let custom: Option<String> = fields.read("custom_llm_provider");
    let Some(written) = written.filter(|model| !model.trim().is_empty()) else {
        let help = format!(
            "{} is missing: write provider/model",
            fields.path_of("model")
        );
        fields.report.mistake(&params.place, help);
        return None;
    };
    let written = written.trim();
    let model = match custom.as_deref().map(str::trim) {
        Some(custom) if !custom.is_empty() && !has_prefix(written, custom) => {
            format!("{custom}/{written}")
        }
        Some(_) | None => written.to_owned(),
    };
    Some((known::by_our_name(&model), known::completes_text(&model)))
}

fn has_prefix(model: &str, provider: &str) -> bool {
    model
        .split_once('/')
        .is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case(provider))
}

fn weight(fields: &mut Fields<'_, '_>) -> Option<f64> {
    let node = fields.take("weight")?;
    let path = fields.path_of("weight");
    let weight: f64 = crate::config::typed::value(&path, node, fields.report)?;
    if weight.is_finite() && weight >= 0.0 {
        return Some(weight);
    }
    let help = format!("{path} should be a number that is not below zero");
    fields.report.mistake(&node.place, help);
    None
}

fn retries(fields: &mut Fields<'_, '_>) -> Option<u8> {
    let outer = fields.count("num_retries", 255);
    let inner = fields.count("max_retries", 255);
    outer.or(inner).and_then(|number| u8::try_from(number).ok())
}
