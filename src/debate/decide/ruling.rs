//! From ballots to who won: one decision of a format, with its count.

use super::super::format::spelling;
use super::super::state::State;
use super::super::state::TurnRecord;
use super::super::state::TurnStanding;
use super::ballots;
use super::ballots::Given;
use super::held_choice;
use super::is_debater;
use super::lead;
use super::paper::Choice;
use super::paper::Count;
use super::paper::Paper;
use super::paper::Says;
use super::paper::plain;
use super::rules;
use super::swing;
use super::tie;
use super::trajectory;
use super::wanted;
use crate::types::debate::ContractKind;
use crate::types::debate::Decision;
use crate::types::debate::FieldRef;
use crate::types::debate::PhaseKind;
use crate::types::debate::Rule;
use crate::types::debate::Tally;
use crate::types::debate::VerdictStatus;
use crate::types::debate::Weights;

/// What one decision came to.
#[derive(Debug)]
pub(super) struct Ruling {
    /// The rule that decided.
    pub(super) rule: String,
    /// Whether it decided.
    pub(super) status: VerdictStatus,
    /// Who leads, also where that is not enough to win; `None` for a tie.
    pub(super) leader: Option<Choice>,
    /// The winning text, where it is none of the choices.
    pub(super) text: Option<String>,
    /// The count.
    pub(super) count: Count,
    /// The ballots, those that do not count included.
    pub(super) given: Vec<Given>,
    /// The field that was counted.
    pub(super) field: String,
    /// Why it came out so, before the count.
    pub(super) because: Option<String>,
}

impl Ruling {
    fn nothing(rule: Rule, because: &str) -> Self {
        Self {
            rule: spelling::rule(rule).to_owned(),
            status: VerdictStatus::Undecided,
            leader: None,
            text: None,
            count: Count::default(),
            given: Vec::new(),
            field: String::new(),
            because: Some(because.to_owned()),
        }
    }

    /// Who won.
    pub(super) fn won(&self) -> Option<&Choice> {
        let decided = self.status == VerdictStatus::Decided;
        self.leader.as_ref().filter(|_| decided)
    }

    /// The count as it is published.
    pub(super) fn tally(&self) -> Vec<Tally> {
        let entry = |(choice, points): &(Choice, f64)| Tally {
            choice: choice.shown.clone(),
            points: *points,
        };
        self.count.tally.iter().map(entry).collect()
    }
}

/// Decides by one of a format's decisions.
pub(super) fn of(state: &State, decision: &Decision) -> Ruling {
    match decision.rule {
        Rule::Synthesis => synthesis(state, decision),
        Rule::Swing => by_swing(state, decision),
        Rule::Trajectory => by_trajectory(state, decision),
        Rule::Majority
        | Rule::Plurality
        | Rule::Judge
        | Rule::Panel
        | Rule::Weighted
        | Rule::Approval
        | Rule::Borda
        | Rule::MeanRank
        | Rule::Cumulative
        | Rule::Irv
        | Rule::Consensus => by_ballots(state, decision),
    }
}

fn by_ballots(state: &State, decision: &Decision) -> Ruling {
    let poll = |phase: &str| {
        let phase = state.spec().format.phase(phase);
        phase.is_some_and(|phase| phase.kind == PhaseKind::Poll)
    };
    if let Some(field) = decision.of.iter().rfind(|field| poll(&field.phase)) {
        let papers = voters(&poll_tally(state, field));
        return settled(state, decision, (papers, Vec::new()), field);
    }
    let Some(field) = ballots::deciding(state, &decision.of) else {
        return Ruling::nothing(decision.rule, "no ballot was asked for");
    };
    let given = ballots::gather(state, field, decision.weights);
    settled(state, decision, (ballots::counting(&given), given), field)
}

/// A poll's votes as ballots.
fn voters(tally: &[Tally]) -> Vec<Paper> {
    let votes = tally.iter().flat_map(|entry| {
        let paper = Paper {
            says: Says::One(Choice::spelled(&entry.choice)),
            weight: 1.0,
        };
        std::iter::repeat_n(paper, entry.points as usize)
    });
    votes.collect()
}

