//! What holds for a call from its beginning to its end: a configuration and its groups, compiled.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::config::RouterConfig;
use super::dice::Dice;
use super::group::Entry;
use super::group::Group;
use super::group::Member;
use super::group::ModelFacts;
use super::kept::Kept;
use super::minute::Minutes;
use super::named::NamedGroups;
use super::pattern::Pattern;
use super::routes::ListedGroup;
use super::run::BareNames;
use super::run::PriceList;
use super::run::PromptLimits;
use super::sessions::Sessions;
use crate::client::ClientSource;
use crate::client::EmbedderSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::events::Observers;
use crate::types::Deployment;
use crate::types::FastMap;
use crate::types::ModelName;
use crate::types::diagnostic::nearest;

/// Names that patterns were filled in with and that are remembered; callers choose them, so they need a bound.
const MAX_FILLED: usize = 1024;

/// Aliases of aliases are followed this far.
const MAX_ALIASES: usize = 8;

/// What outlives every configuration.
pub(super) struct Common {
    pub(super) source: Arc<dyn ClientSource>,
    pub(super) embedders: Arc<dyn EmbedderSource>,
    pub(super) observers: Observers,
    pub(super) prices: PriceList,
    pub(super) prompt_limits: PromptLimits,
    pub(super) bare_names: BareNames,
    pub(super) dice: Dice,
    pub(super) minutes: Minutes,
    pub(super) named: NamedGroups,
    pub(super) changes: Changes,
    pub(super) sessions: Sessions,
    pub(super) kept: Kept,
}

/// Tells calls that wait that something can be asked again.
#[derive(Debug, Default)]
pub(super) struct Changes(Notify);

/// A configuration and its groups.
pub(super) struct Snapshot {
    pub(super) common: Arc<Common>,
    pub(super) config: RouterConfig,
    /// Groups and aliases by their exact names.
    exact: FastMap<Arc<str>, Arc<Group>>,
    /// Aliases of what is no group by itself.
    aliases: FastMap<Arc<str>, Arc<str>>,
    /// From the closest to the widest.
    patterns: Vec<(Pattern, Arc<str>, Vec<Arc<Entry>>)>,
    filled: RwLock<FastMap<Arc<str>, Arc<Group>>>,
    pub(super) listed: Vec<ListedGroup>,
    /// By the ids of the deployments.
    entries: HashMap<Arc<str>, Arc<Entry>>,
}

impl Changes {
    /// Resolves at the next change after this call, also when it happens before the first poll.
    pub(super) fn next(&self) -> Notified<'_> {
        self.0.notified()
    }

    pub(super) fn tell(&self) {
        self.0.notify_waiters();
    }
}

impl Common {
    pub(super) fn facts(&self) -> ModelFacts<'_> {
        ModelFacts {
            prices: &*self.prices,
            max_prompt_tokens: &*self.prompt_limits,
            bare_names: &*self.bare_names,
        }
    }
}

impl Snapshot {
    /// Compiles a configuration. What is known about deployments that were there before, by their ids, stays known.
    pub(super) fn new(common: Arc<Common>, config: RouterConfig, before: Option<&Self>) -> Self {
        let mut entries = HashMap::new();
        let mut written: Vec<(Arc<str>, Vec<Arc<Entry>>)> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        for deployment in &config.deployments {
            let known = before.and_then(|before| before.entries.get(&deployment.id));
            let entry = Arc::new(Entry::listed(deployment, &config, known.map(|it| &**it)));
            entries.insert(Arc::clone(&deployment.id), Arc::clone(&entry));
            let place = *places
                .entry(Arc::clone(&deployment.group))
                .or_insert_with(|| {
                    written.push((Arc::clone(&deployment.group), Vec::new()));
                    written.len() - 1
                });
            written[place].1.push(entry);
        }
        let mut listed: Vec<ListedGroup> = written.iter().map(ListedGroup::of).collect();
        let mut exact = FastMap::default();
        let mut patterns = Vec::new();
        for (name, members) in written {
            match Pattern::read(&name) {
                Some(pattern) => patterns.push((pattern, name, members)),
                None => {
                    let group = group((&name, &name), &members, &[], common.facts());
                    exact.insert(name, Arc::new(group));
                }
            }
        }
        patterns.sort_by_key(|(pattern, _, _)| std::cmp::Reverse(pattern.given()));
        let mut made = Self {
            common,
            config,
            exact,
            aliases: FastMap::default(),
            patterns,
            filled: RwLock::default(),
            listed: Vec::new(),
            entries,
        };
        made.add_aliases(&mut listed);
        made.listed = listed;
        made
    }

