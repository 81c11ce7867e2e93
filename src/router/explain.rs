//! Why a call goes where it goes: beforehand for a name, afterwards for a call that was made.

use std::sync::Arc;

use serde::Serialize;
use tokio::time::Instant;

use super::Router;
use super::calling::standing;
use super::config::Strategy;
use super::dice::number_of;
use super::fallback;
use super::fallback::Asks;
use super::fallback::Failed;
use super::group::Group;
use super::group::Member;
use super::kept::Asked;
use super::kept::RouteRecord;
use super::plan;
use super::plan::Exclusion;
use super::plan::Patience;
use super::plan::Standing;
use super::plan::View;
use super::plan::Wanted;
use super::run::GroupClient;
use super::snapshot::Snapshot;
use super::strategy;
use crate::client::Head;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::NanoUsd;
use crate::types::Prices;
use crate::types::Usage;

/// What a call to a name would meet now. Nothing is asked, and nothing is counted.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The name that was asked for.
    pub asked: String,
    /// The group that answers for it.
    pub group: String,
    /// `false` for a model that is called by its own name.
    pub listed: bool,
    /// How one of several deployments is picked.
    pub strategy: Strategy,
    /// Further attempts after the first.
    pub num_retries: u8,
    /// Everybody who may answer, in the model list's order.
    pub deployments: Vec<ExplainedDeployment>,
    /// What the prompt costs, by Agon's estimate of its tokens, at the cheapest and the dearest of those that can be
    /// asked; `None` when no price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_nanousd: Option<CostRange>,
    /// Groups that are asked when all of these fail, in order.
    pub fallbacks: Vec<String>,
    /// The same, when the prompt does not fit.
    pub context_window_fallbacks: Vec<String>,
    /// The same, when the answer is held back.
    pub content_policy_fallbacks: Vec<String>,
}

/// One deployment, as a call would find it.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedDeployment {
    /// Its id in the model list; of a model that is called by its own name, the name.
    pub id: String,
    /// The model that would be asked.
    pub model: String,
    /// What the choice makes of it.
    pub verdict: Verdict,
    /// Why it is not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<ExplainedReason>,
    /// What is left of its limits.
    pub left: LimitsLeft,
    /// Calls under way.
    pub in_flight: u32,
    /// How fast it answered last, where the strategy goes by it: seconds to the first token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What the prompt costs there, by Agon's estimate of its tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_nanousd: Option<NanoUsd>,
    /// What a million tokens of the answer cost there, in nano-USD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_nanousd_per_million: Option<u64>,
}

/// What the choice makes of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is the one.
    Chosen,
    /// It could have been.
    Askable,
    /// It cannot be asked.
    Excluded,
}

/// Why a deployment is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedReason {
    /// A stable name.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// Milliseconds until it can be asked again, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_in_ms: Option<u64>,
}

/// What is left of a deployment's limits; `None` where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LimitsLeft {
    /// Calls in this minute.
    pub requests: Option<u64>,
    /// Tokens in this minute.
    pub tokens: Option<u64>,
    /// Calls at the same time.
    pub parallel: Option<u32>,
    /// Milliseconds until the minute is over.
    pub minute_ends_in_ms: u64,
}

/// The least and the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CostRange {
    /// At the cheapest.
    pub least: NanoUsd,
    /// At the dearest.
    pub most: NanoUsd,
}

/// How a call was routed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedCall {
    /// The call's id.
    pub call_id: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub began_ms: u64,
    /// The name that was asked for.
    pub asked: String,
    /// How one of several deployments was picked.
    pub strategy: Strategy,
    /// What was tried, in order.
    pub attempts: Vec<ExplainedAttempt>,
}

/// One choice of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedAttempt {
    /// The group.
    pub group: String,
    /// The id of the deployment that was asked; `None` when nobody could be.
    pub deployment: Option<String>,
    /// The model that was asked.
    pub model: Option<String>,
    /// The class of the failure; `None` when it answered.
    pub failure: Option<&'static str>,
    /// Who was not asked.
    pub excluded: Vec<ExplainedExclusion>,
}

