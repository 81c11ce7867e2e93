//! Instant run-off: the weakest choice leaves, its ballots go to their next, until one has more than half.

use super::paper::Choice;
use super::paper::Count;
use super::paper::Paper;
use super::paper::Says;
use super::paper::plain;
use super::paper::total;
use super::rules::give;
use super::rules::share;
use crate::types::debate::Rule;

/// Counts rankings.
///
/// Of several weakest, the one that had fewest in the round before leaves, back to the first round; then the one whose
/// mean place over all rankings is the worst. Those that are still equal leave together, so that no order of names or
/// ballots decides. If that would leave none, they are the leaders, equal. A ballot whose choices have all left counts
/// no more.
pub(super) fn count(papers: &[Paper]) -> Count {
    let ballots: Vec<(Vec<&Choice>, f64)> = papers
        .iter()
        .filter_map(|paper| match &paper.says {
            Says::Ranking(choices) if !choices.is_empty() => {
                Some((choices.iter().collect(), paper.weight))
            }
            Says::One(choice) => Some((vec![choice], paper.weight)),
            Says::Nothing | Says::Ranking(_) | Says::Several(_) | Says::Points(_) => None,
        })
        .collect();
    let counted = ballots.len() as u32;
    if counted == 0 {
        return Count {
            words: "no ballot could be counted".to_owned(),
            ..Count::default()
        };
    }
    let borda = super::rules::count(Rule::Borda, papers);
    let mut left: Vec<String> = Vec::new();
    let mut rounds: Vec<Count> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    loop {
        let round = round(&ballots, &left, counted);
        told.push(sentence(rounds.len() + 1, &round));
        rounds.push(round);
        let Some(present) = rounds.last() else { break };
        let won = present.lead_share() > 0.5 && present.leaders.len() == 1;
        let out = weakest(&rounds, &borda);
        if won || out.len() == present.tally.len() {
            break;
        }
        let names: Vec<&str> = out.iter().map(|choice| choice.shown.as_str()).collect();
        let leave = if names.len() == 1 { "leaves" } else { "leave" };
        told.push(format!("\"{}\" {leave}", names.join("\" and \"")));
        left.extend(out.into_iter().map(|choice| choice.key));
    }
    let mut last = rounds.pop().unwrap_or_default();
    last.margin = share(last.lead(), last.total, counted);
    last.words = told.join("; ");
    last
}

/// The first choices of the ballots, without those that have left.
fn round(ballots: &[(Vec<&Choice>, f64)], left: &[String], counted: u32) -> Count {
    let remains = |choice: &&&Choice| !left.contains(&choice.key);
    let mut groups: Vec<(Choice, Vec<f64>)> = Vec::new();
    for (choices, weight) in ballots {
        // A choice that nobody puts first stands, too, with nothing.
        for choice in choices.iter().filter(remains) {
            give(&mut groups, choice, []);
        }
        if let Some(first) = choices.iter().find(remains) {
            give(&mut groups, first, [*weight]);
        }
    }
    let tally = groups
        .into_iter()
        .map(|(choice, points)| (choice, total(points)))
        .collect();
    Count::most_first(tally, counted)
}

/// Those of the last round that have fewest, told apart by the rounds before and then by their places on all ballots.
fn weakest(rounds: &[Count], borda: &Count) -> Vec<Choice> {
    let Some(present) = rounds.last() else {
        return Vec::new();
    };
    let mut weakest: Vec<Choice> = present.tally.iter().map(|(it, _)| it.clone()).collect();
    for round in rounds.iter().rev().chain([borda]) {
        let fewest = weakest
            .iter()
            .map(|choice| round.points(&choice.key))
            .fold(f64::INFINITY, f64::min);
        weakest.retain(|choice| round.points(&choice.key) == fewest);
    }
    weakest
}

fn sentence(number: usize, round: &Count) -> String {
    let each = round
        .tally
        .iter()
        .map(|(choice, points)| format!("\"{}\" {}", choice.shown, plain(*points)));
    let each = each.collect::<Vec<_>>().join(", ");
    format!("round {number}: {each} of {}", plain(round.total))
}

impl Count {
    /// The share of the first of everything.
    pub(super) fn lead_share(&self) -> f64 {
        let first = self.tally.first().map_or(0.0, |(_, points)| *points);
        if self.total > 0.0 {
            first / self.total
        } else {
            0.0
        }
    }
}
