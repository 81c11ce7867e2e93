//! The functions that a model may call, and the one that stands for its answer.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::cache_marks::CacheMarks;
use super::thinking::Thinking;
use crate::types::Chat;
use crate::types::ResponseFormat;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::wire::json_answer;
use crate::wire::json_answer::ANSWER_TOOL;
use crate::wire::request_body::RequestBody;

/// How the form of the answer is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// Free text.
    Free,
    /// The API holds the model to a schema.
    Native(Value),
    /// The model has to call a function whose arguments are the answer.
    Call(Value),
    /// The instructions say it.
    Told(String),
}

impl Form {
    /// Decides it. A function cannot be forced while a budget of thinking is given, nor where the provider refuses
    /// the choice of a function.
    pub(super) fn of(chat: &Chat, thinking: Thinking, body: &RequestBody<'_>) -> Self {
        let schema = match &chat.format {
            ResponseFormat::Text => return Self::Free,
            ResponseFormat::JsonObject => {
                return Self::Told("Answer with one JSON object and nothing else.".to_owned());
            }
            ResponseFormat::JsonSchema { schema, .. } => schema,
        };
        let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
        let forced = is_object
            && !matches!(thinking, Thinking::Budget(_))
            && !body.refuses(Param::ToolChoice);
        match body.quirks().json {
            JsonSupport::Schema => Self::Native(json_answer::for_anthropic(schema)),
            JsonSupport::Tool if forced => Self::Call(schema.clone()),
            JsonSupport::Tool | JsonSupport::Object | JsonSupport::Prompt => {
                Self::Told(json_answer::instruction(schema))
            }
        }
    }
}

/// Writes `tools` and `tool_choice`.
pub(super) fn write(
    chat: &Chat,
    (form, thinking): (&Form, Thinking),
    marks: &mut CacheMarks,
    body: &mut RequestBody<'_>,
) {
    let mut tools: Vec<Value> = chat
        .tools
        .iter()
        .map(|tool| declared(tool, marks, body))
        .collect();
    let answer = match (form, &chat.tool_choice) {
        // A call that the caller demands comes before the answer.
        (_, ToolChoice::Required | ToolChoice::Named(_)) if !tools.is_empty() => None,
        (Form::Call(schema), _) => Some(schema),
        (Form::Free | Form::Native(_) | Form::Told(_), _) => None,
    };
    let alone = tools.is_empty();
    tools.extend(answer.map(|schema| json!({"name": ANSWER_TOOL, "description": "Gives the answer.", "input_schema": schema})));
    let mut choice = match (&chat.tool_choice, answer.is_some()) {
        _ if tools.is_empty() => {
            past_calls(chat, body);
            return;
        }
        (ToolChoice::Auto, true) if !alone => json!({"type": "any"}),
        (_, true) => json!({"type": "tool", "name": ANSWER_TOOL}),
        (ToolChoice::Auto, false) => json!({"type": "auto"}),
        (ToolChoice::None, false) => json!({"type": "none"}),
        (ToolChoice::Required, false) => json!({"type": "any"}),
        (ToolChoice::Named(name), false) => json!({"type": "tool", "name": name}),
    };
    body.put("tools", Value::Array(tools));
    let forced = choice["type"] == "any" || choice["type"] == "tool";
    let refused = forced && matches!(thinking, Thinking::Budget(_));
    if choice["type"] != "auto" && (refused || body.refuses(Param::ToolChoice)) {
        body.lose(Param::ToolChoice);
        choice = json!({"type": "auto"});
    }
    if chat.parallel_tool_calls == Some(false) && choice["type"] != "none" {
        if body.refuses(Param::ParallelToolCalls) {
            body.lose(Param::ParallelToolCalls);
        } else {
            choice["disable_parallel_tool_use"] = json!(true);
        }
    }
    if choice != json!({"type": "auto"}) {
        body.put("tool_choice", choice);
    }
}

fn declared(tool: &Tool, marks: &mut CacheMarks, body: &mut RequestBody<'_>) -> Value {
    let mut declared = json!({"name": tool.name});
    if !tool.description.is_empty() {
        declared["description"] = json!(tool.description);
    }
    declared["input_schema"] = object_schema(&tool.parameters);
    if tool.strict == Some(true) {
        if body.refuses(Param::StrictTools) {
            body.lose(Param::StrictTools);
        } else {
            declared["input_schema"] = json_answer::for_anthropic(&declared["input_schema"]);
            declared["strict"] = json!(true);
        }
    }
    if let Some(mark) = tool.cache.and_then(|ttl| marks.next(ttl, body)) {
        declared["cache_control"] = mark;
    }
    declared
}

/// A schema without a type, as functions without arguments have it elsewhere, is refused here.
fn object_schema(schema: &Value) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.extend(schema.as_object().cloned().unwrap_or_default());
    Value::Object(object)
}

/// Calls of earlier turns are refused unless some functions are declared, even where none may be called any more.
fn past_calls(chat: &Chat, body: &mut RequestBody<'_>) {
    let mut names: Vec<&str> = Vec::new();
    for call in chat.messages.iter().flat_map(|message| &message.tool_calls) {
        if !names.contains(&call.name.as_str()) {
            names.push(&call.name);
        }
    }
    if !names.is_empty() {
        let declared = names
            .iter()
            .map(|name| json!({"name": name, "input_schema": {"type": "object"}}));
        body.put("tools", declared.collect());
        body.put("tool_choice", json!({"type": "none"}));
    }
}
