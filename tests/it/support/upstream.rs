//! A provider that plays a script over raw TCP: any status, any bytes, any pause, any way of breaking off.
//!
//! ```text
//! let upstream = Upstream::start([Reply::sse(["data: one\n\n"]).pause(ms(50)).stall()]).await;
//! // … call upstream.base_url() …
//! assert_eq!(upstream.requests()[0].path, "/v1/chat/completions");
//! upstream.client_left().await;          // the caller closed its connection
//! ```
//!
//! Side questions that Agon asks local servers on its own (`/api/show`, `/api/ps`, …) are no part of the script: they
//! get 404 unless [`Upstream::says`] knows better, and are not recorded.
//!
//! Replies are played in the order of the requests, whichever connection they come on; a request behind the last
//! one is answered 500 and fails [`Upstream::requests`]' count, never a hang.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// One reply of the script.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    framing: Framing,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// `Transfer-Encoding: chunked`, ended properly unless a step breaks off.
    Chunked,
    /// No head at all: the steps are everything that is sent.
    Raw,
}

#[derive(Debug, Clone)]
enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Closes the connection without ending the body.
    Cut,
    /// Closes it with a reset.
    Reset,
    /// Says nothing more and waits until the client leaves.
    Stall,
}

impl Reply {
    /// A reply with this status and no body yet.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            framing: Framing::Chunked,
            steps: Vec::new(),
        }
    }

    /// 200 with one JSON document.
    pub(crate) fn json(body: &Value) -> Self {
        Self::status(200)
            .header("content-type", "application/json")
            .send(body.to_string())
    }

    /// 200 with server-sent events, each piece in a chunk of its own.
    pub(crate) fn sse<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Self {
        Self::status(200)
            .header("content-type", "text/event-stream")
            .send_all(pieces)
    }

    /// 200 with lines of JSON, each piece in a chunk of its own.
    pub(crate) fn ndjson<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Self {
        Self::status(200)
            .header("content-type", "application/x-ndjson")
            .send_all(pieces)
    }

    /// Nothing but what is added to it: its head too is a step.
    pub(crate) fn raw() -> Self {
        let mut reply = Self::status(0);
        reply.framing = Framing::Raw;
        reply
    }

    /// Bytes that need not be HTTP; the connection closes behind them.
    pub(crate) fn garbage(bytes: impl AsRef<[u8]>) -> Self {
        Self::raw().send(bytes).cut()
    }

    /// Nothing at all: the connection closes at once.
    pub(crate) fn hang_up() -> Self {
        Self::garbage([])
    }

    /// Nothing at all: the connection stays open.
    pub(crate) fn silence() -> Self {
        Self::raw().stall()
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref().to_vec();
        self.then(Step::Send(bytes))
    }

    pub(crate) fn send_all<P: AsRef<[u8]>>(self, pieces: impl IntoIterator<Item = P>) -> Self {
        pieces.into_iter().fold(self, Self::send)
    }

    pub(crate) fn pause(self, span: Duration) -> Self {
        self.then(Step::Pause(span))
    }

    /// Closes the connection without ending the body.
    pub(crate) fn cut(self) -> Self {
        self.then(Step::Cut)
    }

    /// Resets the connection.
    pub(crate) fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Says nothing more and keeps the connection open until the client leaves.
    pub(crate) fn stall(self) -> Self {
        self.then(Step::Stall)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// When it had arrived whole.
    pub(crate) at: tokio::time::Instant,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// The first header of this name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }
}

/// What Agon asks local servers beside the calls of a test.
const SIDE_QUESTIONS: [&str; 5] = [
    "/api/tags",
    "/api/show",
    "/api/ps",
    "/health",
    "/api/v0/models",
];

#[derive(Debug, Default)]
struct Record {
    replies: VecDeque<Reply>,
    said: HashMap<String, Reply>,
    requests: Vec<Recorded>,
    connections: usize,
}

/// The running server; dropping it ends it and every connection.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    left: watch::Receiver<usize>,
    _serving: JoinSet<()>,
}

