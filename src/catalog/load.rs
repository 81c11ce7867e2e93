//! Puts data files together: those inside the program, then the operator's, which add or override.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::Catalog;
use super::embedded;
use super::fields::Report;
use super::like::cards_like;
use super::provider_spec::ProviderSpec;
use super::read_cards::ReadCard;
use super::read_cards::ReadLike;
use super::read_cards::read_cards;
use super::read_provider::read_provider;
use crate::types::Diagnostic;
use crate::types::ModelName;
use crate::types::diagnostic::nearest;

/// The operator's own data files; `None` has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataDirs {
    /// Files in the form of `providers/`; one with a known id replaces that provider.
    pub providers: Option<PathBuf>,
    /// Files in the form of `catalog/`; a model of a known name replaces that card.
    pub catalog: Option<PathBuf>,
}

/// A data file.
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: Cow<'static, str>,
}

/// The files of one place. A name may come up once in a layer, and again in a later one.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) providers: Vec<Source>,
    pub(super) catalog: Vec<Source>,
}

impl Layer {
    /// The files inside the program.
    pub(super) fn embedded() -> Self {
        let sources = |files: &[(&str, &'static str)]| {
            let source = |&(file, text): &(&str, &'static str)| Source {
                file: file.to_owned(),
                text: Cow::Borrowed(text),
            };
            files.iter().map(source).collect()
        };
        Self {
            providers: sources(embedded::PROVIDERS),
            catalog: sources(embedded::CATALOG),
        }
    }

    /// The operator's files, by name.
    pub(super) fn from_dirs(dirs: &DataDirs, mistakes: &mut Vec<Diagnostic>) -> Self {
        let mut sources = |dir: Option<&PathBuf>| match dir.map(|dir| read_dir(dir)) {
            None => Vec::new(),
            Some(Ok(sources)) => sources,
            Some(Err(mistake)) => {
                mistakes.push(mistake);
                Vec::new()
            }
        };
        Self {
            providers: sources(dirs.providers.as_ref()),
            catalog: sources(dirs.catalog.as_ref()),
        }
    }
}

fn read_dir(dir: &Path) -> Result<Vec<Source>, Diagnostic> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Diagnostic::new(
            path.display().to_string(),
            None,
            format!("cannot be read: {error}"),
        )
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, error))? {
        let path = entry.map_err(|error| unreadable(dir, error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        Ok(Source {
            file: path.display().to_string(),
            text: Cow::Owned(text),
        })
    };
    paths.into_iter().map(source).collect()
}

/// Where something was said: for mistakes that only show when all files are read.
#[derive(Clone)]
struct Place {
    file: String,
    line: Option<usize>,
    layer: usize,
}

impl Place {
    fn mistake(&self, help: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.file.clone(), self.line, help)
    }
}

/// What the layers read so far say.
#[derive(Default)]
pub(super) struct Loader {
    layers: usize,
    providers: BTreeMap<String, (ProviderSpec, Place)>,
    cards: BTreeMap<ModelName, (ReadCard, Place)>,
    /// Models that are another provider's, with whose they are here.
    likes: Vec<(String, ReadLike, Place)>,
    /// Providers whose files are too wrong to be read: nobody is to be told that they do not exist.
    unreadable: Vec<String>,
    /// Every provider that a catalog file speaks of.
    spoken_of: Vec<(String, Place)>,
    mistakes: Vec<Diagnostic>,
}

impl Loader {
    /// Reads a layer over the earlier ones.
    pub(super) fn add(&mut self, layer: &Layer) {
        for source in &layer.providers {
            let mut report = Report::new(&source.file, &source.text);
            if let Some(read) = read_provider(&mut report) {
                let place = self.place(source, read.line);
                match read.spec {
                    Some(spec) => self.add_provider(spec, place),
                    None => self.unreadable.push(read.id),
                }
            }
            self.mistakes.extend(report.into_mistakes());
        }
        for source in &layer.catalog {
            let mut report = Report::new(&source.file, &source.text);
            if let Some(read) = read_cards(&mut report) {
                let place = self.place(source, read.provider_line);
                for like in read.likes {
                    let place = self.place(source, like.line);
                    self.likes.push((read.provider.clone(), like, place));
                }
                self.spoken_of.push((read.provider, place));
                for card in read.cards {
                    let place = self.place(source, card.line);
                    self.add_card(card, place);
                }
            }
            self.mistakes.extend(report.into_mistakes());
        }
        self.layers += 1;
    }

