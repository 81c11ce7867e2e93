//! From a model's name as people write it to the one that is called.
//!
//! Three forms are understood: `provider/model` with any prefix that a provider answers to (those of
//! LiteLLM among them), ids with slashes and tags, and bare names of the catalog such as `gpt-4o-mini`.

use std::fmt;
use std::sync::Arc;

use super::Catalog;
use super::ModelCard;
use super::ProviderSpec;
use crate::types::ModelName;
use crate::types::Wire;

/// The makers that a bare name may mean, the first that has it wins.
///
/// Resellers are not among them: `llama-3.3-70b` costs something else at each, so whoever wants one has
/// to say whose. Ollama stands last: a name that a maker has too, such as `mistral-nemo`, is the maker's.
const FIRST_PARTY: [&str; 12] = [
    "openai",
    "anthropic",
    "gemini",
    "mistral",
    "cohere",
    "deepseek",
    "xai",
    "moonshot",
    "zhipu",
    "dashscope",
    "perplexity",
    "ollama",
];

/// A name that was understood.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The model, by its provider's id and as that provider knows it.
    pub name: ModelName,
    /// What is known of it; `None` when the catalog has no such model, which may be callable all the same.
    pub card: Option<Arc<ModelCard>>,
    /// What whoever wrote the name should know.
    pub notes: Vec<Note>,
}

/// Something to know about a name that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It answers no more.
    Retired {
        /// The model.
        name: ModelName,
        /// Since when, `YYYY-MM-DD`.
        since: String,
        /// What to use instead.
        successor: Option<String>,
    },
    /// Its provider will retire it, or advises against it.
    Deprecated {
        /// The model.
        name: ModelName,
        /// When it ends, `YYYY-MM-DD`, if that has been said.
        ends: Option<String>,
        /// What to use instead.
        successor: Option<String>,
    },
    /// It was written without a provider, and others have it too.
    Assumed {
        /// What it was taken as.
        name: ModelName,
        /// What it could also have meant.
        others: Vec<ModelName>,
    },
    /// Its provider is known, and the catalog does not have it.
    Unlisted {
        /// The model.
        name: ModelName,
        /// Names that may have been meant.
        near: Vec<String>,
    },
}

/// Nothing in the catalog is called so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownModel {
    /// As it was written, at most 120 characters of it.
    pub written: String,
    /// The prefix that no provider answers to, if there is one.
    pub prefix: Option<String>,
    /// Names that may have been meant, the nearest first.
    pub near: Vec<String>,
}

impl Catalog {
    /// Finds the model that a text names.
    ///
    /// A model of a known provider that the catalog does not have is no error: providers bring out
    /// models faster than catalogs are written. It comes without a card and with a note.
    ///
    /// # Errors
    ///
    /// [`UnknownModel`] with the nearest names, when nobody can be called by this one.
    pub fn resolve(&self, written: &str) -> Result<Resolved, UnknownModel> {
        let (name, others) = self.look_up(written).ok_or_else(|| self.unknown(written))?;
        let (name, card) = self.as_its_provider_writes(name);
        let notes = self.notes(&name, card.as_deref(), others);
        Ok(Resolved { name, card, notes })
    }

    /// The name of the model that a text means; `provider/model` with an unknown provider is returned as it
    /// is, for whoever checks the model to refuse together with other mistakes.
    ///
    /// # Errors
    ///
    /// As for [`Self::resolve`], when the text has not even the form of a name.
    pub fn named(&self, written: &str) -> Result<ModelName, UnknownModel> {
        if let Some((name, _)) = self.look_up(written) {
            return Ok(self.as_its_provider_writes(name).0);
        }
        written.trim().parse().map_err(|_| self.unknown(written))
    }

    /// The name as its provider knows it: by the provider's id, without a route, and a shorthand spelled out.
    pub fn as_sent(&self, name: &ModelName) -> ModelName {
        let spec = self.provider(name.provider());
        match spec.and_then(|spec| named(spec, name.model())) {
            Some(name) => self.as_its_provider_writes(name).0,
            None => name.clone(),
        }
    }

    /// Every other name of this card's model, `provider/model`.
    pub fn aliases_of(&self, name: &ModelName) -> Vec<&ModelName> {
        let aliases = self.card_aliases.iter();
        aliases
            .filter(|(_, model)| *model == name)
            .map(|(alias, _)| alias)
            .collect()
    }

    /// The model that a text names, and whoever else has one of this bare name.
    fn look_up(&self, written: &str) -> Option<(ModelName, Vec<ModelName>)> {
        let text = written.trim();
        match text.split_once('/') {
            None => self.by_bare_name(text),
            // As Google's SDKs write it.
            Some(("models", bare)) => self.by_bare_name(bare),
            Some((prefix, model)) => {
                let spec = self.provider_called(prefix)?;
                Some((named(spec, model)?, Vec::new()))
            }
        }
    }

    fn unknown(&self, written: &str) -> UnknownModel {
        let written: String = written.trim().chars().take(120).collect();
        let prefix = written.split_once('/').map(|(prefix, _)| prefix);
        let nobody = |prefix: &&str| *prefix != "models" && self.provider_called(prefix).is_none();
        UnknownModel {
            near: self.suggest(&written),
            prefix: prefix.filter(nobody).map(str::to_owned),
            written,
        }
    }

    fn provider_called(&self, prefix: &str) -> Option<&Arc<ProviderSpec>> {
        let lower = || self.provider(&prefix.to_ascii_lowercase());
        self.provider(prefix).or_else(lower)
    }

