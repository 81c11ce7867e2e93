//! Taking connections: each worker is a thread with a runtime, a listener and connections of its own, so that
//! workers share nothing that a request waits for.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tower::ServiceExt;

use super::HttpConfig;
use super::HttpState;
use super::gateway;
use super::idle::Connection;
use super::idle::Connections;
use super::idle::InWork;
use super::idle::News;

/// Connections that the kernel holds for a worker that is busy.
const BACKLOG: u32 = 4096;
/// The rest after a connection could not be taken because the process has no file left.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How far the end of the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Connections are taken.
    Serving,
    /// Open requests end, no more come.
    Draining,
    /// Nothing runs any more.
    Over,
}

/// Everything that the server answers, the usual questions first.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the usual questions are answered with; `None` leaves all of them to the routes.
    usual: Option<HttpState>,
    routes: Router,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Site {
    /// The site of this state.
    pub fn new(state: HttpState) -> Self {
        Self {
            routes: super::router(state.clone()),
            usual: Some(state),
        }
    }

    /// Answers a request. What asks a model for an answer goes past the routes, which cost as much as the rest of
    /// serving; they lead to the same place.
    fn answer(&self, request: Request<Incoming>, in_work: InWork) -> Answering {
        let usual = gateway::usual(request.method(), request.uri().path());
        let request = request.map(Body::new);
        if let (Some(endpoint), Some(state)) = (usual, &self.usual) {
            let answering = gateway::serve(state.clone(), endpoint, false, request);
            return Box::pin(async move {
                let answer = answering.await;
                drop(in_work);
                Ok(answer)
            });
        }
        let answering = self.routes.clone().oneshot(request);
        Box::pin(async move {
            let answer = answering.await;
            drop(in_work);
            answer
        })
    }
}

/// Where workers listen, before they do anything about it.
#[derive(Debug)]
pub struct Listeners {
    sockets: Vec<std::net::TcpListener>,
    address: SocketAddr,
    keep_alive: Duration,
}

impl Listeners {
    /// Listens at an address, once for each worker. Port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken, not this machine's, or not allowed.
    pub async fn bind(host: &str, port: u16, workers: NonZeroUsize) -> io::Result<Self> {
        let wanted = (host, port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))?;
        // Sockets that share a port do not notice that somebody else has it: this one does.
        let alone = std::net::TcpListener::bind(wanted)?;
        let address = alone.local_addr()?;
        drop(alone);
        let is_shared = workers.get() > 1;
        let sockets = (0..workers.get()).map(|_| socket(address, is_shared));
        Ok(Self {
            sockets: sockets.collect::<io::Result<_>>()?,
            address,
            keep_alive: Duration::from_secs(HttpConfig::default().keep_alive_s.into()),
        })
    }

    /// Where they listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes connections on which nothing happened for so long.
    #[must_use]
    pub fn keeping_alive(mut self, keep_alive: Duration) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// Starts a worker for each.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be made.
    pub fn serve(self, site: &Site) -> io::Result<Workers> {
        let stage = watch::Sender::new(Stage::Serving);
        let (drains, drained) = mpsc::channel(1);
        let threads = self.sockets.into_iter().enumerate().map(|(n, socket)| {
            let worker = Worker {
                site: site.clone(),
                stage: stage.subscribe(),
                keep_alive: self.keep_alive,
                drains: drains.clone(),
            };
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            std::thread::Builder::new()
                .name(format!("agon-http-{n}"))
                .spawn(move || runtime.block_on(worker.work(socket)))
        });
        Ok(Workers {
            threads: threads.collect::<io::Result<_>>()?,
            stage,
            drained,
        })
    }
}

fn socket(address: SocketAddr, is_shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(is_shared)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The threads that serve.
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
    stage: watch::Sender<Stage>,
    /// Closed when no worker has an open request.
    drained: mpsc::Receiver<()>,
}

impl Workers {
    /// Takes no more connections and waits for open requests to end, no longer than `grace`.
    pub async fn drain(&mut self, grace: Duration) {
        self.stage.send_replace(Stage::Draining);
        if tokio::time::timeout(grace, self.drained.recv())
            .await
            .is_err()
        {
            tracing::debug!("some requests were still open at the end");
        }
    }

    /// Ends the threads, and with them everything that still runs on them.
    pub async fn end(self) {
        self.stage.send_replace(Stage::Over);
        let joined = tokio::task::spawn_blocking(move || {
            for thread in self.threads {
                if thread.join().is_err() {
                    tracing::error!("a worker ended with a panic");
                }
            }
        });
        if joined.await.is_err() {
            tracing::error!("the workers could not be waited for");
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} workers", self.threads.len())
    }
}

