//! How long things are: at most, and likely.

use super::choices_of;
use crate::debate::contract;
use crate::types::debate::CastMember;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;
use crate::types::debate::Phase;
use crate::types::debate::Sight;
use crate::types::debate::Spec;
use crate::types::usage::estimate_tokens;

/// Share of the words that it is asked to keep to which an answer has on average.
const WORDS_USED: f64 = 0.8;

/// Tokens that a word of an answer has: prose with its punctuation, and the marks of a list here and there.
const TOKENS_A_WORD: f64 = 1.5;

/// Characters that a token of a prompt has: prose in English, in the vocabularies of current models.
const CHARS_A_TOKEN: f64 = 4.3;

/// Words of a text that nobody limits: a speech, or the reasons in a ruling ("three to six sentences").
const WORDS_OF_SPEECH: f64 = 250.0;
const WORDS_OF_REASONS: f64 = 100.0;

/// Words of a field that holds an answer alone.
const WORDS_OF_ANSWER: f64 = 4.0;

/// Which of the two is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lengths {
    /// Never longer than this.
    Most,
    /// What is to be expected.
    Likely,
}

impl Lengths {
    /// Tokens of a text that is known.
    pub(super) fn text(self, text: &str) -> u64 {
        match self {
            Self::Most => estimate_tokens(text),
            Self::Likely => (text.chars().count() as f64 / CHARS_A_TOKEN).round() as u64,
        }
    }

    /// Tokens of a template without what is filled in: likely, of alternatives one is taken.
    pub(super) fn template(self, text: &str) -> u64 {
        match self {
            Self::Most => estimate_tokens(text),
            Self::Likely => {
                let branches =
                    1 + text.matches("{% else %}").count() + text.matches("{% elif").count();
                self.text(text) / branches as u64
            }
        }
    }

    /// So many times as much; likely, no template names the same thing twice.
    pub(super) fn times(self, tokens: u64, times: u64) -> u64 {
        match self {
            Self::Most => tokens.saturating_mul(times),
            Self::Likely => tokens.saturating_mul(times.min(1)),
        }
    }

    /// Tokens of the engine's own words in a request: who the speaker is, and that quotes are no instructions.
    pub(super) fn frame(self) -> u64 {
        match self {
            Self::Most => 500,
            Self::Likely => 90,
        }
    }

    /// Tokens of a heading over what is seen.
    pub(super) fn heading(self) -> u64 {
        match self {
            Self::Most => 40,
            Self::Likely => 8,
        }
    }

    /// Tokens of a fence with its label.
    pub(super) fn around_label(self) -> u64 {
        match self {
            Self::Most => 72,
            Self::Likely => 26,
        }
    }

    /// Tokens around a quoted statement: its fences, the place where it was said, and by whom.
    pub(super) fn around_quote(self, member: &CastMember) -> u64 {
        self.around_label() + self.text(&member.name)
    }

    /// Tokens of a poll's tally.
    pub(super) fn poll(self, spec: &Spec) -> u64 {
        let contracts = spec.format.contracts.values();
        let words = contracts.flat_map(|contract| choices_of(contract, spec));
        words.map(|word| self.text(&word) + 8).sum::<u64>() + self.heading()
    }

    /// Tokens of statements when their quotes are marked, or equal ones put together.
    ///
    /// A mark is at most one and a half times as long as the shortest quote with its tags.
    pub(super) fn marked(self, tokens: u64, sight: &Sight) -> u64 {
        let tokens = match (self, sight.quotes) {
            (Self::Most, true) => tokens.saturating_mul(5) / 2,
            (Self::Most | Self::Likely, _) => tokens,
        };
        match (self, sight.grouped) {
            // Each group has a heading, and no group is shorter than the fence of one statement.
            (Self::Most, true) => tokens.saturating_mul(3) / 2,
            (Self::Most | Self::Likely, _) => tokens,
        }
    }

    /// Tokens of a contract's form, told to the speaker.
    pub(super) fn form(self, spec: &Spec, contract: &Contract) -> u64 {
        self.text(&contract::instruction(
            contract,
            &choices_of(contract, spec),
        ))
    }

    /// Tokens of an answer.
    pub(super) fn answer(
        self,
        spec: &Spec,
        phase: &Phase,
        member: &CastMember,
        contract: Option<&Contract>,
    ) -> u64 {
        let own = member.max_tokens;
        let most = u64::from(own.map_or(phase.tokens, |own| own.min(phase.tokens)));
        let most = member
            .window_tokens
            .map_or(most, |window| most.min(window / 2));
        match self {
            Self::Most => most,
            Self::Likely => {
                let tokens = contract.map_or(0.0, |contract| likely(spec, phase, contract));
                (tokens.round() as u64).clamp(1, most.max(1))
            }
        }
    }
}

/// Tokens of an answer of this contract when it is as long as it is asked to be.
fn likely(spec: &Spec, phase: &Phase, contract: &Contract) -> f64 {
    let asked = phase.words.map(|words| f64::from(words) * WORDS_USED);
    if contract.kind == ContractKind::Text {
        return asked.unwrap_or(WORDS_OF_SPEECH) * TOKENS_A_WORD;
    }
    if contract.kind == ContractKind::Choice {
        return 4.0;
    }
    let choices = choices_of(contract, spec);
    let longest = choices.iter().map(|choice| choice.chars().count());
    let choice = 2.0 + longest.max().unwrap_or(0) as f64 / CHARS_A_TOKEN;
    let mut asked = Some(asked.unwrap_or(WORDS_OF_REASONS));
    let field = |field: &Field| {
        let value = match &field.kind {
            // The word limit is for the first text; others hold an answer.
            FieldKind::Text => asked.take().unwrap_or(WORDS_OF_ANSWER) * TOKENS_A_WORD,
            FieldKind::Bool => 1.0,
            FieldKind::Number { .. } => 3.0,
            FieldKind::OneOf(_) => 2.0,
            FieldKind::Choice => choice,
            FieldKind::Ranking => choice * choices.len() as f64,
            FieldKind::Several => choice * choices.len() as f64 / 2.0,
            FieldKind::Points(_) => (choice + 3.0) * choices.len() as f64,
            FieldKind::Scores { keys, .. } => 6.0 * keys.len() as f64,
        };
        value + 6.0
    };
    contract.fields.iter().map(field).sum::<f64>() + 4.0
}
