//! What is asked of a deployment: a whole answer, a stream, vectors. One loop runs all of them.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;

use super::dice::number_of;
use super::snapshot::Common;
use crate::client::CallContext;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::EmbeddingRequest;
use crate::client::EmbeddingResponse;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::Wishes;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ModelName;
use crate::types::Target;
use crate::types::TopLevel;
use crate::types::usage::estimate_tokens;
use crate::wire::verbatim;
use crate::wire::verbatim::Edits;

/// A prompt that begins with the same so many bytes is taken for the same prompt, continued: about what providers
/// keep in their caches at least.
const LONG_BEGINNING: usize = 4096;

/// One thing to ask, as often as it takes.
pub(super) trait Errand: Sync {
    /// In a box where it is large: it goes through several hands.
    type Answer: Send;

    /// What the choice of a deployment needs to know.
    fn facts(&self) -> Facts<'_>;

    /// What calls have in common that should meet in one deployment.
    fn session(&self) -> Option<u64>;

    /// Makes one attempt; the answer holds at least the first chunk.
    fn ask(
        &self,
        common: &Common,
        at: &Whereto,
    ) -> impl Future<Output = Result<Self::Answer, LlmError>> + Send;
}

/// What the choice of a deployment needs to know of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// An estimate of the prompt's tokens.
    pub(super) tokens: u64,
    pub(super) tags: &'a [String],
    pub(super) wishes: &'a Wishes,
    /// The answer is asked for in pieces.
    pub(super) in_pieces: bool,
    pub(super) call: &'a CallContext,
}

/// Whom an attempt asks.
#[derive(Debug, Clone)]
pub(super) struct Whereto {
    pub(super) model: ModelName,
    pub(super) target: Option<Arc<Target>>,
    /// What takes the place of the request's messages, as JSON.
    pub(super) messages: Option<Bytes>,
}

/// Asks for a whole answer.
pub(super) struct Whole<'a>(pub(super) &'a ChatRequest);

/// Asks for an answer in pieces. Takes the first chunk out as well: an error in its place can still be tried again.
pub(super) struct Streamed<'a>(pub(super) &'a ChatRequest);

/// An answer in pieces, and the first of them.
pub(super) struct Begun {
    pub(super) first: ChatChunk,
    pub(super) chunks: ChunkStream,
}

/// Asks for vectors.
pub(super) struct Vectors<'a> {
    pub(super) request: &'a EmbeddingRequest,
    pub(super) wishes: &'a Wishes,
}

impl Errand for Whole<'_> {
    type Answer = Box<ChatResponse>;

    fn facts(&self) -> Facts<'_> {
        facts(self.0, false)
    }

    fn session(&self) -> Option<u64> {
        session(self.0)
    }

    async fn ask(&self, common: &Common, at: &Whereto) -> Result<Self::Answer, LlmError> {
        let client = common.source.client(&at.model)?;
        let answer = client.send_message(&addressed(self.0, at)).await?;
        Ok(Box::new(answer))
    }
}

impl Errand for Streamed<'_> {
    type Answer = Box<Begun>;

    fn facts(&self) -> Facts<'_> {
        facts(self.0, true)
    }

    fn session(&self) -> Option<u64> {
        session(self.0)
    }

    async fn ask(&self, common: &Common, at: &Whereto) -> Result<Self::Answer, LlmError> {
        let client = common.source.client(&at.model)?;
        let mut chunks = client.stream_message(&addressed(self.0, at)).await?;
        match chunks.next().await {
            Some(first) => Ok(Box::new(Begun {
                first: first?,
                chunks,
            })),
            None => Err(LlmError::new(
                LlmErrorKind::MalformedResponse,
                client.provider_name(),
                "the stream ended before its first chunk",
            )),
        }
    }
}

impl Errand for Vectors<'_> {
    type Answer = EmbeddingResponse;

    fn facts(&self) -> Facts<'_> {
        let texts = self.request.texts.iter();
        Facts {
            tokens: texts.map(|text| estimate_tokens(text)).sum(),
            tags: &[],
            wishes: self.wishes,
            in_pieces: false,
            call: &self.request.call,
        }
    }

    fn session(&self) -> Option<u64> {
        None
    }

    async fn ask(&self, common: &Common, at: &Whereto) -> Result<EmbeddingResponse, LlmError> {
        let embedder = common.embedders.embedder(&at.model)?;
        let mut request = self.request.clone();
        request.model = at.model.clone();
        request.call.target.clone_from(&at.target);
        embedder.embed(&request).await
    }
}

fn facts(request: &ChatRequest, in_pieces: bool) -> Facts<'_> {
    Facts {
        tokens: request.head.estimated_tokens,
        tags: &request.head.tags,
        wishes: &request.head.wishes,
        in_pieces,
        call: &request.call,
    }
}

/// The request as one deployment gets it. What is asked is shared, not copied.
fn addressed<'a>(request: &'a ChatRequest, at: &Whereto) -> Cow<'a, ChatRequest> {
    let is_as_asked = at.target.is_none()
        && at.messages.is_none()
        && request.call.target.is_none()
        && request.head.model == at.model;
    if is_as_asked {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    request.head.model = at.model.clone();
    request.call.target.clone_from(&at.target);
    if let Some(messages) = &at.messages {
        request.content = with_messages(request.content, messages);
    }
    Cow::Owned(request)
}

/// A caller's body with other messages; one that has none stays as it is.
fn with_messages(content: Content, messages: &Bytes) -> Content {
    let Content::Raw { wire, body, .. } = &content else {
        return content;
    };
    let Some(members) = TopLevel::read(body).ok() else {
        return content;
    };
    if members.place(body, "messages").is_none() {
        return content;
    }
    let mut edits = Edits::default();
    edits.set("messages", messages.as_ref());
    Content::Raw {
        wire: *wire,
        body: verbatim::edited(body, &members, &edits),
        members: None,
    }
}

/// The session that the caller names, else the beginning of the prompt, when it is a long one.
fn session(request: &ChatRequest) -> Option<u64> {
    if let Some(session) = &request.head.wishes.session {
        return Some(number_of(session.as_bytes()));
    }
    let beginning = match &request.content {
        Content::Raw { body, .. } => body.get(..LONG_BEGINNING),
        Content::Text(text) => text.body.get(..LONG_BEGINNING),
        Content::Typed(chat) => {
            let first = chat.messages.first()?.joined_text();
            return first.as_bytes().get(..LONG_BEGINNING).map(number_of);
        }
    };
    beginning.map(number_of)
}
