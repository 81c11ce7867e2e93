//! Makes the attempts of one call: the thin shell around `plan`.

mod race;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::config::Strategy;
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

    /// Asks other groups. When all fail, the caller gets the first one's error.
    async fn fall_back<E: Errand>(
        &mut self,
        first: LlmError,
        errand: &E,
    ) -> Result<(E::Answer, Ticket), LlmError> {
        let facts = errand.facts();
        let snapshot = Arc::clone(&self.snapshot);
        let config = &snapshot.config;
        let (asked, group) = (Arc::clone(&self.asked), Arc::clone(&self.group));
        let failed = Failed {
            asked: &asked,
            group: &group,
        };
        let mut left: VecDeque<String> = fallback::after(failed, config, facts.wishes, &first.kind)
            .iter()
            .cloned()
            .collect();
        let mut seen = vec![Arc::clone(&group.name)];
        let mut told: Vec<String> = Vec::new();
        while let Some(name) = left.pop_front() {
            if self.meter.fallbacks() >= u32::from(config.max_fallbacks)
                || is_late(&facts, Instant::now())
            {
                break;
            }
            let (name, group) = match snapshot.find(&name) {
                Ok((name, group)) if !seen.contains(&group.name) => (name, group),
                Ok(_) => continue,
                Err(error) => {
                    told.push(format!("{name}: {}", error.kind));
                    continue;
                }
            };
            seen.push(Arc::clone(&group.name));
            self.meter.fell_back();
            match self.ask_group(&group, errand).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    told.push(format!("{name}: {}", error.kind));
                    // A caller's list is the whole of it; a configured one may lead on.
                    if facts.wishes.fallbacks.is_none() {
                        let failed = Failed {
                            asked: &name,
                            group: &group,
                        };
                        let next = fallback::after(failed, config, facts.wishes, &error.kind);
                        next.iter().rev().for_each(|it| left.push_front(it.clone()));
                    }
                }
            }
        }
        Err(with_fallbacks(first, &told))
    }

    /// Asks the deployments of a group until one answers or the plan gives up.
    async fn ask_group<E: Errand>(
        &mut self,
        group: &Arc<Group>,
        errand: &E,
    ) -> Result<(E::Answer, Ticket), LlmError> {
        let facts = errand.facts();
        let snapshot = Arc::clone(&self.snapshot);
        let patience = patience(&snapshot, group, &facts, self.meter.started());
        let mut failures: Vec<Failure> = Vec::new();
        let mut change = None;
        loop {
            let now = Instant::now();
            if failures.is_empty() && is_late(&facts, now) {
                return Err(past_deadline(self.meter.model()));
            }
            let standings = Standings::of(&snapshot, group, facts.in_pieces, now);
            let view = self.view(
                group,
                standings.as_slice(),
                &failures,
                (&facts, patience, now),
            );
            let plan::Decision { step, excluded } = plan::next(&view);
            match step {
                Step::Ask(member) => {
                    // Somebody else may have been faster since the look.
                    let Some(ticket) = Ticket::take(&snapshot, (group, member), &facts, now) else {
                        continue;
                    };
                    self.begin(&ticket, &facts, excluded);
                    let raced = match snapshot.config.hedge_after() {
                        Some(after) if group.members.len() > 1 => {
                            let second = |calling: &mut Self| {
                                calling.another(group, &failures, (&facts, patience), member)
                            };
                            Box::pin(self.race(ticket, errand, after, second)).await
                        }
                        Some(_) | None => self.attempt(ticket, errand).await,
                    };
                    match self.judge(raced, &facts, &mut failures) {
                        Some(answer) => return Ok(answer),
                        None => continue,
                    }
                }
                // From here on no change is missed, so that what was seen before is looked at once more.
                Step::Wait {
                    or_change: true, ..
                } if change.is_none() => change = Some(snapshot.common.changes.next()),
                Step::Wait { until, or_change } => {
                    let _resting = Resting::start(&facts.call.trace);
                    match change.take().filter(|_| or_change) {
                        // When the time is up, the plan says so.
                        Some(change) => {
                            let _ = tokio::time::timeout_at(until, change).await;
                        }
                        None => tokio::time::sleep_until(until).await,
                    }
                }
                Step::GiveUp => {
                    if let Some(last) = failures.last().filter(|_| !is_late(&facts, now)) {
                        ticket::call_failed(&snapshot, (group, last.member), &last.error.kind);
                    }
                    let error = plan::give_up(&view, failures.clone(), &excluded);
                    if failures.is_empty() {
                        self.note_nobody(group, &error, excluded);
                    }
                    return Err(error);
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
    fn begin(&mut self, ticket: &Ticket, facts: &Facts<'_>, excluded: Vec<plan::Exclusion>) {
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

    /// Notes that nobody of a group could be asked.
    fn note_nobody(
        &mut self,
        group: &Arc<Group>,
        error: &LlmError,
        excluded: Vec<plan::Exclusion>,
    ) {
        if let Some(record) = &mut self.record {
            record.attempts.push(Asked {
                group: Arc::clone(group),
                member: None,
                failure: Some(error.kind.code()),
                excluded,
            });
        }
    }

    async fn attempt<E: Errand>(&self, ticket: Ticket, errand: &E) -> Raced<E::Answer> {
        match attempt(&self.snapshot, &ticket, errand).await {
            Ok(answer) => Raced::answered(answer, ticket),
            Err(error) => Raced::failed(ticket, error),
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

/// How the members of a group fare; the most usual group has one.
enum Standings {
    One(Standing),
    Many(Vec<Standing>),
}

impl Standings {
    fn of(snapshot: &Snapshot, group: &Group, in_pieces: bool, now: Instant) -> Self {
        match group.members.as_slice() {
            [only] => Self::One(standing(snapshot, only, in_pieces, now)),
            members => Self::Many(
                members
                    .iter()
                    .map(|member| standing(snapshot, member, in_pieces, now))
                    .collect(),
            ),
        }
    }

    fn as_slice(&self) -> &[Standing] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// How a deployment fares now.
pub(super) fn standing(
    snapshot: &Snapshot,
    member: &super::group::Member,
    in_pieces: bool,
    now: Instant,
) -> Standing {
    let state = &member.entry.state;
    let minute = snapshot.common.minutes.at(now);
    let latency = &snapshot.config.latency;
    let ttl = std::time::Duration::from_secs(latency.ttl_s.into());
    Standing {
        health: state.health(),
        in_flight: state.in_flight(),
        calls: state.calls.get(minute),
        tokens: state.tokens.get(minute),
        seconds: match snapshot.config.strategy {
            Strategy::LatencyBasedRouting => state.mean_seconds(in_pieces, ttl, now),
            Strategy::SimpleShuffle
            | Strategy::LeastBusy
            | Strategy::UsageBasedRouting
            | Strategy::CostBasedRouting
            | Strategy::Ordered => None,
        },
    }
}

/// How long a call waits. Callers of a group are told at once that all of it cools down, so that they can decide for
/// themselves; a debate has nobody who would come back later.
fn patience(snapshot: &Snapshot, group: &Group, facts: &Facts<'_>, started: Instant) -> Patience {
    let waits_until = started + snapshot.config.wait_for_cooldown();
    let deadline = facts.call.deadline;
    let for_place = deadline.map_or(waits_until, |deadline| waits_until.min(deadline));
    let waits = !group.is_listed || facts.call.debate.is_some();
    Patience {
        for_cooldown: if waits { for_place } else { started },
        for_place,
        deadline,
    }
}

fn is_late(facts: &Facts<'_>, now: Instant) -> bool {
    facts.call.deadline.is_some_and(|deadline| deadline <= now)
}

/// The first group's error, and how the others failed.
fn with_fallbacks(first: LlmError, told: &[String]) -> LlmError {
    if told.is_empty() {
        return first;
    }
    let message = format!("{}; asked instead: {}", first.message, told.join(", "));
    LlmError {
        status: first.status,
        ..LlmError::new(first.kind, first.provider, message)
    }
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
