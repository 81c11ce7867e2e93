//! The pieces of an answer, wherever a provider puts them.

use serde_json::Value;

use crate::types::FinishReason;
use crate::types::Seal;
use crate::types::TokenLogprob;
use crate::types::ToolCallDelta;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::lenient;

/// What a message or a delta says, wherever a provider puts it.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) seal: Option<Seal>,
    pub(super) unknown: Vec<String>,
}

/// The choice of index 0; a choice without an index is the only one.
pub(super) fn first_choice(value: &Value) -> Option<&Value> {
    let choices = value.get("choices")?.as_array()?;
    choices
        .iter()
        .find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
}

fn has_items(value: &Value, key: &str) -> bool {
    let items = value.get(key).and_then(Value::as_array);
    items.is_some_and(|items| !items.is_empty())
}

/// What stands beside the first choice and is not read: further choices, the sources that an answer names.
pub(super) fn beside(value: &Value) -> Vec<String> {
    let mut names = further_choices(value);
    // Perplexity and xAI.
    names.extend(has_items(value, "citations").then(|| "citations".to_owned()));
    names
}

fn further_choices(value: &Value) -> Vec<String> {
    let choices = value.get("choices").and_then(Value::as_array);
    let numbers = choices
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.get("index").and_then(Value::as_u64));
    numbers
        .filter(|index| *index > 0)
        .map(|index| format!("choices[{index}]"))
        .collect()
}

/// Reads a message or a delta.
pub(super) fn words(piece: &Value) -> Words {
    // Six names for one thing; OpenRouter writes the same text under two of them.
    let reasoning = ["reasoning_content", "reasoning", "thinking"]
        .into_iter()
        .find_map(|key| lenient::text(piece, key));
    let mut words = Words {
        reasoning: reasoning.unwrap_or_default(),
        ..Words::default()
    };
    details(piece, &mut words);
    match piece.get("content") {
        Some(Value::String(content)) => words.text.push_str(content),
        // Mistral and Databricks mix plain strings with lists of parts, in messages and in deltas.
        Some(Value::Array(parts)) => parts.iter().for_each(|part| content_part(part, &mut words)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
    }
    let sound = piece
        .get("audio")
        .and_then(|audio| lenient::text(audio, "data"));
    if sound.is_some() {
        words.unknown.push("audio".to_owned());
    }
    let unread = ["annotations", "images"];
    words.unknown.extend(
        unread
            .into_iter()
            .filter(|key| has_items(piece, key))
            .map(str::to_owned),
    );
    words
}

/// `OpenRouter`'s and Snowflake's list of reasoning, with what has to go back; `LiteLLM` calls it otherwise.
fn details(piece: &Value, words: &mut Words) {
    let blocks = piece.get("thinking_blocks").and_then(Value::as_array);
    for block in blocks.into_iter().flatten() {
        let seal = Seal {
            signature: lenient::text(block, "signature"),
            encrypted: lenient::text(block, "data"),
            id: None,
        };
        words.seal = Some(seal).filter(|seal| !seal.is_empty());
    }
    let told = !words.reasoning.is_empty();
    let details = piece.get("reasoning_details").and_then(Value::as_array);
    for detail in details.into_iter().flatten() {
        if !told {
            let text = lenient::text(detail, "text").or_else(|| lenient::text(detail, "summary"));
            words.reasoning.extend(text);
        }
        let seal = Seal {
            signature: lenient::text(detail, "signature"),
            encrypted: lenient::text(detail, "data"),
            id: None,
        };
        if !seal.is_empty() {
            words.seal = Some(Seal {
                id: lenient::text(detail, "id"),
                ..seal
            });
        }
    }
}

fn content_part(part: &Value, words: &mut Words) {
    match part.get("type").and_then(Value::as_str) {
        Some("thinking" | "reasoning") => {
            for key in ["thinking", "summary"] {
                let inner = part.get(key).and_then(Value::as_array);
                let texts = inner.into_iter().flatten();
                words
                    .reasoning
                    .extend(texts.filter_map(|it| lenient::text(it, "text")));
            }
            words.reasoning.extend(lenient::text(part, "thinking"));
        }
        Some("text" | "output_text") | None => words.text.extend(lenient::text(part, "text")),
        Some(other) => words.unknown.push(other.to_owned()),
    }
}

/// The calls of a message or a delta; the index stands only where it is told.
pub(super) fn tool_calls(piece: &Value) -> Vec<(Option<usize>, ToolCallDelta)> {
    let calls = piece.get("tool_calls").and_then(Value::as_array);
    let mut found: Vec<_> = calls.into_iter().flatten().map(tool_call).collect();
    // The form before tools; providers also send it empty.
    let old = piece.get("function_call").filter(|call| call.is_object());
    if let Some(call) = old
        && (lenient::text(call, "name").is_some() || lenient::text(call, "arguments").is_some())
    {
        let call = ToolCallDelta {
            id: Some("call_0".to_owned()),
            name: lenient::text(call, "name"),
            arguments: lenient::arguments(call.get("arguments")),
            ..ToolCallDelta::default()
        };
        found.push((Some(0), call));
    }
    found
}

fn tool_call(call: &Value) -> (Option<usize>, ToolCallDelta) {
    let null = Value::Null;
    let function = call
        .get("function")
        .or_else(|| call.get("custom"))
        .unwrap_or(&null);
    // A custom tool's input is text of any kind.
    let input = function.get("input").map(Value::to_string);
    let call_delta = ToolCallDelta {
        index: 0,
        id: lenient::text(call, "id"),
        name: lenient::text(function, "name"),
        arguments: input.unwrap_or_else(|| lenient::arguments(function.get("arguments"))),
        signature: signature(call),
    };
    let index = call.get("index").and_then(Value::as_u64);
    (
        index.and_then(|index| usize::try_from(index).ok()),
        call_delta,
    )
}

/// Google's own compatible endpoint hides the thought's signature here.
fn signature(call: &Value) -> Option<String> {
    let google = call.get("extra_content")?.get("google")?;
    lenient::text(google, "thought_signature")
}

/// Log probabilities; `DeepSeek` keeps those of its reasoning apart.
pub(super) fn logprobs(choice: &Value) -> Vec<TokenLogprob> {
    let Some(held) = choice.get("logprobs") else {
        return Vec::new();
    };
    let list = ["content", "refusal"]
        .into_iter()
        .find_map(|key| held.get(key)?.as_array());
    lenient::logprobs(list)
}

/// Why an answer ended, as the wire says it and as it is meant.
///
/// # Errors
/// `Upstream` when the provider says that it failed.
pub(super) fn finish(
    choice: &Value,
    quirks: &Quirks,
) -> Result<(Option<FinishReason>, Option<String>), WireError> {
    let word = lenient::text(choice, "finish_reason");
    let meant = lenient::finish_reason(word.as_deref().unwrap_or_default(), quirks)?;
    Ok((meant, word))
}
