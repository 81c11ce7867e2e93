//! Vectors, as OpenAI's and Ollama's clients ask for them.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::answer;
use super::endpoint::Asked;
use super::exchange;
use super::failure::Failure;
use crate::client::EmbeddingPurpose;
use crate::client::EmbeddingRequest;
use crate::client::EmbeddingResponse;

/// Most texts of one request: OpenAI's own limit.
const MOST_TEXTS: usize = 2048;

/// `POST /v1/embeddings`.
pub(super) async fn openai(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let body = exchange::read_body(asked.exchange.state, asked.parts, body).await?;
    let members = exchange::object(&body)?;
    let model = match &asked.named {
        Some(named) => named.clone(),
        None => exchange::model_of(&members)?,
    };
    let packed = match members.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => {
            let help = "encoding_format has to be float or base64";
            return Err(Failure::member("encoding_format", help));
        }
    };
    let (answer, mut response) = embed(asked, &model, &members, "input").await?;
    let vector = |(index, vector): (usize, &Vec<f32>)| {
        let embedding = match packed {
            true => format!("\"{}\"", base64_of(vector)),
            false => numbers(vector),
        };
        format!(r#"{{"object":"embedding","index":{index},"embedding":{embedding}}}"#)
    };
    let data: Vec<String> = answer.vectors.iter().enumerate().map(vector).collect();
    let tokens = answer.usage.prompt_tokens();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let (data, model) = (data.join(","), Value::from(model));
    let body = format!(r#"{{"object":"list","data":[{data}],"model":{model},"usage":{usage}}}"#);
    *response.body_mut() = body.into();
    Ok(response)
}

/// `POST /api/embed` of Ollama.
pub(super) async fn ollama(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let body = exchange::read_body(asked.exchange.state, asked.parts, body).await?;
    let members = exchange::object(&body)?;
    let model = exchange::model_of(&members)?;
    let (answer, mut response) = embed(asked, &model, &members, "input").await?;
    let took = asked.exchange.started.elapsed().as_nanos();
    let vectors: Vec<String> = answer.vectors.iter().map(|it| numbers(it)).collect();
    let (vectors, model) = (vectors.join(","), Value::from(model));
    let count = answer.usage.prompt_tokens();
    let body = format!(
        r#"{{"model":{model},"embeddings":[{vectors}],"total_duration":{took},"load_duration":0,"prompt_eval_count":{count}}}"#
    );
    *response.body_mut() = body.into();
    Ok(response)
}

/// `POST /api/embeddings` of Ollama, its older form for one text.
pub(super) async fn ollama_single(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let body = exchange::read_body(asked.exchange.state, asked.parts, body).await?;
    let members = exchange::object(&body)?;
    let model = exchange::model_of(&members)?;
    let (answer, mut response) = embed(asked, &model, &members, "prompt").await?;
    let vector = answer.vectors.into_iter().next().unwrap_or_default();
    *response.body_mut() = format!(r#"{{"embedding":{}}}"#, numbers(&vector)).into();
    Ok(response)
}

/// Asks for the vectors of a member's texts. The response has its headers and no body yet.
async fn embed(
    asked: &Asked<'_>,
    model: &str,
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<(EmbeddingResponse, Response), Failure> {
    let exchange = asked.exchange;
    let texts = texts(members.get(member), member)?;
    let dimensions = match members.get("dimensions") {
        None | Some(Value::Null) => None,
        Some(number) => {
            let number = number
                .as_u64()
                .and_then(|number| u32::try_from(number).ok());
            let wrong = || Failure::member("dimensions", "dimensions has to be a number above 0");
            Some(number.filter(|number| *number > 0).ok_or_else(wrong)?)
        }
    };
    let route = answer::route(exchange, model)?;
    let request = EmbeddingRequest {
        model: route.model,
        texts,
        dimensions,
        purpose: EmbeddingPurpose::Document,
        call: exchange.context(),
    };
    let embedder = exchange.state.router.embedder(model)?;
    let answered = embedder.embed(&request).await?;
    let cost = exchange.trace.cost();
    let mut response = exchange::json(&Value::Null);
    exchange.describe(&mut response, model, cost);
    Ok((answered, response))
}

/// One text or several.
fn texts(input: Option<&Value>, member: &'static str) -> Result<Vec<String>, Failure> {
    let wrong = || {
        Failure::member(
            member,
            format!("{member} has to be a text or a list of texts"),
        )
    };
    let of_tokens = || {
        let help = format!("{member}: token ids cannot be carried, send the text");
        Failure::member(member, help)
    };
    let texts = match input {
        None | Some(Value::Null) => return Err(answer::missing(member)),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            let text = |one: &Value| match one {
                Value::String(text) => Ok(text.clone()),
                Value::Number(_) | Value::Array(_) => Err(of_tokens()),
                Value::Null | Value::Bool(_) | Value::Object(_) => Err(wrong()),
            };
            list.iter().map(text).collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(wrong()),
    };
    match texts.len() {
        0 => Err(wrong()),
        1..=MOST_TEXTS => Ok(texts),
        _ => {
            let help = format!("{member} has more than {MOST_TEXTS} texts");
            Err(Failure::member(member, help))
        }
    }
}

/// A vector as a list. As [`Value`]s the numbers would be written with twice as many digits as they have.
fn numbers(vector: &[f32]) -> String {
    // Numbers can always be written; one that is none becomes null.
    serde_json::to_string(vector).unwrap_or_default()
}

/// A vector as OpenAI packs it: little-endian floats.
fn base64_of(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    STANDARD.encode(bytes)
}