    /// Checks what files say about each other.
    ///
    /// # Errors
    ///
    /// Every mistake of every file, by file and line.
    pub(super) fn finish(
        mut self,
        mut mistakes: Vec<Diagnostic>,
    ) -> Result<Catalog, Vec<Diagnostic>> {
        let provider_aliases = self.provider_aliases();
        self.check_spoken_of(&provider_aliases);
        self.add_likes();
        let names = self.card_aliases();
        let shorthands = self.shorthands(&names);
        self.check_successors();
        mistakes.append(&mut self.mistakes);
        if !mistakes.is_empty() {
            mistakes.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
            return Err(mistakes);
        }
        let arc_provider = |(id, (spec, _)): (String, (ProviderSpec, Place))| (id, Arc::new(spec));
        let arc_card =
            |(name, (read, _)): (ModelName, (ReadCard, Place))| (name, Arc::new(read.card));
        Ok(Catalog {
            providers: self.providers.into_iter().map(arc_provider).collect(),
            provider_aliases,
            cards: self.cards.into_iter().map(arc_card).collect(),
            card_aliases: names,
            shorthands,
        })
    }

    fn place(&self, source: &Source, line: Option<usize>) -> Place {
        Place {
            file: source.file.clone(),
            line,
            layer: self.layers,
        }
    }

    fn add_provider(&mut self, spec: ProviderSpec, place: Place) {
        if let Some((_, first)) = self.providers.get(&spec.id)
            && first.layer == place.layer
        {
            let help = format!("provider \"{}\" is already in {}", spec.id, first.file);
            self.mistakes.push(place.mistake(help));
        }
        self.providers.insert(spec.id.clone(), (spec, place));
    }

    fn add_card(&mut self, read: ReadCard, place: Place) {
        let name = read.card.name.clone();
        if let Some((_, first)) = self.cards.get(&name)
            && first.layer == place.layer
        {
            let line = first
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            let help = format!("\"{}\" is already in {}{line}", name.model(), first.file);
            self.mistakes.push(place.mistake(help));
        }
        self.cards.insert(name, (read, place));
    }

    fn provider_aliases(&mut self) -> BTreeMap<String, String> {
        let mut aliases: BTreeMap<String, String> = BTreeMap::new();
        // The embedded files first, so that a conflict is told of the file that brought it.
        let mut providers = Vec::from_iter(self.providers.values());
        providers.sort_by_key(|(_, place)| place.layer);
        for (spec, place) in providers {
            for alias in &spec.aliases {
                let taken = self.providers.get(alias).map(|_| alias.clone());
                if let Some(other) = taken.or_else(|| aliases.get(alias).cloned()) {
                    let help = format!("alias \"{alias}\" already means provider \"{other}\"");
                    self.mistakes.push(place.mistake(help));
                    continue;
                }
                aliases.insert(alias.clone(), spec.id.clone());
            }
        }
        aliases
    }

    fn card_aliases(&mut self) -> BTreeMap<ModelName, ModelName> {
        let mut aliases: BTreeMap<ModelName, ModelName> = BTreeMap::new();
        let mut cards = Vec::from_iter(&self.cards);
        cards.sort_by_key(|(_, (_, place))| place.layer);
        for (name, (read, place)) in cards {
            for alias in read.aliases.iter().chain(&read.shorthands) {
                let taken = self.cards.get(alias).map(|_| alias.clone());
                if let Some(other) = taken.or_else(|| aliases.get(alias).cloned()) {
                    let help = format!("alias \"{}\" already means {other}", alias.model());
                    self.mistakes.push(place.mistake(help));
                    continue;
                }
                aliases.insert(alias.clone(), name.clone());
            }
        }
        aliases
    }

