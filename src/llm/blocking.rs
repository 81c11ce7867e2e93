//! The same without async, for programs and threads that have no runtime.
//!
//! ```
//! use agon::llm::blocking;
//!
//! let answer = blocking::chat_completion("demo/analyst", "Is a short answer a good answer?")?;
//! println!("{answer}");
//! # assert!(!answer.text().is_empty());
//! # Ok::<(), agon::client::LlmError>(())
//! ```
//!
//! Within an async runtime, to block would keep a worker from everybody else's tasks: there every function here
//! returns an error that says what to do, and never panics.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::OnceLock;

use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::runtime::Handle;
use tokio::runtime::Runtime;

use super::Answer;
use super::Ask;
use super::Embedded;
use super::Generated;
use super::JsonError;
use super::Texts;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Delta;
use crate::types::ReasoningEffort;

/// Calls models and waits. Cloning it shares its runtime and connections.
#[derive(Debug, Clone)]
pub struct Llm {
    inner: super::Llm,
    runtime: Arc<Owned>,
}

/// A runtime that may be dropped anywhere.
#[derive(Debug)]
struct Owned(Option<Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        // To drop a runtime waits for its tasks, which panics within another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Owned {
    /// Runs a call to its end.
    fn wait<T, E: From<LlmError>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        if Handle::try_current().is_ok() {
            let message = "agon::llm::blocking was called within an async runtime: await the function of the same \
                           name in agon::llm, or block on a thread of your own (std::thread::spawn)";
            return Err(LlmError::new(LlmErrorKind::InvalidRequest, "agon", message).into());
        }
        match &self.0 {
            Some(runtime) => runtime.block_on(call),
            None => Err(broken("it has been shut down").into()),
        }
    }
}

impl Llm {
    /// Makes a blocking twin with a runtime of its own. Give it a handle that nobody else uses: connections
    /// belong to the runtime that opened them.
    ///
    /// # Errors
    /// `InvalidRequest` when the operating system gives no thread.
    pub fn new(inner: super::Llm) -> Result<Self, LlmError> {
        // One worker, so that connections are kept up between calls.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("agon-llm")
            .enable_all()
            .build()
            .map_err(|error| broken(&error.to_string()))?;
        Ok(Self {
            inner,
            runtime: Arc::new(Owned(Some(runtime))),
        })
    }

    /// Takes keys, addresses and settings from the process's environment.
    ///
    /// # Errors
    /// As [`super::Llm::from_env`] and [`Self::new`].
    pub fn from_env() -> Result<Self, LlmError> {
        Self::new(super::Llm::from_env()?)
    }

    /// [`super::Llm::chat_completion`].
    ///
    /// # Errors
    /// As there, and `InvalidRequest` within an async runtime.
    pub fn chat_completion(&self, model: &str, ask: impl Into<Ask>) -> Result<Answer, LlmError> {
        self.runtime.wait(self.inner.chat_completion(model, ask))
    }

    /// [`super::Llm::chat_completion_stream`].
    ///
    /// # Errors
    /// As there, and `InvalidRequest` within an async runtime.
    pub fn chat_completion_stream(
        &self,
        model: &str,
        ask: impl Into<Ask>,
    ) -> Result<Deltas, LlmError> {
        let opened = self.inner.chat_completion_stream(model, ask);
        Ok(Deltas {
            inner: self.runtime.wait(opened)?,
            runtime: Arc::clone(&self.runtime),
            is_over: false,
        })
    }

    /// [`super::Llm::generate_json`].
    ///
    /// # Errors
    /// As there, and `InvalidRequest` within an async runtime.
    #[cfg(feature = "schemars")]
    pub fn generate_json<T>(
        &self,
        model: &str,
        ask: impl Into<Ask>,
    ) -> Result<Generated<T>, JsonError>
    where
        T: DeserializeOwned + schemars::JsonSchema,
    {
        self.runtime.wait(self.inner.generate_json(model, ask))
    }

