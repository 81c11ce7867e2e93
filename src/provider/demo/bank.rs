//! The sentences that the demo models speak in, by what a sentence does and whose side it is on.
//!
//! Slots: `{topic}` the question in the reader's own words, `{who}` somebody it touches, `{aspect}` and
//! `{second}` two things to weigh. No sentence claims a fact about the world: this is canned text.

use super::prompt::Side;

/// What a sentence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Move {
    /// Says what is at stake and where the speaker stands.
    Frame,
    /// Gives a reason.
    Reason,
    /// Makes it concrete.
    Example,
    /// Grants something.
    Concede,
    /// Answers the other side.
    Rebut,
    /// Asks the other side.
    Ask,
    /// Answers a question.
    Answer,
    /// Ends a speech that is not the last.
    Handover,
    /// Ends the last speech.
    Close,
    /// Weighs the debate as a judge.
    Rule,
    /// Tells what was said.
    Recap,
}

/// Sentences of a move that suit a side.
pub(super) fn sentences(doing: Move, side: Side) -> &'static [&'static str] {
    match (doing, side) {
        (Move::Frame, Side::For) => FRAME_FOR,
        (Move::Frame, Side::Against) => FRAME_AGAINST,
        (Move::Frame, Side::Neither) => FRAME_NEITHER,
        (Move::Reason, Side::For) => REASON_FOR,
        (Move::Reason, Side::Against) => REASON_AGAINST,
        (Move::Reason, Side::Neither) => REASON_NEITHER,
        (Move::Example, _) => EXAMPLE,
        (Move::Concede, Side::For) => CONCEDE_FOR,
        (Move::Concede, Side::Against) => CONCEDE_AGAINST,
        (Move::Concede, Side::Neither) => CONCEDE_NEITHER,
        (Move::Rebut, Side::For) => REBUT_FOR,
        (Move::Rebut, Side::Against) => REBUT_AGAINST,
        (Move::Rebut, Side::Neither) => REBUT_NEITHER,
        (Move::Ask, _) => ASK,
        (Move::Answer, _) => ANSWER,
        (Move::Handover, _) => HANDOVER,
        (Move::Close, Side::For) => CLOSE_FOR,
        (Move::Close, Side::Against) => CLOSE_AGAINST,
        (Move::Close, Side::Neither) => CLOSE_NEITHER,
        (Move::Rule, _) => RULE,
        (Move::Recap, _) => RECAP,
    }
}

/// People for `{who}`.
pub(super) const WHO: &[&str] = &[
    "a nurse at the end of a night shift",
    "a family that lives on one income",
    "a town council with a small budget",
    "a teacher with thirty pupils",
    "a workshop of four people",
    "somebody who moved here last year",
    "a student in the first week of term",
    "a farmer who plans two seasons ahead",
];

/// Things to weigh, for `{aspect}` and `{second}`.
pub(super) const ASPECT: &[&str] = &[
    "trust",
    "fairness",
    "safety",
    "reliability",
    "equal access",
    "freedom of choice",
    "peace of mind",
    "everyday convenience",
    "accountability",
    "long-term care",
];

const FRAME_FOR: &[&str] = &[
    "On “{topic}” my answer is yes, and the reason is simpler than it looks: we already pay for not doing it.",
    "I stand for this, because “{topic}” is really a question about {aspect}, and there the case is strong.",
    "Let me begin with {who}: seen from there, “{topic}” stops being abstract, and yes becomes the natural answer.",
    "The careful answer to “{topic}” is a yes with open eyes, and I will say what those eyes should watch.",
];

const FRAME_AGAINST: &[&str] = &[
    "On “{topic}” my answer is no, not because the aim is bad but because this road does not lead there.",
    "I stand against this: “{topic}” sounds generous until one asks who settles the bill for {aspect}.",
    "Before we say yes to “{topic}”, picture {who}, and ask what exactly would be better on Monday morning.",
    "The honest answer to “{topic}” is no for now, and I will name what would have to change.",
];

const FRAME_NEITHER: &[&str] = &[
    "“{topic}” holds two questions in one coat: whether the aim is right, and whether the means are.",
    "I come to “{topic}” without a flag; what decides it for me is {aspect} against {second}.",
    "Most disagreement about “{topic}” is about {aspect}, although people argue as if it were about {second}.",
];

