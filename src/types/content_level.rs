//! How much of what was asked and answered may leave the call.

use serde::Deserialize;
use serde::Serialize;

/// How much of requests and answers is logged and exported. Credentials never are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentLevel {
    /// Nothing.
    #[default]
    None,
    /// How long they are.
    Lengths,
    /// All of it, up to a bound.
    Full,
}
