//! What can be said before all ballots are in: whether a reader is asked again, and whether the rest still matters.

use super::super::state::State;
use super::super::state::TurnRecord;
use super::super::state::TurnStanding;
use super::super::view;
use super::ballots;
use super::paper::Choice;
use super::paper::Paper;
use super::paper::Says;
use super::rules;
use super::wanted;
use super::weights;
use crate::types::debate::Choices;
use crate::types::debate::Decision;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::Rule;
use crate::types::debate::Weights;

/// The judges' field that says by how much a side won.
pub(super) const MARGIN: &str = "margin";
/// Up to this margin a ruling is asked for again with the order reversed.
const CLOSE: f64 = 1.0;

/// `true` when a ballot has to be asked for again with the order reversed: its phase asks for that, it can be read,
/// and its `margin` field is 1 or less, or it has none.
///
/// A wide margin is taken at its word: asking again costs as much as judging once.
pub(in crate::debate) fn needs_swap(state: &State, index: usize) -> bool {
    let Some(turn) = state.turns().get(index) else {
        return false;
    };
    let swaps = state
        .spec()
        .format
        .phase(&turn.phase)
        .is_some_and(|phase| phase.swap);
    let readable = turn.standing == TurnStanding::Done && turn.parsed.is_some();
    if !swaps || turn.swapped || !readable {
        return false;
    }
    margin(turn).is_none_or(|margin| margin <= CLOSE)
}

/// The margin that a ruling gives, where it gives one.
pub(super) fn margin(turn: &TurnRecord) -> Option<f64> {
    turn.parsed.as_ref()?.get(MARGIN)?.as_f64()
}

/// `true` when no ballot that is still missing in the repetition under way can change who leads.
///
/// Careful rather than quick: `false` wherever a missing ballot could at least make a tie, break a quorum or a least
/// margin, or where the ballots are read twice.
pub(in crate::debate) fn lead_unassailable(state: &State) -> bool {
    let Some(last) = state.turns().last() else {
        return false;
    };
    let format = &state.spec().format;
    let Some((decision, field)) = wanted::of_phase(state, &last.phase) else {
        return false;
    };
    let swaps = format.phase(&last.phase).is_some_and(|phase| phase.swap);
    if swaps || decision.min_margin > 0.0 {
        return false;
    }
    let of_block: Vec<&TurnRecord> = state
        .turns()
        .iter()
        .filter(|turn| turn.phase == last.phase && turn.round == last.round)
        .collect();
    let missing: Vec<&TurnRecord> = of_block
        .iter()
        .filter(|turn| matches!(turn.standing, TurnStanding::Open | TurnStanding::Held))
        .copied()
        .collect();
    let papers: Vec<Paper> = ballots::gather(state, &field, decision.weights)
        .into_iter()
        .filter(|given| given.ballot.counts && state.turns()[given.turn].round == last.round)
        .map(|given| given.paper)
        .collect();
    if (papers.len() as f64) < decision.quorum * of_block.len() as f64 {
        return false;
    }
    Standing {
        state,
        decision: &decision,
        field: &field,
        papers,
        missing,
    }
    .settled()
}

struct Standing<'a> {
    state: &'a State,
    decision: &'a Decision,
    field: &'a FieldRef,
    papers: Vec<Paper>,
    missing: Vec<&'a TurnRecord>,
}

