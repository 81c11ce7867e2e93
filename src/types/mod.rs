//! Nouns: plain values without I/O that every other module shares.

pub mod chat;
pub mod chunk;
pub mod clock;
pub mod debate;
pub mod diagnostic;
pub mod endpoint;
pub mod ids;
pub mod quirks;
pub mod secret;
pub mod usage;

pub use chat::{
    Chat, ChatResponse, ContentPart, Media, MediaSource, Message, ReasoningEffort, ResponseFormat,
    Role, Sampling, Tool, ToolCall, ToolChoice,
};
pub use chunk::{ChatChunk, Delta, FinishReason, ResponseBuilder, ToolCallDelta};
pub use clock::Clock;
pub use diagnostic::Diagnostic;
pub use endpoint::Endpoint;
pub use ids::{DebateId, InvalidModelName, ModelName, TurnId, Wire};
pub use secret::Secret;
pub use usage::{NanoUsd, Prices, Usage};
