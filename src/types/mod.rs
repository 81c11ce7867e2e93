//! Nouns: plain values without I/O that every other module shares.

pub mod allowed_models;
pub mod amount;
pub mod chat;
pub mod chunk;
pub mod clock;
pub mod content_level;
pub mod debate;
pub mod deployment;
pub mod diagnostic;
pub mod embeddings;
pub mod endpoint;
pub mod fast_map;
pub mod ids;
pub mod keep_alive;
pub mod prices;
pub mod quirks;
pub mod secret;
pub mod span;
pub mod top_level;
pub mod usage;

pub use allowed_models::AllowedModels;
pub use chat::{
    CacheTtl, Chat, ChatResponse, ContentPart, Media, MediaSource, Message, Reasoning,
    ReasoningEffort, ResponseFormat, Role, Sampling, Seal, Tool, ToolCall, ToolChoice,
};
pub use chunk::{ChatChunk, Delta, FinishReason, ResponseBuilder, TokenLogprob, ToolCallDelta};
pub use clock::Clock;
pub use content_level::ContentLevel;
pub use deployment::{Deployment, DeploymentInfo, Target, TargetTimeouts, completes_text};
pub use diagnostic::Diagnostic;
pub use embeddings::EmbeddingDialect;
pub use endpoint::Endpoint;
pub use fast_map::FastMap;
pub use ids::{DebateId, InvalidModelName, ModelName, TurnId, Wire};
pub use keep_alive::{KeepAlive, NoKeepAlive};
pub use prices::{LongPrompt, LongPrompts, Prices};
pub use secret::Secret;
pub use span::{Span, TraceParent};
pub use top_level::{NotAnObject, TopLevel};
pub use usage::{Billed, NanoUsd, Usage};