    /// [`super::Llm::generate_as`].
    ///
    /// # Errors
    /// As there, and `InvalidRequest` within an async runtime.
    pub fn generate_as<T: DeserializeOwned>(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        schema: &Value,
    ) -> Result<Generated<T>, JsonError> {
        self.runtime
            .wait(self.inner.generate_as(model, ask, schema))
    }

    /// [`super::Llm::generate_value`].
    ///
    /// # Errors
    /// As there, and `InvalidRequest` within an async runtime.
    pub fn generate_value(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        schema: &Value,
    ) -> Result<Generated<Value>, JsonError> {
        self.generate_as(model, ask, schema)
    }

    /// [`super::Llm::chat_with_reasoning`].
    ///
    /// # Errors
    /// As there, and `InvalidRequest` within an async runtime.
    pub fn chat_with_reasoning(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        effort: ReasoningEffort,
    ) -> Result<Answer, LlmError> {
        self.runtime
            .wait(self.inner.chat_with_reasoning(model, ask, effort))
    }

    /// [`super::Llm::embed`].
    ///
    /// # Errors
    /// As there, and `InvalidRequest` within an async runtime.
    pub fn embed(&self, model: &str, texts: impl Into<Texts>) -> Result<Embedded, LlmError> {
        self.runtime.wait(self.inner.embed(model, texts))
    }
}

/// The pieces of an answer, in order. Dropping it ends the call at once.
pub struct Deltas {
    inner: super::Deltas,
    runtime: Arc<Owned>,
    /// An error was handed out: nothing comes after it.
    is_over: bool,
}

impl Deltas {
    /// Waits for what is still to come and gives the whole answer.
    ///
    /// # Errors
    /// As [`super::Deltas::into_answer`], and `InvalidRequest` within an async runtime.
    pub fn into_answer(self) -> Result<Answer, LlmError> {
        self.runtime.wait(self.inner.into_answer())
    }
}

impl Iterator for Deltas {
    type Item = Result<Delta, LlmError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let inner = &mut self.inner;
        let next = async { inner.next().await.transpose() };
        let next = self.runtime.wait(next);
        self.is_over = next.is_err();
        next.transpose()
    }
}

impl fmt::Debug for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

fn broken(why: &str) -> LlmError {
    let message = format!("the blocking twin has no runtime: {why}");
    LlmError::new(LlmErrorKind::InvalidRequest, "agon", message)
}

/// Returns the process's own blocking handle: another than that of the async functions, since connections belong
/// to the runtime that opened them.
fn shared() -> Result<&'static Llm, LlmError> {
    static SHARED: OnceLock<Llm> = OnceLock::new();
    if let Some(llm) = SHARED.get() {
        return Ok(llm);
    }
    let made = Llm::from_env()?;
    Ok(SHARED.get_or_init(|| made))
}

/// [`Llm::chat_completion`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub fn chat_completion(model: &str, ask: impl Into<Ask>) -> Result<Answer, LlmError> {
    shared()?.chat_completion(model, ask)
}

/// [`Llm::chat_completion_stream`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub fn chat_completion_stream(model: &str, ask: impl Into<Ask>) -> Result<Deltas, LlmError> {
    shared()?.chat_completion_stream(model, ask)
}

/// [`Llm::generate_json`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
#[cfg(feature = "schemars")]
pub fn generate_json<T>(model: &str, ask: impl Into<Ask>) -> Result<Generated<T>, JsonError>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    shared()?.generate_json(model, ask)
}

/// [`Llm::chat_with_reasoning`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub fn chat_with_reasoning(
    model: &str,
    ask: impl Into<Ask>,
    effort: ReasoningEffort,
) -> Result<Answer, LlmError> {
    shared()?.chat_with_reasoning(model, ask, effort)
}

/// [`Llm::embed`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub fn embed(model: &str, texts: impl Into<Texts>) -> Result<Embedded, LlmError> {
    shared()?.embed(model, texts)
}
