//! Makes the attempts of one call: the thin shell around `plan`.

mod attempt;
mod elsewhere;
mod notes;
mod race;
mod standings;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::dice::Throw;
use super::errand::Errand;
use super::errand::Facts;
use super::fallback;
use super::fallback::Failed;
use super::group::Group;
use super::kept::RouteRecord;
use super::meter::Meter;
use super::meter::past_deadline;
use super::plan;
use super::plan::Decision;
use super::plan::Failure;
use super::plan::Patience;
use super::plan::Standing;
use super::plan::Step;
use super::plan::View;
use super::plan::Wanted;
use super::run::GroupClient;
use super::snapshot::Snapshot;
use super::ticket::Ticket;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::ModelName;
use attempt::Resting;
use attempt::attempt;
use race::Raced;
use standings::Standings;
pub(super) use standings::standing;

/// One call while it looks for an answer.
pub(super) struct Calling {
    snapshot: Arc<Snapshot>,
    asked: Arc<str>,
    group: Arc<Group>,
    session: Option<u64>,
    /// What is kept of the call; `None` when nobody could ask for it.
    record: Option<RouteRecord>,
    pub(super) meter: Box<Meter>,
}

impl Calling {
    /// Begins a call. `model` stands for the group where no deployment of it has a model.
    pub(super) fn start(client: &GroupClient, errand: &impl Errand, model: &ModelName) -> Self {
        let facts = errand.facts();
        let group = client.group_for(facts.call);
        let snapshot = Arc::clone(&client.snapshot);
        let model = group.model().unwrap_or(model).clone();
        let mut meter = Meter::start(&snapshot, model, &facts);
        if group.is_listed {
            meter.asked_for(&client.asked);
        }
        let record = facts.call.call_id.as_ref().map(|call_id| RouteRecord {
            call_id: Arc::clone(call_id),
            asked: Arc::clone(&client.asked),
            strategy: snapshot.config.strategy,
            began: meter.started(),
            attempts: Vec::new(),
        });
        Self {
            session: snapshot.config.sticky.then(|| errand.session()).flatten(),
            asked: Arc::clone(&client.asked),
            record,
            group,
            snapshot,
            meter,
        }
    }

    /// Asks until somebody answers or nobody is left to ask.
    pub(super) async fn ask<E: Errand>(
        &mut self,
        errand: &E,
    ) -> Result<(E::Answer, Ticket), LlmError> {
        let mut failures = Vec::new();
        let answer = match self.ask_once(errand, &mut failures).await {
            Some(answer) => Ok(answer),
            // Apart, so that a call that goes well does not carry it along.
            None => Box::pin(self.go_on(errand, failures)).await,
        };
        if let Some(record) = self.record.take() {
            self.snapshot.common.kept.keep(record);
        }
        answer
    }

    /// The first attempt, when one can be made at once: nearly always it answers.
    async fn ask_once<E: Errand>(
        &mut self,
        errand: &E,
        failures: &mut Vec<Failure>,
    ) -> Option<(E::Answer, Ticket)> {
        let ticket = self.pick(&errand.facts())?;
        match attempt(&self.snapshot, &ticket, errand).await {
            Ok(answer) => Some((answer, ticket)),
            Err(error) => {
                self.failed(ticket, error, &errand.facts(), failures);
                None
            }
        }
    }

    /// The right to ask the first deployment; `None` when that takes more than a look.
    fn pick(&mut self, facts: &Facts<'_>) -> Option<Ticket> {
        let now = self.meter.started();
        if is_late(facts, now) || self.snapshot.config.hedge_after_ms.is_some() {
            return None;
        }
        let group = Arc::clone(&self.group);
        let patience = standings::patience(&self.snapshot, &group, facts, now);
        let standings = Standings::of(&self.snapshot, &group, facts.in_pieces, now);
        let view = self.view(&group, standings.as_slice(), &[], (facts, patience, now));
        let Decision { step, excluded } = plan::next(&view);
        let Step::Ask(member) = step else {
            return None;
        };
        let ticket = Ticket::take(&self.snapshot, (&group, member), facts, now)?;
        self.begin(&ticket, facts, excluded);
        Some(ticket)
    }

    /// Asks the rest of the group, then other groups.
    async fn go_on<E: Errand>(
        &mut self,
        errand: &E,
        failures: Vec<Failure>,
    ) -> Result<(E::Answer, Ticket), LlmError> {
        let group = Arc::clone(&self.group);
        match self.ask_group(&group, errand, failures).await {
            Ok(answer) => Ok(answer),
            Err(error) => self.fall_back(error, errand).await,
        }
    }

