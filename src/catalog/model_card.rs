//! What one model is: what an entry in `catalog/` says.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::types::ModelName;
use crate::types::Prices;
use crate::types::quirks::Param;

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCard {
    /// Its name, `provider/model`.
    pub name: ModelName,
    /// Its name for people, where the plain one needs explaining.
    pub title: Option<String>,
    /// Prompt and answer together, in tokens; `None` when nobody says.
    pub context_tokens: Option<u64>,
    /// The longest answer, in tokens; `None` when nobody says.
    pub max_output_tokens: Option<u64>,
    /// The length of an embedding model's vectors, unless a request asks for another.
    pub dimensions: Option<u32>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What it costs; `None` when no price is published.
    pub prices: Option<Prices>,
    /// How dear it is, roughly.
    pub pricing_tier: PricingTier,
    /// `true` for the few that a newcomer is pointed to.
    pub recommended: bool,
    /// Memory that a local model needs, in GB (10^9 bytes), for a short context.
    pub ram_gb: Option<f64>,
    /// What a local model's download takes, in GB (10^9 bytes).
    pub disk_gb: Option<f64>,
    /// Set when the provider retires it, or has done so.
    pub deprecated: Option<Deprecation>,
    /// Parameters that this model refuses, beside those that its provider refuses.
    pub drop_params: BTreeSet<Param>,
    /// Where these facts come from.
    pub source: String,
    /// The day they were last checked, `YYYY-MM-DD`.
    pub checked: String,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// Answers a chat on its provider's wire.
    pub chat: bool,
    /// Calls tools.
    pub tools: bool,
    /// Sees images.
    pub vision: bool,
    /// Answers in JSON of a given schema.
    pub json_schema: bool,
    /// Reasons before it answers.
    pub reasoning: bool,
    /// Reads PDF files.
    pub pdf: bool,
    /// Hears audio.
    pub audio: bool,
    /// Turns text into vectors.
    pub embedding: bool,
}

impl Capabilities {
    /// Every capability by its name in files and lists, and whether it is there.
    pub fn all(&self) -> [(&'static str, bool); 8] {
        [
            ("chat", self.chat),
            ("tools", self.tools),
            ("vision", self.vision),
            ("json_schema", self.json_schema),
            ("reasoning", self.reasoning),
            ("pdf", self.pdf),
            ("audio", self.audio),
            ("embedding", self.embedding),
        ]
    }

    /// The names of what it can do.
    pub fn names(&self) -> Vec<&'static str> {
        let there = self.all().into_iter().filter(|(_, there)| *there);
        there.map(|(name, _)| name).collect()
    }
}

/// How dear a model is, by its price per million answer tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PricingTier {
    /// Costs nothing.
    Free,
    /// Below 2 USD.
    Budget,
    /// From 2 USD on, below 15 USD.
    Standard,
    /// 15 USD and more.
    Premium,
}

impl PricingTier {
    /// Its name in files and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Budget => "budget",
            Self::Standard => "standard",
            Self::Premium => "premium",
        }
    }

    /// Returns the tier that these prices put a model in.
    pub fn of(prices: &Prices) -> Self {
        const USD: u64 = 1_000_000_000;
        if prices.is_free() {
            return Self::Free;
        }
        match prices.output {
            output if output < 2 * USD => Self::Budget,
            output if output < 15 * USD => Self::Standard,
            _ => Self::Premium,
        }
    }
}

/// That a model is on its way out, or gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deprecation {
    /// The day it stops answering, `YYYY-MM-DD`; `None` when no day is set.
    pub date: Option<String>,
    /// What to use instead, `provider/model`.
    pub successor: Option<String>,
}

impl ModelCard {
    /// `true` when it answered no more on the day that its facts were checked.
    pub fn is_retired(&self) -> bool {
        // Days of one form are in order as texts.
        let date = self.deprecated.as_ref().and_then(|it| it.date.as_ref());
        date.is_some_and(|date| *date <= self.checked)
    }
}
