//! What a model can do, told from its id: Converse is one wire, and its models differ.

/// Who made a model. Ids carry it, also behind the prefix of a region and within the address of a foundation model;
/// the id of an application's own profile does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's models; how they think depends on their age.
    Claude(Thinking),
    /// Amazon's Nova.
    Nova,
    /// `OpenAI`'s open models.
    GptOss,
    /// `OpenAI`'s other models.
    Openai,
    /// Alibaba's.
    Qwen,
    /// Mistral's; only the large ones can be made to call a tool.
    Mistral {
        /// Whether it is a large one.
        large: bool,
    },
    /// Another maker's: Meta, `DeepSeek`, Cohere, AI21, Writer …
    Other,
    /// The id does not tell.
    Unknown,
}

/// How a Claude model is asked to think. Source: Anthropic's documentation of extended and adaptive thinking, read
/// 2026-08.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Not at all.
    Never,
    /// With a budget of tokens.
    Budget,
    /// As it sees fit, guided by an effort.
    Adaptive,
}

impl Family {
    /// The family of a model id.
    pub(super) fn of(model: &str) -> Self {
        let id = model.to_ascii_lowercase();
        let says = |word: &str| id.contains(word);
        match () {
            () if says("anthropic.") || says("claude") => Self::Claude(Thinking::of(&id)),
            () if says("amazon.nova") || says("nova-") => Self::Nova,
            () if says("gpt-oss") => Self::GptOss,
            () if says("openai.") => Self::Openai,
            () if says("qwen") => Self::Qwen,
            () if says("mistral") || says("pixtral") || says("magistral") => Self::Mistral {
                large: says("large"),
            },
            () if id.starts_with("arn:") && !says("foundation-model/") => Self::Unknown,
            () => Self::Other,
        }
    }

    /// Whether a call can be demanded; elsewhere the model decides (Converse's documentation, read 2026-08).
    pub(super) fn obeys_tool_choice(self) -> bool {
        match self {
            Self::Claude(_) | Self::Nova | Self::Mistral { large: true } | Self::Unknown => true,
            Self::GptOss | Self::Openai | Self::Qwen | Self::Other => false,
            Self::Mistral { large: false } => false,
        }
    }

    /// Whether marks of what may be cached are understood.
    pub(super) fn caches(self) -> bool {
        match self {
            Self::Claude(_) | Self::Nova => true,
            Self::GptOss | Self::Openai | Self::Qwen | Self::Mistral { .. } => false,
            Self::Other | Self::Unknown => false,
        }
    }
}

impl Thinking {
    fn of(id: &str) -> Self {
        const BUDGET: [&str; 6] = [
            "claude-3-7",
            "-4-5",
            "-4-1",
            "claude-sonnet-4-2025",
            "claude-opus-4-2025",
            "claude-4-",
        ];
        const NEVER: [&str; 4] = ["claude-3-", "claude-v2", "claude-v1", "claude-instant"];
        let says = |words: &[&str]| words.iter().any(|word| id.contains(word));
        match () {
            () if says(&BUDGET) => Self::Budget,
            () if says(&NEVER) => Self::Never,
            () => Self::Adaptive,
        }
    }
}
