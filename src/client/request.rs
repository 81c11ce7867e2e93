//! What is sent to a client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::call::CallContext;
use crate::types::Chat;
use crate::types::ModelName;
use crate::types::TopLevel;
use crate::types::Wire;

/// One request: what routing needs, what is asked, and on whose behalf.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    /// What routing needs, scanned once.
    pub head: Head,
    /// What is asked.
    pub content: Content,
    /// On whose behalf, and until when.
    pub call: CallContext,
}

/// What routing needs to know without reading the content.
#[derive(Debug, Clone)]
pub struct Head {
    /// Who shall answer.
    pub model: ModelName,
    /// `true` when the answer is wanted in pieces.
    pub stream: bool,
    /// `true` when the caller wants the usage within a stream.
    pub usage_in_stream: bool,
    /// A cautious estimate of the prompt's tokens.
    pub estimated_tokens: u64,
    /// Labels for routing.
    pub tags: Vec<String>,
    /// What the caller wants of the router.
    pub wishes: Wishes,
}

/// What a caller wants of the router beside an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Further attempts after the first.
    pub num_retries: Option<u8>,
    /// Groups to ask when the asked one fails, in order; `None` leaves the configured ones.
    pub fallbacks: Option<Vec<String>>,
    /// What some of them get in place of the request's messages: the group, and a list as JSON.
    pub fallback_messages: Vec<(String, Bytes)>,
    /// `true` asks no other group, whatever is configured.
    pub no_fallbacks: bool,
    /// For how long the whole answer is waited for.
    pub timeout: Option<Duration>,
    /// For how long a piece of a streamed answer is waited for.
    pub stream_timeout: Option<Duration>,
    /// `true` drops what the model cannot carry, `false` has the request refused then, unless the operator's list
    /// drops it; `None` leaves the operator's settings.
    pub drop_params: Option<bool>,
    /// Calls of one session go to one deployment as long as it can be asked.
    pub session: Option<String>,
}

/// What is asked, in one of two forms on one path.
#[derive(Debug, Clone)]
pub enum Content {
    /// Agon's own form; shared, since every attempt has a request of its own.
    Typed(Arc<Chat>),
    /// A body as a client sent it, to be passed verbatim where the upstream speaks the same wire.
    Raw {
        /// The dialect of the body.
        wire: Wire,
        /// The body.
        body: Bytes,
        /// Where the members of the body stand, when it has been looked at already.
        members: Option<Arc<TopLevel>>,
    },
    /// A text to complete: passed verbatim to models that do, and asked as a chat of others.
    Text(Arc<TextRequest>),
}

/// A request for the completion of a text, `POST /v1/completions`.
#[derive(Debug)]
pub struct TextRequest {
    /// The body as a client sent it.
    pub body: Bytes,
    /// The same as one chat; `None` where that cannot say it: several prompts or answers, a suffix, token ids.
    pub chat: Option<Chat>,
    /// Members of the body that the chat leaves out.
    pub unknown: Vec<String>,
}

impl Content {
    /// What is asked as JSON: the caller's own body, or Agon's form of a chat. For logs and traces.
    pub fn as_json(&self) -> Bytes {
        match self {
            Self::Raw { body, .. } => body.clone(),
            Self::Text(text) => text.body.clone(),
            // A chat is plain data, which JSON can always write.
            Self::Typed(chat) => serde_json::to_vec(&chat.messages)
                .unwrap_or_default()
                .into(),
        }
    }
}

impl ChatRequest {
    /// Asks a model, streaming, with the defaults of a call that nobody else waits for.
    pub fn new(model: ModelName, chat: Chat) -> Self {
        let estimated_tokens = chat
            .messages
            .iter()
            .map(|message| 4 + crate::types::usage::estimate_tokens(&message.joined_text()))
            .sum();
        let head = Head {
            model,
            stream: true,
            usage_in_stream: true,
            estimated_tokens,
            tags: Vec::new(),
            wishes: Wishes::default(),
        };
        Self {
            head,
            content: Content::Typed(Arc::new(chat)),
            call: CallContext::default(),
        }
    }

    /// Passes on a body as a client sent it, for the head that was read from it.
    pub fn raw(head: Head, wire: Wire, body: Bytes) -> Self {
        Self {
            head,
            content: Content::Raw {
                wire,
                body,
                members: None,
            },
            call: CallContext::default(),
        }
    }

    /// The same request on behalf of a call.
    #[must_use]
    pub fn with_call(mut self, call: CallContext) -> Self {
        self.call = call;
        self
    }
}
