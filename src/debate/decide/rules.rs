//! How each rule counts. Pure: ballots in, points out; the order of the ballots never matters.

use super::paper::Choice;
use super::paper::Count;
use super::paper::Paper;
use super::paper::Says;
use super::paper::exact;
use super::paper::plain;
use super::paper::total;
use crate::types::debate::Rule;

/// Counts ballots by a rule.
///
/// A ballot that does not hold what the rule counts, such as a single choice where rankings are counted, does not
/// count. `Synthesis`, `Swing` and `Trajectory` look at more than one set of ballots and are not counted here.
pub(super) fn count(rule: Rule, papers: &[Paper]) -> Count {
    match rule {
        Rule::Majority
        | Rule::Plurality
        | Rule::Judge
        | Rule::Panel
        | Rule::Weighted
        | Rule::Consensus => single(papers),
        Rule::Approval => approval(papers),
        Rule::Cumulative => cumulative(papers),
        Rule::Borda => borda(papers),
        Rule::MeanRank => mean_rank(papers),
        Rule::Irv => super::irv::count(papers),
        Rule::Synthesis | Rule::Swing | Rule::Trajectory => Count::default(),
    }
}

/// Adds points to a choice; the first spelling is shown.
pub(super) fn give(
    groups: &mut Vec<(Choice, Vec<f64>)>,
    choice: &Choice,
    points: impl IntoIterator<Item = f64>,
) {
    match groups.iter_mut().find(|(known, _)| known.key == choice.key) {
        Some((known, all)) => {
            // The order of the ballots must not show: of several spellings the first by letter stands.
            if choice.shown < known.shown {
                known.shown.clone_from(&choice.shown);
            }
            all.extend(points);
        }
        None => groups.push((choice.clone(), points.into_iter().collect())),
    }
}

fn summed(groups: Vec<(Choice, Vec<f64>)>) -> Vec<(Choice, f64)> {
    let sum = |(choice, points)| (choice, total(points));
    groups.into_iter().map(sum).collect()
}

/// The first place of each ballot.
fn single(papers: &[Paper]) -> Count {
    let mut groups = Vec::new();
    let mut counted = 0;
    for paper in papers {
        if let Some(choice) = paper.says.first() {
            give(&mut groups, choice, [paper.weight]);
            counted += 1;
        }
    }
    let mut count = Count::most_first(summed(groups), counted);
    count.margin = share(count.lead(), count.total, counted);
    let whole = papers.iter().all(|paper| paper.weight == 1.0);
    let unit = if whole { "" } else { " of the weight" };
    let of = plain(count.total);
    count.words = in_words(&count, |points| {
        format!("{} of {of}{unit} for", plain(points))
    });
    count
}

/// Everything that a ballot approves of.
fn approval(papers: &[Paper]) -> Count {
    let mut groups = Vec::new();
    let mut weights = Vec::new();
    for paper in papers {
        let approved = match &paper.says {
            Says::One(choice) => vec![choice],
            Says::Several(choices) => choices.iter().collect(),
            Says::Nothing | Says::Ranking(_) | Says::Points(_) => continue,
        };
        weights.push(paper.weight);
        for choice in approved {
            give(&mut groups, choice, [paper.weight]);
        }
    }
    let counted = weights.len() as u32;
    let mut count = Count::most_first(summed(groups), counted);
    count.total = total(weights);
    count.margin = share(count.lead(), count.total, counted);
    let of = plain(count.total);
    count.words = in_words(&count, |points| {
        format!("{} of {of} approve of", plain(points))
    });
    count
}

/// The points that ballots give out.
fn cumulative(papers: &[Paper]) -> Count {
    let mut groups = Vec::new();
    let mut counted = 0;
    for paper in papers {
        let Says::Points(points) = &paper.says else {
            continue;
        };
        counted += 1;
        for (choice, points) in points {
            give(&mut groups, choice, [points * paper.weight]);
        }
    }
    let mut count = Count::most_first(summed(groups), counted);
    count.margin = share(count.lead(), count.total, counted);
    let of = plain(count.total);
    count.words = in_words(&count, |points| {
        format!("{} of {of} points for", plain(points))
    });
    count
}

/// The mean over the ballots that rank a choice of its normalised place: 1 for the first, 0 for the last.
///
/// The mean, and not the sum, because nobody ranks their own: an author whose ballot is missing would otherwise have
/// one ranking more than the others. A ranking of fewer than two says nothing.
fn borda(papers: &[Paper]) -> Count {
    let (groups, counted) = places(papers, |place, of| {
        (of - 1 - place) as f64 / (of - 1) as f64
    });
    let mut count = Count::most_first(mean(groups), counted);
    count.margin = (counted > 1 && count.tally.len() > 1).then(|| exact(count.lead()));
    count.words = in_words(&count, |points| format!("{} of 1 for", plain(points)));
    count
}

/// The mean place over the ballots that rank a choice, 1 for the first: the lowest wins.
fn mean_rank(papers: &[Paper]) -> Count {
    let (groups, counted) = places(papers, |place, _| (place + 1) as f64);
    let mut count = Count::fewest_first(mean(groups), counted);
    let span = count.tally.len().saturating_sub(1) as f64;
    count.margin = (counted > 1 && span > 0.0).then(|| exact(-count.lead() / span));
    count.words = in_words(&count, |points| format!("mean place {} for", plain(points)));
    count
}

type Weighed = Vec<(Choice, Vec<(f64, f64)>)>;

/// Each choice's values over the rankings, with the ballots' weights.
fn places(papers: &[Paper], value: impl Fn(usize, usize) -> f64) -> (Weighed, u32) {
    let mut groups: Weighed = Vec::new();
    let mut counted = 0;
    for paper in papers {
        let Says::Ranking(choices) = &paper.says else {
            continue;
        };
        if choices.len() < 2 {
            continue;
        }
        counted += 1;
        for (place, choice) in choices.iter().enumerate() {
            let got = (value(place, choices.len()), paper.weight);
            match groups.iter_mut().find(|(known, _)| known.key == choice.key) {
                Some((_, all)) => all.push(got),
                None => groups.push((choice.clone(), vec![got])),
            }
        }
    }
    (groups, counted)
}

fn mean(groups: Weighed) -> Vec<(Choice, f64)> {
    let of = |(choice, all): (Choice, Vec<(f64, f64)>)| {
        let sum = total(all.iter().map(|(value, weight)| value * weight).collect());
        let weight = total(all.iter().map(|(_, weight)| *weight).collect());
        let mean = if weight > 0.0 { sum / weight } else { 0.0 };
        (choice, exact(mean))
    };
    groups.into_iter().map(of).collect()
}

/// A part of a whole; `None` for fewer than two ballots, where a margin says nothing.
pub(super) fn share(part: f64, whole: f64, counted: u32) -> Option<f64> {
    (counted > 1 && whole > 0.0).then(|| exact(part / whole))
}

/// The tally in words.
pub(super) fn in_words(count: &Count, points: impl Fn(f64) -> String) -> String {
    if count.counted == 0 {
        return "no ballot could be counted".to_owned();
    }
    let each = count.tally.iter().map(|(choice, got)| {
        let shown: String = choice.shown.chars().take(80).collect();
        format!("{} \"{shown}\"", points(*got))
    });
    each.collect::<Vec<_>>().join(", ")
}
