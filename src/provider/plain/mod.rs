//! HTTP/1.1 over plain TCP, as far as posting JSON takes it: one exchange at a time on a connection that is kept.
//!
//! The task that asks writes and reads by itself: no task for each connection, no channel between the two, no map of
//! headers that is built only to be written. Whatever else is needed (TLS, HTTP/2) is hyper's.

mod body;
mod connection;
mod head;
mod pool;

use std::future::poll_fn;

use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::Uri;
use hyper_rustls::MaybeHttpsStream;
use tower_service::Service;

use super::connect::Connector;
use super::failure::Failure;
use super::failure::innermost;
use super::transport::Outgoing;
use super::transport::refusal;
pub(super) use body::PlainBody;
pub(super) use body::Whole;
use connection::Connection;
use connection::Sent;
use head::Head;
use pool::Pool;

/// What an upstream replies, while its body is still coming.
pub(super) struct PlainReply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: PlainBody,
}

/// Exchanges with servers that speak without TLS. One for each thread, limit on connecting, and reach.
pub(super) struct Plain {
    connector: Connector,
    pool: Pool,
}

impl Plain {
    pub(super) fn new(connector: Connector) -> Self {
        Self {
            connector,
            pool: Pool::default(),
        }
    }

    /// Sends what goes out and waits for the head of the reply.
    pub(super) async fn send(
        &self,
        method: &Method,
        outgoing: &Outgoing,
    ) -> Result<PlainReply, Failure> {
        let url = &outgoing.url;
        loop {
            let kept = poll_fn(|cx| self.pool.take(url, cx)).await;
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => Box::pin(self.connect(url)).await?,
            };
            connection.begin(method, outgoing);
            match poll_fn(|cx| connection.poll_head(cx)).await {
                Ok(Sent::Replied(Head {
                    status,
                    headers,
                    framing,
                    is_kept,
                })) => {
                    let home = is_kept.then(|| self.pool.home(url));
                    return Ok(PlainReply {
                        status,
                        headers,
                        body: PlainBody::new(connection, framing, home),
                    });
                }
                // It was closed while nobody looked, and has not taken a byte: nothing was asked yet.
                Ok(Sent::NotABit(_)) if is_kept => {}
                Ok(Sent::NotABit(error)) | Err(error) => {
                    return Err(Failure::Broken(innermost(&error)));
                }
            }
        }
    }

    async fn connect(&self, url: &Uri) -> Result<Connection, Failure> {
        let opening = self.connector.clone().call(url.clone());
        match opening.await {
            Ok(MaybeHttpsStream::Http(stream)) => Ok(Connection::new(stream.into_inner())),
            Ok(MaybeHttpsStream::Https(_)) => {
                let why = "TLS where none was asked for";
                Err(Failure::NotConnected(why.to_owned()))
            }
            Err(error) => {
                Err(refusal(&*error).unwrap_or_else(|| Failure::NotConnected(innermost(&*error))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