fn settled(
    state: &State,
    decision: &Decision,
    (papers, given): (Vec<Paper>, Vec<Given>),
    field: &FieldRef,
) -> Ruling {
    let count = rules::count(decision.rule, &papers);
    let leader = match count.leaders.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        equal if decision.weights == Weights::ReconcileSteps => first_held(equal, &given),
        equal => tie::broken(state, equal, decision.tie, &given),
    };
    let (status, because) = status(state, decision, &count, (leader.as_ref(), &given));
    // More than half of those who answered; less than that has won by being the largest group only.
    let short = count.lead_share() <= 0.5;
    let rule = match decision.rule {
        Rule::Majority if short => Rule::Plurality,
        rule => rule,
    };
    Ruling {
        rule: spelling::rule(rule).to_owned(),
        status,
        leader,
        text: None,
        count,
        given,
        field: field.field.clone(),
        because,
    }
}

/// Of equal answers the one whose first holder sits first: the released code of `ReConcile` gives every answer the same
/// 1e-5 with its first holder and then takes the first of the greatest, so that the order of the agents breaks its ties.
fn first_held(equal: &[Choice], given: &[Given]) -> Option<Choice> {
    let held = given.iter().filter(|given| given.ballot.counts);
    held.filter_map(|given| given.paper.says.first())
        .find_map(|choice| equal.iter().find(|it| it.key == choice.key))
        .cloned()
}

fn status(
    state: &State,
    decision: &Decision,
    count: &Count,
    (leader, given): (Option<&Choice>, &[Given]),
) -> (VerdictStatus, Option<String>) {
    let wavering = given.iter().filter(|it| it.turns_with_the_order()).count() as u32;
    let needed = decision.quorum * given.len() as f64;
    if count.counted == 0 || f64::from(count.counted) < needed - 1e-9 {
        let enough = f64::from(count.counted + wavering) >= needed - 1e-9;
        if wavering > 0 && enough {
            let because = format!(
                "too close to call: {wavering} of {} ballots change with the order of reading",
                given.len()
            );
            return (VerdictStatus::TooClose, Some(because));
        }
        let because = (count.counted > 0).then(|| {
            format!(
                "only {} of {} ballots count, and {} are needed",
                count.counted,
                given.len(),
                plain(needed.ceil())
            )
        });
        return (VerdictStatus::Undecided, because);
    }
    let Some(leader) = leader else {
        return (VerdictStatus::Tie, None);
    };
    if has_sides(state) && leader.names_nobody() {
        return (VerdictStatus::Tie, None);
    }
    match too_close(state, decision, (count, leader), given) {
        Some(because) => (VerdictStatus::TooClose, Some(because)),
        None => (VerdictStatus::Decided, None),
    }
}

/// Why a lead is not enough to win.
fn too_close(
    state: &State,
    decision: &Decision,
    (count, leader): (&Count, &Choice),
    given: &[Given],
) -> Option<String> {
    if decision.rule == Rule::Consensus {
        let share = count.lead_share();
        if share <= 0.5 || share < decision.threshold - 1e-9 {
            return Some(format!(
                "no consensus: \"{}\" has {} % of the ballots, and {} % are needed",
                leader.shown,
                plain(100.0 * share),
                plain(100.0 * decision.threshold)
            ));
        }
    }
    let margin = points_margin(state, leader, given).or(count.margin)?;
    let asked = decision.min_margin > 0.0;
    (asked && margin < decision.min_margin - 1e-9).then(|| {
        format!(
            "too close to call: \"{}\" leads by {}, and {} are needed",
            leader.shown,
            plain(margin),
            plain(decision.min_margin)
        )
    })
}

/// The mean of the margins that the counted rulings give: for the leader they add, for another they take away, and a
/// tie adds nothing. `None` when no ruling gives one.
fn points_margin(state: &State, leader: &Choice, given: &[Given]) -> Option<f64> {
    let signed = |given: &Given| {
        let margin = lead::margin(&state.turns()[given.turn])?;
        let choice = given.paper.says.first()?;
        Some(if choice.key == leader.key {
            margin
        } else if choice.names_nobody() {
            0.0
        } else {
            -margin
        })
    };
    let counted = given.iter().filter(|given| given.ballot.counts);
    let margins: Vec<f64> = counted.filter_map(signed).collect();
    (!margins.is_empty()).then(|| margins.iter().sum::<f64>() / margins.len() as f64)
}

fn has_sides(state: &State) -> bool {
    let roles = &state.spec().format.roles;
    roles.iter().any(|role| role.side.is_some())
}

