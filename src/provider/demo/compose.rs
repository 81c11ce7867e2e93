//! Puts a speech together from the bank's sentences.

use std::collections::BTreeSet;

use super::bank;
use super::bank::Move;
use super::dice::Dice;
use super::prompt::Brief;
use super::prompt::Occasion;
use super::prompt::Side;

/// Stands before every text of the demo models, so that nobody takes one for a real model's.
pub(super) const LABEL: &str = "[demo]";

/// Composes a speech of about the words that were asked for.
pub(super) fn speech(brief: &Brief, dice: &mut Dice) -> String {
    let mut speaker = Speaker::new(brief, dice);
    let plan = plan_of(brief.occasion);
    let mut text = LABEL.to_owned();
    for doing in plan.begin {
        speaker.add(*doing, &mut text);
    }
    let mut middle = plan.middle.iter().cycle();
    // A sentence has about sixteen words, and a speech keeps room for its last one.
    let reserve = if plan.end.is_empty() { 18 } else { 32 };
    while !plan.middle.is_empty() && words_in(&text) + reserve <= brief.words {
        let Some(doing) = middle.next() else { break };
        if !speaker.add(*doing, &mut text) {
            break;
        }
    }
    if words_in(&text) + 12 <= brief.words {
        for doing in plan.end {
            speaker.add(*doing, &mut text);
        }
    }
    text
}

/// One sentence of a judge or a debater, for a field of a JSON answer.
pub(super) fn sentence(doing: Move, brief: &Brief, dice: &mut Dice) -> String {
    let mut text = LABEL.to_owned();
    Speaker::new(brief, dice).add(doing, &mut text);
    text
}

struct Plan {
    begin: &'static [Move],
    middle: &'static [Move],
    end: &'static [Move],
}

fn plan_of(occasion: Occasion) -> Plan {
    use Move::Answer;
    use Move::Ask;
    use Move::Close;
    use Move::Concede;
    use Move::Example;
    use Move::Frame;
    use Move::Handover;
    use Move::Reason;
    use Move::Rebut;
    use Move::Recap;
    use Move::Rule;
    let (begin, middle, end): (&[Move], &[Move], &[Move]) = match occasion {
        Occasion::Opening => (&[Frame], &[Reason, Example, Reason, Concede], &[Handover]),
        Occasion::Rebuttal => (&[Rebut], &[Reason, Rebut, Concede, Example], &[Handover]),
        Occasion::Asking => (&[Ask], &[], &[]),
        Occasion::Answering => (&[Answer], &[Reason, Example, Concede], &[]),
        Occasion::Closing => (&[Concede], &[Reason, Example, Rebut], &[Close]),
        Occasion::Ruling => (&[Rule], &[Rule], &[Rule]),
        Occasion::Summary => (&[Recap], &[Recap], &[Recap]),
    };
    Plan { begin, middle, end }
}

/// Says each sentence once, and prefers those that the debate has not heard.
struct Speaker<'a> {
    brief: &'a Brief,
    dice: &'a mut Dice,
    said: BTreeSet<&'static str>,
    side: Side,
}

impl<'a> Speaker<'a> {
    fn new(brief: &'a Brief, dice: &'a mut Dice) -> Self {
        Self {
            brief,
            dice,
            said: BTreeSet::new(),
            side: brief.side,
        }
    }

    /// Adds a sentence; `false` when this speech has used them all.
    fn add(&mut self, doing: Move, text: &mut String) -> bool {
        let unsaid: Vec<&'static str> = bank::sentences(doing, self.side)
            .iter()
            .copied()
            .filter(|pattern| !self.said.contains(pattern))
            .collect();
        let fresh: Vec<&'static str> = unsaid
            .iter()
            .copied()
            .filter(|pattern| !self.brief.said.contains(landmark(pattern)))
            .collect();
        let choice = if fresh.is_empty() { &unsaid } else { &fresh };
        if choice.is_empty() {
            return false;
        }
        let pattern = self.dice.pick(choice);
        self.said.insert(pattern);
        text.push(' ');
        text.push_str(&self.filled(pattern));
        true
    }

    fn filled(&mut self, pattern: &str) -> String {
        let aspect = self.dice.roll(bank::ASPECT.len());
        let further = 1 + self.dice.roll(bank::ASPECT.len() - 1);
        let second = bank::ASPECT[(aspect + further) % bank::ASPECT.len()];
        let text = pattern
            .replace("{who}", self.dice.pick(bank::WHO))
            .replace("{aspect}", bank::ASPECT[aspect])
            .replace("{second}", second);
        // The topic is a stranger's text, so it goes in last: its own braces fill nothing.
        text.replace("{topic}", &self.brief.topic)
    }
}

/// The longest piece of a pattern between its slots: what tells that it was said before.
fn landmark(pattern: &str) -> &str {
    pattern
        .split(['{', '}'])
        .max_by_key(|piece| piece.len())
        .unwrap_or(pattern)
}

fn words_in(text: &str) -> usize {
    text.split_whitespace().count()
}
