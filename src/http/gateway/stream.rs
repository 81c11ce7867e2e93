//! An answer in pieces, as its client reads it: what came on the client's own wire untouched, all else written anew.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::body::Bytes;
use futures::Stream;
use futures::StreamExt;
use tokio::time::Instant;
use tokio::time::Sleep;

use super::renamed::Renamed;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::metrics::Counted;
use crate::types::ChatChunk;
use crate::types::Wire;
use crate::wire::serve;
use crate::wire::serve::AnswerHead;
use crate::wire::serve::StreamEncoder;

/// Silence after which a client, and whatever stands between, is told that the answer still comes. Usual load
/// balancers close after 60 s of silence; this is between one and two of these spans.
const QUIET: Duration = Duration::from_secs(15);

/// The rest of one answer. Dropping it drops the upstream's.
pub(super) struct AnswerStream {
    wire: Wire,
    first: Option<ChatChunk>,
    chunks: ChunkStream,
    encoder: Box<dyn StreamEncoder>,
    /// The upstream's own bytes are passed on.
    passes: bool,
    renamed: Renamed,
    /// What was passed on ends with an event, so that one of ours may follow.
    between_events: bool,
    over: bool,
    /// Something was sent since the last look.
    spoke: bool,
    quiet: Option<Pin<Box<Sleep>>>,
    began: Instant,
    /// Counts the request while its answer is under way.
    in_flight: Option<Counted>,
}

/// The writer of a wire, made when something has to be written: a stream that passes untouched needs none.
#[derive(Debug)]
struct Lazy {
    wire: Wire,
    head: AnswerHead,
    made: Option<Box<dyn StreamEncoder>>,
}

impl Lazy {
    fn made(&mut self) -> Option<&mut dyn StreamEncoder> {
        if self.made.is_none() {
            self.made = serve::stream_encoder(self.wire, self.head.clone()).ok();
        }
        match &mut self.made {
            Some(made) => Some(made.as_mut()),
            None => None,
        }
    }
}

impl StreamEncoder for Lazy {
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        if let Some(made) = self.made() {
            made.chunk(chunk, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(made) = self.made() {
            made.finish(out);
        }
    }

    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>) {
        if let Some(made) = self.made() {
            made.fail(error, out);
        }
    }
}

/// The writer of a wire's streams.
pub(super) fn encoder(wire: Wire, head: AnswerHead) -> Box<dyn StreamEncoder> {
    Box::new(Lazy {
        wire,
        head,
        made: None,
    })
}

impl AnswerStream {
    /// An answer whose first chunk is there, to a request that came at `began`.
    pub(super) fn new(
        wire: Wire,
        began: Instant,
        first: ChatChunk,
        chunks: ChunkStream,
        encoder: Box<dyn StreamEncoder>,
    ) -> Self {
        Self {
            wire,
            passes: first.frame.is_some(),
            renamed: Renamed::nothing(),
            first: Some(first),
            chunks,
            encoder,
            between_events: true,
            over: false,
            spoke: true,
            quiet: None,
            began,
            in_flight: None,
        }
    }

    /// The same answer, whose model has another name where its bytes are passed on.
    pub(super) fn renamed(mut self, renamed: Renamed) -> Self {
        self.renamed = renamed;
        self
    }

    /// The same answer, counted until it ends.
    pub(super) fn counted(mut self, in_flight: Counted) -> Self {
        self.in_flight = Some(in_flight);
        self
    }

    fn chunk(&mut self, chunk: ChatChunk) -> Bytes {
        if let Some(frame) = chunk.frame {
            if !frame.is_empty() {
                self.between_events = ends_an_event(self.wire, &frame);
            }
            return self.renamed.frame(frame);
        }
        let mut out = Vec::with_capacity(256);
        self.encoder.chunk(&chunk, &mut out);
        out.into()
    }

    fn fail(&mut self, error: &LlmError) -> Bytes {
        self.over = true;
        let mut out = Vec::with_capacity(256);
        if !self.between_events {
            // What came of the last event is worth nothing, and ours must not be taken for its end.
            out.extend_from_slice(if self.wire == Wire::Ollama {
                b"\n".as_slice()
            } else {
                b"\n\n"
            });
        }
        self.encoder.fail(error, &mut out);
        if self.wire == Wire::OpenaiChat {
            out.extend_from_slice(b"data: [DONE]\n\n");
        }
        out.into()
    }

    fn finish(&mut self) -> Option<Bytes> {
        self.over = true;
        if self.passes {
            return None;
        }
        let mut out = Vec::with_capacity(256);
        self.encoder.finish(&mut out);
        if self.wire == Wire::Ollama {
            add_durations(&mut out, self.began.elapsed());
        }
        Some(out.into())
    }

    /// Says that the answer still comes when nothing was said for a while.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let Some(ping) = ping(self.wire) else {
            return Poll::Pending;
        };
        loop {
            let quiet = self
                .quiet
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(QUIET)));
            if quiet.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            quiet.as_mut().reset(Instant::now() + QUIET);
            let has_spoken = std::mem::replace(&mut self.spoke, false);
            if !has_spoken && self.between_events {
                return Poll::Ready(Some(Ok(Bytes::from_static(ping))));
            }
        }
    }
}

impl Stream for AnswerStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            let next = match this.first.take() {
                Some(first) => Poll::Ready(Some(Ok(first))),
                None => this.chunks.poll_next_unpin(cx),
            };
            let bytes = match next {
                Poll::Pending => return this.wait(cx),
                Poll::Ready(Some(Ok(chunk))) => this.chunk(chunk),
                Poll::Ready(Some(Err(error))) => this.fail(&error),
                Poll::Ready(None) => return Poll::Ready(this.finish().map(Ok)),
            };
            if !bytes.is_empty() {
                this.spoke = true;
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
    }
}