/// The text of the chair; without one, the best-ranked answer, which says that it is no synthesis.
fn synthesis(state: &State, decision: &Decision) -> Ruling {
    let ranked = wanted::aggregate(state).map(|(decision, field)| {
        let given = ballots::gather(state, &field, decision.weights);
        settled(state, &decision, (ballots::counting(&given), given), &field)
    });
    let written = state.turns().iter().rev().find_map(|turn| {
        let field = decision.of.iter().find(|field| field.phase == turn.phase)?;
        let done = turn.standing == TurnStanding::Done && !turn.swapped;
        done.then(|| text_of(state, turn, &field.field)).flatten()
    });
    let mut ruling = ranked.unwrap_or_else(|| {
        Ruling::nothing(
            Rule::Synthesis,
            "nobody wrote a synthesis, and nothing ranks the answers",
        )
    });
    if let Some(text) = written {
        ruling.rule = spelling::rule(Rule::Synthesis).to_owned();
        ruling.status = VerdictStatus::Decided;
        ruling.because = Some("the answers were put together into one".to_owned());
        ruling.text = Some(text);
    } else if ruling.status == VerdictStatus::Decided {
        let best = ruling.leader.as_ref().map(|it| it.shown.clone());
        ruling.because = Some(format!(
            "nobody wrote a synthesis: this is the best-ranked answer, by {}",
            best.unwrap_or_default()
        ));
    }
    ruling
}

/// A field of a turn as text; of a contract without fields, what was said.
pub(super) fn text_of(state: &State, turn: &TurnRecord, field: &str) -> Option<String> {
    let said = turn.parsed.as_ref().and_then(|parsed| parsed.get(field));
    if let Some(text) = said.and_then(|value| value.as_str()) {
        return Some(text.trim().to_owned());
    }
    let free = ballots::contract_of(state, turn)?.kind == ContractKind::Text;
    let text = turn.text.trim();
    (free && !text.is_empty()).then(|| text.to_owned())
}

fn by_swing(state: &State, decision: &Decision) -> Ruling {
    let (Some(after), Some(before)) = (decision.of.last(), decision.minus.as_ref()) else {
        return Ruling::nothing(decision.rule, "a swing compares two polls");
    };
    let count = swing::count(&poll_tally(state, before), &poll_tally(state, after));
    let leader = match count.leaders.as_slice() {
        [only] => Some(only.clone()),
        [] => None,
        equal => tie::broken(state, equal, decision.tie, &[]),
    };
    let near = count
        .margin
        .is_some_and(|margin| 100.0 * margin < decision.min_margin - 1e-9);
    let status = match &leader {
        _ if count.counted == 0 => VerdictStatus::Undecided,
        None => VerdictStatus::Tie,
        Some(_) if near => VerdictStatus::TooClose,
        Some(_) => VerdictStatus::Decided,
    };
    Ruling {
        rule: spelling::rule(decision.rule).to_owned(),
        status,
        leader,
        text: None,
        count,
        given: Vec::new(),
        field: after.field.clone(),
        because: None,
    }
}

/// The votes of a poll's last repetition.
pub(super) fn poll_tally(state: &State, field: &FieldRef) -> Vec<Tally> {
    let of_phase = state.polls().iter().rfind(|poll| poll.phase == field.phase);
    of_phase.map(|poll| poll.tally()).unwrap_or_default()
}

fn by_trajectory(state: &State, decision: &Decision) -> Ruling {
    let mut blocks: Vec<(&str, u32)> = Vec::new();
    let mut courses: Vec<Vec<(u32, Choice)>> = vec![Vec::new(); state.spec().cast.len()];
    let of_decision = |turn: &&TurnRecord| {
        is_debater(state, turn.member) && decision.of.iter().any(|it| it.phase == turn.phase)
    };
    for turn in state.turns().iter().filter(of_decision) {
        let block = (turn.phase.as_str(), turn.round);
        if blocks.last() != Some(&block) {
            blocks.push(block);
        }
        if let Some(choice) = held_choice(state, turn) {
            courses[turn.member].push((blocks.len() as u32 - 1, choice));
        }
    }
    let count = trajectory::count(&courses);
    let field = ballots::deciding(state, &decision.of);
    let given = field.map(|field| ballots::gather(state, field, decision.weights));
    let given = given.unwrap_or_default();
    let leader = match count.leaders.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        equal => tie::broken(state, equal, decision.tie, &given),
    };
    let (status, because) = status(state, decision, &count, (leader.as_ref(), &given));
    Ruling {
        rule: spelling::rule(decision.rule).to_owned(),
        status,
        leader,
        text: None,
        count,
        given,
        field: field.map(|field| field.field.clone()).unwrap_or_default(),
        because,
    }
}
