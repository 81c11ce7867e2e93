//! Who moved the audience: the shares of two polls, compared.

use super::paper::Choice;
use super::paper::Count;
use super::paper::exact;
use super::paper::plain;
use crate::types::debate::Tally;

/// Percentage points that each choice gained from one poll to the other, the most first; its leaders are the choices
/// that gained most, apart from those that name nobody (`undecided`, `none` and the like).
///
/// Shares are of all ballots of a poll, the undecided included. Nothing counts when a poll has no ballots.
pub(super) fn count(before: &[Tally], after: &[Tally]) -> Count {
    let sum = |tally: &[Tally]| tally.iter().map(|entry| entry.points).sum::<f64>();
    let (asked_before, asked_after) = (sum(before), sum(after));
    if asked_before <= 0.0 || asked_after <= 0.0 {
        return Count {
            words: "a poll before and one after are needed, each with a ballot at least".to_owned(),
            ..Count::default()
        };
    }
    let share = |tally: &[Tally], key: &str, asked: f64| {
        let votes = tally
            .iter()
            .filter(|entry| Choice::spelled(&entry.choice).key == key)
            .map(|entry| entry.points);
        100.0 * votes.sum::<f64>() / asked
    };
    let mut gains: Vec<(Choice, f64)> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for entry in before.iter().chain(after) {
        let choice = Choice::spelled(&entry.choice);
        if gains.iter().any(|(known, _)| known.key == choice.key) {
            continue;
        }
        let was = share(before, &choice.key, asked_before);
        let is = share(after, &choice.key, asked_after);
        let gain = exact(is - was);
        let sign = if gain > 0.0 { "+" } else { "" };
        told.push(format!(
            "{}: {} % to {} % ({sign}{} points)",
            choice.shown,
            plain(was),
            plain(is),
            plain(gain)
        ));
        gains.push((choice, gain));
    }
    let all = Count::most_first(gains.clone(), asked_after as u32);
    gains.retain(|(choice, _)| !choice.names_nobody());
    let standing = Count::most_first(gains, asked_after as u32);
    Count {
        leaders: standing.leaders.clone(),
        margin: Some(exact(standing.lead() / 100.0)),
        words: told.join("; "),
        ..all
    }
}
