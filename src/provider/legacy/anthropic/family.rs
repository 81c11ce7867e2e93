//! What a family of Claude models takes and what it refuses.

/// How a family is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It decides how long, within an effort.
    Adaptive,
    /// It is given a number of tokens.
    Budget,
    /// It cannot.
    Never,
}

/// What a family of models takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family {
    /// How it is asked to think.
    pub(super) thinking: Thinking,
    /// `true` when it takes temperature and nucleus sampling; others answer 400.
    pub(super) sampling: bool,
    /// `true` when it can be held to a JSON schema.
    pub(super) schema: bool,
    /// The answer's token limit where the request names none: Anthropic demands one.
    pub(super) max_tokens: u32,
}

const NEWEST: Family = Family {
    thinking: Thinking::Adaptive,
    sampling: false,
    schema: true,
    max_tokens: 16_000,
};
const FOUR_SIX: Family = Family {
    sampling: true,
    ..NEWEST
};
const FOUR_FIVE: Family = Family {
    thinking: Thinking::Budget,
    max_tokens: 8_192,
    ..FOUR_SIX
};
const FOUR: Family = Family {
    schema: false,
    ..FOUR_FIVE
};
const THREE: Family = Family {
    thinking: Thinking::Never,
    max_tokens: 4_096,
    ..FOUR
};

/// The first prefix that fits decides (Anthropic's model pages, read 2026-08).
const FAMILIES: [(&str, Family); 16] = [
    ("claude-opus-5", NEWEST),
    ("claude-sonnet-5", NEWEST),
    ("claude-fable-5", NEWEST),
    ("claude-mythos-5", NEWEST),
    ("claude-opus-4-8", NEWEST),
    ("claude-opus-4-7", NEWEST),
    ("claude-opus-4-5", FOUR_FIVE),
    ("claude-sonnet-4-5", FOUR_FIVE),
    ("claude-haiku-4-5", FOUR_FIVE),
    ("claude-opus-4-1", FOUR_FIVE),
    ("claude-3-7", FOUR),
    ("claude-opus-4-0", FOUR),
    ("claude-opus-4-2", FOUR),
    ("claude-sonnet-4-0", FOUR),
    ("claude-sonnet-4-2", FOUR),
    ("claude-3", THREE),
];

/// Returns what a model takes. An unknown one is taken for a recent one that refuses nothing: then a
/// parameter is at worst refused with a reason, never lost.
pub(super) fn family(model: &str) -> Family {
    FAMILIES
        .iter()
        .find(|(prefix, _)| model.starts_with(prefix))
        .map_or(FOUR_SIX, |(_, family)| *family)
}
