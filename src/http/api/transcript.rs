//! A debate as its log tells it, for people and programs that want the whole. Pure, but for reading the log.

use serde::Serialize;
use serde_json::Value;

use crate::events::Ending;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::events::TurnCompleted;
use crate::events::TurnReset;
use crate::events::TurnStarted;
use crate::store::EventLog;
use crate::store::StoreError;
use crate::types::DebateId;
use crate::types::Usage;
use crate::types::debate::CastMember;
use crate::types::debate::Limits;
use crate::types::debate::Tally;
use crate::types::debate::Verdict;

/// Events read at once.
const PAGE: usize = 1_000;

/// Everything that was said and decided.
#[derive(Debug, Default, Serialize)]
pub(in crate::http) struct Transcript {
    /// Who takes part.
    #[serde(rename = "agents")]
    pub(super) cast: Vec<CastMember>,
    /// Present caps.
    pub(super) limits: Limits,
    /// For every shuffle and tie-break.
    pub(super) seed: u64,
    /// What the one who ordered it should know.
    pub(super) warnings: Vec<String>,
    /// Every turn, in the order in which they began.
    pub(super) turns: Vec<SpokenTurn>,
    /// What people said into it.
    pub(super) interjections: Vec<Remark>,
    /// What the audience was asked, and what it said.
    pub(super) polls: Vec<Poll>,
    /// The decision, once there is one.
    #[serde(rename = "decision")]
    pub(super) verdict: Option<Verdict>,
    /// How it ended, once it has.
    pub(super) ending: Option<Ending>,
}

/// What a person said into a debate.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Remark {
    /// The number of its event.
    pub(super) seq: u64,
    pub(super) text: String,
    /// The agent that it is for; everybody when `None`.
    pub(super) to: Option<String>,
    /// How many turns had begun.
    #[serde(skip)]
    pub(super) place: usize,
}

/// A poll of the audience.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Poll {
    pub(super) phase: String,
    /// Counted from 0.
    pub(super) round: u32,
    pub(super) choices: Vec<String>,
    /// How many voted; `None` while it is open.
    pub(super) ballots: Option<u32>,
    /// Votes of each choice; `None` while they are kept back.
    pub(super) tally: Option<Vec<Tally>>,
    /// How many turns had begun.
    #[serde(skip)]
    pub(super) place: usize,
}

/// One turn.
#[derive(Debug, Serialize)]
pub(in crate::http) struct SpokenTurn {
    pub(super) id: String,
    pub(super) phase: String,
    /// Counted from 0.
    pub(super) round: u32,
    pub(super) agent: String,
    pub(super) role: String,
    pub(super) side: Option<String>,
    pub(super) model: String,
    /// `true` when a person spoke.
    pub(super) human: bool,
    /// Who could not speak, when a stand-in does: a model, or `human/…` for a person.
    pub(super) substitute_for: Option<String>,
    /// `open`, `done`, or why there is no statement: `skip`, `forfeit`, `abort`.
    pub(super) status: String,
    pub(super) text: String,
    pub(super) parsed: Option<Value>,
    pub(super) usage: Usage,
    pub(super) cost_usd: Option<f64>,
    /// What went wrong on the way, one line each.
    pub(super) troubles: Vec<String>,
}

/// Reads a debate's whole log.
pub(super) async fn of(log: &dyn EventLog, debate: &DebateId) -> Result<Transcript, StoreError> {
    let (mut transcript, mut after) = (Transcript::default(), 0);
    loop {
        let page = log.read(debate, after, PAGE).await?;
        after = page.last().map_or(after, |event| event.seq);
        let last = page.len() < PAGE;
        page.into_iter().for_each(|event| transcript.take(event));
        if last {
            return Ok(transcript);
        }
    }
}

