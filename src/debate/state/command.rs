//! What people tell a debate.

use super::Interjection;
use super::State;
use super::Step;
use super::TurnStanding;
use crate::events::Command;
use crate::events::Draft;
use crate::events::EventBody;
use crate::events::PauseAt;
use crate::types::debate::Status;

/// Longest interjection, in characters.
const MAX_INTERJECTION_CHARS: usize = 4_000;

/// Why a command is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    /// The debate is over.
    #[error("the debate is {}: nothing can be told to it any more", .0.as_str())]
    Over(Status),
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
    #[error("an interjection has 1 to {MAX_INTERJECTION_CHARS} characters")]
    BadText,
    /// The model cannot be called.
    #[error("{0}")]
    BadModel(String),
}

impl CommandRefused {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Over(_) => "debate_over",
            Self::AlreadyPaused => "already_paused",
            Self::NotPaused => "not_paused",
            Self::NoSuchAgent(_) => "no_such_agent",
            Self::BadText => "bad_text",
            Self::BadModel(_) => "bad_model",
        }
    }
}

impl State {
    /// Takes a command in. One whose id came before is taken as done.
    pub(super) fn take_command(
        &mut self,
        id: String,
        by: Option<String>,
        command: Command,
        step: &mut Step,
    ) {
        if self.commands_seen.contains(&id) {
            return;
        }
        if let Err(refused) = self.check(&command) {
            step.refused = Some(refused);
            return;
        }
        self.commands_seen.insert(id.clone());
        step.emit_debate(EventBody::CommandAccepted {
            id,
            by,
            command: command.clone(),
        });
        match command {
            Command::Pause { at } => self.pause(at, step),
            Command::Resume {} => self.resume(step),
            Command::Stop { decide } => self.stop(decide, step),
            Command::Speak { .. }
            | Command::Vote { .. }
            | Command::EndPhase {}
            | Command::Extend { .. }
            | Command::RetryTurn { .. }
            | Command::SkipTurn { .. }
            | Command::SwapModel { .. }
            | Command::RaiseLimit { .. } => todo!("base"),
            Command::Interject { text, to } => {
                self.notes_by_people.push(Interjection {
                    text: text.clone(),
                    to: to.clone(),
                });
                let (phase, round) = self.place();
                step.emit(Draft {
                    phase,
                    round,
                    turn: None,
                    body: EventBody::HumanAccepted { text, to },
                });
            }
        }
    }

    fn check(&self, command: &Command) -> Result<(), CommandRefused> {
        let paused = self.status == Status::Paused || self.pause_wanted;
        match command {
            Command::Pause { at: PauseAt::Now } if self.status != Status::Paused => Ok(()),
            Command::Pause { .. } if paused => Err(CommandRefused::AlreadyPaused),
            Command::Resume {} if !paused => Err(CommandRefused::NotPaused),
            Command::Interject { text, to } => {
                let length = text.trim().chars().count();
                if length == 0 || text.chars().count() > MAX_INTERJECTION_CHARS {
                    return Err(CommandRefused::BadText);
                }
                match to {
                    Some(name) if !self.spec.cast.iter().any(|member| member.name == *name) => {
                        Err(CommandRefused::NoSuchAgent(name.clone()))
                    }
                    Some(_) | None => Ok(()),
                }
            }
            Command::Pause { .. } | Command::Resume {} | Command::Stop { .. } => Ok(()),
            Command::Speak { .. }
            | Command::Vote { .. }
            | Command::EndPhase {}
            | Command::Extend { .. }
            | Command::RetryTurn { .. }
            | Command::SkipTurn { .. }
            | Command::SwapModel { .. }
            | Command::RaiseLimit { .. } => todo!("base"),
        }
    }

    fn pause(&mut self, at: PauseAt, step: &mut Step) {
        self.pause_wanted = true;
        if at == PauseAt::Now {
            for index in self.open_turns() {
                step.actions
                    .push(super::Action::Cancel(self.turns[index].id.clone()));
                self.reset_turn(index, "pause", "the debate is paused", step);
                self.turns[index].standing = TurnStanding::Held;
                self.turns[index].reserved = super::super::plan::Reservation::default();
            }
        }
        self.advance(step);
    }

    fn resume(&mut self, step: &mut Step) {
        self.pause_wanted = false;
        if self.status == Status::Paused {
            self.status = Status::Running;
            step.emit_debate(EventBody::Resumed {});
        }
        for index in 0..self.turns.len() {
            if self.turns[index].standing == TurnStanding::Held {
                self.turns[index].standing = TurnStanding::Open;
                self.call_again(index, step);
            }
        }
        self.advance(step);
    }

    fn stop(&mut self, decide: bool, step: &mut Step) {
        self.status = Status::Stopping;
        self.cancel_open_turns("stop", "the debate was stopped", step);
        self.winding_down = Some("stopped".to_owned());
        if decide {
            self.decide(step);
        }
        self.conclude(Status::Cancelled, step);
    }
}
