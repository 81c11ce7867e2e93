//! How long a call may wait, and for what.

use std::time::Duration;

/// The four waits of one call; each ends it with `LlmErrorKind::Timeout` and its own phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimeouts {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// From sending the request until something of the answer arrives.
    pub first_token: Duration,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// From start to end of the call.
    pub total: Duration,
}

impl CallTimeouts {
    /// For providers on the internet.
    pub const CLOUD: Self = Self {
        connect: Duration::from_secs(5),
        first_token: Duration::from_secs(30),
        idle: Duration::from_secs(20),
        total: Duration::from_secs(600),
    };

    /// For servers on this machine or next to it, which may have to load a model before the first token.
    pub const LOCAL: Self = Self {
        connect: Duration::from_secs(5),
        first_token: Duration::from_secs(120),
        idle: Duration::from_secs(60),
        total: Duration::from_secs(600),
    };
}

impl Default for CallTimeouts {
    fn default() -> Self {
        Self::CLOUD
    }
}