const REASON_FOR: &[&str] = &[
    "What is hard at first becomes routine, and routine is where the gains in {aspect} live.",
    "Waiting is a decision too, and it quietly hands the choice to whoever is comfortable already.",
    "When the rule is clear, people plan around it; uncertainty costs more than change does.",
    "The benefit is spread over many and the effort over few, so it needs somebody to speak for it.",
    "It scales in the right direction: each step makes the next one cheaper and easier to explain.",
    "It can be taken back in stages, which makes a careful yes far less daring than it sounds.",
    "Above all it moves {aspect} from luck to something that we can decide together.",
];

const REASON_AGAINST: &[&str] = &[
    "A good aim does not repair a weak mechanism, and the mechanism is what people will live with.",
    "The gain arrives slowly and for some, while the loss in {aspect} arrives at once and for others.",
    "Once it stands it gathers defenders, so the promise to revisit it later is worth little.",
    "It asks the people with the least slack to change first, and calls that progress.",
    "Smaller steps would teach us the same lesson at a fraction of the price.",
    "It trades something that we can see for something that we only hope for.",
    "It treats {aspect} as a detail to be settled later, and details settled later are settled badly.",
];

const REASON_NEITHER: &[&str] = &[
    "The evidence that would settle it is about {aspect}, and neither side has shown much of it.",
    "A rule that works for the average can still fail at both ends, so the ends deserve a look.",
    "Much depends on the order of the steps: first {aspect}, then {second}, and not the reverse.",
    "Where both sides expect the same outcome, the quarrel is about {aspect} and can be bargained over.",
    "A trial with a fixed end would tell us more than another year of argument.",
];

const EXAMPLE: &[&str] = &[
    "Take {who}: the difference shows not in a headline but in an ordinary week.",
    "Think of {who}, for whom {aspect} is no theory but the first thing in the morning.",
    "Put {who} at the table and the conversation turns to {aspect} within a minute.",
    "Imagine explaining the present state of things to {who} without blushing.",
    "For {who} the question is short: does it make tomorrow easier or harder?",
    "Ask {who} what would help, and the answer is rarely the one that experts rehearse.",
];

const CONCEDE_FOR: &[&str] = &[
    "I grant that the first months will be untidy; untidy is not the same as wrong.",
    "It is true that {aspect} needs watching, which is why I would write a review into the plan.",
    "The worry about {aspect} is fair, and it argues for doing this well rather than not at all.",
];

const CONCEDE_AGAINST: &[&str] = &[
    "I grant that the present is not good; a bad present does not make every change an improvement.",
    "The other side is right about the aim, and I would gladly meet them there by another road.",
    "If {aspect} could be guaranteed, I would be half persuaded; nobody has offered to guarantee it.",
];

const CONCEDE_NEITHER: &[&str] = &[
    "Both sides are right about something: one about the aim, the other about {aspect}.",
    "I hold this loosely; a single good counterexample on {aspect} would move me.",
    "There is a fair objection here, and it deserves an answer rather than a shrug.",
];

const REBUT_FOR: &[&str] = &[
    "We have just heard that it might go wrong; so might standing still, and nobody has priced that.",
    "The strongest point against me was {aspect}, yet it counts only if we assume that nobody learns.",
    "My opponent asks for certainty first; by that test nothing worth doing would have begun.",
    "Look closely at that objection and it is an argument about pace, not about direction.",
    "If {aspect} is the concern, then let us write it into the terms instead of walking away from them.",
    "That reply defends the present by describing only its good days.",
];

const REBUT_AGAINST: &[&str] = &[
    "We have just heard a hope presented as a plan; the missing part is who does what when it slips.",
    "The strongest point for it was {aspect}, but it holds only as long as everybody behaves as expected.",
    "My opponent says that waiting has a price; so has haste, and haste is paid by other people.",
    "Calling it reversible does not make it so: ask {who} how easily habits are returned.",
    "If the gain in {aspect} is as large as claimed, a small trial would show it, so why refuse one?",
    "That reply answers a milder version of my concern than the one I raised.",
];

const REBUT_NEITHER: &[&str] = &[
    "Both speakers lean on {aspect}, and both would have to admit that it cuts the other way as well.",
    "The last exchange turned on a word; replace it by {aspect} and half of the dispute is gone.",
    "I would press each side on the same point: what result would make you change your mind?",
    "Much of the last reply was about {second}, and that is not what was asked.",
];

const ASK: &[&str] = &[
    "If it fails on {aspect}, how would you notice, and who would have the power to stop it?",
    "Which would you give up first to have your way, {aspect} or {second}?",
    "What would {who} have to say to change your mind?",
    "You lean on {aspect}: what is left of your case if that turns out to be average?",
    "Would you still hold your view if you did not know on which side of it you would wake up?",
    "What is the smallest version of your proposal that you would still call a success?",
];

