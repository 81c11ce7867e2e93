//! One question as one debate: ordered, followed to its end, and read.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::EvalError;
use super::is_fatal;
use super::journal::Failure;
use super::journal::Flips;
use super::journal::Round0;
use super::question::Question;
use super::spent::nothing;
use crate::debate::AgentOrder;
use crate::debate::DebateOrder;
use crate::debate::Engine;
use crate::debate::choose_judges;
use crate::events::CallOutcome;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::events::LiveEvent;
use crate::events::LiveLane;
use crate::store::EventLog;
use crate::types::DebateId;
use crate::types::ModelName;
use crate::types::debate::Choices;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::Format;
use crate::types::debate::Limits;
use crate::types::debate::Outcome;
use crate::types::debate::RoleKind;
use crate::types::debate::Totals;
use crate::types::debate::Verdict;

/// Events read at once from a log.
const PAGE: usize = 500;
/// How often a debate's log is looked at although nobody has told of anything.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Debaters of a format that has seats for more, when nobody says how many.
const USUAL_DEBATERS: u32 = 3;

/// Runs debates for an evaluation.
pub(super) struct Bouts {
    pub(super) engine: Engine,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) live: Arc<dyn LiveLane>,
}

/// How a debate ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    /// Which.
    pub(super) id: DebateId,
    /// Its verdict, if there is one.
    pub(super) verdict: Option<Verdict>,
    /// What it used.
    pub(super) spent: Totals,
    /// `true` when a cap ended it early.
    pub(super) capped: bool,
    /// Why it has no result.
    pub(super) failure: Option<Failure>,
    /// `true` when it was over before this process looked.
    pub(super) found_over: bool,
}

impl Ended {
    /// `true` for a debate that an earlier process left over, and that failed as every other call did then.
    pub(super) fn is_stale(&self) -> bool {
        let fatal = |failure: &Failure| is_fatal(&failure.code);
        self.found_over && self.failure.as_ref().is_some_and(fatal)
    }
}

impl Bouts {
    /// Runs a debate to its end. One that was begun under this key before is gone on with, or read.
    ///
    /// # Errors
    /// When it cannot be created, or the store fails.
    pub(super) async fn run(
        &self,
        contestant: &str,
        order: &DebateOrder,
        key: String,
    ) -> Result<Ended, EvalError> {
        let hash = key.clone();
        let created = self.engine.create(order, Some((key, hash))).await;
        let created = created.map_err(|error| EvalError::Create {
            contestant: contestant.to_owned(),
            error,
        })?;
        let gone_on = created.created || self.engine.adopt(&created.id).await?;
        let log = self.whole_log(&created.id).await?;
        Ok(Ended {
            found_over: !gone_on,
            ..read(created.id, &log)
        })
    }

    /// The log of a debate, once it is over.
    async fn whole_log(&self, id: &DebateId) -> Result<Vec<Envelope>, EvalError> {
        let mut log: Vec<Envelope> = Vec::new();
        let mut live = self.live.subscribe(id).receiver;
        loop {
            self.catch_up(id, &mut log).await?;
            if log.last().is_some_and(|event| event.body.ends_debate()) {
                return Ok(log);
            }
            loop {
                match tokio::time::timeout(LOOK_EVERY, live.recv()).await {
                    Ok(Ok(LiveEvent::Delta { .. } | LiveEvent::Quote(_))) => {}
                    Ok(Ok(LiveEvent::Stored(events))) => {
                        if events.iter().any(|event| event.body.ends_debate()) {
                            break;
                        }
                    }
                    Ok(Err(RecvError::Lagged(_))) | Err(_) => break,
                    Ok(Err(RecvError::Closed)) => {
                        live = self.live.subscribe(id).receiver;
                        break;
                    }
                }
            }
        }
    }