impl Upstream {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Record {
            replies: replies.into_iter().collect(),
            ..Record::default()
        };
        let record = Arc::new(Mutex::new(record));
        let (leaving, left) = watch::channel(0);
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&record), leaving));
        Self {
            address,
            record,
            left,
            _serving: serving,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers a side question with this from now on.
    pub(crate) fn says(&self, path: &str, reply: Reply) {
        let mut record = self.record.lock().unwrap();
        record.said.insert(path.to_owned(), reply);
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.record.lock().unwrap().requests.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.record.lock().unwrap().connections
    }

    /// Waits until a client has closed a connection in the middle of a reply, and says how long that took.
    pub(crate) async fn client_left(&self) -> Duration {
        let asked = tokio::time::Instant::now();
        let mut left = self.left.clone();
        timeout(Duration::from_secs(5), left.wait_for(|count| *count > 0))
            .await
            .expect("the client closes its connection within 5 s")
            .expect("the server is running");
        asked.elapsed()
    }

    pub(crate) fn clients_that_left(&self) -> usize {
        *self.left.borrow()
    }
}

async fn accept(listener: TcpListener, record: Arc<Mutex<Record>>, leaving: watch::Sender<usize>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        socket.set_nodelay(true).unwrap();
        record.lock().unwrap().connections += 1;
        connections.spawn(serve(socket, Arc::clone(&record), leaving.clone()));
    }
}

/// Answers the requests of one connection until either side closes it.
async fn serve(mut socket: TcpStream, record: Arc<Mutex<Record>>, leaving: watch::Sender<usize>) {
    let mut inbox = Vec::new();
    while let Some(request) = read_request(&mut socket, &mut inbox).await {
        let reply = {
            let mut record = record.lock().unwrap();
            let said = record.said.get(&request.path).cloned();
            let is_side = SIDE_QUESTIONS
                .iter()
                .any(|path| request.path.starts_with(path));
            if said.is_some() || is_side {
                said.or_else(|| Some(Reply::status(404)))
            } else {
                record.requests.push(request);
                record.replies.pop_front()
            }
        };
        let reply = reply.unwrap_or_else(|| Reply::status(500).send("the script has ended"));
        match play(&mut socket, &reply).await {
            Played::Whole => {}
            Played::Closed => return,
            Played::ClientLeft => {
                leaving.send_modify(|count| *count += 1);
                return;
            }
        }
    }
}

enum Played {
    Whole,
    Closed,
    ClientLeft,
}

async fn play(socket: &mut TcpStream, reply: &Reply) -> Played {
    if reply.framing == Framing::Chunked && socket.write_all(&head(reply)).await.is_err() {
        return Played::ClientLeft;
    }
    for step in &reply.steps {
        let client_left = match step {
            Step::Send(bytes) => socket
                .write_all(&framed(bytes, reply.framing))
                .await
                .is_err(),
            Step::Pause(span) => timeout(*span, gone(socket)).await.is_ok(),
            Step::Stall => {
                gone(socket).await;
                true
            }
            Step::Cut => return Played::Closed,
            Step::Reset => {
                // Closing with zero linger sends a reset; the deprecation is about blocking, which zero does not.
                #[expect(deprecated, reason = "a reset needs SO_LINGER 0")]
                socket.set_linger(Some(Duration::ZERO)).unwrap();
                return Played::Closed;
            }
        };
        if client_left {
            return Played::ClientLeft;
        }
    }
    match socket.write_all(b"0\r\n\r\n").await {
        Ok(()) => Played::Whole,
        Err(_) => Played::ClientLeft,
    }
}

/// Ends when the client closes or resets the connection.
async fn gone(socket: &mut TcpStream) {
    let mut byte = [0; 64];
    while !matches!(socket.read(&mut byte).await, Ok(0) | Err(_)) {}
}

fn head(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("transfer-encoding: chunked\r\n\r\n");
    head.into_bytes()
}

fn framed(bytes: &[u8], framing: Framing) -> Vec<u8> {
    match framing {
        Framing::Raw => bytes.to_vec(),
        Framing::Chunked if bytes.is_empty() => Vec::new(),
        Framing::Chunked => {
            let size = format!("{:x}\r\n", bytes.len());
            [size.as_bytes(), bytes, b"\r\n"].concat()
        }
    }
}

/// Reads one request; `None` when the client has closed the connection.
async fn read_request(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> Option<Recorded> {
    let end = loop {
        if let Some(at) = inbox.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        fill(socket, inbox).await?;
    };
    let head = String::from_utf8_lossy(&inbox[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap_or(0));
    let body_at = end + 4;
    while inbox.len() < body_at + length {
        fill(socket, inbox).await?;
    }
    let body = inbox[body_at..body_at + length].to_vec();
    inbox.drain(..body_at + length);
    Some(Recorded {
        at: tokio::time::Instant::now(),
        method,
        path,
        headers,
        body,
    })
}

async fn fill(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> Option<()> {
    match socket.read_buf(inbox).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
