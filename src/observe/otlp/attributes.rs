//! Attributes of spans.

use std::borrow::Cow;

use serde::Serialize;

use crate::events::CallRecord;
use crate::types::Deployment;
use crate::types::ModelName;

/// A name and its value.
#[derive(Debug, Serialize)]
pub(in crate::observe) struct Attribute<'a> {
    key: &'a str,
    value: Value<'a>,
}

/// A value in OTLP's JSON form.
#[derive(Debug, Serialize)]
pub(in crate::observe) enum Value<'a> {
    #[serde(rename = "stringValue")]
    String(Cow<'a, str>),
    /// As text, since JSON's numbers have 53 bits.
    #[serde(rename = "intValue")]
    Int(String),
    #[serde(rename = "doubleValue")]
    Double(f64),
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "arrayValue")]
    Array { values: Vec<Self> },
}

impl<'a> Value<'a> {
    pub(in crate::observe) fn int(number: u64) -> Self {
        Self::Int(number.to_string())
    }

    pub(in crate::observe) fn owned(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }

    pub(in crate::observe) fn texts(texts: &'a [String]) -> Self {
        let text = |text: &'a String| Self::String(Cow::Borrowed(text));
        Self::Array {
            values: texts.iter().map(text).collect(),
        }
    }
}

impl<'a> Attribute<'a> {
    pub(in crate::observe) fn new(key: &'a str, value: Value<'a>) -> Self {
        Self { key, value }
    }

    pub(in crate::observe) fn text(key: &'a str, text: &'a str) -> Self {
        Self::new(key, Value::String(Cow::Borrowed(text)))
    }

    fn int(key: &'a str, number: u64) -> Self {
        Self::new(key, Value::int(number))
    }
}

/// What the model does, in the conventions' words.
pub(super) fn operation(call: &CallRecord) -> &'static str {
    let mode = call
        .deployment
        .as_ref()
        .and_then(|entry| entry.info.mode.as_deref());
    match mode {
        Some("embedding") => "embeddings",
        Some("completion") => "text_completion",
        Some(_) | None => "chat",
    }
}

/// The conventions' name of a provider; others keep their own.
fn provider_name(provider: &str) -> &str {
    match provider {
        "bedrock" => "aws.bedrock",
        "azure" => "azure.ai.openai",
        "gemini" => "gcp.gemini",
        "vertex_ai" => "gcp.vertex_ai",
        "mistral" => "mistral_ai",
        "xai" => "x_ai",
        own => own,
    }
}

/// The attributes of a request's span.
pub(in crate::observe) fn of_call(call: &CallRecord) -> Vec<Attribute<'_>> {
    let usage = &call.usage;
    let mut attributes = vec![
        Attribute::text("gen_ai.operation.name", operation(call)),
        Attribute::text("gen_ai.provider.name", provider_name(call.model.provider())),
        Attribute::text("gen_ai.request.model", call.asked_for()),
        Attribute::int("gen_ai.usage.input_tokens", usage.prompt_tokens()),
        Attribute::int("gen_ai.usage.output_tokens", usage.completion_tokens()),
    ];
    for (key, tokens) in [
        ("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
        (
            "gen_ai.usage.cache_creation.input_tokens",
            usage.cache_write,
        ),
        ("agon.usage.reasoning_tokens", usage.reasoning),
    ] {
        if tokens > 0 {
            attributes.push(Attribute::int(key, tokens));
        }
    }
    if let Some(model) = &call.response_model {
        attributes.push(Attribute::text("gen_ai.response.model", model));
    }
    add_server(&mut attributes, call.deployment.as_deref());
    if let Some(error) = call.error {
        add_failure(&mut attributes, error, call.status);
    }
    add_own(&mut attributes, call);
    attributes
}

/// What the conventions have no name for.
fn add_own<'a>(attributes: &mut Vec<Attribute<'a>>, call: &'a CallRecord) {
    let ms = |micros: u128| Value::Double(micros as f64 / 1000.0);
    attributes.push(Attribute::new("agon.stream", Value::Bool(call.stream)));
    attributes.push(Attribute::text("agon.path", call.path));
    attributes.push(Attribute::int("agon.attempts", u64::from(call.attempts)));
    attributes.push(Attribute::int("agon.fallbacks", u64::from(call.fallbacks)));
    let overhead = ms(call.overhead().as_micros());
    attributes.push(Attribute::new("agon.overhead_ms", overhead));
    if let Some(ttft) = call.ttft {
        attributes.push(Attribute::new("agon.ttft_ms", ms(ttft.as_micros())));
    }
    if let Some(cost) = call.cost {
        let usd = Value::Double(cost.as_usd());
        attributes.push(Attribute::new("agon.cost_usd", usd));
    }
    for (key, text) in [
        ("agon.call_id", call.call_id.as_deref()),
        (
            "agon.deployment",
            call.deployment.as_ref().map(|entry| &*entry.id),
        ),
        (
            "agon.debate",
            call.debate.as_ref().map(|debate| debate.as_str()),
        ),
        ("agon.turn", call.turn.as_ref().map(|turn| turn.as_str())),
        ("user.id", call.principal.as_deref()),
    ] {
        if let Some(text) = text {
            attributes.push(Attribute::text(key, text));
        }
    }
    for (key, texts) in [
        ("agon.tags", &call.tags),
        ("agon.dropped_params", &call.dropped),
    ] {
        if !texts.is_empty() {
            attributes.push(Attribute::new(key, Value::texts(texts)));
        }
    }
}

/// The attributes of an attempt's span.
pub(super) fn of_attempt<'a>(
    model: &'a ModelName,
    deployment: Option<&'a Deployment>,
) -> Vec<Attribute<'a>> {
    let mut attributes = vec![
        Attribute::text("gen_ai.provider.name", provider_name(model.provider())),
        Attribute::text("gen_ai.request.model", model.model()),
    ];
    if let Some(deployment) = deployment {
        attributes.push(Attribute::text("agon.deployment", &deployment.id));
    }
    add_server(&mut attributes, deployment);
    attributes
}

/// Says how something failed.
pub(super) fn add_failure<'a>(
    attributes: &mut Vec<Attribute<'a>>,
    error: &'a str,
    status: Option<u16>,
) {
    attributes.push(Attribute::text("error.type", error));
    if let Some(status) = status {
        let status = u64::from(status);
        attributes.push(Attribute::int("http.response.status_code", status));
    }
}

/// The host that the model list names; a provider's usual one is not worth a word.
fn add_server<'a>(attributes: &mut Vec<Attribute<'a>>, deployment: Option<&'a Deployment>) {
    let base = deployment.and_then(|deployment| deployment.target.api_base.as_deref());
    let Some((_, rest)) = base.and_then(|base| base.split_once("://")) else {
        return;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Whatever stands before an `@` may be a password.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        Some(_) | None => (host, None),
    };
    attributes.push(Attribute::text("server.address", host));
    if let Some(port) = port {
        attributes.push(Attribute::int("server.port", port));
    }
}
