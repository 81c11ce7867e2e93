//! Heads: a request's is written, a reply's is read, and how its body ends is found out (RFC 9112, section 6.3).

use std::io;
use std::mem::MaybeUninit;

use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::Uri;
use http::header::CONNECTION;
use http::header::CONTENT_LENGTH;
use http::header::HOST;
use http::header::TRANSFER_ENCODING;
use memchr::memmem;

use crate::provider::transport::Outgoing;

/// Most headers of a reply, as hyper has it.
const MOST_HEADERS: usize = 100;

/// The head of a reply.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) framing: Framing,
    /// The connection is good for another exchange.
    pub(super) is_kept: bool,
}

/// How the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With a piece of no bytes.
    Chunked,
    /// With the connection.
    UntilClosed,
}

/// Writes the head of a request whose body has a known length.
pub(super) fn write(method: &Method, outgoing: &Outgoing, out: &mut Vec<u8>) {
    let url = &*outgoing.url;
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    if !path.starts_with('/') {
        out.push(b'/');
    }
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let mut names_host = false;
    for (name, value) in &*outgoing.headers {
        names_host |= name == HOST;
        // How the message ends is said once, and here.
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            line(out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    if !names_host {
        write_host(url, out);
    }
    if !outgoing.body.is_empty() || method == Method::POST {
        let mut digits = [0; 20];
        line(
            out,
            b"content-length",
            decimal(outgoing.body.len(), &mut digits),
        );
    }
    out.extend_from_slice(b"\r\n");
}

fn write_host(url: &Uri, out: &mut Vec<u8>) {
    out.extend_from_slice(b"host: ");
    out.extend_from_slice(url.host().unwrap_or_default().as_bytes());
    if let Some(port) = url.port().filter(|port| port.as_u16() != 80) {
        out.push(b':');
        out.extend_from_slice(port.as_str().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for piece in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(piece);
    }
}

fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

/// Takes the head of a reply out of what has come; `None` when it is not whole yet.
pub(super) fn read(come: &mut BytesMut) -> io::Result<Option<Head>> {
    let Some(end) = end_of_head(come) else {
        return Ok(None);
    };
    let text = come.split_to(end).freeze();
    let (head, length) = parse(&text)?;
    // Lines may end without a carriage return, and then what looked like the head's end stood in the body.
    if length < text.len() {
        let mut whole = BytesMut::from(&text[length..]);
        whole.extend_from_slice(come);
        *come = whole;
    }
    Ok(Some(head))
}

fn end_of_head(come: &[u8]) -> Option<usize> {
    match memmem::find(come, b"\n\r\n") {
        Some(found) => Some(found + 3),
        None => memmem::find(come, b"\n\n").map(|found| found + 2),
    }
}

fn parse(text: &Bytes) -> io::Result<(Head, usize)> {
    let mut places = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut read = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut read,
        text,
        &mut places,
    );
    let httparse::Status::Complete(length) = parsed.map_err(|error| wrong(error.to_string()))?
    else {
        return Err(wrong("the head of the reply has no end"));
    };
    let status = StatusCode::from_u16(read.code.unwrap_or_default())
        .map_err(|_| wrong("a status that is none"))?;
    let mut headers = HeaderMap::with_capacity(read.headers.len());
    let mut told = Told::default();
    for header in read.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| wrong("a header without a name"))?;
        let value = HeaderValue::from_maybe_shared(text.slice_ref(header.value))
            .map_err(|_| wrong("a header that holds control characters"))?;
        told.take(&name, &value)?;
        headers.append(name, value);
    }
    let framing = told.framing(status)?;
    let is_kept = framing != Framing::UntilClosed
        && told.stays_open(read.version == Some(1))
        && !(told.coding.is_some() && told.length.is_some());
    let head = Head {
        status,
        headers,
        framing,
        is_kept,
    };
    Ok((head, length))
}

/// What the headers tell of the body's end and the connection's.
#[derive(Default)]
struct Told {
    length: Option<u64>,
    /// The last coding, and whether it is `chunked`.
    coding: Option<bool>,
    closes: bool,
    keeps: bool,
}

impl Told {
    fn take(&mut self, name: &HeaderName, value: &HeaderValue) -> io::Result<()> {
        let mut words = value.as_bytes().split(|byte| *byte == b',');
        if name == CONTENT_LENGTH {
            let length =
                number(value.as_bytes()).ok_or_else(|| wrong("a length that is no number"))?;
            if self.length.is_some_and(|known| known != length) {
                return Err(wrong("two lengths for one body"));
            }
            self.length = Some(length);
        } else if name == TRANSFER_ENCODING {
            self.coding = words.next_back().map(|last| is(last, b"chunked"));
        } else if name == CONNECTION {
            for word in words {
                self.closes |= is(word, b"close");
                self.keeps |= is(word, b"keep-alive");
            }
        }
        Ok(())
    }

    fn framing(&self, status: StatusCode) -> io::Result<Framing> {
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(wrong("another protocol than was asked for"));
        }
        let is_bare = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if is_bare || status.is_informational() {
            return Ok(Framing::Length(0));
        }
        Ok(match (self.coding, self.length) {
            (Some(true), _) => Framing::Chunked,
            (None, Some(length)) => Framing::Length(length),
            (Some(false), _) | (None, None) => Framing::UntilClosed,
        })
    }

    fn stays_open(&self, is_1_1: bool) -> bool {
        match is_1_1 {
            true => !self.closes,
            false => self.keeps && !self.closes,
        }
    }
}

fn is(word: &[u8], wanted: &[u8]) -> bool {
    word.trim_ascii().eq_ignore_ascii_case(wanted)
}

/// Digits and nothing else: a sign, which Rust would take, may mean something else to whoever stands between.
fn number(text: &[u8]) -> Option<u64> {
    let is_plain = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_plain.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

/// What no server that speaks HTTP says.
pub(super) fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Takes a line without its end out of what has come; `None` when it is not whole yet.
pub(super) fn line_of(come: &mut BytesMut) -> Option<BytesMut> {
    let end = memchr::memchr(b'\n', come)?;
    let mut line = come.split_to(end);
    come.advance(1);
    if line.last() == Some(&b'\r') {
        line.truncate(end - 1);
    }
    Some(line)
}
