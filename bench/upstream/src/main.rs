//! Mock LLM provider: OpenAI chat completions and Anthropic messages on one port.
//! What it does is chosen by the model name of the request (see `behaviour.rs`), so that it can be
//! steered through any gateway that forwards the model.

mod behaviour;
mod script;
mod shapes;

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;

use behaviour::Behaviour;
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Either;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use shapes::Dialect;
use tokio::net::TcpListener;

/// The body of an answer: whole, or in timed pieces.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, io::Error>>;

/// The few request fields that matter; the rest is skipped without being stored.
#[derive(Deserialize)]
struct Ask<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    bench_common::raise_open_files();
    let port: u16 = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 18000,
        Some(Ok(port)) => port,
        Some(Err(_)) => return Err(io::Error::other("usage: bench-upstream [PORT]")),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on 127.0.0.1:{port}");
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        tokio::spawn(async move {
            // Aborted bodies and closed sockets end a connection with an error: that is intended.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service_fn(serve))
                .await;
        });
    }
}

async fn serve(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path();
    let dialect = match (request.method(), path) {
        (&Method::POST, p) if p.ends_with("/chat/completions") => Dialect::OpenAi,
        (&Method::POST, p) if p.ends_with("/messages") => Dialect::Anthropic,
        (&Method::GET, p) if p.ends_with("/models") => {
            return Ok(json(StatusCode::OK, shapes::models()));
        }
        _ => {
            return Ok(error(
                Dialect::OpenAi,
                StatusCode::NOT_FOUND,
                "no such path",
            ));
        }
    };
    let Ok(body) = request.into_body().collect().await else {
        return Ok(error(dialect, StatusCode::BAD_REQUEST, "request body cut"));
    };
    let body = body.to_bytes();
    let Ok(ask) = serde_json::from_slice::<Ask>(&body) else {
        return Ok(error(
            dialect,
            StatusCode::BAD_REQUEST,
            "not a chat request",
        ));
    };
    let Some(behaviour) = Behaviour::of(&ask.model) else {
        return Ok(error(dialect, StatusCode::NOT_FOUND, "no such model"));
    };
    let usage = ask
        .stream_options
        .and_then(|o| o.include_usage)
        .unwrap_or(false);
    Ok(behaviour
        .answer(dialect, ask.stream.unwrap_or(false), usage)
        .await)
}

/// An answer of JSON.
pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    respond(
        status,
        "application/json",
        Either::Left(Full::new(body.into())),
    )
}

/// A failure in the caller's dialect; a 429 says when to come again.
pub fn error(dialect: Dialect, status: StatusCode, message: &str) -> Response<Body> {
    let mut answer = json(status, shapes::error(dialect, status, message));
    if status == StatusCode::TOO_MANY_REQUESTS {
        answer
            .headers_mut()
            .insert("retry-after", hyper::header::HeaderValue::from_static("1"));
    }
    answer
}

/// An answer with this status and media type.
pub fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(kind);
    answer
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, kind);
    answer
}
