//! What people tell a debate: each command is checked before anything is changed.

use super::CommandRefused;
use super::Interjection;
use super::State;
use super::Step;
use super::TurnStanding;
use super::audience::Vote;
use crate::debate::contract::Reading;
use crate::events::Command;
use crate::events::EventBody;
use crate::events::PauseAt;
use crate::events::TurnAction;
use crate::types::debate::PhaseKind;
use crate::types::debate::Status;

use super::turn::Void;

/// Longest interjection, in characters.
const MAX_INTERJECTION_CHARS: usize = 4_000;
/// Commands that one debate takes: their ids are kept, so that none is obeyed twice.
const MAX_COMMANDS: usize = 20_000;

/// A command that was checked, with what checking found out.
enum Checked {
    Plain,
    Speech(usize, Reading),
    Turn(usize),
}

impl State {
    /// Takes a command in. One whose id came before from the same sender is taken as done.
    pub(super) fn take_command(
        &mut self,
        id: String,
        by: Option<String>,
        command: Command,
        step: &mut Step,
    ) {
        let sent = (by.clone(), id.clone());
        if self.commands_seen.contains(&sent) {
            return;
        }
        let checked = match self.check(&command, by.as_deref()) {
            Ok(checked) => checked,
            Err(refused) => {
                step.refused = Some(refused);
                return;
            }
        };
        self.commands_seen.insert(sent);
        let (by_whom, told) = (by.clone(), command.clone());
        step.emit_debate(EventBody::CommandAccepted {
            id,
            by: by_whom,
            command: told,
        });
        self.obey(command, checked, by, step);
    }

    fn obey(&mut self, command: Command, checked: Checked, by: Option<String>, step: &mut Step) {
        match (command, checked) {
            (Command::Pause { at }, _) => self.pause(at, step),
            (Command::Resume {}, _) => self.go_on(step),
            (Command::Stop { decide }, _) => self.stop(decide, step),
            (Command::Speak { text, .. }, Checked::Speech(index, reading)) => {
                self.speak(index, text, reading, step);
            }
            (
                Command::Vote {
                    poll,
                    choice,
                    conviction,
                },
                _,
            ) => {
                let vote = Vote {
                    poll: &poll,
                    choice: &choice,
                    conviction,
                };
                self.vote(vote, by, step);
            }
            (Command::EndPhase {}, _) => self.end_phase(step),
            (Command::Extend { rounds }, _) => self.extend(rounds),
            (Command::RetryTurn { .. }, Checked::Turn(index)) => self.retry_turn(index, step),
            (Command::SkipTurn { .. }, Checked::Turn(index)) => self.skip_turn(index, step),
            (
                Command::SwapModel {
                    agent,
                    model,
                    prices,
                    window_tokens,
                },
                _,
            ) => {
                let voice = super::Voice {
                    model,
                    prices: prices.map(|prices| *prices),
                    window_tokens,
                };
                self.swap_model(&agent, voice, step);
            }
            (Command::RaiseLimit { limits }, _) => self.raise_limits(limits, step),
            (Command::Interject { text, to, .. }, _) => self.interject(text, to, step),
            // Checking gives these what they need, so they have come with it.
            (
                Command::Speak { .. } | Command::RetryTurn { .. } | Command::SkipTurn { .. },
                Checked::Plain | Checked::Speech(..) | Checked::Turn(_),
            ) => {}
        }
    }

