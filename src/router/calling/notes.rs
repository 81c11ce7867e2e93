//! What a call tells of its attempts: to its trace, its report, its record, and to those that were asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Calling;
use super::is_late;
use crate::client::LlmError;
use crate::client::Routed;
use crate::router::errand::Facts;
use crate::router::group::Group;
use crate::router::kept::Asked;
use crate::router::plan::Exclusion;
use crate::router::plan::Failure;
use crate::router::retry;
use crate::router::retry::Again;
use crate::router::ticket;
use crate::router::ticket::Ticket;

impl Calling {
    /// An attempt begins: everybody who wants to know is told.
    pub(super) fn begin(&mut self, ticket: &Ticket, facts: &Facts<'_>, excluded: Vec<Exclusion>) {
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
    pub(super) fn note_asked(&mut self, ticket: &Ticket, facts: &Facts<'_>) {
        self.meter.asks(ticket);
        let deployment = ticket.member().entry.deployment.clone();
        let own = deployment.as_ref().and_then(|it| it.num_retries);
        let retries = facts.wishes.num_retries.or(own);
        let limits = deployment.as_ref().map(|it| it.target.timeouts);
        let limit = limits.and_then(|limits| match facts.in_pieces {
            true => limits.total_of_stream.or(limits.total),
            false => limits.total,
        });
        let general = self.snapshot.config.timeout_s;
        let general = general.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        facts.call.trace.note_routed(Routed {
            group: Arc::clone(&ticket.group().name),
            deployment,
            model: ticket.member().model.clone(),
            attempts: self.meter.attempts(),
            max_retries: retries.unwrap_or(self.snapshot.config.num_retries).into(),
            fallbacks: self.meter.fallbacks(),
            timeout: facts.wishes.timeout.or(limit).or(general),
        });
    }

    /// An attempt failed.
    pub(super) fn failed(
        &mut self,
        ticket: Ticket,
        error: LlmError,
        facts: &Facts<'_>,
        failures: &mut Vec<Failure>,
    ) {
        let failure = self.failure(&ticket, error, failures.len());
        // The end of the caller's own time says nothing about who was asked.
        if !is_late(facts, Instant::now()) {
            ticket.attempt_failed(&failure.error.kind);
        }
        failures.push(failure);
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

    /// A group is given up: its health and the record of the call are told.
    pub(super) fn gave_up(
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
}
