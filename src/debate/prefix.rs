//! Marks of what a provider may keep of a request for the next one to the same agent.

use super::plan::CallPlan;
use crate::catalog::Catalog;
use crate::types::CacheTtl;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Role;
use crate::types::Wire;
use crate::types::usage::estimate_tokens;

/// Tokens that a beginning has at least that Anthropic keeps: 1,024 for some models, up to 4,096 for others, which pass
/// over a mark behind less (Anthropic's documentation of prompt caching, as quoted by docs.orq.ai, read 2026-11-24).
const LEAST_TOKENS: u64 = 1_024;

/// The chat of a plan as its provider gets it: with a mark behind what stays the same from turn to turn, where the
/// provider wants one and it is worth it. Nothing that is asked differs.
///
/// Other providers find the common beginning by themselves. Instructions and tools stand before the question, so that
/// one mark covers all.
pub(super) fn marked(plan: &CallPlan, catalog: &Catalog) -> Chat {
    let mut chat = plan.chat.clone();
    let provider = catalog.provider(plan.model.provider());
    if provider.is_none_or(|provider| provider.wire() != Wire::Anthropic) {
        return chat;
    }
    let instructions = chat.messages.iter();
    let instructions = instructions.filter(|message| message.role == Role::System);
    let instructed: u64 = instructions
        .map(|message| estimate_tokens(&message.joined_text()))
        .sum();
    let mut messages = chat.messages.iter_mut();
    let question = messages.find(|message| message.role == Role::User);
    if let Some(question) = question
        && let [ContentPart::Text(text)] = question.parts.as_slice()
        && let Some((steady, rest)) = text.split_at_checked(plan.steady_bytes)
        && !steady.is_empty()
        && instructed + estimate_tokens(steady) >= LEAST_TOKENS
    {
        question.parts = vec![
            ContentPart::Text(steady.to_owned()),
            ContentPart::CachePoint(CacheTtl::Usual),
            ContentPart::Text(rest.to_owned()),
        ];
    }
    chat
}
