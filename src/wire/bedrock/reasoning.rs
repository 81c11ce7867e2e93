//! Asking for reasoning, which Converse leaves to each model's own fields.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::family::Family;
use super::family::Thinking;
use crate::types::Chat;
use crate::types::ReasoningEffort as Effort;
use crate::types::quirks::ReasoningStyle;
use crate::wire::EncodeContext;
use crate::wire::reasoning;

/// The least that Anthropic takes as a budget.
const LEAST_BUDGET_TOKENS: u32 = 1024;

/// The efforts of most models.
const THREE: [Effort; 3] = [Effort::Low, Effort::Medium, Effort::High];

/// How reasoning is asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Members of `additionalModelRequestFields`.
    pub(super) fields: Map<String, Value>,
    /// The limit of the answer that goes with a budget.
    pub(super) max_tokens: Option<u32>,
    /// Whether a Claude model thinks: its sampling is then fixed.
    pub(super) thinks: bool,
    /// Whether it thinks within a budget: no call can be demanded then.
    pub(super) budgeted: bool,
    /// Whether the wish could not be met as it was.
    pub(super) changed: bool,
}

/// Says how much the model is to reason.
pub(super) fn asked(chat: &Chat, family: Family, context: &EncodeContext<'_>) -> Asked {
    if chat.reasoning_effort.is_none() && chat.reasoning_budget_tokens.is_none() {
        return Asked::default();
    }
    match (family, context.quirks.reasoning) {
        (Family::Claude(Thinking::Never), ReasoningStyle::Usual) => Asked::refused(),
        (Family::Claude(_) | Family::Unknown, ReasoningStyle::Budget)
        | (Family::Claude(Thinking::Budget), _) => budget(chat, context),
        (Family::Claude(_), _) => adaptive(chat, context),
        (Family::Nova, _) => {
            let usual = [Effort::None, Effort::Low, Effort::Medium, Effort::High];
            level(chat, context, &usual, |effort| {
                let config = match effort == Effort::None {
                    true => json!({"type": "disabled"}),
                    false => json!({"type": "enabled", "maxReasoningEffort": effort.as_str()}),
                };
                ("reasoningConfig", config)
            })
        }
        (Family::Openai, _) => level(chat, context, &THREE, |effort| {
            ("reasoning", json!({"effort": effort.as_str()}))
        }),
        (Family::GptOss | Family::Qwen, _) => level(chat, context, &THREE, |effort| {
            ("reasoning_effort", json!(effort.as_str()))
        }),
        (Family::Mistral { .. } | Family::Other | Family::Unknown, _) => Asked::refused(),
    }
}

/// Asks for the nearest of the efforts that the provider's file names, or of these usual ones.
fn level(
    chat: &Chat,
    context: &EncodeContext<'_>,
    usual: &[Effort],
    write: impl Fn(Effort) -> (&'static str, Value),
) -> Asked {
    let mut quirks = context.quirks.clone();
    if quirks.efforts.is_empty() {
        quirks.efforts.extend(usual);
    }
    let mut changes = Vec::new();
    let Some(effort) = reasoning::effort(chat, &quirks, &mut changes) else {
        return Asked::refused();
    };
    let (key, value) = write(effort);
    Asked {
        changed: !changes.is_empty(),
        ..Asked::with(key, value)
    }
}

fn adaptive(chat: &Chat, context: &EncodeContext<'_>) -> Asked {
    let usual = [
        Effort::None,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::Max,
    ];
    let mut asked = level(chat, context, &usual, |effort| {
        ("output_config", json!({"effort": effort.as_str()}))
    });
    let Some(wish) = asked.fields.get("output_config") else {
        return asked;
    };
    let kind = match wish["effort"] == "none" {
        true => {
            asked.fields.clear();
            "disabled"
        }
        false => {
            asked.thinks = true;
            "adaptive"
        }
    };
    let thinking = json!({"type": kind});
    asked.fields.insert("thinking".to_owned(), thinking);
    asked
}

/// A budget has to leave room for the answer within the limit.
fn budget(chat: &Chat, context: &EncodeContext<'_>) -> Asked {
    let mut changes = Vec::new();
    let most = chat
        .sampling
        .max_output_tokens
        .unwrap_or(context.default_max_output_tokens);
    let wanted = match reasoning::budget_tokens(chat, context.quirks, &mut changes) {
        None => return Asked::refused(),
        Some(0) => return Asked::with("thinking", json!({"type": "disabled"})),
        Some(_) if most <= LEAST_BUDGET_TOKENS => return Asked::refused(),
        Some(wanted) => wanted,
    };
    let tokens = wanted.min(most - 1);
    let thinking = json!({"type": "enabled", "budget_tokens": tokens});
    Asked {
        max_tokens: Some(most),
        thinks: true,
        budgeted: true,
        changed: tokens != wanted || !changes.is_empty(),
        ..Asked::with("thinking", thinking)
    }
}

impl Asked {
    fn refused() -> Self {
        Self {
            changed: true,
            ..Self::default()
        }
    }

    fn with(key: &str, value: Value) -> Self {
        Self {
            fields: Map::from_iter([(key.to_owned(), value)]),
            ..Self::default()
        }
    }
}
