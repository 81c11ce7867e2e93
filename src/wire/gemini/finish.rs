//! Why an answer ended, in Google's words.

use serde_json::Value;

use crate::types::FinishReason;
use crate::types::quirks::Quirks;

/// What a word for the end of an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer is over.
    Finished(FinishReason),
    /// The model called a function that nobody offered: an answer when the call is there.
    UnexpectedCall,
    /// The model wrote something that is no answer.
    Failed,
}

/// `FinishReason` of the Gemini API by number, for answers asked for with `enum-encoding=int`
/// (googleapis, `generative_service.proto`, 2026-08).
const WORDS: [&str; 14] = [
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
];
/// `BlockReason` by number.
const BLOCKS: [&str; 6] = [
    "BLOCK_REASON_UNSPECIFIED",
    "SAFETY",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "IMAGE_SAFETY",
];

/// The word of a candidate's `finishReason`; `None` when it has none.
pub(super) fn word(candidate: &Value) -> Option<String> {
    named(candidate.get("finishReason")?, &WORDS)
}

/// The reason why a prompt was blocked; `None` when it was not.
pub(super) fn block_reason(answer: &Value) -> Option<String> {
    named(answer.get("promptFeedback")?.get("blockReason")?, &BLOCKS)
}

fn named(value: &Value, words: &[&str]) -> Option<String> {
    match value {
        Value::String(word) if word.is_empty() => None,
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => {
            let index = usize::try_from(number.as_u64()?).ok()?;
            let word = words.get(index).map(|word| (*word).to_owned());
            Some(word.unwrap_or_else(|| number.to_string()))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a word means. Unknown ones are an end like any other.
pub(super) fn ending(word: &str, quirks: &Quirks) -> Ending {
    if let Some(mapped) = quirks.finish_reason_map.get(word) {
        return Ending::Finished(*mapped);
    }
    Ending::Finished(match word {
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        "UNEXPECTED_TOOL_CALL" => return Ending::UnexpectedCall,
        "MALFORMED_FUNCTION_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE" => return Ending::Failed,
        // STOP, OTHER, NO_IMAGE, IMAGE_OTHER and what comes to be added
        _ => FinishReason::Stop,
    })
}

/// The word for a client: the provider's own, where it is one of Google's that means the same.
pub(super) fn word_of(finish: FinishReason, native: &str) -> String {
    let known = WORDS[1..].contains(&native) || native.starts_with("IMAGE_");
    let same = ending(native, &Quirks::default()) == Ending::Finished(finish);
    let usual = match finish {
        // A call has no word of its own on this wire.
        FinishReason::Stop | FinishReason::ToolCalls => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
    };
    match known && same {
        true => native.to_owned(),
        false => usual.to_owned(),
    }
}
