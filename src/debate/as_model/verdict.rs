//! A verdict as the answer of a model. Pure.

use crate::events::Ending;
use crate::types::debate::Outcome;
use crate::types::debate::Verdict;
use crate::types::debate::VerdictStatus;

/// The verdict in words: what came out first, then why, by how much, who disagreed, and what a reader should know.
pub(super) fn in_words(verdict: &Verdict) -> String {
    let mut parts = vec![headline(verdict)];
    if !verdict.reason.trim().is_empty() && verdict.answer.as_deref() != Some(&*verdict.reason) {
        parts.push(verdict.reason.trim().to_owned());
    }
    let mut lines = Vec::new();
    if let Some(margin) = verdict.margin {
        lines.push(format!("Margin: {:.0} %", margin * 100.0));
    }
    lines.extend(verdict.dissent.iter().map(|it| format!("Dissent: {it}")));
    lines.extend(verdict.notes.iter().map(|it| format!("Note: {it}")));
    if let Some(card) = verdict
        .card
        .as_ref()
        .filter(|card| !card.summary.is_empty())
    {
        lines.push(format!("Did debating help? {}", card.summary));
    }
    if !lines.is_empty() {
        parts.push(lines.iter().map(|line| format!("- {line}\n")).collect());
    }
    parts.join("\n\n").trim_end().to_owned()
}

fn headline(verdict: &Verdict) -> String {
    let leads = verdict.winner.as_ref().or(verdict.answer.as_ref());
    match (verdict.status, &verdict.winner, &verdict.answer) {
        (VerdictStatus::Decided, Some(winner), Some(answer)) if winner != answer => {
            format!("**The winner is {winner}.** {answer}")
        }
        (VerdictStatus::Decided, Some(winner), _) => format!("**The winner is {winner}.**"),
        (VerdictStatus::Decided, None, Some(answer)) => answer.clone(),
        (VerdictStatus::Forfeit, Some(winner), _) => {
            format!("**The winner is {winner}, because the other side could not speak.**")
        }
        (VerdictStatus::Forfeit, None, _) => "**A side could not speak.**".to_owned(),
        (VerdictStatus::Tie, _, _) => "**The debate ended in a tie.**".to_owned(),
        (VerdictStatus::TooClose, _, _) => match leads {
            Some(leads) => format!("**Too close to call.** In the lead, by too little: {leads}"),
            None => "**Too close to call.**".to_owned(),
        },
        (VerdictStatus::Decided, None, None) | (VerdictStatus::Undecided, _, _) => {
            "**The debate ended undecided.**".to_owned()
        }
    }
}

/// What stands behind the verdict when the debate did not go as it should, or instead of one; empty when all is well.
pub(super) fn ending(ending: &Ending, has_verdict: bool) -> String {
    let mut text = match (has_verdict, &ending.reason) {
        (true, None) => String::new(),
        (true, Some(reason)) => format!("The debate ended early: {reason}."),
        (false, Some(reason)) => format!("**The debate ended undecided:** {reason}."),
        (false, None) => "**The debate ended undecided.**".to_owned(),
    };
    let is_whole = ending.outcome == Outcome::Complete || ending.degraded.is_empty();
    if !is_whole {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str("Not everything went as it should:\n");
        text.extend(ending.degraded.iter().map(|line| format!("- {line}\n")));
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::debate::Totals;

    fn verdict(status: VerdictStatus, winner: Option<&str>, answer: Option<&str>) -> Verdict {
        Verdict {
            status,
            rule: "judge".to_owned(),
            winner: winner.map(str::to_owned),
            answer: answer.map(str::to_owned),
            reason: "It had the better evidence.".to_owned(),
            margin: None,
            panel: Vec::new(),
            baselines: Vec::new(),
            flips: Vec::new(),
            dissent: Vec::new(),
            swap_consistent: None,
            agreement: None,
            kappa: None,
            tally: Vec::new(),
            also: Vec::new(),
            card: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn every_outcome_is_said_and_an_undecided_one_is_no_answer() {
        for (verdict, wanted) in [
            (
                verdict(VerdictStatus::Decided, Some("pro"), None),
                "**The winner is pro.**",
            ),
            (
                verdict(VerdictStatus::Decided, None, Some("91 = 7 · 13")),
                "91 = 7 · 13",
            ),
            (
                verdict(VerdictStatus::Tie, None, None),
                "**The debate ended in a tie.**",
            ),
            (
                verdict(VerdictStatus::Undecided, None, None),
                "**The debate ended undecided.**",
            ),
            (
                verdict(VerdictStatus::TooClose, Some("con"), None),
                "**Too close to call.** In the lead, by too little: con",
            ),
        ] {
            let words = in_words(&verdict);
            let (first, rest) = words.split_once("\n\n").unwrap();
            assert_eq!((first, rest), (wanted, "It had the better evidence."));
        }
    }

    #[test]
    fn what_went_wrong_is_told_behind_the_verdict() {
        let mut told = verdict(VerdictStatus::Decided, Some("pro"), None);
        told.margin = Some(0.333);
        told.dissent = vec!["Curie: con".to_owned()];
        assert!(in_words(&told).ends_with("- Margin: 33 %\n- Dissent: Curie: con"));
        let ended = Ending {
            outcome: Outcome::Partial,
            degraded: vec!["the cap on calls ended the debate early".to_owned()],
            reason: Some("budget: calls".to_owned()),
            totals: Totals::default(),
        };
        let words = ending(&ended, false);
        assert!(
            words.starts_with("**The debate ended undecided:** budget: calls."),
            "{words}"
        );
        assert!(
            words.ends_with("- the cap on calls ended the debate early"),
            "{words}"
        );
    }
}
