//! Hedging: a second deployment is asked when the first is slow to begin, and the first to answer wins.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::Either;
use futures::future::select;
use tokio::time::Instant;

use super::Calling;
use super::Standings;
use super::attempt::attempt;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::router::errand::Errand;
use crate::router::errand::Facts;
use crate::router::group::Group;
use crate::router::plan;
use crate::router::plan::Failure;
use crate::router::plan::Patience;
use crate::router::strategy;
use crate::router::ticket::Ticket;

/// What came of the attempts that were made at once.
pub(super) struct Raced<T> {
    /// The first answer. Attempts that were slower are given up without a word.
    pub(super) answer: Option<(T, Ticket)>,
    /// In the order in which they failed.
    pub(super) failed: Vec<(Ticket, LlmError)>,
}

impl<T> Raced<T> {
    pub(super) fn answered(answer: T, ticket: Ticket) -> Self {
        Self {
            answer: Some((answer, ticket)),
            failed: Vec::new(),
        }
    }

    pub(super) fn failed(ticket: Ticket, error: LlmError) -> Self {
        Self {
            answer: None,
            failed: vec![(ticket, error)],
        }
    }

    fn ended(mut self, ended: Result<T, LlmError>, ticket: Ticket) -> Self {
        match ended {
            Ok(answer) => self.answer = Some((answer, ticket)),
            Err(error) => self.failed.push((ticket, error)),
        }
        self
    }

    fn of(ended: Result<T, LlmError>, ticket: Ticket) -> Self {
        let none = Self {
            answer: None,
            failed: Vec::new(),
        };
        none.ended(ended, ticket)
    }
}

impl Calling {
    /// Asks one deployment and, when it has not answered after some time, another one too.
    pub(super) async fn race<E: Errand>(
        &mut self,
        first: Ticket,
        errand: &E,
        after: Duration,
        second: impl FnOnce(&mut Self) -> Option<Ticket>,
    ) -> Raced<E::Answer> {
        let snapshot = Arc::clone(&self.snapshot);
        let one = async {
            let ended = attempt(&snapshot, &first, errand).await;
            (ended, first)
        };
        let mut one = pin!(one);
        if let Ok((ended, first)) = tokio::time::timeout(after, one.as_mut()).await {
            return Raced::of(ended, first);
        }
        let Some(second) = second(self) else {
            let (ended, first) = one.await;
            return Raced::of(ended, first);
        };
        self.begin(&second, &errand.facts(), Vec::new());
        let two = async {
            let ended = attempt(&snapshot, &second, errand).await;
            (ended, second)
        };
        let two = pin!(two);
        let raced = match select(one, two).await {
            Either::Left(((Err(error), first), two)) => {
                let (ended, second) = two.await;
                Raced::failed(first, error).ended(ended, second)
            }
            Either::Right(((Err(error), second), one)) => {
                let (ended, first) = one.await;
                Raced::failed(second, error).ended(ended, first)
            }
            Either::Left(((Ok(answer), ticket), _)) | Either::Right(((Ok(answer), ticket), _)) => {
                Raced::answered(answer, ticket)
            }
        };
        if let Some((_, ticket)) = &raced.answer {
            self.note_asked(ticket, &errand.facts());
        }
        raced
    }

    /// The right to ask another deployment of the group than this one; `None` when there is none to ask now.
    pub(super) fn another(
        &self,
        group: &Arc<Group>,
        failures: &[Failure],
        (facts, patience): (&Facts<'_>, Patience),
        asked: usize,
    ) -> Option<Ticket> {
        let now = Instant::now();
        let standings = Standings::of(&self.snapshot, group, facts.in_pieces, now);
        let mut failures = failures.to_vec();
        failures.push(Failure {
            member: asked,
            error: LlmError::new(LlmErrorKind::Cancelled, group.provider(), "it is under way"),
            again_at: None,
        });
        let view = self.view(
            group,
            standings.as_slice(),
            &failures,
            (facts, patience, now),
        );
        let (askable, _) = plan::askable(&view);
        if askable.is_empty() {
            return None;
        }
        let member = strategy::choose(&view, &askable);
        Ticket::take(&self.snapshot, (group, member), facts, now)
    }
}
