//! The models that were called by their own names, so that what is known about them is found again.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use super::group::Group;
use super::health::Health;
use crate::types::Endpoint;
use crate::types::FastMap;
use crate::types::ModelName;

/// Models that are remembered; a caller chooses names and addresses, so they need a bound.
const MAX_REMEMBERED: usize = 1024;

/// Their groups of one. A look-up is one read lock and one hash.
#[derive(Debug, Default)]
pub(super) struct NamedGroups(RwLock<FastMap<Place, Arc<Group>>>);

/// A model behind an address and a credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    model: ModelName,
    endpoint: Option<Endpoint>,
}

impl NamedGroups {
    /// The group of a model that was called before, at its provider's own address.
    pub(super) fn known(&self, model: &ModelName) -> Option<Arc<Group>> {
        let place = Place {
            model: model.clone(),
            endpoint: None,
        };
        self.get(&place)
    }

    /// The group of a model at an address.
    pub(super) fn group(&self, model: &ModelName, endpoint: Option<&Endpoint>) -> Arc<Group> {
        let place = Place {
            model: model.clone(),
            endpoint: endpoint.cloned(),
        };
        if let Some(known) = self.get(&place) {
            return known;
        }
        let mut groups = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if groups.len() >= MAX_REMEMBERED && !groups.contains_key(&place) {
            forget_one(&mut groups);
        }
        let made = groups
            .entry(place)
            .or_insert_with(|| Arc::new(Group::named(model, endpoint.cloned())));
        Arc::clone(made)
    }

    fn get(&self, place: &Place) -> Option<Arc<Group>> {
        let groups = self.0.read().unwrap_or_else(PoisonError::into_inner);
        groups.get(place).cloned()
    }
}

/// Makes room. Who is well is forgotten first, then who was seen failing, then who cools for the shortest time: at
/// worst it is asked early. A probe under way is never forgotten, and is as rare as calls in flight.
fn forget_one(groups: &mut FastMap<Place, Arc<Group>>) {
    let rank = |group: &Group| {
        let [member] = group.members.as_slice() else {
            return None;
        };
        match member.entry.state.health() {
            Health::GOOD => Some((0, None)),
            Health::Ready { .. } => Some((1, None)),
            Health::Cooling { until, .. } => Some((2, Some(until))),
            Health::Probing { .. } => None,
        }
    };
    let least = groups
        .iter()
        .filter_map(|(place, group)| Some((rank(group)?, place)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, place)| place.clone());
    if let Some(place) = least {
        groups.remove(&place);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::client::LlmErrorKind;
    use crate::router::RouterConfig;
    use crate::router::health::Place as Standing;
    use crate::router::health::Rules;
    use crate::router::health::Sign;

    #[tokio::test(start_paused = true)]
    async fn names_are_remembered_within_a_bound_and_the_well_are_forgotten_first() {
        let named = NamedGroups::default();
        let model = |n: usize| -> ModelName { format!("p/m{n}").parse().unwrap() };
        let config = RouterConfig::default();
        let rules = Rules {
            config: &config,
            place: Standing::Named,
            cooldown: None,
        };
        let first = named.group(&model(0), None);
        let sign = Sign::AttemptFailed(&LlmErrorKind::Authentication);
        let state = &first.members[0].entry.state;
        state.note(sign, false, &rules, Instant::now());
        for n in 1..=MAX_REMEMBERED {
            named.group(&model(n), None);
        }
        assert_eq!(named.0.read().unwrap().len(), MAX_REMEMBERED);
        let again = named.group(&model(0), None);
        assert!(Arc::ptr_eq(&first, &again), "it still cools");
        let elsewhere = named.group(&model(0), Some(&Endpoint::default()));
        assert!(elsewhere.members[0].entry.state.is_well());
    }
}
