//! Who somebody is to a debate, and what that lets them do.

use serde::Deserialize;

use super::auth;
use super::error::ApiError;
use crate::events::Command;
use crate::types::DebateId;

/// Who somebody is to a debate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) role: Role,
    /// Who it is, where that is known: polls count one ballot for each, and a seat may be one identity's.
    pub(super) identity: Option<String>,
    /// The only debate that it is for; any when `None`.
    pub(super) debate: Option<DebateId>,
}

/// What somebody is to a debate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// Sees and may do everything.
    #[default]
    Owner,
    /// Sees what everybody may see.
    Viewer,
    /// The same, and may vote and put remarks.
    Audience,
    /// Holds a seat: sees what its holder may see, and speaks for it.
    Seat {
        /// The agent's name.
        name: String,
        /// The seat is a judge's.
        judges: bool,
    },
}

/// A pass as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct WantedPass {
    pub(super) role: Option<String>,
    pub(super) seat: Option<String>,
    pub(super) identity: Option<String>,
}

impl WantedPass {
    /// The pass, if it can be one.
    pub(super) fn read(self, debate: Option<DebateId>) -> Result<Pass, ApiError> {
        let Self {
            role,
            seat,
            identity,
        } = self;
        if identity.as_ref().is_some_and(|it| !auth::is_identity(it)) {
            return Err(ApiError::unprocessable("bad_identity", auth::IDENTITY_RULE));
        }
        let role = match (role.as_deref().unwrap_or("owner"), seat) {
            ("owner", None) => Role::Owner,
            ("viewer", None) => Role::Viewer,
            ("audience", None) => Role::Audience,
            (word @ ("human" | "judge"), Some(name)) => Role::Seat {
                name,
                judges: word == "judge",
            },
            ("human" | "judge", None) => {
                let help = "name the seat: seat is the agent's name";
                return Err(ApiError::unprocessable("missing_seat", help));
            }
            ("owner" | "viewer" | "audience", Some(_)) => {
                let help = "seat is for the roles human and judge only";
                return Err(ApiError::unprocessable("unexpected_seat", help));
            }
            (_, _) => {
                let help = "role is owner, viewer, audience, human or judge";
                return Err(ApiError::unprocessable("bad_role", help));
            }
        };
        if role == Role::Audience && identity.is_none() {
            let help = "the audience votes, one ballot for each identity: give an identity";
            return Err(ApiError::unprocessable("missing_identity", help));
        }
        Ok(Pass {
            role,
            identity,
            debate,
        })
    }
}

impl Role {
    /// The word of the protocol.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Viewer => "viewer",
            Self::Audience => "audience",
            Self::Seat { judges: false, .. } => "human",
            Self::Seat { judges: true, .. } => "judge",
        }
    }

    /// The agent whose seat it is.
    pub(super) fn seat(&self) -> Option<&str> {
        match self {
            Self::Seat { name, .. } => Some(name),
            Self::Owner | Self::Viewer | Self::Audience => None,
        }
    }

    /// A command as this role gives it: what somebody says who only watches is marked as that.
    pub(super) fn given(&self, mut command: Command) -> Command {
        if let Command::Interject { watches, .. } = &mut command {
            *watches = *self == Self::Audience;
        }
        command
    }

    /// `true` when the role may tell a debate this; a seat speaks in its own turns only, which `speaker` tells.
    pub(super) fn may(&self, command: &Command, speaker: Option<&str>) -> bool {
        match (self, command) {
            (Self::Owner, _) => true,
            (Self::Audience, Command::Vote { .. } | Command::Interject { .. }) => true,
            (Self::Seat { name, .. }, Command::Speak { .. }) => speaker == Some(name),
            (Self::Viewer | Self::Audience | Self::Seat { .. }, _) => false,
        }
    }
}
