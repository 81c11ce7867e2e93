//! Why a command is refused.

use crate::types::TurnId;
use crate::types::debate::Status;

/// Why a command is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    /// The debate is over.
    #[error("the debate is {}: nothing can be told to it any more", .0.as_str())]
    Over(Status),
    /// It is about to end; only its last turns are still coming in.
    #[error("the debate is ending: {0}")]
    Ending(String),
    /// It was told very much already.
    #[error("the debate took {0} commands, which is the most")]
    TooManyCommands(usize),
    /// It is held, or about to be.
    #[error("the debate is paused already")]
    AlreadyPaused,
    /// It is not held.
    #[error("the debate is not paused")]
    NotPaused,
    /// There is no such agent.
    #[error("there is no agent \"{0}\" in this debate")]
    NoSuchAgent(String),
    /// The words are none, or too many.
    #[error("an interjection has 1 to {0} characters")]
    BadText(usize),
    /// The format does not let people who watch say something now.
    #[error("the phase {0} takes no remarks from people who watch")]
    NoRemarks(String),
    /// There is no such turn.
    #[error("there is no turn {0} in this debate")]
    NoSuchTurn(TurnId),
    /// The turn is not under way any more, and cannot be had again.
    #[error("turn {0} is over")]
    TurnOver(TurnId),
    /// The turn belongs to a model.
    #[error("turn {0} is no person's")]
    NotAPersonsTurn(TurnId),
    /// The deadline is over.
    #[error("the time of turn {0} is over: the stand-in speaks")]
    TooLate(TurnId),
    /// The seat belongs to somebody else.
    #[error("the seat of {0} belongs to somebody else")]
    NotYourSeat(String),
    /// The words are none, or too many.
    #[error("a speech has 1 to {0} characters")]
    BadSpeech(usize),
    /// The words are not in the form that the turn asks for.
    #[error("the words are not in the form that is asked for: {0}")]
    Unreadable(String),
    /// No poll of this name has begun.
    #[error("no poll \"{0}\" has been opened")]
    NoSuchPoll(String),
    /// The poll takes no more votes.
    #[error("the poll \"{0}\" is closed")]
    PollIsClosed(String),
    /// A ballot needs somebody whose it is.
    #[error("say who votes: there is one ballot for each identity")]
    NoIdentity,
    /// The poll does not offer this.
    #[error("the choices are {0}")]
    BadChoice(String),
    /// Not a number from 1 to 10.
    #[error("conviction is 1 to 10")]
    BadConviction,
    /// Very many have voted.
    #[error("the poll has as many ballots as it takes")]
    PollIsFull,
    /// Nothing is under way.
    #[error("no phase is under way")]
    NoPhase,
    /// The phase is ending already.
    #[error("the phase is ending already")]
    PhaseIsEnding,
    /// Not a number of repetitions that can be added.
    #[error("a phase can be extended by 1 to {0} rounds in all")]
    BadRounds(u32),
    /// The debate's cap on rounds would be broken.
    #[error("the debate is capped at {0} rounds: raise that limit first")]
    RoundsCapped(u32),
    /// The agent speaks through this model already.
    #[error("{0} speaks through this model already")]
    SameModel(String),
    /// The model cannot be called.
    #[error("{0}")]
    BadModel(String),
    /// No cap is named.
    #[error("name a limit to raise: rounds, calls, tokens, cost_usd or wall_s")]
    NoLimit,
    /// The cap would not be raised by this.
    #[error("{cap} is {now} now: only a higher limit can be set")]
    NotRaised {
        /// Which cap.
        cap: &'static str,
        /// What it is; `unlimited` where there is none.
        now: String,
    },
    /// The caps leave no room for the turn.
    #[error("the caps leave no room for another try: raise a limit first")]
    NoRoom,
}

impl CommandRefused {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Over(_) => "debate_over",
            Self::Ending(_) => "debate_ending",
            Self::TooManyCommands(_) => "too_many_commands",
            Self::AlreadyPaused => "already_paused",
            Self::NotPaused => "not_paused",
            Self::NoSuchAgent(_) => "no_such_agent",
            Self::BadText(_) => "bad_text",
            Self::NoRemarks(_) => "no_remarks",
            Self::NoSuchTurn(_) => "no_such_turn",
            Self::TurnOver(_) => "turn_over",
            Self::NotAPersonsTurn(_) => "not_a_persons_turn",
            Self::TooLate(_) => "too_late",
            Self::NotYourSeat(_) => "not_your_seat",
            Self::BadSpeech(_) => "bad_speech",
            Self::Unreadable(_) => "unreadable",
            Self::NoSuchPoll(_) => "no_such_poll",
            Self::PollIsClosed(_) => "poll_closed",
            Self::NoIdentity => "identity_needed",
            Self::BadChoice(_) => "bad_choice",
            Self::BadConviction => "bad_conviction",
            Self::PollIsFull => "poll_full",
            Self::NoPhase => "no_phase",
            Self::PhaseIsEnding => "phase_ending",
            Self::BadRounds(_) => "bad_rounds",
            Self::RoundsCapped(_) => "rounds_capped",
            Self::SameModel(_) => "same_model",
            Self::BadModel(_) => "bad_model",
            Self::NoLimit => "no_limit",
            Self::NotRaised { .. } => "limit_not_raised",
            Self::NoRoom => "no_room",
        }
    }
}
