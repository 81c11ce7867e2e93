//! Writing a request.

use serde_json::Value;
use serde_json::json;

use super::items;
use crate::types::Chat;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::effort;
use crate::wire::json_answer;
use crate::wire::request_body::RequestBody;
use crate::wire::request_body::decimal;

/// The smallest limit that is taken (OpenAI's API document 2.3.0, read 2026-11-20).
const LEAST_OUTPUT_TOKENS: u32 = 16;

/// Most characters of the end user's identifier (the same).
const MOST_USER_CHARS: usize = 64;

/// Writes a request for `POST {base}/responses`. Nothing is stored there, so everything goes along every time.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut body = RequestBody::new(context.quirks);
    body.put("model", json!(context.model));
    let (format, told) = format(chat, &body);
    let sealed = items::write(chat, told, &mut body)?;
    sampling(chat, &mut body);
    tools(chat, &mut body);
    let effort = reasoning(chat, &mut body);
    if let Some(format) = format {
        body.put("text", json!({"format": format}));
    }
    // A model that does not reason refuses to be asked for its reasoning.
    let reasons = sealed || effort.is_some_and(|effort| effort != ReasoningEffort::None);
    let reasons = reasons || (effort.is_none() && !context.quirks.efforts.is_empty());
    include(chat, reasons, &mut body);
    body.put("store", json!(false));
    body.put("stream", json!(context.stream));
    Ok(body.finish("/responses"))
}

/// The form of the answer as the wire has it, and what has to be said in words.
fn format(chat: &Chat, body: &RequestBody<'_>) -> (Option<Value>, Option<String>) {
    let object = || Some(json!({"type": "json_object"}));
    match (&chat.format, body.quirks().json) {
        (ResponseFormat::Text, _) => (None, None),
        (ResponseFormat::JsonSchema { name, schema }, JsonSupport::Schema) => {
            let strict = json_answer::is_strict(schema);
            let format =
                json!({"type": "json_schema", "name": name, "schema": schema, "strict": strict});
            (Some(format), None)
        }
        (ResponseFormat::JsonSchema { schema, .. }, JsonSupport::Object) => {
            (object(), Some(json_answer::instruction(schema)))
        }
        (ResponseFormat::JsonSchema { schema, .. }, JsonSupport::Tool | JsonSupport::Prompt) => {
            (None, Some(json_answer::instruction(schema)))
        }
        // The word has to stand in the input, or it is refused.
        (ResponseFormat::JsonObject, support) => {
            let told = "Answer with one JSON object and nothing else.".to_owned();
            let format = match support {
                JsonSupport::Schema | JsonSupport::Object => object(),
                JsonSupport::Tool | JsonSupport::Prompt => None,
            };
            (format, Some(told))
        }
    }
}

fn sampling(chat: &Chat, body: &mut RequestBody<'_>) {
    let sampling = &chat.sampling;
    let most = body
        .quirks()
        .max_temperature_percent
        .map(|percent| f32::from(percent) / 100.0);
    let lowered = |wanted: f32| most.map_or(wanted, |most| wanted.min(most));
    let temperature = sampling.temperature.map(lowered);
    body.lose_if(Param::Temperature, temperature != sampling.temperature);
    body.param(Param::Temperature, "temperature", temperature.map(decimal));
    body.param(Param::TopP, "top_p", sampling.top_p.map(decimal));
    if let Some(most) = sampling.max_output_tokens {
        if most < LEAST_OUTPUT_TOKENS {
            body.lose_named("max_output_tokens");
        }
        body.put("max_output_tokens", json!(most.max(LEAST_OUTPUT_TOKENS)));
    }
    let user = chat
        .user
        .as_ref()
        .filter(|user| user.chars().count() <= MOST_USER_CHARS);
    body.lose_if(Param::User, user != chat.user.as_ref());
    body.param(
        Param::User,
        "safety_identifier",
        user.map(|user| json!(user)),
    );
    let labels = (!chat.metadata.is_empty()).then(|| json!(chat.metadata));
    body.param(Param::Metadata, "metadata", labels);
    body.param(
        Param::Logprobs,
        "top_logprobs",
        chat.top_logprobs.map(|count| json!(count)),
    );
    body.lose_if(Param::TopK, sampling.top_k.is_some());
    body.lose_if(Param::Stop, !sampling.stop.is_empty());
    body.lose_if(Param::Seed, sampling.seed.is_some());
    body.lose_if(Param::PresencePenalty, sampling.presence_penalty.is_some());
    body.lose_if(
        Param::FrequencyPenalty,
        sampling.frequency_penalty.is_some(),
    );
}

fn tools(chat: &Chat, body: &mut RequestBody<'_>) {
    if chat.tools.is_empty() {
        return;
    }
    let tools = chat.tools.iter().map(|tool| declared(tool, body)).collect();
    body.put("tools", tools);
    let choice = match &chat.tool_choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Named(name) => Some(json!({"type": "function", "name": name})),
    };
    body.param(Param::ToolChoice, "tool_choice", choice);
    let parallel = chat.parallel_tool_calls.map(|parallel| json!(parallel));
    body.param(Param::ParallelToolCalls, "parallel_tool_calls", parallel);
}

/// Unlike on the chat wire a function is strict unless that is denied.
fn declared(tool: &Tool, body: &mut RequestBody<'_>) -> Value {
    let wanted = tool.strict == Some(true);
    let strict = wanted && !body.refuses(Param::StrictTools);
    body.lose_if(Param::StrictTools, wanted && !strict);
    body.lose_if(Param::CacheMarkers, tool.cache.is_some());
    json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": strict,
    })
}

fn reasoning(chat: &Chat, body: &mut RequestBody<'_>) -> Option<ReasoningEffort> {
    let by_budget = chat.reasoning_budget_tokens.map(ReasoningEffort::of_budget);
    let wanted = chat.reasoning_effort.or(by_budget)?;
    if body.refuses(Param::ReasoningEffort) {
        body.lose(Param::ReasoningEffort);
        return Some(ReasoningEffort::None);
    }
    let effort = effort::nearest(wanted, &body.quirks().efforts);
    // A budget is carried only as the effort that comes near it.
    body.lose_if(
        Param::ReasoningEffort,
        effort != wanted || chat.reasoning_effort.is_none(),
    );
    let mut reasoning = json!({"effort": effort.as_str()});
    if effort != ReasoningEffort::None {
        reasoning["summary"] = json!("auto");
    }
    body.put("reasoning", reasoning);
    Some(effort)
}

fn include(chat: &Chat, reasons: bool, body: &mut RequestBody<'_>) {
    let mut wanted = Vec::new();
    if reasons && !body.refuses(Param::ReasoningEffort) {
        wanted.push("reasoning.encrypted_content");
    }
    if chat.top_logprobs.is_some() && !body.refuses(Param::Logprobs) {
        wanted.push("message.output_text.logprobs");
    }
    if !wanted.is_empty() {
        body.put("include", json!(wanted));
    }
}
