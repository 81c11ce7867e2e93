//! What somebody may have meant by a name that is not in the catalog.

use super::Catalog;
use super::resolve::rank;
use crate::types::diagnostic::nearest;

/// More than this helps nobody.
const MOST: usize = 3;

/// Suggests names in the catalog for one that is not.
pub(super) fn suggest(catalog: &Catalog, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    match text.split_once('/') {
        None => {
            found.extend(named(catalog, text));
            let models = catalog.cards().map(|card| card.name.model());
            for model in nearest_few(text, models.collect()) {
                found.extend(named(catalog, model));
            }
            found.extend(nearest_provider(catalog, text).map(str::to_owned));
        }
        Some((prefix, model)) => match catalog.provider(prefix) {
            Some(spec) => found.extend(of_provider(catalog, &spec.id, model)),
            None => {
                if let Some(id) = nearest_provider(catalog, prefix) {
                    let meant = format!("{id}/{model}");
                    let known = meant
                        .parse()
                        .is_ok_and(|name| catalog.card(&name).is_some());
                    found.extend(known.then_some(meant));
                    found.extend(of_provider(catalog, id, model));
                }
                found.extend(named(catalog, text));
                found.extend(named(catalog, model));
            }
        },
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|name| seen.insert(name.clone()));
    found.truncate(MOST);
    found
}

/// The full names of models that are called exactly this at their provider, their makers' first.
fn named(catalog: &Catalog, model: &str) -> Vec<String> {
    let cards = catalog.cards().filter(|card| card.name.model() == model);
    let mut names: Vec<_> = cards.map(|card| &card.name).collect();
    names.sort_by_key(|name| rank(name.provider()));
    names.into_iter().map(ToString::to_string).collect()
}

/// A provider's models that are called nearly this, or that begin with it.
fn of_provider(catalog: &Catalog, id: &str, model: &str) -> Vec<String> {
    let models: Vec<&str> = catalog
        .cards()
        .filter(|card| card.name.provider() == id)
        .map(|card| card.name.model())
        .collect();
    let longer = models
        .iter()
        .copied()
        .filter(|name| name.starts_with(model));
    let mut found: Vec<&str> = longer.take(MOST).collect();
    found.extend(nearest_few(model, models));
    found.iter().map(|model| format!("{id}/{model}")).collect()
}

fn nearest_provider<'a>(catalog: &'a Catalog, prefix: &str) -> Option<&'a str> {
    let aliases = catalog.provider_aliases.keys();
    let prefixes = catalog.providers.keys().chain(aliases).map(String::as_str);
    let near = nearest(prefix, prefixes)?;
    catalog.provider(near).map(|spec| spec.id.as_str())
}

fn nearest_few<'a>(wanted: &str, mut candidates: Vec<&'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    while found.len() < MOST
        && let Some(near) = nearest(wanted, candidates.iter().copied())
    {
        candidates.retain(|candidate| *candidate != near);
        found.push(near);
    }
    found
}
