//! What a debate keeps beside its turns: polls and summaries.

use std::collections::BTreeMap;

use crate::types::debate::Tally;

/// A question to the audience, and its ballots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollRecord {
    /// The phase that is the poll.
    pub phase: String,
    /// Its repetition, counted from 0.
    pub round: u32,
    /// What can be chosen.
    pub choices: Vec<String>,
    /// `true` when the tally is kept back until the debate ends.
    pub hidden: bool,
    /// `true` while votes are taken.
    pub open: bool,
    /// The last ballot of each identity.
    pub ballots: BTreeMap<String, PollBallot>,
}

/// One ballot of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollBallot {
    /// One of the poll's choices, as the poll spells it.
    pub choice: String,
    /// How sure, 1 to 10; `None` when not said.
    pub conviction: Option<u8>,
}

impl PollRecord {
    /// Votes of each choice, those that nobody chose included, in the poll's order.
    pub fn tally(&self) -> Vec<Tally> {
        let votes = |choice: &String| {
            let of = |ballot: &&PollBallot| ballot.choice == *choice;
            self.ballots.values().filter(of).count()
        };
        self.choices
            .iter()
            .map(|choice| Tally {
                choice: choice.clone(),
                points: votes(choice) as f64,
            })
            .collect()
    }
}

/// A summary of what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its words.
    pub text: String,
    /// The turn that wrote it: an index into the state's turns.
    pub turn: usize,
    /// The turns that it covers: indices into the state's turns.
    pub covers: Vec<usize>,
}