impl Transcript {
    /// Takes the next event.
    pub(in crate::http) fn take(&mut self, event: Envelope) {
        let Envelope {
            seq,
            phase,
            round,
            turn,
            body,
            ..
        } = event;
        let id = turn.map(|turn| turn.to_string()).unwrap_or_default();
        match body {
            EventBody::Created(created) => {
                self.cast = created.spec.cast;
                self.limits = created.spec.limits;
                self.seed = created.spec.seed;
                self.warnings = created.warnings;
            }
            EventBody::TurnStarted(started) => {
                let of = (phase.unwrap_or_default(), round.unwrap_or_default());
                self.begin_turn(id, of, *started);
            }
            EventBody::TurnCompleted(completed) => self.end_turn(&id, *completed),
            EventBody::TurnReset(reset) => self.trouble(&id, &reset),
            EventBody::TurnFailed(failed) => {
                self.trouble(&id, &failed);
                if let Some(turn) = self.turn(&id) {
                    turn.status = word(&failed.action);
                }
            }
            EventBody::HumanAccepted { text, to } => self.interjections.push(Remark {
                seq,
                text,
                to,
                place: self.turns.len(),
            }),
            EventBody::PollOpened { choices, .. } => self.polls.push(Poll {
                phase: phase.unwrap_or_default(),
                round: round.unwrap_or_default(),
                choices,
                ballots: None,
                tally: None,
                place: self.turns.len(),
            }),
            EventBody::PollClosed { ballots, tally } => {
                let of = (phase.unwrap_or_default(), round.unwrap_or_default());
                let mut polls = self.polls.iter_mut().rev();
                if let Some(poll) = polls.find(|poll| (&poll.phase, poll.round) == (&of.0, of.1)) {
                    poll.ballots = Some(ballots);
                    poll.tally = tally;
                }
            }
            EventBody::LimitsRaised(limits) => self.limits = limits,
            EventBody::VerdictFinal(verdict) => self.verdict = Some(*verdict),
            EventBody::Finished(ending)
            | EventBody::Cancelled(ending)
            | EventBody::Failed(ending) => {
                self.ending = Some(*ending);
            }
            EventBody::Started {}
            | EventBody::Recovered { .. }
            | EventBody::Paused {}
            | EventBody::Resumed {}
            | EventBody::CommandAccepted { .. }
            | EventBody::CallFinished(_)
            | EventBody::TimerFired { .. }
            | EventBody::PhaseStarted { .. }
            | EventBody::PhaseFinished { .. }
            | EventBody::TurnWaiting(_)
            | EventBody::PositionChanged { .. }
            | EventBody::BudgetWarning { .. }
            | EventBody::BudgetExceeded { .. }
            | EventBody::HumanRequested(_)
            | EventBody::VoteCast { .. }
            | EventBody::ClaimChecked(_)
            | EventBody::SummaryReady { .. }
            | EventBody::ModelSwapped { .. }
            | EventBody::VerdictStarted {} => {}
        }
    }

    fn begin_turn(&mut self, id: String, (phase, round): (String, u32), started: TurnStarted) {
        let (model, substitute_for) = (started.model, started.substitute_for);
        let (model, substitute_for) = (model.to_string(), substitute_for.map(|it| it.to_string()));
        if let Some(turn) = self.turn(&id) {
            (turn.model, turn.substitute_for) = (model, substitute_for);
            return;
        }
        self.turns.push(SpokenTurn {
            id,
            phase,
            round,
            agent: started.agent,
            role: started.role,
            side: started.side,
            model,
            human: false,
            substitute_for,
            status: "open".to_owned(),
            text: String::new(),
            parsed: None,
            usage: Usage::default(),
            cost_usd: None,
            troubles: Vec::new(),
        });
    }

    fn end_turn(&mut self, id: &str, completed: TurnCompleted) {
        if let Some(turn) = self.turn(id) {
            turn.status = "done".to_owned();
            // A turn that was asked for again may be another model's by then.
            turn.model = completed.model.to_string();
            turn.text = completed.text;
            turn.human = completed.human;
            turn.parsed = completed.parsed;
            turn.usage = completed.usage;
            turn.cost_usd = completed.cost_nanousd.map(crate::types::NanoUsd::as_usd);
        }
    }

    fn turn(&mut self, id: &str) -> Option<&mut SpokenTurn> {
        self.turns.iter_mut().find(|turn| turn.id == id)
    }

    fn trouble(&mut self, id: &str, reset: &TurnReset) {
        if let Some(turn) = self.turn(id) {
            turn.troubles.push(format!(
                "{}: {} ({})",
                reset.reason,
                reset.message,
                word(&reset.action)
            ));
        }
    }
}

fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Draft;

    #[test]
    fn a_raised_cap_is_the_one_that_is_told() {
        let limits = Limits {
            calls: Some(100),
            ..Limits::default()
        };
        let raised = Draft::of_debate(EventBody::LimitsRaised(limits));
        let mut transcript = Transcript::default();
        transcript.take(raised.into_envelope(DebateId::new("d_1"), 1, 0));
        assert_eq!(transcript.limits, limits);
    }
}