    /// Makes the cards of models that are another provider's; one that is written out stays.
    fn add_likes(&mut self) {
        let mut made = Vec::new();
        for (provider, like, place) in std::mem::take(&mut self.likes) {
            let known = |name: &ModelName| {
                let alias =
                    |read: &ReadCard| read.aliases.contains(name) || read.shorthands.contains(name);
                let by_alias = || self.cards.values().find(|(read, _)| alias(read));
                let found = self.cards.get(name).or_else(by_alias);
                found.map(|(read, _)| &read.card)
            };
            match cards_like(&provider, &like, known) {
                Err(help) => self.mistakes.push(place.mistake(help)),
                Ok(cards) => {
                    for read in cards {
                        let name = read.card.name.clone();
                        let written = self.cards.get(&name);
                        if written.is_none_or(|(_, other)| other.layer < place.layer) {
                            made.push((name.clone(), like.clone()));
                            self.cards.insert(name, (read, place.clone()));
                        }
                    }
                }
            }
        }
        self.own_successors(made);
    }

    /// Names the successors of such models by their own provider, where it has them, too.
    fn own_successors(&mut self, made: Vec<(ModelName, ReadLike)>) {
        for (name, like) in made {
            let theirs = format!("{}/", like.provider);
            let own = |id: &str| {
                let named = format!("{}/{}{id}", name.provider(), like.prefix);
                let parsed: ModelName = named.parse().ok()?;
                let short = |read: &ReadCard| read.shorthands.contains(&parsed);
                let mut all = self.cards.values();
                let found = self.cards.get(&parsed);
                let found = found.or_else(|| all.find(|(read, _)| short(read)));
                found.map(|(read, _)| read.card.name.to_string())
            };
            let deprecated = self.cards[&name].0.card.deprecated.as_ref();
            let successor = deprecated.and_then(|it| it.successor.as_deref());
            let Some(own) = successor.and_then(|it| own(it.strip_prefix(&theirs)?)) else {
                continue;
            };
            if let Some((read, _)) = self.cards.get_mut(&name)
                && let Some(deprecated) = &mut read.card.deprecated
            {
                deprecated.successor = Some(own);
            }
        }
    }

    /// The names that are not sent as they are written.
    fn shorthands(&self, aliases: &BTreeMap<ModelName, ModelName>) -> BTreeSet<ModelName> {
        let all = self.cards.values().flat_map(|(read, _)| &read.shorthands);
        all.filter(|name| aliases.contains_key(*name))
            .cloned()
            .collect()
    }

    fn check_spoken_of(&mut self, aliases: &BTreeMap<String, String>) {
        for (provider, place) in &self.spoken_of {
            if self.providers.contains_key(provider) || self.unreadable.contains(provider) {
                continue;
            }
            let ids = self.providers.keys().map(String::as_str);
            let hint = match aliases
                .get(provider)
                .map(String::as_str)
                .or(nearest(provider, ids))
            {
                Some(id) => format!(": did you mean \"{id}\"?"),
                None => ": write a file for it in providers/".to_owned(),
            };
            let help = format!("there is no provider \"{provider}\"{hint}");
            self.mistakes.push(place.mistake(help));
        }
    }

    fn check_successors(&mut self) {
        for (read, place) in self.cards.values() {
            let deprecated = read.card.deprecated.as_ref();
            let Some(successor) = deprecated.and_then(|it| it.successor.as_deref()) else {
                continue;
            };
            if self.cards.keys().any(|name| name.as_str() == successor) {
                continue;
            }
            let hint = nearest(successor, self.cards.keys().map(ModelName::as_str))
                .map(|name| format!(": did you mean {name}?"))
                .unwrap_or_default();
            let at = Place {
                line: read.successor_line,
                ..place.clone()
            };
            let help = format!("successor: there is no model {successor}{hint}");
            self.mistakes.push(at.mistake(help));
        }
    }
}
