//! Which models are kin: models of one maker share habits, so they favour and repeat each other's texts.

use crate::types::ModelName;

/// What the names of a family's models begin with, once the maker and the separators are gone. The first that fits
/// counts. Written from the model lists of the makers and of the hosts that serve them, read 2026-11-24.
const STEMS: [(&str, &str); 46] = [
    ("claude", "claude"),
    ("chatgpt", "gpt"),
    ("gpt", "gpt"),
    ("o1", "gpt"),
    ("o3", "gpt"),
    ("o4", "gpt"),
    ("codex", "gpt"),
    ("gemini", "gemini"),
    ("gemma", "gemini"),
    ("palm", "gemini"),
    // Distilled models talk like the model that they were taught by.
    ("deepseek", "deepseek"),
    ("hermes", "llama"),
    ("llama", "llama"),
    ("meta-llama", "llama"),
    ("codellama", "llama"),
    ("tinyllama", "llama"),
    ("vicuna", "llama"),
    ("nemotron", "nemotron"),
    ("mistral", "mistral"),
    ("ministral", "mistral"),
    ("mixtral", "mistral"),
    ("magistral", "mistral"),
    ("codestral", "mistral"),
    ("devstral", "mistral"),
    ("pixtral", "mistral"),
    ("qwen", "qwen"),
    ("qwq", "qwen"),
    ("qvq", "qwen"),
    ("grok", "grok"),
    ("command", "command"),
    ("c4ai", "command"),
    ("aya", "command"),
    ("kimi", "kimi"),
    ("moonshot", "kimi"),
    ("glm", "glm"),
    ("zai-glm", "glm"),
    ("phi", "phi"),
    ("nova", "nova"),
    ("titan", "nova"),
    ("granite", "granite"),
    ("minimax", "minimax"),
    ("sonar", "sonar"),
    ("jamba", "jamba"),
    ("olmo", "olmo"),
    ("falcon", "falcon"),
    ("smollm", "smollm"),
];

/// The family of a model, whoever serves it: `openrouter/anthropic/claude-sonnet-5` and `anthropic/claude-opus-5`
/// are both `claude`.
///
/// A model that the table does not know is a family of its own, named after the model without its host and tag.
pub fn family(model: &ModelName) -> String {
    let name = model.model().to_lowercase();
    // `accounts/fireworks/models/llama-v3p3`, `anthropic.claude-opus-4-8-v1:0`, `llama3.3:70b`.
    let last = name.rsplit('/').next().unwrap_or(&name);
    let untagged = last.split([':', '@']).next().unwrap_or(last);
    let known = |text: &str| {
        STEMS
            .iter()
            .find(|(stem, _)| begins(text, stem))
            .map(|(_, family)| (*family).to_owned())
    };
    let behind_maker = || untagged.split('.').skip(1).find_map(known);
    known(untagged)
        .or_else(behind_maker)
        .unwrap_or_else(|| untagged.to_owned())
}

/// `phi4` and `phi-4` begin with the stem `phi`, `philosopher` does not.
fn begins(text: &str, stem: &str) -> bool {
    text.strip_prefix(stem)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Chooses who judges: models of families that no debater has, each of another family, in the roster's order.
///
/// Where there are too few such families, models of a family that sits on the panel already come next, then other
/// models than the debaters' own, then whatever there is; a short roster fills several seats with one model. Returns
/// fewer than `seats` only when the roster is empty.
pub fn choose_judges(debaters: &[ModelName], roster: &[ModelName], seats: usize) -> Vec<ModelName> {
    let theirs: Vec<String> = debaters.iter().map(family).collect();
    let mut chosen: Vec<ModelName> = Vec::new();
    for strictness in 0..4 {
        for model in roster {
            if chosen.len() == seats {
                return chosen;
            }
            let kin = theirs.contains(&family(model));
            let doubled = chosen.iter().any(|other| family(other) == family(model));
            let fits = match strictness {
                0 => !kin && !doubled,
                1 => !kin,
                2 => !debaters.contains(model),
                _ => true,
            };
            if fits && !chosen.contains(model) {
                chosen.push(model.clone());
            }
        }
    }
    let distinct = chosen.len();
    while distinct > 0 && chosen.len() < seats {
        chosen.push(chosen[chosen.len() - distinct].clone());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(names: &[&str]) -> Vec<ModelName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_family_is_the_makers_whoever_serves_the_model() {
        let table = [
            ("anthropic/claude-opus-5-5", "claude"),
            ("openrouter/anthropic/claude-sonnet-5", "claude"),
            ("bedrock/anthropic.claude-haiku-4-5-20251001-v1:0", "claude"),
            ("bedrock/us.anthropic.claude-opus-4-8", "claude"),
            ("openai/gpt-5-mini", "gpt"),
            ("azure/gpt-35-turbo", "gpt"),
            ("openai/o3-mini", "gpt"),
            ("bedrock/openai.gpt-oss-120b-1:0", "gpt"),
            ("groq/openai/gpt-oss-20b", "gpt"),
            ("gemini/gemini-3-pro", "gemini"),
            ("ollama/gemma3:27b", "gemini"),
            ("ollama/llama3.3:70b", "llama"),
            ("bedrock/meta.llama3-3-70b-instruct-v1:0", "llama"),
            ("together/meta-llama/Llama-3.3-70B-Instruct-Turbo", "llama"),
            (
                "fireworks/accounts/fireworks/models/llama-v3p3-70b",
                "llama",
            ),
            ("ollama/deepseek-r1:8b", "deepseek"),
            ("bedrock/deepseek.v3.2", "deepseek"),
            ("mistral/magistral-medium", "mistral"),
            ("dashscope/qwen3.7-max", "qwen"),
            ("ollama/qwq:32b", "qwen"),
            ("xai/grok-5", "grok"),
            ("cerebras/zai-glm-4.7", "glm"),
            ("bedrock/amazon.nova-pro-v1:0", "nova"),
            ("ollama/phi4:14b", "phi"),
            // Unknown ones are families of their own.
            ("ollama/philosopher:7b", "philosopher"),
            ("demo/optimist", "optimist"),
            ("openrouter/someone/thing-9:free", "thing-9"),
        ];
        for (model, expected) in table {
            assert_eq!(family(&model.parse().unwrap()), expected, "{model}");
        }
    }

    #[test]
    fn judges_come_from_families_that_do_not_debate() {
        let debaters = models(&["openai/gpt-5", "anthropic/claude-opus-5"]);
        let roster = models(&[
            "openai/gpt-5-mini",
            "gemini/gemini-3-pro",
            "ollama/gemma3:27b",
            "mistral/mistral-large",
            "xai/grok-5",
        ]);
        assert_eq!(
            choose_judges(&debaters, &roster, 3),
            models(&["gemini/gemini-3-pro", "mistral/mistral-large", "xai/grok-5"])
        );
    }

    #[test]
    fn a_short_roster_is_used_up_before_a_model_judges_twice() {
        let debaters = models(&["openai/gpt-5"]);
        let roster = models(&["openai/gpt-5", "openai/gpt-5-mini", "xai/grok-5"]);
        assert_eq!(
            choose_judges(&debaters, &roster, 5),
            models(&[
                "xai/grok-5",
                "openai/gpt-5-mini",
                "openai/gpt-5",
                "xai/grok-5",
                "openai/gpt-5-mini",
            ])
        );
        assert!(choose_judges(&debaters, &[], 3).is_empty());
    }
}
