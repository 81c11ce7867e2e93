//! How much a model shall think, and what that forbids.

use serde_json::Value;
use serde_json::json;

use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::Role;
use crate::types::quirks::Param;
use crate::types::quirks::ReasoningStyle;
use crate::wire::effort;
use crate::wire::request_body::RequestBody;

/// The smallest budget that is taken (Anthropic's documentation of extended thinking, read 2026-11-20).
const SMALLEST_BUDGET_TOKENS: u32 = 1024;

/// What the request says about thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Nothing.
    Unsaid,
    /// None is wanted.
    Disabled,
    /// At most so many tokens of it.
    Budget(u32),
    /// As much as the model finds right for this effort.
    Adaptive(ReasoningEffort),
}

impl Thinking {
    /// Decides it, and reports what differs from what was asked.
    pub(super) fn of(chat: &Chat, body: &mut RequestBody<'_>) -> Self {
        let asked = chat.reasoning_effort.is_some() || chat.reasoning_budget_tokens.is_some();
        if !asked {
            return Self::Unsaid;
        }
        if body.refuses(Param::ReasoningEffort) {
            body.lose(Param::ReasoningEffort);
            return Self::Unsaid;
        }
        match body.quirks().reasoning {
            ReasoningStyle::Budget => Self::budget(chat, body),
            // The others are forms of the chat wire.
            ReasoningStyle::Usual
            | ReasoningStyle::EffortObject
            | ReasoningStyle::ThinkingType
            | ReasoningStyle::EnableThinking
            | ReasoningStyle::TemplateArgument
            | ReasoningStyle::Switch => Self::adaptive(chat, body),
        }
    }

    fn budget(chat: &Chat, body: &mut RequestBody<'_>) -> Self {
        let by_effort = chat.reasoning_effort.map(ReasoningEffort::budget_tokens);
        let wanted = chat.reasoning_budget_tokens.or(by_effort).unwrap_or(0);
        if wanted == 0 {
            return Self::Disabled;
        }
        // The turn that the results of tools answer has to begin with its thinking, else it is refused.
        if answers_unthought_call(chat) {
            body.lose(Param::ReasoningEffort);
            return Self::Unsaid;
        }
        body.lose_if(Param::ReasoningEffort, wanted < SMALLEST_BUDGET_TOKENS);
        Self::Budget(wanted.max(SMALLEST_BUDGET_TOKENS))
    }

    fn adaptive(chat: &Chat, body: &mut RequestBody<'_>) -> Self {
        let by_budget = chat.reasoning_budget_tokens.map(ReasoningEffort::of_budget);
        let wanted = chat
            .reasoning_effort
            .or(by_budget)
            .unwrap_or(ReasoningEffort::None);
        let known = &body.quirks().efforts;
        let effort = match effort::nearest(wanted, known) {
            // The wire has no word for less than low.
            ReasoningEffort::Minimal => ReasoningEffort::Low,
            other @ (ReasoningEffort::None
            | ReasoningEffort::Low
            | ReasoningEffort::Medium
            | ReasoningEffort::High
            | ReasoningEffort::Xhigh
            | ReasoningEffort::Max) => other,
        };
        // A budget is carried only as the effort that comes near it.
        let near = chat.reasoning_effort.is_none() && wanted != ReasoningEffort::None;
        body.lose_if(Param::ReasoningEffort, effort != wanted || near);
        match effort {
            ReasoningEffort::None => Self::Disabled,
            some => Self::Adaptive(some),
        }
    }

    /// `true` when the model thinks because the request says so.
    pub(super) fn is_on(self) -> bool {
        match self {
            Self::Budget(_) | Self::Adaptive(_) => true,
            Self::Unsaid | Self::Disabled => false,
        }
    }

    /// The `thinking` member.
    pub(super) fn member(self) -> Option<Value> {
        match self {
            Self::Unsaid => None,
            Self::Disabled => Some(json!({"type": "disabled"})),
            Self::Budget(tokens) => Some(json!({"type": "enabled", "budget_tokens": tokens})),
            Self::Adaptive(_) => Some(json!({"type": "adaptive"})),
        }
    }

    /// The answer's limit: a budget lies within it, so a limit that is not larger is raised by the budget.
    pub(super) fn limit(self, most_tokens: u32) -> u32 {
        match self {
            Self::Budget(tokens) if most_tokens <= tokens => most_tokens.saturating_add(tokens),
            Self::Budget(_) | Self::Unsaid | Self::Disabled | Self::Adaptive(_) => most_tokens,
        }
    }
}

/// The thinking that goes back to the model as it came; `None` for a block that this wire has not sealed.
pub(super) fn block(part: &crate::types::Reasoning) -> Option<Value> {
    let seal = &part.seal;
    match (&seal.encrypted, &seal.signature) {
        // An item with an id is one of the Responses wire.
        (Some(_), _) if seal.id.is_some() => None,
        (Some(sealed), _) => Some(json!({"type": "redacted_thinking", "data": sealed})),
        (None, Some(signature)) => {
            Some(json!({"type": "thinking", "thinking": part.text, "signature": signature}))
        }
        (None, None) => None,
    }
}

fn answers_unthought_call(chat: &Chat) -> bool {
    let mut before = chat.messages.iter().rev().peekable();
    let answers = before.peek().is_some_and(|last| last.role == Role::Tool);
    let asked = before.find(|message| message.role != Role::Tool);
    answers && asked.is_some_and(|message| !begins_with_thinking(message))
}

fn begins_with_thinking(message: &Message) -> bool {
    message.parts.iter().any(|part| match part {
        ContentPart::Reasoning(part) => block(part).is_some(),
        ContentPart::Text(_)
        | ContentPart::Image(_)
        | ContentPart::File { .. }
        | ContentPart::Audio(_)
        | ContentPart::CachePoint(_) => false,
    })
}
