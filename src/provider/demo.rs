//! The offline provider: `demo/…` answers without a key, a network or a cost, with canned and labelled text.
//!
//! The same model, messages and seed always give the same words at the same pace, so examples, tests and
//! drills can rely on them. Four models talk; three play a fault each, for trying out what a debate does then.

mod answer;
mod bank;
mod compose;
mod dice;
mod embed;
mod json;
mod pace;
mod prompt;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;

pub use pace::DemoPace;
pub use pace::InvalidDemoPace;

use self::answer::Answer;
use self::answer::Ending;
use self::dice::Dice;
use self::dice::fingerprint;
use self::pace::Timing;
use self::prompt::Side;
use crate::client::BaseLlmClient;
use crate::client::CallPath;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::collect;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::wire;

/// The provider's id.
pub const PROVIDER: &str = "demo";

/// The models, in the order in which they are offered.
pub const MODELS: [&str; 7] = [
    "optimist", "skeptic", "analyst", "judge", "flaky", "down", "slow",
];

/// Cut answers that are remembered, so that the second try of each succeeds.
const REMEMBERED_CUTS: usize = 1024;

/// What a demo model is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Character {
    /// Speaks for the motion, unless the prompt gives it a side.
    Optimist,
    /// Speaks against it.
    Skeptic,
    /// Weighs.
    Analyst,
    /// Rules.
    Judge,
    /// An analyst whose stream breaks in the middle, on the first try of about one turn in three.
    Flaky,
    /// Refuses every call as overloaded.
    Down,
    /// An analyst that needs six seconds for its first word and speaks three a second, at any pace.
    Slow,
}

impl Character {
    fn named(model: &str) -> Option<Self> {
        Some(match model {
            "optimist" => Self::Optimist,
            "skeptic" => Self::Skeptic,
            "analyst" => Self::Analyst,
            "judge" => Self::Judge,
            "flaky" => Self::Flaky,
            "down" => Self::Down,
            "slow" => Self::Slow,
            _ => return None,
        })
    }

    fn temper(self) -> Side {
        match self {
            Self::Optimist => Side::For,
            Self::Skeptic => Side::Against,
            Self::Analyst | Self::Judge | Self::Flaky | Self::Down | Self::Slow => Side::Neither,
        }
    }
}

/// Plays the models of `demo/…`. Clones share what has been cut already.
#[derive(Debug, Clone, Default)]
pub struct DemoClient {
    pace: DemoPace,
    cut: Arc<Mutex<VecDeque<[u8; 32]>>>,
}

impl DemoClient {
    /// A client that speaks at this pace.
    pub fn new(pace: DemoPace) -> Self {
        Self {
            pace,
            cut: Arc::default(),
        }
    }

    fn answer(&self, character: Character, model: &str, chat: &Chat) -> Answer {
        let fingerprint = fingerprint(model, chat);
        let mut dice = Dice::new(fingerprint);
        let brief = prompt::read(chat, character.temper(), character == Character::Judge);
        let timing = match character {
            Character::Slow => Timing {
                first: Duration::from_secs(6),
                word: Duration::from_millis(333),
            },
            Character::Optimist
            | Character::Skeptic
            | Character::Analyst
            | Character::Judge
            | Character::Flaky
            | Character::Down => self.pace.timing(&mut dice),
        };
        let mut answer = Answer::compose(chat, &brief, &mut dice).at(timing);
        if character == Character::Flaky
            && fingerprint[0].is_multiple_of(3)
            && self.first_try(fingerprint)
        {
            answer.ending = Ending::Cut;
        }
        answer
    }

    /// `true` when this request has not been cut yet; from now on it has.
    fn first_try(&self, fingerprint: [u8; 32]) -> bool {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        if cut.contains(&fingerprint) {
            return false;
        }
        if cut.len() == REMEMBERED_CUTS {
            cut.pop_front();
        }
        cut.push_back(fingerprint);
        true
    }
}

#[async_trait]
impl BaseLlmClient for DemoClient {
    fn provider_name(&self) -> &str {
        PROVIDER
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        collect(self.stream_message(request).await?).await
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        request.call.trace.note_path(CallPath::Demo);
        let model = request.head.model.model();
        let Some(character) = Character::named(model) else {
            let message = format!("there is no demo/{model}: ask one of {}", MODELS.join(", "));
            return Err(LlmError::new(
                LlmErrorKind::ModelNotFound,
                PROVIDER,
                message,
            ));
        };
        if character == Character::Down {
            let kind = LlmErrorKind::Overloaded { retry_after: None };
            let message = "demo/down plays a provider that is down";
            return Err(LlmError::new(kind, PROVIDER, message).with_status(503));
        }
        let chat = wire::typed(request).map_err(|error| {
            LlmError::new(LlmErrorKind::InvalidRequest, PROVIDER, error.to_string())
        })?;
        let answer = self.answer(character, model, &chat);
        answer.play(request).await
    }
}

#[cfg(test)]
mod tests;