impl Standing<'_> {
    fn settled(&self) -> bool {
        let count = rules::count(self.decision.rule, &self.papers);
        let [leader] = count.leaders.as_slice() else {
            return false;
        };
        match self.decision.rule {
            Rule::Majority
            | Rule::Plurality
            | Rule::Judge
            | Rule::Panel
            | Rule::Weighted
            | Rule::Approval => count.lead() > self.outstanding(),
            Rule::Cumulative => self
                .budget()
                .is_some_and(|each| count.lead() > each * self.outstanding()),
            // More than half of all first places cannot be caught up with.
            Rule::Irv => {
                let first = self
                    .papers
                    .iter()
                    .filter(|paper| paper.says.first().is_some_and(|it| it.key == leader.key))
                    .map(|paper| paper.weight);
                let cast = self.papers.iter().map(|paper| paper.weight);
                first.sum::<f64>() * 2.0 > cast.sum::<f64>() + self.outstanding()
            }
            Rule::Borda | Rule::MeanRank => self.places_are_settled(leader),
            // A missing ballot can still break a consensus; the others are not decided by ballots.
            Rule::Consensus | Rule::Synthesis | Rule::Swing | Rule::Trajectory => false,
        }
    }

    /// The most that the missing ballots can weigh together.
    fn outstanding(&self) -> f64 {
        let most = |turn: &&TurnRecord| match self.decision.weights {
            Weights::Equal | Weights::Confidence | Weights::ReconcileSteps => 1.0,
            Weights::Rating => weights::Scale::new(self.state, Weights::Rating).of(turn),
        };
        self.missing.iter().map(most).sum()
    }

    /// The points that each ballot gives out.
    fn budget(&self) -> Option<f64> {
        let phase = self.state.spec().format.phase(&self.field.phase)?;
        let contract = self.state.spec().format.contracts.get(&phase.contract)?;
        let field = contract
            .fields
            .iter()
            .find(|it| it.name == self.field.field)?;
        let FieldKind::Points(sum) = field.kind else {
            return None;
        };
        Some(f64::from(sum))
    }

    /// Compares the leader's mean if every missing ballot puts it last with each other's if every one puts it first.
    fn places_are_settled(&self, leader: &Choice) -> bool {
        let one_length = self.papers.windows(2).all(|pair| match pair {
            [a, b] => a.says.choices().len() == b.says.choices().len(),
            _ => true,
        });
        // Means of places compare only among rankings of one length, and weights of missing ballots are not known.
        if self.decision.weights != Weights::Equal
            || (self.decision.rule == Rule::MeanRank && !one_length)
        {
            return false;
        }
        let mut candidates: Vec<Choice> = Vec::new();
        for choice in self.candidates() {
            if candidates.iter().all(|known| known.key != choice.key) {
                candidates.push(choice);
            }
        }
        let worst = self.bound(leader, 0.0);
        candidates
            .iter()
            .filter(|choice| choice.key != leader.key)
            .all(|choice| self.bound(choice, 1.0) < worst)
    }

    /// The mean normalised place of a choice when each missing ballot gives it this many points.
    fn bound(&self, choice: &Choice, missing_points: f64) -> f64 {
        let (mut sum, mut ballots) = (0.0, 0.0);
        for paper in &self.papers {
            let Says::Ranking(ranking) = &paper.says else {
                continue;
            };
            let place = ranking.iter().position(|other| other.key == choice.key);
            if let (Some(place), true) = (place, ranking.len() > 1) {
                sum += (ranking.len() - 1 - place) as f64 / (ranking.len() - 1) as f64;
                ballots += 1.0;
            }
        }
        let author = choice.turn.map(|turn| self.state.turns()[turn].member);
        let may_rank = self
            .missing
            .iter()
            .filter(|turn| Some(turn.member) != author)
            .count() as f64;
        let all = ballots + may_rank;
        if all > 0.0 {
            (sum + missing_points * may_rank) / all
        } else {
            missing_points
        }
    }

    /// Everything that can be ranked, also what no ballot has ranked yet.
    fn candidates(&self) -> Vec<Choice> {
        let ranked = self.papers.iter().flat_map(|paper| paper.says.choices());
        let mut candidates: Vec<Choice> = ranked.cloned().collect();
        for turn in &self.missing {
            let contract = ballots::contract_of(self.state, turn);
            if let Some(Choices::Phase(_)) = contract.and_then(|it| it.choices.as_ref()) {
                let labels = view::labels(self.state, turn);
                let written = labels
                    .iter()
                    .map(|(_, index)| ballots::written(self.state, *index));
                candidates.extend(written);
            }
        }
        candidates
    }
}