    /// Asks the deployments of a group until one answers or the plan gives up.
    async fn ask_group<E: Errand>(
        &mut self,
        group: &Arc<Group>,
        errand: &E,
        mut failures: Vec<Failure>,
    ) -> Result<(E::Answer, Ticket), LlmError> {
        let facts = errand.facts();
        let snapshot = Arc::clone(&self.snapshot);
        let patience = standings::patience(&snapshot, group, &facts, self.meter.started());
        let mut change = None;
        loop {
            let now = Instant::now();
            if failures.is_empty() && is_late(&facts, now) {
                return Err(past_deadline(self.meter.model()));
            }
            let standings = Standings::of(&snapshot, group, facts.in_pieces, now);
            let at = (&facts, patience, now);
            let view = self.view(group, standings.as_slice(), &failures, at);
            let Decision { step, excluded } = plan::next(&view);
            match step {
                Step::Ask(member) => {
                    // Somebody else may have been faster since the look.
                    let Some(ticket) = Ticket::take(&snapshot, (group, member), &facts, now) else {
                        continue;
                    };
                    self.begin(&ticket, &facts, excluded);
                    let raced = self.attempts(ticket, errand, &failures, patience).await;
                    if let Some(answer) = self.judge(raced, &facts, &mut failures) {
                        return Ok(answer);
                    }
                }
                // From here on no change is missed, so that what was seen before is looked at once more.
                Step::Wait {
                    or_change: true, ..
                } if change.is_none() => change = Some(snapshot.common.changes.next()),
                Step::Wait { until, or_change } => {
                    let _resting =
                        Resting::start(&facts.call.trace, limited_until(&failures, until));
                    match change.take().filter(|_| or_change) {
                        Some(change) => {
                            // When the time is up, the plan says so.
                            let _ = tokio::time::timeout_at(until, change).await;
                        }
                        None => tokio::time::sleep_until(until).await,
                    }
                }
                Step::GiveUp => {
                    let error = plan::give_up(&view, &failures, &excluded);
                    self.gave_up(group, &facts, (&failures, &error), excluded);
                    return Err(error);
                }
            }
        }
    }

    /// One attempt, or two where the first is slow to begin and hedging is on.
    async fn attempts<E: Errand>(
        &mut self,
        ticket: Ticket,
        errand: &E,
        failures: &[Failure],
        patience: Patience,
    ) -> Raced<E::Answer> {
        let group = Arc::clone(ticket.group());
        match self.snapshot.config.hedge_after() {
            Some(after) if group.members.len() > 1 => {
                let (facts, asked) = (errand.facts(), ticket.place());
                let second = |calling: &mut Self| {
                    calling.another(&group, failures, (&facts, patience), asked)
                };
                Box::pin(self.race(ticket, errand, after, second)).await
            }
            Some(_) | None => match attempt(&self.snapshot, &ticket, errand).await {
                Ok(answer) => Raced::answered(answer, ticket),
                Err(error) => Raced::failed(ticket, error),
            },
        }
    }

    fn view<'a>(
        &'a self,
        group: &'a Group,
        standings: &'a [Standing],
        failures: &'a [Failure],
        (facts, patience, now): (&Facts<'a>, Patience, Instant),
    ) -> View<'a> {
        let config = &self.snapshot.config;
        let failed = Failed {
            asked: &self.asked,
            group,
        };
        let wishes = facts.wishes;
        let last = failures.last().map(|failure| &failure.error.kind);
        View {
            group,
            standings,
            failures,
            config,
            wanted: Wanted {
                tokens: facts.tokens,
                tags: facts.tags,
                wishes,
                session: self.session,
                has_fallbacks: fallback::any(failed, config, wishes),
                has_own_fallbacks: last
                    .is_some_and(|kind| fallback::has_own(failed, config, wishes, kind)),
            },
            patience,
            minute: self.snapshot.common.minutes.at(now),
            now,
            throw: match group.members.len() {
                1 => Throw(0),
                _ => self.snapshot.common.dice.throw(),
            },
        }
    }

    /// Takes note of what failed; returns the answer, if there is one.
    fn judge<T>(
        &mut self,
        raced: Raced<T>,
        facts: &Facts<'_>,
        failures: &mut Vec<Failure>,
    ) -> Option<(T, Ticket)> {
        for (ticket, error) in raced.failed {
            self.failed(ticket, error, facts, failures);
        }
        let (answer, ticket) = raced.answer?;
        if !failures.is_empty() {
            self.note_asked(&ticket, facts);
        }
        Some((answer, ticket))
    }
}

fn is_late(facts: &Facts<'_>, now: Instant) -> bool {
    facts.call.deadline.is_some_and(|deadline| deadline <= now)
}

/// How long a call waits because the provider that failed last is at its limit of calls or tokens.
fn limited_until(failures: &[Failure], until: Instant) -> Option<Duration> {
    let last = failures.last()?;
    let is_limited = matches!(last.error.kind, LlmErrorKind::RateLimited { .. });
    is_limited.then(|| until.saturating_duration_since(Instant::now()))
}