    async fn catch_up(&self, id: &DebateId, log: &mut Vec<Envelope>) -> Result<(), EvalError> {
        loop {
            let after = log.last().map_or(0, |event| event.seq);
            let page = self.log.read(id, after, PAGE).await?;
            let last = page.len() < PAGE;
            log.extend(page);
            if last {
                return Ok(());
            }
        }
    }
}

/// The order of a debate: the question as its topic, and the models in turn on the debaters' seats.
pub(super) fn order(
    format: &Format,
    debaters: Option<u32>,
    question: &Question,
    (models, judges): (&[ModelName], &[ModelName]),
) -> DebateOrder {
    let seats = seats(format);
    let wanted = debaters.unwrap_or_else(|| {
        let models = u32::try_from(models.len()).unwrap_or(u32::MAX);
        models
            .max(USUAL_DEBATERS)
            .clamp(seats.0, seats.1.max(seats.0))
    });
    let agents: Vec<ModelName> = models
        .iter()
        .cycle()
        .take(wanted as usize)
        .cloned()
        .collect();
    // Whoever does not debate judges, of another family where there is one; else the engine fills the seats.
    let idle: Vec<ModelName> = models
        .iter()
        .filter(|it| !agents.contains(it))
        .cloned()
        .collect();
    let seats = judges_needed(format).min(idle.len());
    let judges = match judges {
        [] => choose_judges(&agents, &idle, seats),
        named => named.to_vec(),
    };
    DebateOrder {
        topic: question.topic(),
        title: Some(format!("eval {}", question.id).chars().take(200).collect()),
        format: format.id.clone(),
        agents: agents.into_iter().map(AgentOrder::of).collect(),
        judges: judges.into_iter().map(AgentOrder::of).collect(),
        limits: Limits::default(),
        options: match chooses(format) {
            true => question.options().to_vec(),
            false => Vec::new(),
        },
        facts: question.facts.clone(),
        secrets: (question.secrets.iter())
            .filter(|(name, _)| format.roles.iter().any(|role| role.secrets.contains(name)))
            .map(|(name, text)| (name.clone(), text.clone()))
            .collect(),
        ..DebateOrder::default()
    }
}

/// How many debaters a format has seats for: at least, and at most.
fn seats(format: &Format) -> (u32, u32) {
    let debate = |kind: RoleKind| matches!(kind, RoleKind::Debater);
    let roles = format.roles.iter().filter(|role| debate(role.kind));
    roles.fold((0, 0), |(min, max), role| {
        (
            min + role.count.min,
            u32::saturating_add(max, role.count.max),
        )
    })
}

/// `true` for a format whose answers are chosen among given options.
fn chooses(format: &Format) -> bool {
    let mut contracts = format.contracts.values();
    contracts.any(|contract| contract.choices == Some(Choices::Options))
}

/// How many seats of judges, moderators and summarisers a format must have filled.
fn judges_needed(format: &Format) -> usize {
    let roles = format.roles.iter().filter(|role| judges(role.kind));
    roles.map(|role| role.count.min as usize).sum()
}

fn judges(kind: RoleKind) -> bool {
    match kind {
        RoleKind::Judge | RoleKind::Moderator | RoleKind::Summariser => true,
        RoleKind::Debater | RoleKind::Audience => false,
    }
}

/// How many seats a format has, at most, that are no debater's and no onlooker's.
pub(super) fn judging_seats(format: &Format) -> u32 {
    let roles = format.roles.iter().filter(|role| judges(role.kind));
    roles.fold(0, |sum: u32, role| sum.saturating_add(role.count.max))
}

/// What a format lacks of a question; `None` when it lacks nothing.
pub(super) fn lacks(format: &Format, question: &Question) -> Option<String> {
    let unknown = (format.roles.iter().flat_map(|role| &role.secrets))
        .find(|name| !question.secrets.contains_key(*name));
    if let Some(name) = unknown {
        return Some(format!("a text in \"secrets\" called \"{name}\""));
    }
    let options = chooses(format) && question.options().is_empty();
    options.then(|| "choices".to_owned())
}

