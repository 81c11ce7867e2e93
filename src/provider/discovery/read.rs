//! Reads what local servers say about their models. What one does not say stays `None`.

use serde_json::Value;

use super::DiscoveredModel;
use crate::provider::local::ModelFacts;

/// Most models of one server that are listed.
const MAX_MODELS: usize = 500;

/// Reads Ollama's `/api/tags` and `/api/ps`.
pub(super) fn ollama_models(tags: &Value, running: Option<&Value>) -> Option<Vec<DiscoveredModel>> {
    let loaded = running.and_then(|running| running["models"].as_array());
    let installed = tags.get("models")?.as_array()?;
    let models = installed.iter().take(MAX_MODELS).filter_map(|model| {
        let name = model["name"].as_str()?;
        let entry = loaded.and_then(|loaded| loaded.iter().find(|it| it["name"] == name));
        let in_memory = entry.unwrap_or(&Value::Null);
        Some(DiscoveredModel {
            name: name.to_owned(),
            size_bytes: model["size"].as_u64(),
            parameter_size: text(&model["details"]["parameter_size"]),
            quantization: text(&model["details"]["quantization_level"]),
            // Servers since 2026 say both here; older ones only in `/api/show`.
            context_tokens: model["details"]["context_length"].as_u64(),
            capabilities: words(&model["capabilities"]),
            loaded: loaded.map(|_| entry.is_some()),
            loaded_context_tokens: in_memory["context_length"].as_u64(),
            memory_bytes: in_memory["size"].as_u64(),
            vram_bytes: in_memory["size_vram"].as_u64(),
            expires_at: text(&in_memory["expires_at"]),
        })
    });
    Some(models.collect())
}

/// Adds what Ollama's `/api/show` tells.
pub(super) fn add_ollama_details(model: &mut DiscoveredModel, shown: &Value) {
    let facts = ModelFacts::of_show(shown);
    model.context_tokens = facts.context_tokens.or(model.context_tokens);
    if !facts.capabilities.is_empty() {
        model.capabilities = facts.capabilities;
    }
    let details = &shown["details"];
    model.parameter_size = model
        .parameter_size
        .take()
        .or_else(|| text(&details["parameter_size"]));
    model.quantization = model
        .quantization
        .take()
        .or_else(|| text(&details["quantization_level"]));
}

/// Reads `GET /v1/models`, with the additions of vLLM (`max_model_len`) and llama.cpp (`meta`).
pub(super) fn openai_models(listed: &Value) -> Option<Vec<DiscoveredModel>> {
    let models = listed.get("data")?.as_array()?;
    let models = models.iter().take(MAX_MODELS).filter_map(|model| {
        let (serves, meta) = (model["max_model_len"].as_u64(), &model["meta"]);
        Some(DiscoveredModel {
            name: text(&model["id"])?,
            size_bytes: meta["size"].as_u64(),
            parameter_size: meta["n_params"].as_u64().map(parameters),
            context_tokens: serves.or_else(|| meta["n_ctx_train"].as_u64()),
            // vLLM serves only what it has loaded, with this context.
            loaded: serves.map(|_| true),
            loaded_context_tokens: serves,
            ..DiscoveredModel::default()
        })
    });
    Some(models.collect())
}

/// Reads LM Studio's `GET /api/v0/models` (its REST API documentation, 2026-08).
pub(super) fn lm_studio_models(listed: &Value) -> Option<Vec<DiscoveredModel>> {
    let models = listed.get("data")?.as_array()?;
    let models = models.iter().take(MAX_MODELS).filter_map(|model| {
        let kind = match model["type"].as_str() {
            Some("embeddings") => &["embedding"][..],
            Some("vlm") => &["completion", "vision"],
            Some(_) => &["completion"],
            None => &[],
        };
        let told = words(&model["capabilities"]).into_iter();
        let told = told.map(|word| match word.as_str() {
            "tool_use" => "tools".to_owned(),
            _ => word,
        });
        Some(DiscoveredModel {
            name: text(&model["id"])?,
            quantization: text(&model["quantization"]),
            context_tokens: model["max_context_length"].as_u64(),
            capabilities: kind
                .iter()
                .map(|&word| word.to_owned())
                .chain(told)
                .collect(),
            loaded: model["state"].as_str().map(|state| state == "loaded"),
            loaded_context_tokens: model["loaded_context_length"].as_u64(),
            ..DiscoveredModel::default()
        })
    });
    Some(models.collect())
}

/// Adds what llama.cpp's `GET /props` tells (its server README, 2026-08).
pub(super) fn add_llama_props(model: &mut DiscoveredModel, props: &Value) {
    model.loaded = Some(true);
    model.loaded_context_tokens = props["default_generation_settings"]["n_ctx"].as_u64();
    let can = [
        ("tools", &props["chat_template_caps"]["supports_tools"]),
        ("vision", &props["modalities"]["vision"]),
        ("audio", &props["modalities"]["audio"]),
    ];
    let can = can
        .into_iter()
        .filter(|(_, told)| **told == Value::Bool(true));
    model.capabilities = std::iter::once("completion")
        .chain(can.map(|(word, _)| word))
        .map(str::to_owned)
        .collect();
}

/// A number of parameters as servers write it, such as `8.0B`.
fn parameters(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{}K", count / 1000),
        1_000_000..1_000_000_000 => format!("{:.1}M", count as f64 / 1e6),
        _ => format!("{:.1}B", count as f64 / 1e9),
    }
}

fn words(value: &Value) -> Vec<String> {
    let words = value.as_array();
    words.into_iter().flatten().filter_map(text).collect()
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lm_studio_says_what_a_model_is_and_whether_it_is_in_memory() {
        let listed = json!({"data": [
            {"id": "qwen2-vl-7b", "type": "vlm", "state": "not-loaded", "quantization": "4bit",
             "max_context_length": 32_768, "capabilities": ["tool_use"]},
            {"id": "nomic", "type": "embeddings", "state": "loaded", "loaded_context_length": 2048},
        ]});
        let models = lm_studio_models(&listed).unwrap();
        assert_eq!(models[0].capabilities, ["completion", "vision", "tools"]);
        assert_eq!(
            (models[0].loaded, models[0].context_tokens),
            (Some(false), Some(32_768))
        );
        assert_eq!(models[0].quantization.as_deref(), Some("4bit"));
        assert_eq!(models[1].capabilities, ["embedding"]);
        assert_eq!(models[1].loaded_context_tokens, Some(2048));
    }

    #[test]
    fn llama_cpp_says_what_its_one_model_is_served_with() {
        let listed = json!({"data": [{"id": "m", "meta": {"n_ctx_train": 8192, "n_params": 583_000, "size": 9}}]});
        let mut model = openai_models(&listed).unwrap().remove(0);
        let props = json!({
            "default_generation_settings": {"n_ctx": 4096},
            "modalities": {"vision": true, "audio": false},
            "chat_template_caps": {"supports_tools": true},
        });
        add_llama_props(&mut model, &props);
        assert_eq!(
            (model.context_tokens, model.loaded_context_tokens),
            (Some(8192), Some(4096))
        );
        assert_eq!(model.capabilities, ["completion", "tools", "vision"]);
        assert_eq!(model.parameter_size.as_deref(), Some("583K"));
    }
}