    /// An alias goes before a group of the same name, as `LiteLLM` has it.
    fn add_aliases(&mut self, listed: &mut Vec<ListedGroup>) {
        let mut meant = Vec::new();
        for (name, alias) in &self.config.aliases {
            let mut target = &alias.group;
            for _ in 0..MAX_ALIASES {
                match self.config.aliases.get(target) {
                    Some(further) if target != name => target = &further.group,
                    Some(_) | None => break,
                }
            }
            meant.push((Arc::<str>::from(&**name), target.clone(), alias.hidden));
        }
        let known = listed.clone();
        for (name, target, is_hidden) in meant {
            match self.exact.get(&*target) {
                Some(group) => {
                    let group = Arc::clone(group);
                    self.exact.insert(Arc::clone(&name), group);
                }
                None => {
                    self.exact.remove(&name);
                    self.aliases.insert(Arc::clone(&name), Arc::from(&*target));
                }
            }
            let deployments = match known.iter().find(|group| *group.name == *target) {
                Some(group) => group.deployments.clone(),
                None => self
                    .pattern_of(&target)
                    .map(|(_, members)| deployments(members))
                    .unwrap_or_default(),
            };
            listed.retain(|group| group.name != name);
            if !is_hidden && !deployments.is_empty() {
                listed.push(ListedGroup { name, deployments });
            }
        }
    }

    /// Who answers for a name, and that name: an alias, a group, a pattern of the model list, or a model by its own name.
    ///
    /// # Errors
    /// `ModelNotFound` when nobody does; the message names the nearest.
    pub(super) fn find(&self, name: &str) -> Result<(Arc<str>, Arc<Group>), LlmError> {
        if let Some((name, group)) = self.exact.get_key_value(name) {
            return Ok((Arc::clone(name), Arc::clone(group)));
        }
        if let Some((name, target)) = self.aliases.get_key_value(name) {
            return Ok((Arc::clone(name), self.of_other_names(target)?));
        }
        let group = self.of_other_names(name)?;
        Ok((Arc::clone(&group.name), group))
    }

    /// The group of a pattern, or of a model by its own name.
    fn of_other_names(&self, name: &str) -> Result<Arc<Group>, LlmError> {
        if let Some(group) = self.filled_in(name) {
            return Ok(group);
        }
        let model: ModelName = match name.parse() {
            Ok(model) => model,
            Err(_) => (self.common.bare_names)(name).ok_or_else(|| self.not_found(name, None))?,
        };
        if let Some(known) = self.common.named.known(&model) {
            return Ok(known);
        }
        // Asked whether it knows the model, and nothing else: which client answers is decided at each attempt.
        match self.common.source.client(&model) {
            Ok(_) => Ok(self.common.named.group(&model, None)),
            Err(error) if error.kind == LlmErrorKind::ModelNotFound => {
                Err(self.not_found(name, Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// The group of the closest pattern that a name is of.
    fn filled_in(&self, name: &str) -> Option<Arc<Group>> {
        if self.patterns.is_empty() {
            return None;
        }
        let known = self.filled.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = known.get(name) {
            return Some(Arc::clone(group));
        }
        drop(known);
        let (written, members) = self.pattern_of(name)?;
        let stars = Pattern::read(written)?;
        let stars = stars.stars_of(name)?;
        let name: Arc<str> = name.into();
        let group = group((&name, written), members, &stars, self.common.facts());
        let group = Arc::new(group);
        let mut filled = self.filled.write().unwrap_or_else(PoisonError::into_inner);
        if filled.len() >= MAX_FILLED {
            filled.clear();
        }
        filled.insert(name, Arc::clone(&group));
        Some(group)
    }

    fn pattern_of(&self, name: &str) -> Option<(&Arc<str>, &[Arc<Entry>])> {
        self.patterns
            .iter()
            .find(|(pattern, _, _)| pattern.stars_of(name).is_some())
            .map(|(_, written, members)| (written, members.as_slice()))
    }

    fn not_found(&self, name: &str, source: Option<LlmError>) -> LlmError {
        let names = self.listed.iter().map(|group| &*group.name);
        let near = nearest(name, names.filter(|name| !name.contains('*')));
        let shown: String = name.chars().take(120).collect();
        let hint = near.map(|near| format!(": did you mean \"{near}\"?"));
        let message = match (source, self.listed.is_empty()) {
            (Some(error), true) => return error,
            (Some(error), false) => format!(
                "no group of the model list is called \"{shown}\"{}; {}",
                hint.unwrap_or_default(),
                error.message
            ),
            (None, false) => format!(
                "no group of the model list is called \"{shown}\"{}",
                hint.unwrap_or_else(|| ", and it is not written provider/model".to_owned())
            ),
            (None, true) => crate::types::InvalidModelName(shown).to_string(),
        };
        LlmError::new(LlmErrorKind::ModelNotFound, "agon", message)
    }
}

fn group(
    (name, written): (&Arc<str>, &Arc<str>),
    entries: &[Arc<Entry>],
    stars: &[&str],
    facts: ModelFacts<'_>,
) -> Group {
    let member = |entry: &Arc<Entry>| {
        let deployment = entry.deployment.as_ref()?;
        Some(Member::new(
            Arc::clone(entry),
            deployment,
            (name, stars),
            facts,
        ))
    };
    Group {
        name: Arc::clone(name),
        written: Arc::clone(written),
        is_listed: true,
        members: entries.iter().filter_map(member).collect(),
    }
}

fn deployments(entries: &[Arc<Entry>]) -> Vec<Arc<Deployment>> {
    entries
        .iter()
        .filter_map(|entry| entry.deployment.clone())
        .collect()
}

impl ListedGroup {
    fn of((name, entries): &(Arc<str>, Vec<Arc<Entry>>)) -> Self {
        Self {
            name: Arc::clone(name),
            deployments: deployments(entries),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
