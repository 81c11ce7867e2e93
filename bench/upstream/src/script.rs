//! A timed response body: pieces that leave at given times, each as a write of its own.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bench_common::Timer;
use bench_common::now_us;
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Either;
use http_body_util::StreamBody;
use hyper::body::Frame;

use crate::Body;
use crate::shapes::Dialect;
use crate::shapes::{self};

static STREAMS: AtomicU64 = AtomicU64::new(0);

enum Plan {
    /// Opening, `chunks` stamped pieces, closing.
    Sse {
        dialect: Dialect,
        model: &'static str,
        id: u64,
        chunks: usize,
        usage: bool,
    },
    /// Two halves; the headers have left before the first.
    Halves(Bytes),
    /// Nothing.
    Stall,
}

pub struct Script {
    plan: Plan,
    gap_us: u64,
    start_us: u64,
    step: usize,
    /// Break the connection where the closing would be.
    cut: bool,
}

impl Script {
    fn new(plan: Plan, gap_us: u64) -> Self {
        Self {
            plan,
            gap_us,
            start_us: now_us(),
            step: 0,
            cut: false,
        }
    }

    pub fn sse(d: Dialect, model: &'static str, chunks: usize, gap_us: u64, usage: bool) -> Self {
        let id = STREAMS.fetch_add(1, Ordering::Relaxed);
        Self::new(
            Plan::Sse {
                dialect: d,
                model,
                id,
                chunks,
                usage,
            },
            gap_us,
        )
    }

    pub fn halves(body: Bytes, gap_us: u64) -> Self {
        Self::new(Plan::Halves(body), gap_us)
    }

    pub fn stall(for_us: u64) -> Self {
        Self {
            cut: true,
            ..Self::new(Plan::Stall, for_us)
        }
    }

    pub fn cut(self) -> Self {
        Self { cut: true, ..self }
    }

    pub fn body(self) -> Body {
        let pieces = futures_util::stream::unfold((self, None), |(mut script, timer)| async move {
            let timer = match timer {
                Some(timer) => timer,
                None => Timer::new().ok()?,
            };
            let piece = script.next(&timer).await?;
            Some((piece.map(Frame::data), (script, Some(timer))))
        });
        Either::Right(StreamBody::new(pieces).boxed_unsync())
    }

    /// The next piece when its time has come.
    async fn next(&mut self, timer: &Timer) -> Option<io::Result<Bytes>> {
        let step = self.step;
        self.step += 1;
        let due = |n: usize| self.start_us + n as u64 * self.gap_us;
        match &self.plan {
            Plan::Sse { dialect, model, .. } if step == 0 => {
                Some(Ok(shapes::opening(*dialect, model)))
            }
            Plan::Sse {
                dialect,
                model,
                id,
                chunks,
                ..
            } if step <= *chunks => {
                timer.until(due(step)).await.ok()?;
                Some(Ok(shapes::chunk(*dialect, model, *id, step - 1, now_us())))
            }
            Plan::Sse {
                dialect,
                model,
                chunks,
                usage,
                ..
            } if step == *chunks + 1 && !self.cut => {
                Some(Ok(shapes::closing(*dialect, model, *chunks, *usage)))
            }
            Plan::Halves(body) if step < 2 => {
                timer.until(due(step + 1)).await.ok()?;
                let middle = body.len() / 2;
                Some(Ok(if step == 0 {
                    body.slice(..middle)
                } else {
                    body.slice(middle..)
                }))
            }
            Plan::Stall if step == 0 => {
                timer.until(due(1)).await.ok()?;
                Some(Err(io::Error::other("stalled")))
            }
            Plan::Sse { .. } if self.cut => {
                timer.until(due(step)).await.ok()?;
                self.cut = false;
                Some(Err(io::Error::other("cut")))
            }
            _ => None,
        }
    }
}
