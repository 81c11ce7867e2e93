//! One chat for several models, named with commas: a list of their answers comes back, as `LiteLLM`'s proxy has it
//! (1.109, `abatch_completion`, read 2026-11).

use std::sync::Arc;

use axum::body::Bytes;
use axum::response::Response;
use futures::future::join_all;

use super::answer;
use super::answer::Path;
use super::exchange;
use super::exchange::Exchange;
use super::failure::Failure;
use super::request_headers::RequestHeaders;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::LlmError;
use crate::types::ChatResponse;
use crate::types::Wire;
use crate::wire::head;
use crate::wire::serve;

/// Models of one request; all are asked at the same time.
const MOST_MODELS: usize = 16;

/// A model's place in the answer: who answers, and what is asked.
type Asking = (Arc<dyn BaseLlmClient>, ChatRequest);

/// The models of a chat that names several; `None` for every other request. A group whose own name has a comma was
/// found before this is asked.
fn named(exchange: &Exchange<'_>, path: &Path, body: &[u8]) -> Option<Vec<String>> {
    if exchange.wire != Wire::OpenaiChat {
        return None;
    }
    let found = head::scan(exchange.wire, body).ok()?;
    let model = match &path.model {
        Some(model) => model.as_str(),
        None => found.model.as_deref()?,
    };
    let names: Vec<String> = model
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    (names.len() > 1 && found.stream != Some(true)).then_some(names)
}

/// Answers a chat that names several models; anything else is told why it failed.
pub(super) async fn answer(
    exchange: &Exchange<'_>,
    headers: &RequestHeaders<'_>,
    path: &Path,
    (body, failure): (&Bytes, Failure),
) -> Result<Response, Failure> {
    let Some(names) = named(exchange, path, body) else {
        return Err(failure);
    };
    if names.len() > MOST_MODELS {
        let help = format!("model: {MOST_MODELS} models can be asked together");
        return Err(Failure::member("model", help));
    }
    let mut asking: Vec<Asking> = Vec::with_capacity(names.len());
    for name in &names {
        let one = Path {
            model: Some(name.clone()),
            ..*path
        };
        let (_, client, request) = answer::read(exchange, headers, &one, body)?;
        asking.push((client, request));
    }
    let calls = asking
        .iter()
        .map(|(client, request)| client.send_message(request));
    let answers: Vec<Result<ChatResponse, LlmError>> = join_all(calls).await;
    let mut list = b"[".to_vec();
    for answer in answers {
        if list.len() > 1 {
            list.push(b',');
        }
        list.extend_from_slice(&written(exchange, answer)?);
    }
    list.push(b']');
    let mut response = exchange::json_bytes(list.into());
    let cost = exchange.trace.cost();
    exchange.describe(&mut response, &names.join(","), cost);
    Ok(response)
}

/// One entry of the list. A model that fails takes nothing from the others.
fn written(
    exchange: &Exchange<'_>,
    answer: Result<ChatResponse, LlmError>,
) -> Result<Bytes, Failure> {
    match answer {
        Ok(answer) => match &answer.raw {
            Some(raw) => Ok(raw.clone()),
            None => answer::written(exchange, &answer.model, &answer),
        },
        Err(error) => {
            let told = serve::ErrorTold::of(&error);
            Ok(serve::encode_error(exchange.wire, &error, &told))
        }
    }
}
