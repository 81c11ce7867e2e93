//! The answer with the best course over all rounds, as in Free-MAD (arXiv 2509.11035).
//!
//! The weights 20, 25, 30, 20 and the factor 1 / (k + 1) in round k are those that github.com/jonathansantilli/freemad
//! (`PRD.md`, 2.2 and 4.4, read 2026-11-24) gives for the paper's score; leaving out unread rounds is ours.

use super::paper::Choice;
use super::paper::Count;
use super::paper::plain;
use super::paper::total;
use super::rules::give;
use super::rules::in_words;
use super::rules::share;

/// For an answer that an agent begins with.
const BEGUN: f64 = 20.0;
/// Taken from an answer that an agent gives up.
const ABANDONED: f64 = 25.0;
/// For an answer that an agent comes over to.
const ADOPTED: f64 = 30.0;
/// For an answer that an agent keeps.
const KEPT: f64 = 20.0;

/// Scores answers by their course. `courses` holds for each agent what it answered, with the round, counted from 0;
/// a round without an answer is left out.
///
/// An agent's first answer gains 20. In a later round `k` an answer that it keeps gains `20 / (k + 1)`; when it
/// changes, its old answer loses `25 / (k + 1)` and the new one gains `30 / (k + 1)`: late changes, which are more
/// often conformity, weigh less. The most points win, even of an answer that few hold at the end.
pub(super) fn count(courses: &[Vec<(u32, Choice)>]) -> Count {
    let mut groups: Vec<(Choice, Vec<f64>)> = Vec::new();
    for course in courses {
        if let Some((_, first)) = course.first() {
            give(&mut groups, first, [BEGUN]);
        }
        for step in course.windows(2) {
            let [(_, before), (round, after)] = step else {
                continue;
            };
            let fading = 1.0 / f64::from(round + 1);
            if before.key == after.key {
                give(&mut groups, after, [KEPT * fading]);
            } else {
                give(&mut groups, before, [-ABANDONED * fading]);
                give(&mut groups, after, [ADOPTED * fading]);
            }
        }
    }
    let agents = courses.iter().filter(|course| !course.is_empty()).count() as u32;
    let tally = groups
        .into_iter()
        .map(|(choice, points)| (choice, total(points)))
        .collect();
    let mut count = Count::most_first(tally, agents);
    let gained = count.tally.iter().map(|(_, points)| points.max(0.0));
    count.total = total(gained.collect());
    count.margin = share(count.lead(), count.total, agents).map(|margin| margin.min(1.0));
    count.words = in_words(&count, |points| format!("{} points for", plain(points)));
    count
}
