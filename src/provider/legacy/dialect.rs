//! What the direct clients differ in.

use std::time::Duration;

use super::refusal::Refusal;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Secret;

/// One provider's protocol, from Agon's own form to bytes and back, without I/O.
pub(super) trait Dialect: Send + Sync + 'static {
    /// The provider's name.
    const NAME: &'static str;
    /// The environment variable in which people keep the key; named in errors.
    const KEY_VARIABLE: &'static str;
    /// Reads one streamed answer.
    type Reader: EventReader + Default + Send + 'static;

    /// The address of a call. Only some providers name the model and the form of the answer there.
    fn url(base_url: &str, model: &str, stream: bool) -> String;

    /// The headers of a call, the key's among them.
    fn headers(key: &Secret) -> Vec<(&'static str, String)>;

    /// Writes the request's body, or says what cannot be asked of this provider.
    fn request(chat: &Chat, model: &str, stream: bool) -> Result<Vec<u8>, String>;

    /// Reads a whole answer.
    fn answer(body: &[u8]) -> Result<ChatResponse, Fault>;

    /// Reads an answer whose status is not a success.
    fn refusal(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Refusal;
}

/// Reads the events of one streamed answer, in order.
pub(super) trait EventReader {
    /// Reads the payload of the next event.
    fn read(&mut self, payload: &str) -> Result<Step, Fault>;

    /// `true` once the provider said why the answer ended: a connection that closes now loses nothing.
    fn is_finished(&self) -> bool;
}

/// What one event means.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Something new.
    Chunk(Box<ChatChunk>),
    /// Nothing for the reader of the answer.
    Nothing,
    /// The answer is over.
    Done,
}

/// Why an answer of good status cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not in the provider's protocol.
    Malformed(String),
    /// It reports a failure.
    Refused(Refusal),
}

impl Fault {
    /// Tells of JSON that does not fit; the position says enough, the content may be private.
    pub(super) fn not_json(what: &str, error: &serde_json::Error) -> Self {
        Self::Malformed(format!(
            "{what} is not as documented (line {} column {})",
            error.line(),
            error.column()
        ))
    }
}
