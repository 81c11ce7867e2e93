//! Exchanges with servers that answer byte for byte as the test says.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::*;
use crate::provider::connect::Reach;
use crate::provider::connect::tls_config;

/// What one connection of a server answers, request by request; it closes behind the last answer.
type Script = Vec<&'static str>;

struct Server {
    url: String,
    /// Every request that came, as text.
    asked: mpsc::UnboundedReceiver<String>,
    /// Connections that were opened.
    opened: Arc<AtomicUsize>,
}

/// Serves so many connections as there are scripts; a client may leave before the end of one.
async fn server(scripts: Vec<Script>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/x?y=1", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::unbounded_channel();
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    tokio::spawn(async move {
        for script in scripts {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let sender = sender.clone();
            tokio::spawn(async move {
                for answer in script {
                    let Some(request) = request(&mut stream).await else {
                        return;
                    };
                    // Not every test reads them.
                    let _ = sender.send(request);
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    Server { url, asked, opened }
}

/// Reads a request whose body is `{}`; `None` when the client leaves.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"{}") {
        let read = stream.read_buf(&mut text).await.ok()?;
        if read == 0 {
            return None;
        }
    }
    String::from_utf8(text).ok()
}

fn plain() -> Plain {
    let limit = Duration::from_secs(5);
    Plain::new(Connector::new(
        tls_config().unwrap(),
        limit,
        Reach::Anywhere,
    ))
}

fn outgoing(url: &str) -> Outgoing {
    Outgoing {
        url: Arc::new(url.parse().unwrap()),
        headers: Arc::new(HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            http::HeaderValue::from_static("Bearer k"),
        )])),
        body: Bytes::from_static(b"{}"),
        reach: Reach::Anywhere,
    }
}

/// Asks, and reads the answer in pieces: its status, and its body or what broke it.
async fn ask(plain: &Plain, url: &str) -> Result<(u16, String), String> {
    let sent = plain.send(&Method::POST, &outgoing(url)).await;
    let mut reply = sent.map_err(|failure| format!("{failure:?}"))?;
    let mut body = Vec::new();
    while let Some(piece) = poll_fn(|cx| reply.body.poll_piece(cx)).await {
        body.extend_from_slice(&piece.map_err(|error| error.to_string())?);
    }
    Ok((reply.status.as_u16(), String::from_utf8(body).unwrap()))
}

/// What a client makes of one answer on a connection that closes behind it.
async fn made_of(answer: &'static str) -> Result<(u16, String), String> {
    let server = server(vec![vec![answer]]).await;
    ask(&plain(), &server.url).await
}

fn ok(body: &str) -> Result<(u16, String), String> {
    Ok((200, body.to_owned()))
}

#[tokio::test]
async fn what_is_sent_is_one_whole_request() {
    let mut server = server(vec![vec!["HTTP/1.1 204 No Content\r\n\r\n"]]).await;
    assert_eq!(ask(&plain(), &server.url).await, Ok((204, String::new())));
    let host = server.url.split('/').nth(2).unwrap();
    let wanted = format!(
        "POST /v1/x?y=1 HTTP/1.1\r\nauthorization: Bearer k\r\nhost: {host}\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    assert_eq!(server.asked.recv().await.unwrap(), wanted);
}

#[tokio::test]
async fn bodies_end_where_they_are_told_to() {
    for (answer, wanted) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", "abc"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabcd",
            "abc",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
        ("HTTP/1.0 200 OK\n\nold\r\n\r\nlines", "old\r\n\r\nlines"),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n2\r\nab\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nt: 1\r\n\r\n",
            "ab0123456789",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
            "a",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "a",
        ),
    ] {
        assert_eq!(made_of(answer).await, ok(wanted), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_whole_answer_is_an_error() {
    for (answer, why) in [
        ("", "before message completed"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n",
            "before message completed",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
            "before message completed",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc",
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc",
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            "two lengths",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
            "another protocol",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP version"),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n",
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n",
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
            "longer than was told",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
            "before message completed",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nt: 1\r\n",
            "before message completed",
        ),
    ] {
        let error = made_of(answer).await.unwrap_err();
        assert!(error.contains(why), "{answer}: {error}");
    }
}

#[tokio::test]
async fn heads_and_lines_without_end_are_given_up() {
    let long_head = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(200 << 10));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let long_size = format!("{chunked}1;{}", "a".repeat(64 << 10));
    let long_trailers = format!("{chunked}0\r\n{}", "t: 1\r\n".repeat(20 << 10));
    for (answer, why) in [
        (long_head, "too long"),
        (long_size, "without length"),
        (long_trailers, "without end"),
    ] {
        let error = made_of(answer.leak()).await.unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_as_long_as_it_is_good() {
    let good = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    for (first, is_kept) in [
        (good, true),
        (chunked, true),
        (
            "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\na",
            true,
        ),
        ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", false),
        (
            "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 1\r\n\r\na",
            false,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab", false),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            false,
        ),
    ] {
        let server = server(vec![vec![first, good], vec![good]]).await;
        let plain = plain();
        for _ in 0..2 {
            assert_eq!(ask(&plain, &server.url).await, ok("a"), "{first}");
        }
        let opened = server.opened.load(Ordering::Relaxed);
        assert_eq!(opened, if is_kept { 1 } else { 2 }, "{first}");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_no_longer_quiet() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, served) = tokio::join!(TcpStream::connect(address), listener.accept());
    let mut connection = Connection::new(client.unwrap());
    assert!(poll_fn(|cx| Poll::Ready(connection.is_quiet(cx))).await);
    drop(served);
    poll_fn(|cx| match connection.is_quiet(cx) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_nothing_can_be_sent_on_any_more_is_replaced() {
    let good = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na";
    let server = server(vec![vec![good]]).await;
    let plain = plain();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (dead, _open) = tokio::join!(TcpStream::connect(address), listener.accept());
    let mut dead = dead.unwrap();
    dead.shutdown().await.unwrap();
    let home = plain.pool.home(&outgoing(&server.url).url);
    home.keep(Connection::new(dead));
    assert_eq!(ask(&plain, &server.url).await, ok("a"));
}

#[tokio::test]
async fn a_body_is_read_whole_while_its_length_is_believed_only_as_far_as_it_comes() {
    let server = server(vec![vec![
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef",
        "HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\nabc",
    ]])
    .await;
    let plain = plain();
    let send = async || plain.send(&Method::POST, &outgoing(&server.url)).await;
    let mut reply = send().await.unwrap();
    loop {
        match poll_fn(|cx| reply.body.poll_whole(cx))
            .await
            .unwrap()
            .unwrap()
        {
            Whole::Grown(come) => assert!(come < 6),
            Whole::Whole(whole) => break assert_eq!(whole, "abcdef"),
        }
    }
    let mut reply = send().await.unwrap();
    let error = loop {
        match poll_fn(|cx| reply.body.poll_whole(cx)).await.unwrap() {
            Ok(Whole::Grown(come)) => assert!(come <= 3),
            Ok(Whole::Whole(_)) => panic!("more than has come"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("before message completed"));
}

#[tokio::test]
async fn an_answer_that_comes_before_all_is_sent_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno";
        stream.write_all(answer).await.unwrap();
        let _ = wait.await;
    });
    let mut large = outgoing(&url);
    large.body = vec![b'x'; 64 << 20].into();
    let mut reply = plain().send(&Method::POST, &large).await.unwrap();
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let body = poll_fn(|cx| reply.body.poll_piece(cx))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(body, "no");
    drop(done);
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let failed = plain().send(&Method::POST, &outgoing(&url)).await;
    assert!(matches!(failed, Err(Failure::NotConnected(_))));
}
