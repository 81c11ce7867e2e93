//! Who sees what: the log and a reader in, the messages of a request out. Pure.
//!
//! What others wrote is data: it stands between fences that carry a mark which their writers never saw,
//! and the system message says that nothing inside a fence is an instruction. Outside the fences stands nothing
//! that a speaker or a watcher wrote.

mod ballots;
mod fence;
mod fit;
mod label;
mod mask;
mod section;
#[cfg(test)]
mod tests;
mod visible;
mod words;

use std::borrow::Cow;

use fence::Fence;
use fit::Request;
use fit::message_tokens;

use super::contract;
use super::state::State;
use super::state::TurnRecord;
use super::state::TurnStanding;
use crate::events::Purpose;
use crate::types::Message;
use crate::types::Role;
use crate::types::debate::Atom;
use crate::types::debate::CastMember;
use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::Sight;
use crate::types::debate::Spec;

/// What a speaker is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rendered {
    /// The request.
    pub(super) messages: Vec<Message>,
    /// How many bytes at the beginning of the question are the same in every request to this agent.
    pub(super) steady_bytes: usize,
    /// What was left out to fit the model's window, one line each.
    pub(super) left_out: Vec<String>,
    /// Why the request must not be made: it does not fit the window even so.
    pub(super) overflow: Option<String>,
}

/// Renders the request of a turn's present call: the turn itself, mending its answer, or having it read by
/// another model.
///
/// It begins with what stays the same from turn to turn of one agent, to the byte, and ends with the newest.
pub(super) fn render(state: &State, turn: &TurnRecord) -> Rendered {
    let reader = Reader::new(state, turn);
    let choices = choices(state, turn);
    let unreadable = turn.unreadable.as_ref();
    if let (Purpose::Extract, Some((answer, _))) = (turn.purpose, unreadable) {
        return reader.extraction(answer, &choices);
    }
    let mut after = Vec::new();
    if let (Purpose::Repair, Some((answer, problem))) = (turn.purpose, unreadable) {
        let again = contract::repair_prompt(&reader.contract, &choices, problem);
        after.push(Message::text(Role::Assistant, answer.clone()));
        after.push(Message::text(Role::User, again));
    }
    let system = reader.system();
    let window = state.voice(turn.member).window_tokens;
    let kept = u64::from(answer_tokens(state, turn));
    let taken: u64 = after
        .iter()
        .map(|message| message_tokens(&message.joined_text()))
        .sum();
    let taken = taken + message_tokens(&system) + kept;
    let request = Request {
        sections: reader.sections(),
        task: reader.task(&choices),
        summary: reader.replacement(),
    };
    let steady_bytes = request.steady_bytes();
    let fitted = request.fit(window.map(|window| window.saturating_sub(taken)));
    let overflow = window.filter(|_| fitted.over > 0).map(|window| {
        format!(
            "about {} tokens are needed with {kept} for the answer, and the window of {} holds {window}",
            taken + message_tokens(&fitted.text),
            turn.model
        )
    });
    let mut messages = vec![
        Message::text(Role::System, system),
        Message::text(Role::User, fitted.text),
    ];
    messages.extend(after);
    Rendered {
        messages,
        steady_bytes,
        left_out: fitted.left_out,
        overflow,
    }
}

/// Tokens that the answer of a turn may have: the agent's or the phase's figure, and at most half the window.
pub(super) fn answer_tokens(state: &State, turn: &TurnRecord) -> u32 {
    let spec = state.spec();
    let phase = spec.format.phase(&turn.phase);
    let most = phase.map_or(0, |phase| phase.tokens);
    let own = spec.cast[turn.member].max_tokens;
    let most = own.map_or(most, |own| own.min(most));
    let half = state
        .voice(turn.member)
        .window_tokens
        .map(|window| window / 2);
    half.map_or(most, |half| {
        most.min(u32::try_from(half).unwrap_or(u32::MAX))
    })
}

