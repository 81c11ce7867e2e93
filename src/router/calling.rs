//! Makes the attempts of one call: the thin shell around `plan`.

mod elsewhere;
mod race;
mod standings;

use std::sync::Arc;

use tokio::time::Instant;

use super::dice::Throw;
use super::errand::Errand;
use super::errand::Facts;
use super::errand::Whereto;
use super::fallback;
use super::fallback::Failed;
use super::group::Group;
use super::kept::Asked;
use super::kept::RouteRecord;
use super::meter::Meter;
use super::meter::past_deadline;
use super::plan;
use super::plan::Decision;
use super::plan::Exclusion;
use super::plan::Failure;
use super::plan::Patience;
use super::plan::Standing;
use super::plan::Step;
use super::plan::View;
use super::plan::Wanted;
use super::retry;
use super::retry::Again;
use super::run::GroupClient;
use super::snapshot::Snapshot;
use super::ticket;
use super::ticket::Ticket;
use crate::client::CallTrace;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::Routed;
use crate::types::ModelName;
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
    pub(super) meter: Meter,
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
        let group = Arc::clone(&self.group);
        let mut answer = self.ask_group(&group, errand).await;
        if let Err(error) = answer {
            // Apart, so that a call that goes well does not carry it along.
            answer = Box::pin(self.fall_back(error, errand)).await;
        }
        if let Some(record) = self.record.take() {
            self.snapshot.common.kept.keep(record);
        }
        answer
    }

    /// Asks the deployments of a group until one answers or the plan gives up.
    async fn ask_group<E: Errand>(
        &mut self,
        group: &Arc<Group>,
        errand: &E,
    ) -> Result<(E::Answer, Ticket), LlmError> {
        let facts = errand.facts();
        let snapshot = Arc::clone(&self.snapshot);
        let patience = standings::patience(&snapshot, group, &facts, self.meter.started());
        let mut failures: Vec<Failure> = Vec::new();
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
                    let _resting = Resting::start(&facts.call.trace);
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

    /// A group is given up: its health and the record of the call are told.
    fn gave_up(
        &mut self,
        group: &Arc<Group>,
        facts: &Facts<'_>,
        (failures, error): (&[Failure], &LlmError),
        excluded: Vec<Exclusion>,
    ) {
        match failures.last() {
            Some(_) if is_late(facts, Instant::now()) => {}
            Some(last) => {
                let at = (group, last.member);
                ticket::call_failed(&self.snapshot, at, &last.error.kind);
            }
            None => {
                if let Some(record) = &mut self.record {
                    record.attempts.push(Asked {
                        group: Arc::clone(group),
                        member: None,
                        failure: Some(error.kind.code()),
                        excluded,
                    });
                }
            }
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

    /// An attempt begins: everybody who wants to know is told.
    fn begin(&mut self, ticket: &Ticket, facts: &Facts<'_>, excluded: Vec<Exclusion>) {
        self.meter.attempt();
        self.note_asked(ticket, facts);
        if let Some(record) = &mut self.record {
            record.attempts.push(Asked {
                group: Arc::clone(ticket.group()),
                member: Some(ticket.place()),
                failure: None,
                excluded,
            });
        }
    }

    /// This one is asked, or has answered.
    fn note_asked(&mut self, ticket: &Ticket, facts: &Facts<'_>) {
        self.meter.asks(ticket);
        let deployment = ticket.member().entry.deployment.clone();
        let own = deployment.as_ref().and_then(|it| it.num_retries);
        let retries = facts.wishes.num_retries.or(own);
        facts.call.trace.note_routed(Routed {
            group: Arc::clone(&ticket.group().name),
            deployment,
            model: ticket.member().model.clone(),
            attempts: self.meter.attempts(),
            max_retries: retries.unwrap_or(self.snapshot.config.num_retries).into(),
            fallbacks: self.meter.fallbacks(),
        });
    }

    /// Takes note of what failed; returns the answer, if there is one.
    fn judge<T>(
        &mut self,
        raced: Raced<T>,
        facts: &Facts<'_>,
        failures: &mut Vec<Failure>,
    ) -> Option<(T, Ticket)> {
        for (ticket, error) in raced.failed {
            let failure = self.failure(&ticket, error, failures.len());
            // The end of the caller's own time says nothing about who was asked.
            if !is_late(facts, Instant::now()) {
                ticket.attempt_failed(&failure.error.kind);
            }
            failures.push(failure);
        }
        let (answer, ticket) = raced.answer?;
        if !failures.is_empty() {
            self.note_asked(&ticket, facts);
        }
        Some((answer, ticket))
    }

    fn failure(&mut self, ticket: &Ticket, error: LlmError, earlier: usize) -> Failure {
        let n = u32::try_from(earlier).unwrap_or(u32::MAX);
        let throw = self.snapshot.common.dice.throw();
        let rest = retry::delay(&self.snapshot.config, n, error.kind.retry_after(), throw);
        let only_elsewhere =
            retry::again(&error.kind, ticket.group().is_listed) == Again::Elsewhere;
        tracing::debug!(
            target: "agon::llm",
            deployment = ticket.member().id(),
            attempt = n + 1,
            error = error.kind.code(),
            "attempt {} of {} failed: {error}",
            n + 1,
            ticket.member(),
        );
        self.meter.attempt_failed(ticket, &error);
        if let Some(record) = &mut self.record {
            let is_it = |asked: &&mut Asked| {
                asked.member == Some(ticket.place()) && Arc::ptr_eq(&asked.group, ticket.group())
            };
            if let Some(asked) = record.attempts.iter_mut().rev().find(is_it) {
                asked.failure = Some(error.kind.code());
            }
        }
        Failure {
            member: ticket.place(),
            error,
            again_at: rest
                .filter(|_| !only_elsewhere)
                .map(|rest| Instant::now() + rest),
        }
    }
}

/// Makes one attempt, no longer than the caller waits.
async fn attempt<E: Errand>(
    snapshot: &Snapshot,
    ticket: &Ticket,
    errand: &E,
) -> Result<E::Answer, LlmError> {
    let facts = errand.facts();
    let member = ticket.member();
    let Some(model) = member.model.clone() else {
        let message = "what the model list calls its model is not written provider/model";
        return Err(LlmError::new(LlmErrorKind::ModelNotFound, "agon", message));
    };
    let whereto = Whereto {
        model,
        target: member.entry.targets.of(facts.in_pieces, facts.wishes),
    };
    let answer = errand.ask(&snapshot.common, &whereto);
    match facts.call.deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, answer)
            .await
            .unwrap_or_else(|_| Err(past_deadline(&whereto.model))),
        None => answer.await,
    }
}

fn is_late(facts: &Facts<'_>, now: Instant) -> bool {
    facts.call.deadline.is_some_and(|deadline| deadline <= now)
}

/// Adds a rest to the call's trace, also when the caller leaves during it.
struct Resting<'a> {
    trace: &'a CallTrace,
    since: Instant,
}

impl<'a> Resting<'a> {
    fn start(trace: &'a CallTrace) -> Self {
        Self {
            trace,
            since: Instant::now(),
        }
    }
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.trace.add_retry_wait(self.since.elapsed());
    }
}