/// What one worker needs.
struct Worker {
    site: Site,
    stage: watch::Receiver<Stage>,
    keep_alive: Duration,
    /// Dropped when no request is open any more.
    drains: mpsc::Sender<()>,
}

impl Worker {
    async fn work(mut self, socket: std::net::TcpListener) {
        let listener = match TcpListener::from_std(socket) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "a worker cannot listen");
                return;
            }
        };
        let (open, site) = (Connections::new(self.keep_alive), Arc::new(self.site));
        let (alive, mut all_ended) = mpsc::channel(1);
        let taking = async {
            loop {
                match listener.accept().await {
                    Ok((connection, _)) => serve(connection, &site, &open, &alive),
                    Err(error) => rest_after(&error).await,
                }
            }
        };
        tokio::select! {
            () = taking => {}
            () = open.sweep() => {}
            _ = self.stage.wait_for(|stage| *stage != Stage::Serving) => {}
        }
        drop((listener, alive));
        open.drain();
        tokio::select! {
            _ = all_ended.recv() => {}
            _ = self.stage.wait_for(|stage| *stage == Stage::Over) => {}
        }
        drop(self.drains);
        // What requests have begun, a debate for example, ends with the process and not with them. An error means
        // that the process has let go of its workers.
        let _ = self.stage.wait_for(|stage| *stage == Stage::Over).await;
    }
}

/// A connection that was gone before it was taken is no reason to wait; being out of files is.
async fn rest_after(error: &io::Error) {
    let was_gone = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !was_gone {
        tracing::error!(%error, "connections cannot be taken: is the limit of open files too low?");
        tokio::time::sleep(ACCEPT_REST).await;
    }
}

fn serve(
    connection: TcpStream,
    site: &Arc<Site>,
    open: &Connections,
    alive: &mpsc::Sender<Infallible>,
) {
    // Without it, small frames wait up to 40 ms for the client's acknowledgement.
    if let Err(error) = connection.set_nodelay(true) {
        tracing::debug!(%error, "a connection will be slow: TCP_NODELAY cannot be set");
    }
    let (stream, open) = open.add(connection);
    let (site, alive) = (Arc::clone(site), alive.clone());
    tokio::spawn(async move {
        let builder = Builder::new(TokioExecutor::new());
        let answerer = Answerer {
            site,
            open: Arc::clone(&open),
        };
        let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), answerer);
        let mut serving = pin!(serving);
        let mut told = pin!(open.told());
        let mut is_listening = false;
        poll_fn(|cx| {
            // The bell is looked at once, and then only when it has rung.
            if !is_listening || open.has_news() {
                is_listening = true;
                while told.as_mut().poll(cx).is_ready() {
                    told.set(open.told());
                }
                match open.take_news() {
                    News::None => {}
                    News::IdleTooLong => return Poll::Ready(()),
                    News::Draining => serving.as_mut().graceful_shutdown(),
                }
            }
            // What a client breaks is the client's.
            serving.as_mut().poll(cx).map(|_| ())
        })
        .await;
        drop(alive);
    });
}

/// Answers the requests of one connection.
struct Answerer {
    site: Arc<Site>,
    open: Arc<Connection>,
}

impl Service<Request<Incoming>> for Answerer {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.site.answer(request, self.open.asked())
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn ask(address: SocketAddr, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn all_workers_answer_an_open_request_ends_and_then_nobody_listens() {
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            "slow"
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/slow", get(slow));
        let two = NonZeroUsize::new(2).unwrap();
        let listeners = Listeners::bind("127.0.0.1", 0, two).await.unwrap();
        let address = listeners.address();
        let site = Site {
            usual: None,
            routes: router,
        };
        let mut workers = listeners.serve(&site).unwrap();
        for _ in 0..8 {
            assert!(ask(address, "/").await.unwrap().ends_with("here"));
        }
        let open = tokio::spawn(async move { ask(address, "/slow").await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        workers.drain(Duration::from_secs(5)).await;
        assert!(open.await.unwrap().unwrap().ends_with("slow"));
        assert!(ask(address, "/").await.is_err());
        workers.end().await;
    }

    #[tokio::test]
    async fn a_taken_port_is_noticed_though_workers_share_theirs() {
        let two = NonZeroUsize::new(2).unwrap();
        let first = Listeners::bind("127.0.0.1", 0, two).await.unwrap();
        let port = first.address().port();
        let second = Listeners::bind("127.0.0.1", port, two).await.unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    }
}