/// What the ballot of a turn is over, in the words that its reader saw and in the order shown; empty when the
/// turn's contract is over nothing, or over words of its own.
pub(super) fn choices(state: &State, turn: &TurnRecord) -> Vec<String> {
    match &state.contract_of(turn).choices {
        None => Vec::new(),
        Some(Choices::Fixed(words)) => words.clone(),
        Some(Choices::Options) => state.spec().options.clone(),
        Some(Choices::Phase(_)) => {
            let labels = labels(state, turn).into_iter();
            labels.map(|(label, _)| label).collect()
        }
    }
}

/// The labels under which a reader sees what the ballot of a turn is over, each with the turn that it stands for
/// (an index into the state's turns), in the order shown.
///
/// A label stands for a speaker: for the last thing that it said in the phase. Who said nothing has none. Empty
/// when the contract's choices are no phase.
pub(super) fn labels(state: &State, turn: &TurnRecord) -> Vec<(String, usize)> {
    let reader = Reader::new(state, turn);
    let Some(Choices::Phase(id)) = &reader.contract.choices else {
        return Vec::new();
    };
    let unseen = Sight {
        atom: Atom::Phase(id.clone()),
        anon: true,
        shuffle: true,
        noself: false,
        grouped: false,
        quotes: false,
    };
    let mut sees = reader.phase.sees.iter();
    let sight = sees
        .find(|sight| sight.atom == unseen.atom)
        .unwrap_or(&unseen);
    let mut labels: Vec<(String, usize)> = Vec::new();
    for (place, shown) in reader.shown(reader.of_phase(id), sight) {
        if shown.standing != TurnStanding::Done {
            continue;
        }
        let label = reader.writer(shown, sight);
        match labels.iter_mut().find(|(known, _)| *known == label) {
            Some((_, last)) => *last = place.max(*last),
            None => labels.push((label, place)),
        }
    }
    labels
}

/// One turn's speaker, and what it may know.
struct Reader<'a> {
    state: &'a State,
    spec: &'a Spec,
    turn: &'a TurnRecord,
    member: &'a CastMember,
    phase: &'a Phase,
    contract: Cow<'a, Contract>,
    fence: Fence,
    /// The turn whose question this one answers.
    asked: Option<usize>,
}

impl<'a> Reader<'a> {
    fn new(state: &'a State, turn: &'a TurnRecord) -> Self {
        let spec = state.spec();
        let member = &spec.cast[turn.member];
        let mut reader = Self {
            state,
            spec,
            turn,
            member,
            phase: spec
                .format
                .phase(&turn.phase)
                .expect("the loader resolved every phase"),
            contract: state.contract_of(turn),
            fence: Fence::of(spec.seed, &member.name),
            asked: None,
        };
        if reader.phase.order == Order::PairQa && !turn.asks {
            let in_exchange = |asked: &TurnRecord| {
                asked.asks && asked.phase == turn.phase && asked.round == turn.round
            };
            let asked = reader
                .visible()
                .filter(|(_, asked)| in_exchange(asked))
                .last();
            reader.asked = asked.map(|(place, _)| place);
        }
        reader
    }

    /// What can stand in for what others said: the latest summary, where the reader does not see it anyway.
    fn replacement(&self) -> Option<fit::Item> {
        let seen = self
            .phase
            .sees
            .iter()
            .any(|sight| sight.atom == Atom::Summary);
        self.summary_item().filter(|_| !seen)
    }

    /// The request to a model that took no part: the answer in a fence, and what to copy out of it.
    fn extraction(&self, answer: &str, choices: &[String]) -> Rendered {
        let prompt = contract::extract_prompt(&self.contract, choices);
        let text = format!("{}\n\n{prompt}", self.fence.around("an answer", answer));
        Rendered {
            messages: vec![
                Message::text(Role::System, self.reading_rule()),
                Message::text(Role::User, text),
            ],
            steady_bytes: 0,
            left_out: Vec::new(),
            overflow: None,
        }
    }
}
