//! Tokens, as this wire counts them: prompt tokens include the cached ones, tokens of the answer leave the
//! thoughts out, and what the provider's own tools read is counted apart.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::types::Usage;
use crate::wire::lenient;

/// Reads `usageMetadata`; `None` when it says nothing.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    let count = |key: &str| lenient::count(usage, &[key]);
    let (prompt, cached, thoughts) = (
        count("promptTokenCount"),
        count("cachedContentTokenCount"),
        count("thoughtsTokenCount"),
    );
    let (tools, said, total) = (
        count("toolUsePromptTokenCount"),
        count("candidatesTokenCount"),
        count("totalTokenCount"),
    );
    if prompt + cached + thoughts + tools + said + total == 0 {
        return None;
    }
    // Should an answer's tokens hold the thoughts after all, the total tells.
    let within = thoughts > 0 && thoughts <= said && total == prompt + tools + said;
    let said = if within { said - thoughts } else { said };
    let heard = audio(usage, "promptTokensDetails");
    let audio_in = heard.saturating_sub(audio(usage, "cacheTokensDetails"));
    let audio_out = audio(usage, "candidatesTokensDetails").min(said);
    Some(Usage {
        input: prompt.saturating_sub(cached + audio_in) + tools,
        cache_read: cached,
        output: said - audio_out,
        reasoning: thoughts,
        audio_in,
        audio_out,
        ..Usage::default()
    })
}

/// Tokens of sound in a list by modality; 4 is its number where enums are numbers.
fn audio(usage: &Value, key: &str) -> u64 {
    let details = usage.get(key).and_then(Value::as_array);
    let of_audio = |detail: &&Value| {
        let modality = detail.get("modality");
        modality.is_some_and(|it| it == "AUDIO" || it == &json!(4))
    };
    details
        .into_iter()
        .flatten()
        .filter(of_audio)
        .map(|detail| lenient::count(detail, &["tokenCount"]))
        .fold(0, u64::saturating_add)
}

/// Writes `usageMetadata` for a client.
pub(super) fn written(usage: &Usage) -> Value {
    let mut counts = Map::new();
    let mut put = |key: &str, count: u64, always: bool| {
        if count > 0 || always {
            counts.insert(key.to_owned(), json!(count));
        }
    };
    put("promptTokenCount", usage.prompt_tokens(), true);
    put("cachedContentTokenCount", usage.cache_read, false);
    put("candidatesTokenCount", usage.output + usage.audio_out, true);
    put("thoughtsTokenCount", usage.reasoning, false);
    put("totalTokenCount", usage.total_tokens(), true);
    for (key, all, audio) in [
        ("promptTokensDetails", usage.prompt_tokens(), usage.audio_in),
        (
            "candidatesTokensDetails",
            usage.output + usage.audio_out,
            usage.audio_out,
        ),
    ] {
        if audio > 0 {
            let details = json!([
                {"modality": "TEXT", "tokenCount": all - audio},
                {"modality": "AUDIO", "tokenCount": audio},
            ]);
            counts.insert(key.to_owned(), details);
        }
    }
    Value::Object(counts)
}
