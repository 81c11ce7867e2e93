//! The length of a prompt in tokens, by Agon's estimate: no provider is asked.

use axum::body::Body;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use super::endpoint::Asked;
use super::exchange;
use super::failure::Failure;
use super::models;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Wire;
use crate::types::usage::estimate_tokens;
use crate::wire::serve;

/// Tokens that a picture or a file counts as, at a guess: what a middling one costs at most providers.
const TOKENS_OF_MEDIA: u64 = 1000;

/// `POST /v1/messages/count_tokens`.
pub(super) async fn anthropic(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let chat = chat_of(asked, body, Wire::Anthropic).await?;
    Ok(models::signed(
        asked,
        &json!({"input_tokens": tokens(&chat)}),
    ))
}

/// `POST /v1beta/models/NAME:countTokens`.
pub(super) async fn gemini(
    asked: &Asked<'_>,
    model: &str,
    body: Body,
) -> Result<Response, Failure> {
    asked.exchange.may_ask(model)?;
    let chat = chat_of(asked, body, Wire::Gemini).await?;
    Ok(models::signed(
        asked,
        &json!({"totalTokens": tokens(&chat)}),
    ))
}

async fn chat_of(asked: &Asked<'_>, body: Body, wire: Wire) -> Result<Chat, Failure> {
    let body = exchange::read_body(asked.exchange.state, asked.parts, body).await?;
    let mut members = exchange::object(&body)?;
    if wire == Wire::Gemini {
        // The request may stand in one of its own.
        if let Some(Value::Object(inner)) = members.remove("generateContentRequest") {
            members = inner;
        }
    } else {
        let model = exchange::model_of(&members)?;
        asked.exchange.may_ask(&model)?;
        // A length needs no limit of the answer, a request does.
        members.entry("max_tokens").or_insert_with(|| json!(1));
    }
    let body = Value::Object(members).to_string();
    Ok(serve::decode_request(wire, body.as_bytes())?.chat)
}

/// `POST /utils/token_counter`: of a prompt, or of the messages of a chat.
pub(super) async fn counter(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let body = exchange::read_body(asked.exchange.state, asked.parts, body).await?;
    let members = exchange::object(&body)?;
    let model = exchange::model_of(&members)?;
    asked.exchange.may_ask(&model)?;
    let total = match (members.get("prompt"), members.contains_key("messages")) {
        (Some(Value::String(prompt)), _) => estimate_tokens(prompt),
        (_, true) => {
            let chat = json!({"model": model, "messages": members["messages"], "tools": members.get("tools")});
            let asked = serve::decode_request(Wire::OpenaiChat, chat.to_string().as_bytes())?;
            tokens(&asked.chat)
        }
        (Some(_) | None, false) => {
            return Err(Failure::invalid("prompt or messages must be provided"));
        }
    };
    let used = asked.exchange.state.router.route(&model).ok();
    let used = used.map(|route| route.model.to_string());
    let told = json!({
        "total_tokens": total,
        "request_model": model,
        "model_used": used.as_deref().unwrap_or(&model),
        "tokenizer_type": "estimate",
    });
    Ok(models::signed(asked, &told))
}

/// The estimate for a chat: its texts, its tools, and a little for each message.
pub(super) fn tokens(chat: &Chat) -> u64 {
    let part = |part: &ContentPart| match part {
        ContentPart::Text(text) => estimate_tokens(text),
        ContentPart::Reasoning(block) => estimate_tokens(&block.text),
        ContentPart::Image(_) | ContentPart::File { .. } | ContentPart::Audio(_) => TOKENS_OF_MEDIA,
        ContentPart::CachePoint(_) => 0,
    };
    let messages = chat.messages.iter().map(|message| {
        let calls = message.tool_calls.iter();
        let calls =
            calls.map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments));
        4 + message.parts.iter().map(part).sum::<u64>() + calls.sum::<u64>()
    });
    let tools = chat.tools.iter().map(|tool| {
        let written = tool.parameters.to_string();
        estimate_tokens(&tool.name) + estimate_tokens(&tool.description) + estimate_tokens(&written)
    });
    messages.sum::<u64>() + tools.sum::<u64>()
}
