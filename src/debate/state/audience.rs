//! Asking the audience: polls, and time for remarks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Action;
use super::CommandRefused;
use super::PollBallot;
use super::PollRecord;
use super::State;
use super::Step;
use super::block::Block;
use crate::debate::format;
use crate::events::EventBody;
use crate::events::HumanRequested;
use crate::events::TimerId;
use crate::types::debate::Choices;
use crate::types::debate::FieldKind;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;

use super::TurnStanding;

/// Identities that may vote in one poll.
const MAX_BALLOTS: usize = 10_000;
/// Seconds for remarks where the format does not say.
const REMARKS_S: u32 = 60;

/// A vote as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vote<'a> {
    pub(super) poll: &'a str,
    pub(super) choice: &'a str,
    pub(super) conviction: Option<u8>,
}

impl State {
    /// `true` while the phase under way is a question to the audience.
    pub(super) fn audience_is_asked(&self) -> bool {
        let asks = |block: &Block| block.asks_audience;
        self.flow.block.as_ref().is_some_and(asks)
    }

    /// Puts the question of the block under way; again after a pause or a restart, for the full time.
    pub(super) fn ask_audience(&mut self, step: &mut Step) {
        let Some(block) = &self.flow.block else {
            return;
        };
        let (phase, round) = (self.phase(&block.phase).clone(), block.round);
        let seconds = match phase.kind {
            PhaseKind::Poll => {
                self.open_poll(&phase, round, step);
                phase.timeout_s
            }
            PhaseKind::AskHuman
            | PhaseKind::Speak
            | PhaseKind::Judge
            | PhaseKind::Vote
            | PhaseKind::Summarise => {
                let seconds = phase.timeout_s.unwrap_or(REMARKS_S);
                let body = EventBody::HumanRequested(HumanRequested {
                    agent: None,
                    identity: None,
                    prompt: self.prompt_for_audience(&phase, round),
                    deadline_s: seconds,
                });
                step.emit(self.draft_of_block(body));
                Some(seconds)
            }
        };
        if let Some(seconds) = seconds {
            step.actions.push(Action::Timer {
                id: TimerId::Phase(phase.id, round),
                after: Duration::from_secs(u64::from(seconds)),
            });
        }
    }

    fn open_poll(&mut self, phase: &Phase, round: u32, step: &mut Step) {
        if !self.polls.iter().any(|poll| poll.open) {
            self.polls.push(PollRecord {
                phase: phase.id.clone(),
                round,
                choices: self.poll_choices(phase),
                hidden: phase.hidden_until == Some(HiddenUntil::End),
                open: true,
                ballots: BTreeMap::new(),
            });
        }
        if let Some(poll) = self.polls.last() {
            let body = EventBody::PollOpened {
                choices: poll.choices.clone(),
                timeout_s: phase.timeout_s,
                hidden: poll.hidden,
            };
            step.emit(self.draft_of_block(body));
        }
    }

    /// What can be chosen: the contract's words, the debate's options, or who spoke in a phase.
    fn poll_choices(&self, phase: &Phase) -> Vec<String> {
        let contract = &self.spec.format.contracts[&phase.contract];
        match &contract.choices {
            Some(Choices::Fixed(words)) => words.clone(),
            Some(Choices::Options) => self.spec.options.clone(),
            Some(Choices::Phase(id)) => {
                let mut names: Vec<String> = Vec::new();
                for turn in self.turns.iter().filter(|turn| turn.phase == *id) {
                    let name = &self.spec.cast[turn.member].name;
                    if turn.standing == TurnStanding::Done && !names.contains(name) {
                        names.push(name.clone());
                    }
                }
                names
            }
            None => match contract.fields.first().map(|field| &field.kind) {
                Some(FieldKind::OneOf(words)) => words.clone(),
                Some(
                    FieldKind::Text
                    | FieldKind::Bool
                    | FieldKind::Number { .. }
                    | FieldKind::Choice
                    | FieldKind::Ranking
                    | FieldKind::Several
                    | FieldKind::Points(_)
                    | FieldKind::Scores { .. },
                )
                | None => Vec::new(),
            },
        }
    }