/// A deployment that was not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedExclusion {
    /// Its id in the model list.
    pub deployment: String,
    /// Why, as it was at the beginning of the call.
    #[serde(flatten)]
    pub why: ExplainedReason,
}

impl Router {
    /// Explains what a call to a name would meet now: who would be asked, who not and why, what is left of the limits,
    /// what it would cost, who would be asked next.
    ///
    /// # Errors
    /// As for [`Self::route`].
    pub fn explain(&self, name: &str, head: &Head) -> Result<Explanation, LlmError> {
        let client = GroupClient::find(self.snapshot(), name)?;
        let (snapshot, group) = (&client.snapshot, &client.group);
        let now = Instant::now();
        let minute = snapshot.common.minutes.at(now);
        let standings: Vec<Standing> = group
            .members
            .iter()
            .map(|member| standing(snapshot, member, head.stream, (minute, now)))
            .collect();
        let failed = Failed {
            asked: &client.asked,
            group,
        };
        let view = view(snapshot, failed, head, &standings, now);
        let (askable, excluded) = plan::askable(&view);
        let chosen = (!askable.is_empty()).then(|| strategy::choose(&view, &askable));
        let deployments: Vec<_> = (0..group.members.len())
            .map(|member| deployment(snapshot, &view, member, chosen, &excluded))
            .collect();
        let after = |kind: &LlmErrorKind| {
            let asks = all_of(head);
            let others = fallback::after(failed, &snapshot.config, asks, kind);
            others.cloned().collect()
        };
        let first = chosen.and_then(|member| group.members[member].entry.deployment.as_ref());
        let own = first.and_then(|deployment| deployment.num_retries);
        Ok(Explanation {
            asked: name.to_owned(),
            group: group.name.as_ref().to_owned(),
            listed: group.is_listed,
            strategy: snapshot.config.strategy,
            num_retries: (head.wishes.num_retries.or(own)).unwrap_or(snapshot.config.num_retries),
            prompt_nanousd: cost_range(&deployments),
            deployments,
            fallbacks: after(&LlmErrorKind::ConnectionFailed),
            context_window_fallbacks: after(&LlmErrorKind::ContextLengthExceeded),
            content_policy_fallbacks: after(&LlmErrorKind::ContentFiltered),
        })
    }

    /// Explains how a call was routed, by the id that its answer's headers tell; `None` when it is not among the last
    /// few hundred.
    pub fn explained(&self, call_id: &str) -> Option<ExplainedCall> {
        let snapshot = self.snapshot();
        let record = snapshot.common.kept.find(call_id)?;
        Some(ExplainedCall::of(&snapshot, &record))
    }
}

/// What a request wants, as if its caller might ask for all.
fn all_of(head: &Head) -> Asks<'_> {
    Asks {
        wishes: &head.wishes,
        allowed: None,
    }
}

fn view<'a>(
    snapshot: &'a Snapshot,
    failed: Failed<'a>,
    head: &'a Head,
    standings: &'a [Standing],
    now: Instant,
) -> View<'a> {
    let config = &snapshot.config;
    let session = head.wishes.session.as_ref();
    let session = session.map(|session| number_of(session.as_bytes()));
    View {
        group: failed.group,
        standings,
        failures: &[],
        config,
        wanted: Wanted {
            tokens: head.estimated_tokens,
            tags: &head.tags,
            wishes: &head.wishes,
            session: session.filter(|_| config.sticky).map(|number| {
                let sessions = &snapshot.common.sessions;
                sessions.find(&failed.group.name, number, now)
            }),
            has_fallbacks: fallback::any(failed, config, all_of(head)),
            has_own_fallbacks: false,
        },
        patience: Patience {
            for_cooldown: now,
            for_place: now,
            deadline: None,
        },
        minute: snapshot.common.minutes.at(now),
        now,
        throw: snapshot.common.dice.peek(),
    }
}

