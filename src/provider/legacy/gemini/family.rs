//! What a family of Gemini models takes.

/// How a family is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// By a level; it cannot be switched off. The least level is named.
    Level(&'static str),
    /// By a number of tokens, at least this many; 0 is taken where it can be switched off.
    Budget {
        /// The least budget.
        least: u32,
        /// Whether 0 is taken.
        off: bool,
    },
    /// It does not.
    Never,
}

/// What a family takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) thinking: Thinking,
    /// `true` when `medium` is a level.
    pub(super) medium: bool,
    /// `true` from the third generation on: it signs its calls, wants the signatures back, and takes JSON
    /// answers beside tools.
    pub(super) third: bool,
}

const OLD: Family = Family {
    thinking: Thinking::Never,
    medium: false,
    third: false,
};
const FLASH: Family = Family {
    thinking: Thinking::Level("minimal"),
    medium: true,
    third: true,
};
const PRO: Family = Family {
    thinking: Thinking::Level("low"),
    ..FLASH
};

const fn budget(least: u32, off: bool) -> Family {
    Family {
        thinking: Thinking::Budget { least, off },
        ..OLD
    }
}

/// The first prefix that fits decides (Google's page on thinking, read 2026-08).
const FAMILIES: [(&str, Family); 11] = [
    ("gemini-1", OLD),
    ("gemini-2.0", OLD),
    ("gemma-", OLD),
    ("gemini-2.5-pro", budget(128, false)),
    ("gemini-2.5-flash-lite", budget(512, true)),
    ("gemini-2.5", budget(1, true)),
    (
        "gemini-3-pro",
        Family {
            medium: false,
            ..PRO
        },
    ),
    ("gemini-3.1-pro", PRO),
    ("gemini-3.7", PRO),
    ("gemini-pro-latest", PRO),
    ("gemini-flash-latest", PRO),
];

/// Returns what a model takes; an unknown one is taken for a recent one.
pub(super) fn family(model: &str) -> Family {
    let model = model.strip_prefix("models/").unwrap_or(model);
    FAMILIES
        .iter()
        .find(|(prefix, _)| model.starts_with(prefix))
        .map_or(FLASH, |(_, family)| *family)
}