    fn prompt_for_audience(&self, phase: &Phase, round: u32) -> String {
        let variables = format::Variables {
            topic: &self.spec.topic,
            agent: "audience",
            role: phase.who.first().map_or("audience", String::as_str),
            side: None,
            opponent_side: None,
            words: phase.words,
            round: round + 1,
            disagreement: None,
            phase: &phase.id,
            form: "",
            options: &self.spec.options,
        };
        let template = self.spec.format.prompts.get(&phase.prompt.first);
        let written = template.and_then(|text| format::render(text, &variables).ok());
        written.unwrap_or_else(|| "Put a question or a remark to the speakers.".to_owned())
    }

    /// The time of the audience is over. A timer that is late says nothing.
    pub(super) fn end_audience_time(&mut self, phase: &str, round: u32, step: &mut Step) {
        let is_it =
            |block: &Block| block.asks_audience && block.phase == phase && block.round == round;
        if !self.is_going() || !self.flow.block.as_ref().is_some_and(is_it) {
            return;
        }
        let timer = TimerId::Phase(phase.to_owned(), round);
        step.emit(self.draft_of_block(EventBody::TimerFired { timer }));
        self.end_audience(step);
        self.advance(step);
    }

    /// Takes no more votes and remarks.
    pub(super) fn end_audience(&mut self, step: &mut Step) {
        self.close_poll(step);
        self.end_block(step);
    }

    /// Closes the poll that is open, if one is.
    pub(super) fn close_poll(&mut self, step: &mut Step) {
        let Some(poll) = self.polls.iter_mut().find(|poll| poll.open) else {
            return;
        };
        poll.open = false;
        let body = EventBody::PollClosed {
            ballots: ballots_of(poll),
            tally: (!poll.hidden).then(|| poll.tally()),
        };
        step.emit(self.draft_of_block(body));
    }

    /// Tells the tallies that were kept back, once.
    pub(super) fn reveal_polls(&mut self, step: &mut Step) {
        for poll in self.polls.iter_mut().filter(|poll| poll.hidden) {
            poll.hidden = false;
            step.emit(crate::events::Draft {
                phase: Some(poll.phase.clone()),
                round: Some(poll.round),
                turn: None,
                body: EventBody::PollClosed {
                    ballots: ballots_of(poll),
                    tally: Some(poll.tally()),
                },
            });
        }
    }

    /// Whether a vote can be taken.
    pub(super) fn check_vote(
        &self,
        vote: Vote<'_>,
        by: Option<&str>,
    ) -> Result<(), CommandRefused> {
        let mut of_phase = self.polls.iter().filter(|poll| poll.phase == vote.poll);
        let Some(poll) = of_phase.next_back() else {
            return Err(CommandRefused::NoSuchPoll(vote.poll.to_owned()));
        };
        if !poll.open {
            return Err(CommandRefused::PollIsClosed(vote.poll.to_owned()));
        }
        let Some(by) = by else {
            return Err(CommandRefused::NoIdentity);
        };
        if choice_of(poll, vote.choice).is_none() {
            return Err(CommandRefused::BadChoice(poll.choices.join(", ")));
        }
        if vote.conviction.is_some_and(|it| !(1..=10).contains(&it)) {
            return Err(CommandRefused::BadConviction);
        }
        if poll.ballots.len() >= MAX_BALLOTS && !poll.ballots.contains_key(by) {
            return Err(CommandRefused::PollIsFull);
        }
        Ok(())
    }

    /// Takes a vote that was checked; the last one of an identity counts.
    pub(super) fn vote(&mut self, vote: Vote<'_>, by: Option<String>, step: &mut Step) {
        let is_it = |poll: &&mut PollRecord| poll.open && poll.phase == vote.poll;
        let Some(poll) = self.polls.iter_mut().find(is_it) else {
            return;
        };
        let (Some(choice), Some(by)) = (choice_of(poll, vote.choice), by) else {
            return;
        };
        let ballot = PollBallot {
            choice,
            conviction: vote.conviction,
        };
        poll.ballots.insert(by, ballot);
        let body = EventBody::VoteCast {
            poll: poll.phase.clone(),
            ballots: ballots_of(poll),
        };
        step.emit(self.draft_of_block(body));
    }
}

fn ballots_of(poll: &PollRecord) -> u32 {
    u32::try_from(poll.ballots.len()).unwrap_or(u32::MAX)
}

/// A choice as the poll spells it.
fn choice_of(poll: &PollRecord, written: &str) -> Option<String> {
    let same = |choice: &&String| choice.to_lowercase() == written.trim().to_lowercase();
    poll.choices.iter().find(same).cloned()
}