    /// The first maker that has a model of this name, and whoever else has it.
    fn by_bare_name(&self, bare: &str) -> Option<(ModelName, Vec<ModelName>)> {
        let mut having = FIRST_PARTY.iter().filter_map(|id| {
            let name = named(self.provider(id)?, bare)?;
            self.listed(&name).map(|_| name)
        });
        let first = having.next()?;
        Some((first, having.collect()))
    }

    /// The card, whatever the name's upper and lower case.
    fn listed(&self, name: &ModelName) -> Option<&Arc<ModelCard>> {
        self.card(name).or_else(|| {
            let lower = name.as_str().to_ascii_lowercase().parse().ok()?;
            self.card(&lower)
        })
    }

    /// A provider's own names are sent as they were written; a shorthand or another case is the card's id.
    fn as_its_provider_writes(&self, name: ModelName) -> (ModelName, Option<Arc<ModelCard>>) {
        let exact = self.card(&name).cloned();
        match exact {
            Some(card) if self.shorthands.contains(&name) => (card.name.clone(), Some(card)),
            Some(card) => (name, Some(card)),
            None => match self.listed(&name).cloned() {
                Some(card) => (card.name.clone(), Some(card)),
                None => (name, None),
            },
        }
    }

    fn notes(
        &self,
        name: &ModelName,
        card: Option<&ModelCard>,
        others: Vec<ModelName>,
    ) -> Vec<Note> {
        let mut notes = Vec::new();
        if !others.is_empty() {
            let name = name.clone();
            notes.push(Note::Assumed { name, others });
        }
        let Some(card) = card else {
            // A local server knows its models itself.
            let spec = self.provider(name.provider());
            if spec.is_some_and(|spec| !spec.local) {
                let near = self.suggest(name.as_str());
                let name = name.clone();
                notes.push(Note::Unlisted { name, near });
            }
            return notes;
        };
        if let Some(deprecated) = &card.deprecated {
            let (name, successor) = (name.clone(), deprecated.successor.clone());
            notes.push(match &deprecated.date {
                Some(since) if card.is_retired() => Note::Retired {
                    name,
                    since: since.clone(),
                    successor,
                },
                ends => Note::Deprecated {
                    name,
                    ends: ends.clone(),
                    successor,
                },
            });
        }
        notes
    }
}

/// Where a bare name stands in the makers' order; the later the greater.
pub(super) fn rank(provider: &str) -> usize {
    let place = FIRST_PARTY.iter().position(|id| *id == provider);
    place.unwrap_or(FIRST_PARTY.len())
}

/// The name of a provider's model; `None` when it cannot be one.
fn named(spec: &ProviderSpec, model: &str) -> Option<ModelName> {
    let model = without_route(spec.wire(), model);
    format!("{}/{model}", spec.id).parse().ok()
}

/// Takes off what LiteLLM's users write between provider and model to choose an API, and what Google's
/// SDKs write before each model.
pub(super) fn without_route(wire: Wire, model: &str) -> &str {
    let routes: &[&str] = match wire {
        Wire::OpenaiChat | Wire::OpenaiResponses => &["responses/"],
        Wire::Bedrock => &["converse/", "converse_like/", "invoke/"],
        Wire::Gemini => &["models/"],
        Wire::Anthropic | Wire::Ollama | Wire::Cohere | Wire::Replicate | Wire::Demo => &[],
    };
    let rest = routes.iter().find_map(|route| model.strip_prefix(route));
    rest.unwrap_or(model)
}

/// The name without what marks a snapshot of a model: a day (`-20250929`, `-2024-08-06`), a number of
/// three digits (`-001`), or what follows an `@`.
pub(super) fn without_snapshot(model: &str) -> Option<&str> {
    if let Some((base, _)) = model.split_once('@') {
        return Some(base);
    }
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = |lengths: &[usize]| {
        let mut base = model;
        for length in lengths {
            let (before, part) = base.rsplit_once('-')?;
            if part.len() != *length || !all_digits(part) {
                return None;
            }
            base = before;
        }
        Some(base)
    };
    parts(&[2, 2, 4])
        .or_else(|| parts(&[8]))
        .or_else(|| parts(&[3]))
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instead = |successor: &Option<String>| match successor {
            Some(successor) => format!(": use {successor}"),
            None => String::new(),
        };
        match self {
            Self::Retired {
                name,
                since,
                successor,
            } => write!(f, "{name} was retired on {since}{}", instead(successor)),
            Self::Deprecated {
                name,
                ends: Some(ends),
                successor,
            } => write!(f, "{name} will be retired on {ends}{}", instead(successor)),
            Self::Deprecated {
                name,
                ends: None,
                successor,
            } => write!(f, "{name} is deprecated{}", instead(successor)),
            Self::Assumed { name, others } => {
                let others: Vec<&str> = others.iter().map(ModelName::as_str).collect();
                write!(f, "taken as {name}; there is {} too", others.join(", "))
            }
            Self::Unlisted { name, near } => {
                write!(f, "{name} is not in the catalog: its price is not known")?;
                match near.is_empty() {
                    true => Ok(()),
                    false => write!(f, "; did you mean {}?", near.join(" or ")),
                }
            }
        }
    }
}

impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.prefix {
            Some(prefix) => write!(f, "\"{}\": there is no provider \"{prefix}\"", self.written)?,
            None => write!(f, "\"{}\" is no model of the catalog", self.written)?,
        }
        match self.near.is_empty() {
            true => write!(f, ": write provider/model, for example ollama/llama3.2"),
            false => {
                let near = self.near.join(" or ");
                write!(
                    f,
                    ": did you mean {near}? a model is written provider/model"
                )
            }
        }
    }
}

impl std::error::Error for UnknownModel {}

#[cfg(test)]
mod tests;