/// What keeps a connection alive; `None` where clients read every byte as part of the answer.
fn ping(wire: Wire) -> Option<&'static [u8]> {
    match wire {
        Wire::OpenaiChat | Wire::OpenaiResponses => Some(b": ping\n\n"),
        Wire::Anthropic => Some(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"),
        Wire::Gemini
        | Wire::Ollama
        | Wire::Cohere
        | Wire::Bedrock
        | Wire::Replicate
        | Wire::Demo => None,
    }
}

/// Adds the times that Ollama's clients read to the object at the end of what was written. All of it counts as the
/// answer's own: other providers do not tell how long they loaded or read.
pub(super) fn add_durations(out: &mut Vec<u8>, took: Duration) {
    let is_line = out.ends_with(b"\n");
    let end = out.len() - usize::from(is_line);
    if end == 0 || out[end - 1] != b'}' {
        return;
    }
    out.truncate(end - 1);
    let took = took.as_nanos();
    out.extend_from_slice(
        format!(",\"total_duration\":{took},\"load_duration\":0,\"prompt_eval_duration\":0,\"eval_duration\":{took}}}")
            .as_bytes(),
    );
    if is_line {
        out.push(b'\n');
    }
}

fn ends_an_event(wire: Wire, frame: &[u8]) -> bool {
    match wire {
        Wire::Ollama => frame.ends_with(b"\n"),
        Wire::OpenaiChat
        | Wire::OpenaiResponses
        | Wire::Anthropic
        | Wire::Gemini
        | Wire::Cohere
        | Wire::Bedrock
        | Wire::Replicate
        | Wire::Demo => frame.ends_with(b"\n\n") || frame.ends_with(b"\r\n\r\n"),
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::client::LlmErrorKind;
    use crate::types::Delta;

    fn word(text: &str) -> ChatChunk {
        ChatChunk {
            delta: Delta {
                text: text.to_owned(),
                ..Delta::default()
            },
            ..ChatChunk::default()
        }
    }

    fn frame(bytes: &'static str) -> ChatChunk {
        ChatChunk {
            frame: Some(Bytes::from_static(bytes.as_bytes())),
            ..ChatChunk::default()
        }
    }

    fn head() -> AnswerHead {
        AnswerHead {
            id: "id".to_owned(),
            model: "m".to_owned(),
            created_s: 7,
            usage_in_stream: false,
        }
    }

    fn answer(wire: Wire, first: ChatChunk, rest: ChunkStream) -> AnswerStream {
        AnswerStream::new(wire, Instant::now(), first, rest, encoder(wire, head()))
    }

    async fn read(answer: AnswerStream) -> String {
        let pieces: Vec<Bytes> = answer.map(Result::unwrap).collect().await;
        String::from_utf8(pieces.concat()).unwrap()
    }

    fn cut() -> Result<ChatChunk, LlmError> {
        let kind = LlmErrorKind::StreamInterrupted { bytes: 3 };
        Err(LlmError::new(kind, "openai", "it broke"))
    }

    #[tokio::test]
    async fn frames_pass_untouched_and_a_cut_within_an_event_is_an_event_of_its_own() {
        let whole = answer(
            Wire::OpenaiChat,
            frame("data: 1\n\n"),
            stream::iter([Ok(frame("")), Ok(frame("data: [DONE]\n\n"))]).boxed(),
        );
        assert_eq!(read(whole).await, "data: 1\n\ndata: [DONE]\n\n");
        let broken = answer(
            Wire::OpenaiChat,
            frame("data: {\"a"),
            stream::iter([cut()]).boxed(),
        );
        let text = read(broken).await;
        let mut events = text.split("\n\n");
        assert_eq!(events.next(), Some("data: {\"a"));
        let error = events.next().unwrap();
        assert!(
            error.starts_with(
                "data: {\"error\":{\"message\":\"StreamInterruptedError: openai: it broke\""
            ),
            "{error}"
        );
        assert_eq!(events.next(), Some("data: [DONE]"));
    }

    #[tokio::test]
    async fn an_error_in_the_middle_ends_every_dialect_with_words() {
        for (wire, wanted) in [
            (Wire::OpenaiChat, "data: {\"error\""),
            (Wire::OpenaiResponses, "event: response.failed"),
            (Wire::Anthropic, "event: error"),
            (Wire::Gemini, "data: {\"error\""),
            (Wire::Ollama, "\n{\"error\":"),
        ] {
            let text = read(answer(wire, word("hi"), stream::iter([cut()]).boxed())).await;
            assert!(
                text.contains("hi") && text.contains(wanted),
                "{wire}: {text}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_answer_is_kept_alive_between_events_only() {
        let silent = || stream::pending().boxed();
        let mut quiet = answer(Wire::Anthropic, frame("event: x\ndata: {}\n\n"), silent());
        quiet.next().await;
        let started = Instant::now();
        let ping = quiet.next().await.unwrap().unwrap();
        assert!(ping.starts_with(b"event: ping"));
        assert!(
            started.elapsed() <= 2 * QUIET + Duration::from_millis(5),
            "{:?}",
            started.elapsed()
        );
        let mut within = answer(Wire::OpenaiChat, frame("data: {"), silent());
        within.next().await;
        let most = Duration::from_secs(600);
        assert!(tokio::time::timeout(most, within.next()).await.is_err());
    }
}
