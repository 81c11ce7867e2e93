//! Model name → behaviour.

use bench_common::now_us;
use bench_common::sleep_until;
use hyper::Response;
use hyper::StatusCode;

use crate::Body;
use crate::error;
use crate::json;
use crate::respond;
use crate::script::Script;
use crate::shapes::Dialect;
use crate::shapes::{self};

const MS: u64 = 1_000;

/// One row per model: name (a prefix for `fail-…`), what it does.
pub const MODELS: [(&str, Behaviour); 10] = [
    ("fast", Behaviour::Answer { after_us: 0 }),
    ("d60", Behaviour::Answer { after_us: 60 * MS }),
    ("big", Behaviour::Big),
    (
        "s200",
        Behaviour::Stream {
            name: "s200",
            chunks: 200,
            gap_us: 10 * MS,
            cut: false,
        },
    ),
    (
        "slow",
        Behaviour::Stream {
            name: "slow",
            chunks: 40,
            gap_us: 500 * MS,
            cut: false,
        },
    ),
    ("twowrite", Behaviour::TwoWrite),
    ("fail-429", Behaviour::Fail(StatusCode::TOO_MANY_REQUESTS)),
    (
        "fail-500",
        Behaviour::Fail(StatusCode::INTERNAL_SERVER_ERROR),
    ),
    (
        "fail-cut",
        Behaviour::Stream {
            name: "fail-cut",
            chunks: 5,
            gap_us: 10 * MS,
            cut: true,
        },
    ),
    ("fail-stall", Behaviour::Stall),
];

#[derive(Clone, Copy)]
pub enum Behaviour {
    Answer {
        after_us: u64,
    },
    Big,
    Stream {
        name: &'static str,
        chunks: usize,
        gap_us: u64,
        cut: bool,
    },
    TwoWrite,
    Fail(StatusCode),
    Stall,
}

impl Behaviour {
    /// Takes what follows the last '/', so `openai/fast` is `fast`.
    pub fn of(model: &str) -> Option<Self> {
        let name = model.rsplit('/').next().unwrap_or(model);
        let known = |key: &str| key == name || (key.starts_with("fail-") && name.starts_with(key));
        MODELS
            .iter()
            .find(|(key, _)| known(key))
            .map(|(_, behaviour)| *behaviour)
    }

    pub async fn answer(self, dialect: Dialect, stream: bool, usage: bool) -> Response<Body> {
        let sse = |script: Script| respond(StatusCode::OK, "text/event-stream", script.body());
        match self {
            Self::Answer { after_us } => {
                if after_us > 0 {
                    let _ = sleep_until(now_us() + after_us).await;
                }
                if stream {
                    return sse(Script::sse(dialect, "fast", 3, 0, usage));
                }
                json(StatusCode::OK, shapes::small(dialect))
            }
            Self::Big if stream => sse(Script::sse(dialect, "big", 3, 0, usage)),
            Self::Big => json(StatusCode::OK, shapes::big(dialect)),
            // A cut needs a body to cut: it streams whatever was asked for.
            Self::Stream {
                name,
                chunks,
                gap_us,
                cut: true,
            } => sse(Script::sse(dialect, name, chunks, gap_us, usage).cut()),
            Self::Stream {
                name,
                chunks,
                gap_us,
                ..
            } if stream => sse(Script::sse(dialect, name, chunks, gap_us, usage)),
            Self::Stream { .. } => json(StatusCode::OK, shapes::small(dialect)),
            Self::TwoWrite => {
                let body = shapes::small(dialect);
                let length = body.len();
                let body = Script::halves(body, 5 * MS).body();
                let mut answer = respond(StatusCode::OK, "application/json", body);
                answer
                    .headers_mut()
                    .insert(hyper::header::CONTENT_LENGTH, length.into());
                answer
            }
            Self::Fail(status) => error(dialect, status, "asked to fail"),
            Self::Stall => {
                let kind = if stream {
                    "text/event-stream"
                } else {
                    "application/json"
                };
                respond(StatusCode::OK, kind, Script::stall(30_000 * MS).body())
            }
        }
    }
}
