//! Writing a request.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::cache_marks::CacheMarks;
use super::content;
use super::thinking::Thinking;
use super::tools;
use super::tools::Form;
use crate::types::Chat;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::request_body::RequestBody;
use crate::wire::request_body::decimal;

/// Writes a request for `POST {base}/v1/messages`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut body = RequestBody::new(context.quirks);
    // Hosts that name the version in the body have the model in the path.
    match &context.quirks.anthropic_version {
        Some(version) => body.put("anthropic_version", json!(version)),
        None => body.put("model", json!(context.model)),
    }
    let thinking = Thinking::of(chat, &mut body);
    let form = Form::of(chat, thinking, &body);
    let most = chat.sampling.max_output_tokens;
    let most = most.unwrap_or(context.default_max_output_tokens);
    body.put("max_tokens", json!(thinking.limit(most)));
    let mut marks = CacheMarks::default();
    tools::write(chat, (&form, thinking), &mut marks, &mut body);
    content::write(chat, &form, &mut marks, &mut body)?;
    sampling(chat, thinking, &mut body);
    output(form, thinking, &mut body);
    body.put("stream", json!(context.stream));
    Ok(body.finish("/v1/messages"))
}

fn sampling(chat: &Chat, thinking: Thinking, body: &mut RequestBody<'_>) {
    let sampling = &chat.sampling;
    let temperature = temperature(sampling.temperature, thinking, body);
    // While the model thinks, 0.95 is the least; and the models from Claude 4.1 on take one of the two only.
    let alone = temperature.is_none() || body.refuses(Param::Temperature);
    let fits = |top_p: &f32| alone && (!thinking.is_on() || *top_p >= 0.95);
    let top_p = sampling.top_p.filter(fits);
    body.lose_if(Param::TopP, top_p != sampling.top_p);
    let top_k = sampling.top_k.filter(|_| !thinking.is_on());
    body.lose_if(Param::TopK, top_k != sampling.top_k);
    body.param(Param::Temperature, "temperature", temperature.map(decimal));
    body.param(Param::TopP, "top_p", top_p.map(decimal));
    body.param(Param::TopK, "top_k", top_k.map(|top_k| json!(top_k)));
    // White space alone is refused as a stop text.
    let stop = sampling.stop.iter().filter(|text| !text.trim().is_empty());
    let stop: Vec<&String> = stop.collect();
    body.lose_if(Param::Stop, stop.len() != sampling.stop.len());
    body.param(
        Param::Stop,
        "stop_sequences",
        (!stop.is_empty()).then(|| json!(stop)),
    );
    let user = chat.user.as_ref().map(|user| json!({"user_id": user}));
    body.param(Param::User, "metadata", user);
    body.lose_if(Param::Seed, sampling.seed.is_some());
    body.lose_if(Param::PresencePenalty, sampling.presence_penalty.is_some());
    body.lose_if(
        Param::FrequencyPenalty,
        sampling.frequency_penalty.is_some(),
    );
    body.lose_if(Param::Logprobs, chat.top_logprobs.is_some());
    body.lose_if(Param::Metadata, !chat.metadata.is_empty());
}

/// 0 to 1 here, 0 to 2 in Agon's own form, and nothing but 1 while the model thinks.
fn temperature(wanted: Option<f32>, thinking: Thinking, body: &mut RequestBody<'_>) -> Option<f32> {
    let percent = body.quirks().max_temperature_percent.unwrap_or(100);
    let most = f32::from(percent.min(100)) / 100.0;
    let lowered = wanted.map(|wanted| wanted.min(most));
    let temperature = lowered.filter(|given| !thinking.is_on() || *given >= 1.0);
    body.lose_if(Param::Temperature, temperature != wanted);
    temperature
}

fn output(form: Form, thinking: Thinking, body: &mut RequestBody<'_>) {
    let mut output = Map::new();
    match form {
        Form::Native(schema) => {
            output.insert(
                "format".to_owned(),
                json!({"type": "json_schema", "schema": schema}),
            );
        }
        Form::Free | Form::Call(_) | Form::Told(_) => {}
    }
    match thinking {
        Thinking::Adaptive(effort) => {
            drop(output.insert("effort".to_owned(), json!(effort.as_str())))
        }
        Thinking::Unsaid | Thinking::Disabled | Thinking::Budget(_) => {}
    }
    if !output.is_empty() {
        body.put("output_config", Value::Object(output));
    }
    if let Some(member) = thinking.member() {
        body.put("thinking", member);
    }
}
