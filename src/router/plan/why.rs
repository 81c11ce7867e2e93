//! Why a deployment is not asked now.

use std::time::Duration;

use tokio::time::Instant;

use super::View;
use crate::client::Attempt;

/// A deployment that is not asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::router) struct Exclusion {
    /// Its place in the group.
    pub(in crate::router) member: usize,
    pub(in crate::router) why: Why,
}

/// Why it is not asked. Small, and without words: these are written down for every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::router) enum Why {
    /// It rests after this class of failure.
    Cooling { until: Instant, cause: &'static str },
    /// Another call finds out whether it is back.
    Probing { cause: &'static str },
    /// This call has asked it, and asks it again then.
    Resting { until: Instant },
    /// This call has asked it, and does not again.
    Failed,
    /// It has had all calls of this minute.
    Calls { limit: u64, until: Instant },
    /// It has had all tokens of this minute, with those of this call.
    Tokens { limit: u64, until: Instant },
    /// It has all the calls that it takes at once.
    Places { limit: u32 },
    /// It has not the call's tags.
    Tags,
    /// Its model takes shorter prompts only, by Agon's estimate.
    Prompt { limit_tokens: u64 },
    /// One of a lower order can be asked.
    Order,
    /// What the list calls its model is no name of one.
    NoModel,
}

impl Why {
    /// A stable name for lists, logs and errors.
    pub(in crate::router) fn code(self) -> &'static str {
        match self {
            Self::Cooling { cause, .. } | Self::Probing { cause } => cause,
            Self::Resting { .. } | Self::Failed => "asked_already",
            Self::Calls { .. } | Self::Tokens { .. } | Self::Places { .. } => "rate_limited",
            Self::Tags => "wrong_tags",
            Self::Prompt { .. } => "context_length_exceeded",
            Self::Order => "higher_order",
            Self::NoModel => "model_not_found",
        }
    }

    /// When it ends by itself, where that is known.
    pub(in crate::router) fn ends_at(self) -> Option<Instant> {
        match self {
            Self::Cooling { until, .. }
            | Self::Resting { until }
            | Self::Calls { until, .. }
            | Self::Tokens { until, .. } => Some(until),
            Self::Probing { .. }
            | Self::Failed
            | Self::Places { .. }
            | Self::Tags
            | Self::Prompt { .. }
            | Self::Order
            | Self::NoModel => None,
        }
    }

    /// In words.
    pub(in crate::router) fn words(self, now: Instant) -> String {
        let seconds = |until: Instant| until.saturating_duration_since(now).as_secs_f64();
        match self {
            Self::Cooling { until, cause } => format!(
                "it rests for another {:.1} s after {cause}; ask again then",
                seconds(until)
            ),
            Self::Probing { cause } => format!(
                "another call is finding out whether it is back after {cause}; ask again soon"
            ),
            Self::Resting { until } => format!(
                "this call has asked it, and may again in {:.1} s",
                seconds(until)
            ),
            Self::Failed => "this call has asked it".to_owned(),
            Self::Calls { limit, until } => format!(
                "it has had its {limit} calls of this minute; ask again in {:.1} s",
                seconds(until)
            ),
            Self::Tokens { limit, until } => format!(
                "this call is more than what is left of its {limit} tokens a minute; ask again in {:.1} s",
                seconds(until)
            ),
            Self::Places { limit } => {
                format!("it has the {limit} calls that it takes at once; ask again soon")
            }
            Self::Tags => "it has not the call's tags".to_owned(),
            Self::Prompt { limit_tokens } => {
                format!("its model takes prompts of at most {limit_tokens} tokens")
            }
            Self::Order => "one of a lower order can be asked".to_owned(),
            Self::NoModel => {
                "what the model list calls its model is not written provider/model".to_owned()
            }
        }
    }

    /// `true` for what only this call, or the choice among those that can be asked, has to do with.
    fn is_of_the_call(self) -> bool {
        match self {
            Self::Resting { .. } | Self::Failed | Self::Order => true,
            Self::Cooling { .. }
            | Self::Probing { .. }
            | Self::Calls { .. }
            | Self::Tokens { .. }
            | Self::Places { .. }
            | Self::Tags
            | Self::Prompt { .. }
            | Self::NoModel => false,
        }
    }
}

impl Exclusion {
    /// As it is told when nobody is left to ask; `None` for one that this call has asked.
    pub(super) fn as_attempt(&self, view: &View<'_>) -> Option<Attempt> {
        let told = (!self.why.is_of_the_call()).then(|| Attempt {
            deployment: view.group.members[self.member].to_string(),
            code: self.why.code().to_owned(),
            message: self.why.words(view.now),
        })?;
        Some(told)
    }
}

/// The time from now on, at least a second: what is told to a caller as the time to come back.
pub(super) fn from_now(at: Instant, now: Instant) -> Duration {
    at.saturating_duration_since(now)
        .max(Duration::from_secs(1))
}
