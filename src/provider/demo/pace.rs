//! How fast the demo models speak.

use std::str::FromStr;
use std::time::Duration;

use super::dice::Dice;

/// How fast the demo models speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DemoPace {
    /// Like a hosted model: 300 to 700 ms to the first word, then 30 to 60 words a second.
    #[default]
    Realistic,
    /// Without any pause.
    Fast,
    /// With this pause before every word.
    PerWord(Duration),
}

/// Says why a text is not a pace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a pace: write realistic, fast, or the milliseconds of each word (0 to 10000)"
)]
pub struct InvalidDemoPace(pub String);

impl FromStr for DemoPace {
    type Err = InvalidDemoPace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "realistic" => Ok(Self::Realistic),
            "fast" => Ok(Self::Fast),
            number => match number.parse() {
                Ok(ms @ 0..=10_000) => Ok(Self::PerWord(Duration::from_millis(ms))),
                Ok(_) | Err(_) => Err(InvalidDemoPace(text.chars().take(40).collect())),
            },
        }
    }
}

/// The pauses of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    /// Before the first word.
    pub(super) first: Duration,
    /// Before every other.
    pub(super) word: Duration,
}

impl DemoPace {
    pub(super) fn timing(self, dice: &mut Dice) -> Timing {
        match self {
            Self::Realistic => Timing {
                first: Duration::from_millis(dice.between(300, 700)),
                word: Duration::from_micros(1_000_000 / dice.between(30, 60)),
            },
            Self::Fast => Timing {
                first: Duration::ZERO,
                word: Duration::ZERO,
            },
            Self::PerWord(pause) => Timing {
                first: pause,
                word: pause,
            },
        }
    }
}
