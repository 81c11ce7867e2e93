//! Ollama's own API, as far as its clients use it to find models and to ask them.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::answer;
use super::endpoint::Asked;
use super::exchange;
use super::failure::Failure;
use super::models;
use super::names;
use super::names::Named;
use super::stream;
use super::stream::AnswerStream;
use crate::catalog::Capabilities;
use crate::client::ChatRequest;
use crate::client::Content;
use crate::client::Head;
use crate::types::Wire;
use crate::wire::generate;
use crate::wire::generate::AskedGenerate;
use crate::wire::head;

/// The version of Ollama's API that is spoken: clients ask for it before they use what is new.
pub(super) const VERSION: &str = "0.12.6";

/// When every model was changed, for clients that want a time.
const MODIFIED: &str = "2023-02-28T18:56:42Z";

/// `POST /api/generate`.
pub(super) async fn generate(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let exchange = asked.exchange;
    let body = exchange::read_body(exchange.state, asked.parts, body).await?;
    let found = head::scan(Wire::Ollama, &body)?;
    let model = found.model.ok_or_else(|| answer::missing("model"))?;
    let route = answer::route(exchange, &model)?;
    let read = match generate::decode_request(&body)? {
        AskedGenerate::Answer(read) => read,
        AskedGenerate::Loading => {
            let head = answer::answer_head(exchange, &model, "", true);
            let mut response = exchange::json_bytes(generate::encode_loaded(&head));
            exchange.sign(response.headers_mut());
            return Ok(response);
        }
    };
    let request = ChatRequest {
        head: Head {
            model: route.model,
            stream: read.stream,
            usage_in_stream: true,
            estimated_tokens: found.estimated_tokens,
            tags: exchange.tags.clone(),
            wishes: exchange::wishes(asked.headers, found.wishes),
        },
        content: Content::Typed(Arc::new(read.chat)),
        call: exchange.context(),
    };
    if !read.stream {
        let answered = route.client.send_message(&request).await?;
        let head = answer::answer_head(exchange, &model, &answered.id, true);
        let mut body = generate::encode_response(&answered, &head).to_vec();
        stream::add_durations(&mut body, exchange.started.elapsed());
        let mut response = exchange::json_bytes(body.into());
        let cost = exchange.trace.cost();
        exchange.describe(&mut response, &model, cost);
        return Ok(response);
    }
    let (first, chunks) = answer::begin(&*route.client, &request).await?;
    let id = first.id.as_deref().unwrap_or_default();
    let head = answer::answer_head(exchange, &model, id, true);
    let encoder = Box::new(generate::Encoder::new(head));
    let stream = AnswerStream::new(Wire::Ollama, exchange.started, first, chunks, encoder);
    Ok(answer::stream_response(exchange, &model, stream))
}

/// `GET /api/tags`.
pub(super) fn tags(asked: &Asked<'_>) -> Response {
    let names = models::allowed(asked);
    let list: Vec<Value> = names.iter().map(|named| tag(asked, named)).collect();
    models::signed(asked, &json!({"models": list}))
}

fn tag(asked: &Asked<'_>, named: &Named) -> Value {
    let digest = blake3::hash(named.name.as_bytes()).to_hex();
    let card = names::card(asked.exchange.state, named);
    let disk = card.and_then(|card| card.disk_gb).unwrap_or(0.0);
    let size_bytes = (disk * 1e9) as u64;
    json!({
        "name": named.name,
        "model": named.name,
        "modified_at": MODIFIED,
        "size": size_bytes,
        "digest": digest.as_str(),
        "details": details(named),
    })
}

fn details(named: &Named) -> Value {
    let family = named.provider();
    json!({"parent_model": "", "format": "", "family": family, "families": [family], "parameter_size": "",
        "quantization_level": ""})
}

/// `POST /api/show`.
pub(super) async fn show(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let body = exchange::read_body(asked.exchange.state, asked.parts, body).await?;
    let mut members = exchange::object(&body)?;
    // The name by its older name.
    if let Some(name) = members.remove("name") {
        members.entry("model").or_insert(name);
    }
    let model = exchange::model_of(&members)?;
    let listed = models::allowed(asked).into_iter();
    let listed = listed.into_iter().find(|named| {
        named.name == model || Some(named.name.as_str()) == model.strip_suffix(":latest")
    });
    let named = match listed {
        Some(named) => named,
        None => Named {
            model: Some(answer::route(asked.exchange, &model)?.model),
            name: model,
            deployments: Vec::new(),
        },
    };
    Ok(models::signed(asked, &shown(asked, &named)))
}

fn shown(asked: &Asked<'_>, named: &Named) -> Value {
    let card = names::card(asked.exchange.state, named);
    let can = card.map(|card| card.capabilities);
    let family = named.provider();
    let mut info = Map::new();
    info.insert("general.architecture".to_owned(), json!(family));
    info.insert("general.basename".to_owned(), json!(named.name));
    if let Some(context) = card.and_then(|card| card.context_tokens) {
        info.insert(format!("{family}.context_length"), json!(context));
    }
    if let Some(length) = card.and_then(|card| card.dimensions) {
        info.insert(format!("{family}.embedding_length"), json!(length));
    }
    json!({
        "license": "",
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": details(named),
        "model_info": info,
        "capabilities": match named.provider() {
            // Its turns stream as thinking.
            "debate" => vec!["completion", "thinking"],
            _ => capabilities(can),
        },
        "modified_at": MODIFIED,
    })
}

/// What a model can do, in Ollama's words; a model that nothing is known about answers chats.
fn capabilities(can: Option<Capabilities>) -> Vec<&'static str> {
    let Some(can) = can else {
        return vec!["completion"];
    };
    [
        ("completion", can.chat),
        ("tools", can.tools),
        ("vision", can.vision),
        ("thinking", can.reasoning),
        ("embedding", can.embedding),
    ]
    .into_iter()
    .filter_map(|(word, there)| there.then_some(word))
    .collect()
}

/// `GET /api/ps`: nothing is in the memory of a gateway.
pub(super) fn running() -> Response {
    exchange::json(&json!({"models": []}))
}
