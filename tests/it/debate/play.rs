//! Debates of every shipped format, played by agents that answer whatever their contract asks for.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;

use agon::debate::format::FormatLibrary;
use agon::events::Created;
use agon::types::Chat;
use agon::types::ResponseFormat;
use agon::types::debate::Estimate;
use agon::types::debate::Format;
use agon::types::debate::RoleKind;
use agon::types::debate::Spec;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Every shipped format, by id.
pub(super) fn formats() -> Vec<Arc<Format>> {
    let mut formats: Vec<Arc<Format>> = FormatLibrary::embedded().iter().cloned().collect();
    formats.sort_by(|a, b| a.id.cmp(&b.id));
    formats
}

/// A debate of a format: every role has its least number of holders, and one more where `more` says so.
pub(super) fn order(format: &Format, seed: u64, more: bool) -> Created {
    let mut cast = Vec::new();
    for role in format
        .roles
        .iter()
        .filter(|role| role.kind != RoleKind::Audience)
    {
        let wanted = if more {
            role.count.min + 1
        } else {
            role.count.min
        };
        for place in 0..wanted.clamp(role.count.min.max(1), role.count.max.max(1)) {
            let name = format!("{}-{place}", role.id);
            let mut member =
                json!({"name": name, "role": role.id, "model": format!("demo/{name}")});
            if let Some(side) = &role.side {
                member["side"] = json!(side);
            }
            cast.push(member);
        }
    }
    let secrets: Map<String, Value> = format
        .roles
        .iter()
        .flat_map(|role| &role.secrets)
        .map(|name| {
            let text =
                format!("The {name} says that the ship sailed at dawn. Nobody saw it again.");
            (name.clone(), json!({"title": name, "text": text}))
        })
        .collect();
    let spec = json!({
        "topic": "When did the ship sail?", "title": "A ship", "format": format, "cast": cast, "limits": {},
        "seed": seed, "options": ["at dawn", "at dusk"], "secrets": secrets,
        "facts": [{"title": "the log", "text": "The harbour was empty at noon."}],
    });
    let spec: Spec = serde_json::from_value(spec).expect("it is a debate");
    Created {
        spec,
        estimate: Estimate::default(),
        warnings: Vec::new(),
    }
}

/// The answer to a request, drawn from the request alone: whoever asks the same gets the same.
pub(super) fn steady_answer(model: &str, chat: &Chat) -> String {
    let mut hasher = DefaultHasher::new();
    model.hash(&mut hasher);
    serde_json::to_string(chat)
        .expect("a chat is JSON")
        .hash(&mut hasher);
    answer(chat, &mut ChaCha8Rng::seed_from_u64(hasher.finish()))
}

/// An answer in the form that a request asks for.
pub(super) fn answer(chat: &Chat, random: &mut ChaCha8Rng) -> String {
    match &chat.format {
        ResponseFormat::JsonSchema { schema, .. } => of_schema("", schema, random).to_string(),
        ResponseFormat::Text | ResponseFormat::JsonObject => speech(random),
    }
}

fn speech(random: &mut ChaCha8Rng) -> String {
    let parts = [
        "It sailed at dawn, since the harbour was empty at noon.",
        "<quote>The harbour was empty at noon.</quote> That settles little.",
        "<quote>the ship sailed at dawn</quote> is what was written down.",
        "Nothing that was said shows that it was not dusk.",
    ];
    let count = random.random_range(1..=3);
    let chosen: Vec<&str> = (0..count)
        .map(|_| parts[random.random_range(0..parts.len())])
        .collect();
    chosen.join(" ")
}

fn of_schema(name: &str, schema: &Value, random: &mut ChaCha8Rng) -> Value {
    let told = schema["description"].as_str().unwrap_or_default();
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"]
                .as_object()
                .expect("an object has properties");
            let sum = told_sum(properties);
            let each = properties.iter().enumerate().map(|(place, (name, inner))| {
                let value = match sum {
                    Some(sum) => json!(if place == 0 { sum } else { 0 }),
                    None => of_schema(name, inner, random),
                };
                (name.clone(), value)
            });
            Value::Object(each.collect())
        }
        Some("array") => {
            let words = schema["items"]["enum"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let mut words = shuffled(words, random);
            if !told.contains("exactly once") {
                let kept = random.random_range(0..=words.len());
                words.truncate(kept);
            }
            Value::Array(words)
        }
        Some("boolean") => json!(random.random_bool(0.3)),
        Some("number") => {
            let end = |key: &str| schema[key].as_f64().unwrap_or_default();
            let steps = f64::from(random.random_range(0..=10_u32));
            json!(end("minimum") + (end("maximum") - end("minimum")) * steps / 10.0)
        }
        _ => match schema["enum"].as_array() {
            Some(words) if !words.is_empty() => words[random.random_range(0..words.len())].clone(),
            _ if name == "answer" => json!(["42", "41", " 42.0 "][random.random_range(0..3)]),
            _ => json!(speech(random)),
        },
    }
}

/// The sum that points have to make.
fn told_sum(properties: &Map<String, Value>) -> Option<u64> {
    let told = properties.values().next()?["description"].as_str()?;
    told.split_once("all together make ")?.1.parse().ok()
}

fn shuffled(mut words: Vec<Value>, random: &mut ChaCha8Rng) -> Vec<Value> {
    for last in (1..words.len()).rev() {
        words.swap(last, random.random_range(0..=last));
    }
    words
}
