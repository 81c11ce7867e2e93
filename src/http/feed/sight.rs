//! What of a debate's events one watcher may see. Pure.
//!
//! A durable event keeps its number for everybody; what somebody may not see of it, or not yet, is left out of its
//! data. What was held back only for a while is named again once it may be seen.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::events::CallOutcome;
use crate::events::Command;
use crate::events::Created;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::http::pass::Role;
use crate::types::TurnId;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Order;

/// What one watcher may see, as far as the events so far decide it.
#[derive(Debug)]
pub(super) struct Sight {
    role: Role,
    /// Phases that are hidden from those who do not speak in them.
    hidden: BTreeMap<String, HiddenUntil>,
    /// The repetition of a phase that is under way.
    present: Option<Present>,
    /// Whose turn it is, of turns that began and did not end.
    speakers: BTreeMap<TurnId, String>,
    /// Turns whose words are held back.
    withheld: BTreeSet<TurnId>,
    /// Events that were held back until a phase ends, by phase, and those until the debate ends.
    until_phase: Vec<(String, u64)>,
    until_end: Vec<u64>,
}

#[derive(Debug)]
struct Present {
    phase: String,
    is_blind: bool,
    speakers: Vec<String>,
}

/// An event as a watcher sees it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What takes the event's place; `None` when it is seen as it is.
    pub(super) instead: Option<Box<Envelope>>,
    /// Something of it is held back that will be seen later.
    pub(super) is_withheld: bool,
    /// Earlier events that may be seen whole from now on.
    pub(super) revealed: Vec<u64>,
}

impl Sight {
    /// What a watcher of this role may see, before any event.
    pub(super) fn of(role: Role) -> Self {
        Self {
            role,
            hidden: BTreeMap::new(),
            present: None,
            speakers: BTreeMap::new(),
            withheld: BTreeSet::new(),
            until_phase: Vec::new(),
            until_end: Vec::new(),
        }
    }

    /// `true` when nothing is held back from the watcher.
    pub(super) fn is_whole(&self) -> bool {
        self.role == Role::Owner
    }

    /// Who watches.
    pub(super) fn role(&self) -> &Role {
        &self.role
    }

    /// The events that are held back at this point and will be seen later.
    pub(super) fn withheld(&self) -> BTreeSet<u64> {
        let of_phases = self.until_phase.iter().map(|(_, seq)| *seq);
        of_phases.chain(self.until_end.iter().copied()).collect()
    }

    /// Whose turn this is, while it is under way.
    pub(super) fn speaker(&self, turn: &TurnId) -> Option<&str> {
        self.speakers.get(turn).map(String::as_str)
    }

    /// `true` when the words of a turn may be seen as they come.
    pub(super) fn hears(&self, turn: &TurnId) -> bool {
        self.is_whole() || (self.speakers.contains_key(turn) && !self.withheld.contains(turn))
    }

    /// Takes the next event of the log.
    pub(super) fn see(&mut self, event: &Envelope) -> Seen {
        self.note(event);
        if self.is_whole() {
            return Seen::default();
        }
        let mut seen = self.without_secrets(event);
        if event.body.ends_debate() {
            seen.revealed.append(&mut self.until_end);
            seen.revealed
                .extend(self.until_phase.drain(..).map(|(_, seq)| seq));
        }
        if let (EventBody::PhaseFinished { .. }, Some(phase)) = (&event.body, &event.phase) {
            let (over, open) = std::mem::take(&mut self.until_phase)
                .into_iter()
                .partition(|(of, _)| of == phase);
            self.until_phase = open;
            let over: Vec<(String, u64)> = over;
            seen.revealed.extend(over.into_iter().map(|(_, seq)| seq));
        }
        seen
    }

    fn note(&mut self, event: &Envelope) {
        match (&event.body, &event.phase, &event.turn) {
            (EventBody::Created(created), _, _) => {
                let phases = created.spec.format.phases.iter();
                let hidden =
                    phases.filter_map(|it| Some((it.id.clone(), it.hidden_until.clone()?)));
                self.hidden = hidden.collect();
            }
            (
                EventBody::PhaseStarted {
                    order, speakers, ..
                },
                Some(phase),
                _,
            ) => {
                self.present = Some(Present {
                    phase: phase.clone(),
                    is_blind: *order == Order::Simultaneous,
                    speakers: speakers.clone(),
                });
            }
            (EventBody::PhaseFinished { .. }, _, _) => {
                self.present = None;
                self.speakers.clear();
                self.withheld.clear();
            }
            (EventBody::TurnStarted(started), _, Some(turn)) => {
                self.speakers.insert(turn.clone(), started.agent.clone());
                if self
                    .withholds(event.phase.as_deref(), &started.agent)
                    .is_some()
                {
                    self.withheld.insert(turn.clone());
                }
            }
            _ => {}
        }
    }

