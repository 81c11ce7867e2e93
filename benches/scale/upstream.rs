//! An OpenAI-compatible upstream that says 50 words a second, each the time at which it was said: ` @MICROSECONDS;`.

use std::convert::Infallible;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::routing::post;
use futures::StreamExt;
use futures::stream;
use serde_json::json;
use tokio::net::TcpListener;

/// Between two words.
const EVERY: Duration = Duration::from_millis(20);

pub(super) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is past 1970").as_micros() as u64
}

fn chunk(text: &str) -> Result<Bytes, Infallible> {
    let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": null});
    let data = json!({"id": "b", "choices": [choice]});
    Ok(Bytes::from(format!("data: {data}\n\n")))
}

/// Serves answers of so many words, in the form that an answer of a society of minds has.
pub(super) async fn serve(words: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let answer = move || async move {
        let begin = stream::once(async { chunk("{\"reasoning\": \"") });
        let words = stream::iter(0..words).then(|_| async {
            tokio::time::sleep(EVERY).await;
            chunk(&format!(" @{};", now_us()))
        });
        let end = stream::once(async { chunk("\", \"answer\": \"42\", \"confidence\": 0.9}") });
        let choice = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
        let stop = format!(
            "data: {}\n\ndata: [DONE]\n\n",
            json!({"id": "b", "choices": [choice]})
        );
        let stop = stream::once(async { Ok(Bytes::from(stop)) });
        let body = Body::from_stream(begin.chain(words).chain(end).chain(stop));
        ([("content-type", "text/event-stream")], body)
    };
    let router = Router::new().route("/v1/chat/completions", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/v1")
}
