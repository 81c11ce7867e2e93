//! What is asked: a text, a conversation, or texts to turn into vectors.

use std::time::Duration;

use crate::client::CallContext;
use crate::client::EmbeddingPurpose;
use crate::client::EmbeddingRequest;
use crate::types::Chat;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::ReasoningEffort;
use crate::types::Role;
use crate::types::Tool;

/// What is asked of a model. Made from a text, from messages, or from a whole [`Chat`]; what is not set is the
/// provider's default.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub(super) chat: Chat,
    pub(super) strict: bool,
    pub(super) within: Option<Duration>,
}

impl Ask {
    /// Asks this.
    pub fn new(question: impl Into<String>) -> Self {
        Self::default().user(question)
    }

    /// Instructions; they come first, whenever they are given.
    #[must_use]
    pub fn system(mut self, instructions: impl Into<String>) -> Self {
        let is_system = |message: &&Message| message.role == Role::System;
        let at = self.chat.messages.iter().take_while(is_system).count();
        let message = Message::text(Role::System, instructions);
        self.chat.messages.insert(at, message);
        self
    }

    /// What the person says next.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.message(Message::text(Role::User, text))
    }

    /// What the model said next.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.message(Message::text(Role::Assistant, text))
    }

    /// The next message, of any kind: with pictures, documents, or a tool's result.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.chat.messages.push(message);
        self
    }

    /// 0.0 to 2.0.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.chat.sampling.temperature = Some(temperature);
        self
    }

    /// Most tokens of the answer, reasoning included.
    #[must_use]
    pub fn max_output_tokens(mut self, tokens: u32) -> Self {
        self.chat.sampling.max_output_tokens = Some(tokens);
        self
    }

    /// How much to reason.
    #[must_use]
    pub fn reasoning_effort(mut self, effort: ReasoningEffort) -> Self {
        self.chat.reasoning_effort = Some(effort);
        self
    }

    /// Another function that the model may call.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.chat.tools.push(tool);
        self
    }

    /// Ends the call when it takes longer than this, further attempts included.
    #[must_use]
    pub fn within(mut self, span: Duration) -> Self {
        self.within = Some(span);
        self
    }

    /// Refuses the call when the provider cannot take everything that is asked, instead of leaving it out.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }
}

impl From<&str> for Ask {
    fn from(question: &str) -> Self {
        Self::new(question)
    }
}

impl From<String> for Ask {
    fn from(question: String) -> Self {
        Self::new(question)
    }
}

impl From<Vec<Message>> for Ask {
    fn from(messages: Vec<Message>) -> Self {
        Self::from(Chat {
            messages,
            ..Chat::default()
        })
    }
}

impl From<Chat> for Ask {
    fn from(chat: Chat) -> Self {
        Self {
            chat,
            ..Self::default()
        }
    }
}

/// Texts that shall become vectors.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    texts: Vec<String>,
    dimensions: Option<u32>,
    purpose: EmbeddingPurpose,
}

impl Texts {
    /// These texts, to be searched.
    pub fn new<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self {
            texts: texts.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The texts are what is searched for; some models make a difference.
    #[must_use]
    pub fn as_query(mut self) -> Self {
        self.purpose = EmbeddingPurpose::Query;
        self
    }

    /// The length of the vectors, where a model can choose.
    #[must_use]
    pub fn dimensions(mut self, length: u32) -> Self {
        self.dimensions = Some(length);
        self
    }

    pub(super) fn request(self, model: ModelName) -> EmbeddingRequest {
        EmbeddingRequest {
            model,
            texts: self.texts,
            dimensions: self.dimensions,
            purpose: self.purpose,
            call: CallContext::default(),
        }
    }
}

impl From<&str> for Texts {
    fn from(text: &str) -> Self {
        Self::new([text])
    }
}

impl<T: Into<String>> From<Vec<T>> for Texts {
    fn from(texts: Vec<T>) -> Self {
        Self::new(texts)
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Texts {
    fn from(texts: [T; N]) -> Self {
        Self::new(texts)
    }
}