    /// Until when what an agent says in a phase is held back; `None` when it is not.
    fn withholds(&self, phase: Option<&str>, agent: &str) -> Option<HiddenUntil> {
        let phase = phase?;
        let own = self.role.seat();
        if self.is_whole() || own == Some(agent) {
            return None;
        }
        let present = self.present.as_ref().filter(|it| it.phase == phase);
        let speaks = |name: &str| present.is_some_and(|it| it.speakers.iter().any(|it| it == name));
        match self.hidden.get(phase) {
            Some(until) if !own.is_some_and(speaks) => return Some(until.clone()),
            Some(_) | None => {}
        }
        // Who holds a seat hears no answer that another speaker of the phase may not hear yet.
        let is_blind = present.is_some_and(|it| it.is_blind);
        (is_blind && own.is_some()).then_some(HiddenUntil::Phase)
    }

    /// The event without what the watcher may never see, and without what it may not see yet.
    fn without_secrets(&mut self, event: &Envelope) -> Seen {
        let mut shown = event.clone();
        let mut until = None;
        let speaker = event
            .turn
            .as_ref()
            .and_then(|turn| self.speakers.get(turn))
            .cloned();
        let held = |sight: &Self| {
            let agent = speaker.as_deref()?;
            sight.withholds(event.phase.as_deref(), agent)
        };
        match &mut shown.body {
            EventBody::Created(created) => self.bare(created),
            EventBody::HumanRequested(asked) => {
                if self.role.seat() != asked.agent.as_deref() || asked.agent.is_none() {
                    if asked.agent.is_some() {
                        asked.prompt.clear();
                    }
                    asked.identity = None;
                }
            }
            EventBody::CommandAccepted { by, command, .. } => {
                *by = None;
                self.bare_command(command);
            }
            EventBody::HumanAccepted { text, to } => self.bare_words(text, to.as_deref()),
            EventBody::CallFinished(finished) => {
                until = held(self);
                if let (Some(_), CallOutcome::Answered { text, .. }) =
                    (&until, &mut finished.outcome)
                {
                    text.clear();
                }
            }
            EventBody::TurnCompleted(completed) => {
                until = held(self);
                if until.is_some() {
                    completed.text.clear();
                    completed.parsed = None;
                    completed.quotes.clear();
                }
            }
            EventBody::ClaimChecked(check) => {
                until = held(self);
                if until.is_some() {
                    check.text.clear();
                    check.source = None;
                }
            }
            EventBody::PositionChanged { agent, from, to } => {
                until = self.withholds(event.phase.as_deref(), agent);
                if until.is_some() {
                    from.clear();
                    to.clear();
                }
            }
            _ => return Seen::default(),
        }
        match until {
            // The words of a call come with the event of its turn.
            Some(_) if matches!(event.body, EventBody::CallFinished(_)) => {}
            Some(HiddenUntil::Phase) => {
                let phase = event.phase.clone().unwrap_or_default();
                self.until_phase.push((phase, event.seq));
            }
            Some(HiddenUntil::End) => self.until_end.push(event.seq),
            None => {}
        }
        let comes_later = !matches!(event.body, EventBody::CallFinished(_));
        Seen {
            is_withheld: until.is_some() && comes_later,
            instead: (shown != *event).then(|| Box::new(shown)),
            revealed: Vec::new(),
        }
    }

    /// Who ordered the debate sees all of it; others see neither secrets of roles that are not theirs nor addresses,
    /// personas and identities.
    fn bare(&self, created: &mut Created) {
        let spec = &mut created.spec;
        let own = self.role.seat();
        let member = spec.cast.iter().find(|it| own == Some(it.name.as_str()));
        let role = member.and_then(|member| spec.format.role(&member.role));
        let own_secrets = role.map(|role| role.secrets.clone()).unwrap_or_default();
        spec.secrets.retain(|name, _| own_secrets.contains(name));
        for member in &mut spec.cast {
            member.endpoint = None;
            if own != Some(member.name.as_str()) {
                member.persona = None;
                if let Some(seat) = &mut member.human {
                    seat.identity = None;
                }
            }
        }
    }

    fn bare_command(&self, command: &mut Command) {
        match command {
            // The words come with the turn's own event, when they may.
            Command::Speak { text, .. } => text.clear(),
            // Ballots are secret; tallies come with the poll's own events.
            Command::Vote {
                choice, conviction, ..
            } => {
                choice.clear();
                *conviction = None;
            }
            Command::Interject { text, to, .. } => self.bare_words(text, to.as_deref()),
            Command::Pause { .. }
            | Command::Resume {}
            | Command::Stop { .. }
            | Command::EndPhase {}
            | Command::Extend { .. }
            | Command::RetryTurn { .. }
            | Command::SkipTurn { .. }
            | Command::SwapModel { .. }
            | Command::RaiseLimit { .. } => {}
        }
    }

    /// Words for one agent are not for the holder of another seat.
    fn bare_words(&self, text: &mut String, to: Option<&str>) {
        if let (Some(own), Some(to)) = (self.role.seat(), to)
            && own != to
        {
            text.clear();
        }
    }
}
