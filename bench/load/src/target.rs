//! What is sent where: one prebuilt request, and connections without a pool.

use std::net::SocketAddr;
use std::net::ToSocketAddrs;

use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::Uri;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::client::conn::http1::handshake;
use hyper::header::HeaderMap;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Common;

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum Dialect {
    Openai,
    Anthropic,
}

/// Why a request did not count as answered; the key in the report's `errors`.
pub type Failure = String;

pub struct Target {
    address: SocketAddr,
    path: Uri,
    headers: HeaderMap,
    body: Bytes,
    min_bytes: usize,
}

impl Target {
    pub fn new(common: &Common, stream: bool) -> Result<Self, Box<dyn std::error::Error>> {
        let uri: Uri = common.url.parse()?;
        let authority = uri.authority().ok_or("the URL needs a host")?;
        let port = uri.port_u16().unwrap_or(80);
        let host = authority.host();
        let address = (host, port)
            .to_socket_addrs()?
            .next()
            .ok_or("unknown host")?;
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(authority.as_str())?);
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if common.dialect == Dialect::Anthropic {
            headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        }
        for header in &common.header {
            let (name, value) = header.split_once(':').ok_or("a header is 'name: value'")?;
            headers.insert(HeaderName::try_from(name.trim())?, value.trim().try_into()?);
        }
        let path = uri.path_and_query().map_or("/", |p| p.as_str()).parse()?;
        let body = body(&common.model, common.dialect, stream, common.body_size);
        Ok(Self {
            address,
            path,
            headers,
            body,
            min_bytes: common.min_bytes,
        })
    }

    pub async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let socket = TcpStream::connect(self.address)
            .await
            .map_err(|_| "connect")?;
        socket.set_nodelay(true).map_err(|_| "connect")?;
        let (sender, connection) = handshake(TokioIo::new(socket))
            .await
            .map_err(|_| "connect")?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Sends on `conn` (opened if absent) and returns the head of a 200 answer.
    pub async fn send(
        &self,
        conn: &mut Option<SendRequest<Full<Bytes>>>,
    ) -> Result<Response<Incoming>, Failure> {
        let usable = match conn {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            *conn = Some(self.connect().await?);
        }
        let sender = conn.as_mut().ok_or("connect")?;
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        match sender.send_request(request).await {
            Ok(answer) if answer.status() == 200 => Ok(answer),
            Ok(answer) => {
                let status = answer.status().as_u16().to_string();
                drain(answer.into_body()).await?;
                Err(status)
            }
            Err(_) => {
                *conn = None;
                Err("io".into())
            }
        }
    }

    /// One whole exchange.
    pub async fn exchange(
        &self,
        conn: &mut Option<SendRequest<Full<Bytes>>>,
    ) -> Result<(), Failure> {
        let answer = self.send(conn).await?;
        match drain(answer.into_body()).await {
            Ok(bytes) if bytes >= self.min_bytes => Ok(()),
            Ok(_) => Err("short".into()),
            Err(failure) => {
                *conn = None;
                Err(failure)
            }
        }
    }
}

async fn drain(mut body: Incoming) -> Result<usize, Failure> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.map_err(|_| "cut")?.data_ref().map_or(0, Bytes::len);
    }
    Ok(bytes)
}

/// A chat request of about `size` bytes.
fn body(model: &str, dialect: Dialect, stream: bool, size: usize) -> Bytes {
    let options = match (dialect, stream) {
        (Dialect::Openai, true) => r#","stream":true,"stream_options":{"include_usage":true}"#,
        (Dialect::Anthropic, true) => r#","stream":true"#,
        (_, false) => "",
    };
    let around = |text: &str| {
        format!(
            r#"{{"model":"{model}","max_tokens":256,"messages":[{{"role":"user","content":"{text}"}}]{options}}}"#
        )
    };
    let fill = size.saturating_sub(around("").len());
    let text: String = "tell me about gateways "
        .chars()
        .cycle()
        .take(fill)
        .collect();
    around(&text).into()
}
