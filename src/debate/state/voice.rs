//! Through which model a member of the cast speaks at the moment.

use crate::types::ModelName;
use crate::types::Prices;
use crate::types::debate::CastMember;

/// The model behind a member of the cast: what the spec says, until a command swaps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// Which.
    pub model: ModelName,
    /// What it charges; `None` when nobody knows.
    pub prices: Option<Prices>,
    /// Tokens that it takes in and gives out together; `None` when nobody knows.
    pub window_tokens: Option<u64>,
}

impl Voice {
    /// The voice that the spec gives a member.
    pub(super) fn of(member: &CastMember) -> Self {
        Self {
            model: member.model.clone(),
            prices: member.prices,
            window_tokens: member.window_tokens,
        }
    }
}
