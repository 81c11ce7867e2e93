//! How long a call may wait, and for what.

use std::time::Duration;

use crate::catalog::ProviderSpec;

/// The four waits of one call; each ends it with `LlmErrorKind::Timeout` and its own phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimeouts {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// From the start of the call until something of the answer arrives.
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

impl CallTimeouts {
    /// The times of one provider: its file's, where it names any, else the general ones for its kind.
    pub fn of(spec: &ProviderSpec, general: &GeneralTimeouts) -> Self {
        let base = if spec.local {
            general.local
        } else {
            general.cloud
        };
        let seconds = |own: Option<u64>, base| own.map_or(base, Duration::from_secs);
        Self {
            connect: seconds(spec.timeouts.connect_s, base.connect),
            first_token: seconds(spec.timeouts.first_token_s, base.first_token),
            idle: seconds(spec.timeouts.idle_s, base.idle),
            total: seconds(spec.timeouts.total_s, base.total),
        }
    }
}

/// The times that hold where a provider's file names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneralTimeouts {
    /// For providers on the internet.
    pub cloud: CallTimeouts,
    /// For local servers.
    pub local: CallTimeouts,
}

impl Default for GeneralTimeouts {
    fn default() -> Self {
        Self {
            cloud: CallTimeouts::CLOUD,
            local: CallTimeouts::LOCAL,
        }
    }
}