const ANSWER: &[&str] = &[
    "Directly: I would notice it in {aspect} first, and I would stop when two reviews in a row say so.",
    "A plain answer to a fair question: {aspect} comes before {second}, and I would say so in writing.",
    "Yes, that would weaken my case, though it would not turn it round.",
    "No, and here is the difference: you ask about the worst case, and I plan for it.",
    "The short answer is {who}; the longer one is that I trust a rule more when it can be seen from there.",
    "I would change my mind if {aspect} got worse for two years in a row; until then, the direction stands.",
];

const HANDOVER: &[&str] = &[
    "That is my case so far, and I am glad to be tested on {aspect}.",
    "I leave it there for now and listen for the best objection.",
    "So much from my side; the hard question, about {aspect}, is still to come.",
    "Those are my reasons, and I will answer for each of them.",
    "Let the next speaker begin with {who}, since that is where I would look for a weakness.",
];

const CLOSE_FOR: &[&str] = &[
    "So I ask you to weigh a known cost against a growing one, and to choose the future we can steer.",
    "Put the fears and the reasons side by side: the fears ask for care, the reasons ask for a yes.",
    "What remains after this debate is a plan with a brake, and that is a good thing to say yes to.",
    "I began with yes, and nothing that was said has taken {aspect} out of the scales.",
];

const CLOSE_AGAINST: &[&str] = &[
    "So I ask you to keep the aim and decline the instrument; that is not timidity but workmanship.",
    "After all that was said, the burden of proof still lies where it lay at the start, unlifted.",
    "Choose the step that can be taken back; this one, as it stands, cannot.",
    "I began with no, and every answer about {aspect} has made that no a little calmer and a little firmer.",
];

const CLOSE_NEITHER: &[&str] = &[
    "My advice is a bounded trial, judged by {aspect}, with the end date written down first.",
    "If I must lean, I lean towards the side that first says how it could be proved wrong.",
    "What is left is a choice about {aspect}, and that one belongs to the people who live with it.",
];

const RULE: &[&str] = &[
    "I judged the argument that was made, not the one that I would have made myself.",
    "The clash that mattered was over {aspect}; one side came back to it and the other moved on.",
    "Where a point was answered I counted the answer, and where it was dropped I counted that too.",
    "The margin is small: a single concrete example on {second} would have closed it.",
    "Style did not decide it; the better link from reason to conclusion did.",
    "The question about {who} was the test of the evening, and it was met by one side only.",
    "Neither side proved {aspect}, so the ruling rests on who was clearer about the cost of being wrong.",
];

const RECAP: &[&str] = &[
    "The debate on “{topic}” came down to two things, {aspect} and {second}.",
    "The case for it rested on the price of waiting, the case against it on who would pay first.",
    "Both sides agreed on more than they said: the aim was never in dispute, the pace was.",
    "What stayed open is how anybody would notice in time that it is going wrong.",
    "The sharpest moment was the question about {who}, which changed the tone on both sides.",
    "A fair next step would be a trial that both could sign, measured by {aspect}.",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MOVES: [Move; 11] = [
        Move::Frame,
        Move::Reason,
        Move::Example,
        Move::Concede,
        Move::Rebut,
        Move::Ask,
        Move::Answer,
        Move::Handover,
        Move::Close,
        Move::Rule,
        Move::Recap,
    ];

    #[test]
    fn there_are_enough_sentences_and_no_two_begin_alike() {
        let mut all: BTreeSet<&str> = BTreeSet::new();
        for doing in MOVES {
            for side in [Side::For, Side::Against, Side::Neither] {
                all.extend(sentences(doing, side));
            }
        }
        let beginnings: BTreeSet<String> = all
            .iter()
            .map(|text| text.chars().take(40).collect())
            .collect();
        assert!(all.len() >= 60, "{}", all.len());
        assert_eq!(beginnings.len(), all.len());
    }

    #[test]
    fn every_slot_is_one_that_is_filled() {
        for doing in MOVES {
            for side in [Side::For, Side::Against, Side::Neither] {
                for text in sentences(doing, side) {
                    let rest = ["{topic}", "{who}", "{aspect}", "{second}"]
                        .iter()
                        .fold((*text).to_owned(), |text, slot| text.replace(slot, ""));
                    assert!(!rest.contains(['{', '}']), "{text}");
                }
            }
        }
    }
}