/// `false` for a format that rules only which side argued better: it has no answer that a key could be compared with.
pub(super) fn seeks_answer(format: &Format) -> bool {
    let sides: Vec<&str> = (format.roles.iter())
        .filter_map(|role| role.side.as_deref())
        .collect();
    let names_sides = |field: &FieldRef| {
        let contract = format.phase(&field.phase).map(|phase| &phase.contract);
        let contract = contract.and_then(|id| format.contracts.get(id));
        let fields = contract.map_or(&[][..], |contract| &contract.fields);
        let kind = fields
            .iter()
            .find(|own| own.name == field.field)
            .map(|own| &own.kind);
        matches!(kind, Some(FieldKind::OneOf(words)) if words.iter().any(|word| sides.contains(&word.as_str())))
    };
    let of = &format.decision.of;
    of.is_empty() || !of.iter().all(names_sides)
}

/// What the log of a debate that is over says.
fn read(id: DebateId, log: &[Envelope]) -> Ended {
    let mut ended = Ended {
        id,
        verdict: None,
        spent: nothing(),
        capped: false,
        failure: None,
        found_over: false,
    };
    let mut last_failure: Option<Failure> = None;
    for event in log {
        if let EventBody::VerdictFinal(verdict) = &event.body {
            ended.verdict = Some((**verdict).clone());
        }
        if let EventBody::BudgetExceeded { .. } = &event.body {
            ended.capped = true;
        }
        if let EventBody::CallFinished(call) = &event.body
            && let CallOutcome::Failed { code, message, .. } = &call.outcome
            // Of several failures the one tells most for which every other call would fail.
            && !last_failure.as_ref().is_some_and(|failure| is_fatal(&failure.code))
        {
            last_failure = Some(Failure {
                code: code.clone(),
                message: message.clone(),
            });
        }
        if let EventBody::Finished(ending)
        | EventBody::Cancelled(ending)
        | EventBody::Failed(ending) = &event.body
        {
            ended.spent = ending.totals;
            if ending.outcome == Outcome::Failed {
                let reason = ending.reason.clone().unwrap_or_default();
                ended.failure = Some(last_failure.take().unwrap_or(Failure {
                    code: "debate_failed".to_owned(),
                    message: reason,
                }));
            }
        }
    }
    ended
}

/// The answer of a verdict. A winning side is not one.
pub(super) fn answer(verdict: &Verdict) -> Option<&str> {
    verdict.answer.as_deref()
}

/// What the majority of the blind round held; `None` in formats that have none.
pub(super) fn round0(verdict: &Verdict, question: &Question) -> Option<Round0> {
    let baseline = verdict
        .baselines
        .iter()
        .find(|it| it.id == "round0_majority")?;
    let answer = baseline
        .answer
        .as_deref()
        .and_then(|answer| question.position(answer));
    let right = match &answer {
        Some(position) => question.is_right(position),
        None => Some(false),
    };
    Some(Round0 { answer, right })
}

/// Who changed position, and whether for the better.
pub(super) fn flips(verdict: &Verdict, question: &Question) -> Flips {
    let right = |answer: &str| match question.position(answer) {
        Some(position) => question.is_right(&position),
        None => Some(false),
    };
    let mut flips = Flips::default();
    for flip in &verdict.flips {
        let count = match (right(&flip.from), right(&flip.to)) {
            (Some(false), Some(true)) => &mut flips.helped,
            (Some(true), Some(false)) => &mut flips.bullied,
            // From right to right is another spelling, or another number within the tolerance.
            (Some(true), Some(true)) => continue,
            (Some(false), Some(false)) => &mut flips.other,
            (None, _) | (_, None) => &mut flips.ungraded,
        };
        *count += 1;
    }
    flips
}

#[cfg(test)]
mod tests;