fn deployment(
    snapshot: &Snapshot,
    view: &View<'_>,
    member: usize,
    chosen: Option<usize>,
    excluded: &[Exclusion],
) -> ExplainedDeployment {
    let (place, standing) = (member, &view.standings[member]);
    let member = &view.group.members[member];
    let why = excluded.iter().find(|it| it.member == place);
    let tokens = view.wanted.tokens;
    let prices = member.prices(|model| (snapshot.common.prices)(model));
    let prompt = |prices: Prices| {
        prices.cost(&Usage {
            input: tokens,
            ..Usage::default()
        })
    };
    ExplainedDeployment {
        id: member.id().to_owned(),
        model: model_of(member),
        verdict: match why {
            Some(_) => Verdict::Excluded,
            None if chosen == Some(place) => Verdict::Chosen,
            None => Verdict::Askable,
        },
        why: why.map(|it| ExplainedReason::of(it.why, view.now)),
        left: limits_left(view, member, standing),
        in_flight: standing.in_flight,
        seconds: standing.seconds,
        prompt_nanousd: prices.map(prompt),
        output_nanousd_per_million: prices.map(|prices| prices.at(tokens).output),
    }
}

fn limits_left(view: &View<'_>, member: &Member, standing: &Standing) -> LimitsLeft {
    let entry = &member.entry;
    LimitsLeft {
        requests: entry
            .rpm()
            .map(|limit| limit.saturating_sub(standing.calls)),
        tokens: entry
            .tpm()
            .map(|limit| limit.saturating_sub(standing.tokens)),
        parallel: entry
            .places
            .map(|limit| limit.saturating_sub(standing.in_flight)),
        minute_ends_in_ms: millis(view.minute.ends_at, view.now),
    }
}

fn cost_range(deployments: &[ExplainedDeployment]) -> Option<CostRange> {
    let costs = || {
        deployments
            .iter()
            .filter(|it| it.verdict != Verdict::Excluded)
            .filter_map(|it| it.prompt_nanousd)
    };
    Some(CostRange {
        least: costs().min()?,
        most: costs().max()?,
    })
}

fn model_of(member: &Member) -> String {
    match (&member.model, &member.entry.deployment) {
        (Some(model), _) => model.to_string(),
        (None, Some(deployment)) => deployment.model.as_ref().to_owned(),
        (None, None) => String::new(),
    }
}

impl ExplainedReason {
    fn of(why: plan::Why, now: Instant) -> Self {
        Self {
            code: why.code(),
            message: why.words(now),
            again_in_ms: why.ends_at().map(|at| millis(at, now)),
        }
    }
}

impl ExplainedCall {
    fn of(snapshot: &Snapshot, record: &RouteRecord) -> Self {
        let text = |text: &Arc<str>| text.as_ref().to_owned();
        Self {
            call_id: text(&record.call_id),
            began_ms: snapshot.common.minutes.wall_ms(record.began),
            asked: text(&record.asked),
            strategy: record.strategy,
            attempts: record
                .attempts
                .iter()
                .map(|asked| ExplainedAttempt::of(asked, record.began))
                .collect(),
        }
    }
}

impl ExplainedAttempt {
    fn of(asked: &Asked, began: Instant) -> Self {
        let group: &Group = &asked.group;
        let member = asked.member.map(|member| &group.members[member]);
        let excluded = asked.excluded.iter().map(|it| ExplainedExclusion {
            deployment: group.members[it.member].id().to_owned(),
            why: ExplainedReason::of(it.why, began),
        });
        Self {
            group: group.name.as_ref().to_owned(),
            deployment: member.map(|member| member.id().to_owned()),
            model: member.map(model_of),
            failure: asked.failure,
            excluded: excluded.collect(),
        }
    }
}

fn millis(at: Instant, now: Instant) -> u64 {
    let span = at.saturating_duration_since(now);
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
