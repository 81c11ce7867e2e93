//! Calling models from Rust, in a line each: chats, streams, typed JSON, reasoning and vectors.
//!
//! Every model of the catalog is called by its name, `provider/model` or the bare name of a model that the
//! catalog knows. Keys and addresses come from the environment, as each provider's file declares them. A call is
//! tried again, rests and cools down as in the gateway. `demo/…` models answer offline.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), agon::client::LlmError> {
//! let answer = agon::llm::chat_completion("demo/analyst", "Is a short answer a good answer?").await?;
//! println!("{answer}");
//! println!("{} tokens, {:?}", answer.response.usage.total_tokens(), answer.cost);
//! # assert!(!answer.text().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! The functions of this module share one [`Llm`], made from the environment at the first call. A program with
//! settings of its own makes its own, with [`Llm::builder`]. Code that is not async takes [`blocking`].

mod answer;
mod ask;
pub mod blocking;
mod builder;
mod deltas;
mod generate;
mod json;
mod names;
mod shared;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use answer::Answer;
pub use answer::Embedded;
pub use ask::Ask;
pub use ask::Texts;
pub use builder::LlmBuilder;
pub use deltas::Deltas;
pub use generate::Generated;
pub use generate::JsonError;
pub(crate) use names::CatalogNames;
#[cfg(feature = "schemars")]
pub use schemars;
pub use shared::chat_completion;
pub use shared::chat_completion_stream;
pub use shared::chat_with_reasoning;
pub use shared::embed;
#[cfg(feature = "schemars")]
pub use shared::generate_json;
pub use shared::generate_value;

use crate::catalog::Catalog;
use crate::client::CallTrace;
use crate::client::ChatRequest;
use crate::client::ClientSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::provider::ClientFactory;
use crate::router::Router;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::ReasoningEffort;
use crate::types::Usage;

/// Calls models. Cloning it shares its connections and what it knows of each provider's health.
#[derive(Clone)]
pub struct Llm {
    catalog: Arc<Catalog>,
    router: Router,
    factory: Arc<ClientFactory>,
}

impl Llm {
    /// Takes keys, addresses and settings from the process's environment, as the program does.
    ///
    /// # Errors
    /// `InvalidRequest` that names every variable with a value that cannot be used.
    pub fn from_env() -> Result<Self, LlmError> {
        builder::from_env()
    }

    /// Starts with nothing of the environment and the catalog inside the program.
    pub fn builder() -> LlmBuilder {
        LlmBuilder::default()
    }

    /// Who can be called.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Asks and waits for the whole answer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), agon::client::LlmError> {
    /// use agon::llm::{Ask, Llm};
    ///
    /// let llm = Llm::builder().build()?;
    /// let ask = Ask::new("Name a river.").system("Be brief.").max_output_tokens(20);
    /// let answer = llm.chat_completion("demo/optimist", ask).await?;
    /// assert_eq!(answer.model.as_str(), "demo/optimist");
    /// assert_eq!(answer.cost, Some(agon::types::NanoUsd(0)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The class of [`LlmErrorKind`] says what the caller can do; what another attempt may mend was tried again.
    pub async fn chat_completion(
        &self,
        model: &str,
        ask: impl Into<Ask>,
    ) -> Result<Answer, LlmError> {
        let (name, mut request) = self.request(model, ask.into())?;
        request.head.stream = false;
        let response = self.router.client(&name)?.send_message(&request).await?;
        Ok(Answer {
            cost: self.cost(&name, &response.usage),
            dropped: request.call.trace.dropped(),
            model: name,
            response,
        })
    }

    /// Asks and hands out the answer as it comes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), agon::client::LlmError> {
    /// use futures::StreamExt;
    ///
    /// let llm = agon::llm::Llm::builder().build()?;
    /// let mut deltas = llm.chat_completion_stream("demo/skeptic", "Is tea better than coffee?").await?;
    /// let mut text = String::new();
    /// while let Some(delta) = deltas.next().await {
    ///     text.push_str(&delta?.text);
    /// }
    /// assert_eq!(deltas.into_answer().await?.text(), text);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Self::chat_completion`] up to the first words; after them an error is an item of the stream.
    pub async fn chat_completion_stream(
        &self,
        model: &str,
        ask: impl Into<Ask>,
    ) -> Result<Deltas, LlmError> {
        let (name, request) = self.request(model, ask.into())?;
        let chunks = self.router.client(&name)?.stream_message(&request).await?;
        let prices = self.catalog.prices(&name);
        Ok(Deltas::new(chunks, name, prices, request.call.trace))
    }

    /// Asks a model to reason, as much as `effort` says; [`Answer::reasoning`] has what it shows of it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), agon::client::LlmError> {
    /// use agon::types::ReasoningEffort;
    ///
    /// let llm = agon::llm::Llm::builder().build()?;
    /// let answer = llm
    ///     .chat_with_reasoning("demo/analyst", "Which is larger, 9.9 or 9.11?", ReasoningEffort::Low)
    ///     .await?;
    /// assert!(answer.reasoning().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Self::chat_completion`].
    pub async fn chat_with_reasoning(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        effort: ReasoningEffort,
    ) -> Result<Answer, LlmError> {
        let ask = ask.into().reasoning_effort(effort);
        self.chat_completion(model, ask).await
    }

    /// Turns texts into vectors, one for each, in their order.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), agon::client::LlmError> {
    /// let llm = agon::llm::Llm::builder().build()?;
    /// let embedded = llm.embed("demo/analyst", ["tea", "coffee"]).await?;
    /// assert_eq!(embedded.vectors.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Self::chat_completion`], and `InvalidRequest` where the provider has no vectors.
    pub async fn embed(&self, model: &str, texts: impl Into<Texts>) -> Result<Embedded, LlmError> {
        let name = self.resolve(model)?;
        let request = texts.into().request(name.clone());
        let embedder = self.factory.embedder(name.as_str())?;
        let answer = embedder.embed(&request).await?;
        Ok(Embedded {
            cost: self.cost(&name, &answer.usage),
            dropped: request.call.trace.dropped(),
            model: name,
            vectors: answer.vectors,
            usage: answer.usage,
        })
    }

    fn request(&self, model: &str, ask: Ask) -> Result<(ModelName, ChatRequest), LlmError> {
        let name = self.resolve(model)?;
        let mut request = ChatRequest::new(name.clone(), ask.chat);
        request.call.strict = ask.strict;
        request.call.deadline = ask.within.map(|span| tokio::time::Instant::now() + span);
        request.call.trace = Arc::new(CallTrace::default());
        Ok((name, request))
    }

    fn cost(&self, model: &ModelName, usage: &Usage) -> Option<NanoUsd> {
        Some(self.catalog.prices(model)?.cost(usage))
    }

    /// The model of a name as people write it.
    fn resolve(&self, written: &str) -> Result<ModelName, LlmError> {
        self.catalog.named(written).map_err(|unknown| {
            LlmError::new(LlmErrorKind::ModelNotFound, "agon", unknown.to_string())
        })
    }
}

impl fmt::Debug for Llm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Llm")
            .field("router", &self.router)
            .finish_non_exhaustive()
    }
}
