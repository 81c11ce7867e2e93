//! The watcher against a server that says what the test wants said.

use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::Request;
use tokio_tungstenite::tungstenite::handshake::server::Response;

use super::*;

/// Serves one connection after the other; each gets its frames after `hello` and is then closed, or told to wait.
async fn serve(connections: Vec<Vec<Value>>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws/debates/d_1", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut queries = vec![];
        for frames in connections {
            let (stream, _) = listener.accept().await.unwrap();
            let mut query = String::new();
            #[expect(clippy::result_large_err, reason = "the library's own callback")]
            let agree = |request: &Request, mut response: Response| {
                query = request.uri().query().unwrap_or_default().to_owned();
                let protocol = request.headers()["sec-websocket-protocol"].clone();
                response
                    .headers_mut()
                    .insert("sec-websocket-protocol", protocol);
                Ok(response)
            };
            let mut socket = accept_hdr_async(stream, agree).await.unwrap();
            queries.push(query);
            let hello = json!({"v": 1, "type": "hello", "debate": "d_1", "data": {}});
            for frame in std::iter::once(hello).chain(frames) {
                let _ = socket.send(Message::text(frame.to_string())).await;
            }
            // Until the client goes away.
            while let Some(Ok(_)) = socket.next().await {}
        }
        queries
    });
    (url, serving)
}

fn event(seq: u64, kind: &str) -> Value {
    json!({"v": 1, "type": kind, "debate": "d_1", "seq": seq, "data": {}})
}

#[tokio::test]
async fn a_watcher_follows_a_debate_to_its_end() {
    let frames = vec![event(1, "debate.created"), event(2, "debate.finished")];
    let (url, _serving) = serve(vec![frames]).await;
    let mut watcher = Watcher::connect(&url, Some("sk-x"), Promises::of("d_1", 0)).await;
    assert_eq!(watcher.until("debate.created").await["seq"], 1);
    watcher.until_over().await;
    watcher.seen.assert_kept();
    assert_eq!(watcher.seen.events.len(), 2);
}

#[tokio::test]
async fn a_cut_connection_resumes_after_the_last_durable_event() {
    let first = vec![event(1, "debate.created"), event(2, "debate.started")];
    let second = vec![event(3, "debate.finished")];
    let (url, serving) = serve(vec![first, second]).await;
    let mut watcher = Watcher::connect(&url, None, Promises::of("d_1", 0)).await;
    watcher.until_over_with_cuts(3).await;
    watcher.seen.assert_kept();
    assert_eq!(watcher.seen.after, 3);
    drop(watcher);
    assert_eq!(serving.await.unwrap(), ["after=0", "after=2"]);
}

#[tokio::test]
async fn a_command_returns_its_own_acknowledgement() {
    let other =
        json!({"v": 1, "type": "ack", "debate": "d_1", "data": {"id": "pause-9", "ok": true}});
    let own =
        json!({"v": 1, "type": "ack", "debate": "d_1", "data": {"id": "pause-1", "ok": false}});
    let (url, _serving) = serve(vec![vec![other, own]]).await;
    let mut watcher = Watcher::connect(&url, None, Promises::of("d_1", 0)).await;
    let ack = watcher.command("pause", json!({})).await;
    assert_eq!(ack["data"]["ok"], false);
}