    fn check(&self, command: &Command, by: Option<&str>) -> Result<Checked, CommandRefused> {
        if self.commands_seen.len() >= MAX_COMMANDS && !matches!(command, Command::Stop { .. }) {
            return Err(CommandRefused::TooManyCommands(MAX_COMMANDS));
        }
        match command {
            Command::Pause { at } => self.check_pause(*at)?,
            Command::Resume {} if !self.is_paused() => return Err(CommandRefused::NotPaused),
            Command::Resume {} => {}
            Command::Stop { .. } => {}
            Command::Speak { turn, text } => {
                let (index, reading) = self.check_speech(turn, text, by)?;
                return Ok(Checked::Speech(index, reading));
            }
            Command::Vote {
                poll,
                choice,
                conviction,
            } => {
                let vote = Vote {
                    poll,
                    choice,
                    conviction: *conviction,
                };
                self.check_vote(vote, by)?;
            }
            Command::EndPhase {} => self.check_end_phase()?,
            Command::Extend { rounds } => self.check_extend(*rounds)?,
            Command::RetryTurn { turn } => return self.check_retry(turn).map(Checked::Turn),
            Command::SkipTurn { turn } => return self.check_skip(turn).map(Checked::Turn),
            Command::SwapModel { agent, model, .. } => self.check_swap(agent, model)?,
            Command::RaiseLimit { limits } => self.check_limits(limits)?,
            Command::Interject { text, to, watches } => {
                self.check_words(text, to.as_deref())?;
                if *watches {
                    self.check_remark()?;
                }
            }
        }
        Ok(Checked::Plain)
    }

    fn is_paused(&self) -> bool {
        self.status == Status::Paused || self.pause_wanted
    }

    /// A pause at once also takes effect where one after the turns in flight was asked for.
    fn check_pause(&self, at: PauseAt) -> Result<(), CommandRefused> {
        let is_new = match at {
            PauseAt::Now => self.status != Status::Paused,
            PauseAt::Turn => !self.is_paused(),
        };
        if is_new {
            Ok(())
        } else {
            Err(CommandRefused::AlreadyPaused)
        }
    }

    fn check_words(&self, text: &str, to: Option<&str>) -> Result<(), CommandRefused> {
        if text.trim().is_empty() || text.chars().count() > MAX_INTERJECTION_CHARS {
            return Err(CommandRefused::BadText(MAX_INTERJECTION_CHARS));
        }
        match to {
            Some(name) => self.member_named(name).map(|_| ()),
            None => Ok(()),
        }
    }

    /// People who watch put in remarks where the format lets them.
    fn check_remark(&self) -> Result<(), CommandRefused> {
        let Some(block) = &self.flow.block else {
            return Err(CommandRefused::NoPhase);
        };
        let phase = self.phase(&block.phase);
        if phase.audience || phase.kind == PhaseKind::AskHuman {
            Ok(())
        } else {
            Err(CommandRefused::NoRemarks(phase.id.clone()))
        }
    }

    /// The place in the cast of who has this name.
    pub(super) fn member_named(&self, name: &str) -> Result<usize, CommandRefused> {
        let found = self.spec.cast.iter().position(|member| member.name == name);
        found.ok_or_else(|| CommandRefused::NoSuchAgent(name.to_owned()))
    }

    fn interject(&mut self, text: String, to: Option<String>, step: &mut Step) {
        self.notes_by_people.push(Interjection {
            text: text.clone(),
            to: to.clone(),
        });
        step.emit(self.draft_of_block(EventBody::HumanAccepted { text, to }));
    }

    fn pause(&mut self, at: PauseAt, step: &mut Step) {
        self.pause_wanted = true;
        if at == PauseAt::Now {
            for index in self.open_turns() {
                step.actions
                    .push(super::Action::Cancel(self.turns[index].id.clone()));
                let void = Void {
                    action: TurnAction::Hold,
                    reason: "pause",
                    message: "the debate is paused",
                };
                self.emit_reset(index, void, step);
                self.turns[index].standing = TurnStanding::Held;
            }
        }
        self.advance(step);
    }

    fn go_on(&mut self, step: &mut Step) {
        self.pause_wanted = false;
        let was_held = self.status == Status::Paused;
        if was_held {
            self.status = Status::Running;
            step.emit_debate(EventBody::Resumed {});
        }
        for index in 0..self.turns.len() {
            if self.turns[index].standing == TurnStanding::Held {
                self.turns[index].standing = TurnStanding::Open;
                self.call_again(index, step);
            }
        }
        if was_held && self.audience_is_asked() {
            self.ask_audience(step);
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
