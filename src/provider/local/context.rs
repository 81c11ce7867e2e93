//! How large a context to ask Ollama for: large enough that nothing is cut in silence, and the same as before
//! whenever that is enough.
//!
//! Ollama loads a model with a context of its own choice (4096 tokens on a machine with little memory) and cuts a
//! longer prompt without a word; another `num_ctx` than the one in force loads the model anew
//! (ollama/ollama `server/sched.go`, `needsReload`, at fb30760, 2026-08-21). Hence the rule of [`choose`].

/// The least that Ollama chooses by itself (its FAQ, 2026-08: 4096 below 24 GiB of video memory).
const USUAL: u64 = 4096;

/// What is known about one call and its model, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The prompt and the answer together, estimated.
    pub(super) needed: u64,
    /// What the operator has set for the model.
    pub(super) set: Option<u64>,
    /// Most that is chosen.
    pub(super) most: u64,
    /// What the model was trained for.
    pub(super) trained: Option<u64>,
    /// What the model's own file asks for.
    pub(super) own: Option<u64>,
    /// What the model is loaded with now.
    pub(super) in_force: Option<u64>,
    /// What was asked for the last time.
    pub(super) before: Option<u64>,
}

/// Returns the `num_ctx` to send; `None` leaves it to the server.
///
/// 1. What is set is sent.
/// 2. What is in force is kept when it is enough: sending it again does not load the model anew.
/// 3. Otherwise the need is rounded up to a power of two, never below what was asked for before, and never above
///    the smaller of the model's own context and the setting's most.
/// 4. A model that is not loaded, and whose own default is enough, is left to the server.
pub(super) fn choose(known: &Known) -> Option<u64> {
    let bound = known.most.min(known.trained.unwrap_or(u64::MAX));
    if known.set.is_some() {
        return known.set;
    }
    if let Some(enough) = known.in_force.filter(|now| *now >= known.needed) {
        return Some(enough);
    }
    let by_default = known.own.unwrap_or(USUAL);
    if known.in_force.is_none() && known.before.is_none() && known.needed <= by_default {
        return None;
    }
    let rounded = known.needed.checked_next_power_of_two().unwrap_or(bound);
    let wanted = rounded.max(USUAL).min(bound);
    let kept = known.before.max(known.in_force).unwrap_or(0);
    Some(wanted.max(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Known = Known {
        needed: 1000,
        set: None,
        most: 32_768,
        trained: Some(131_072),
        own: None,
        in_force: None,
        before: None,
    };

    #[test]
    fn a_short_call_to_a_model_that_sleeps_is_left_to_the_server() {
        assert_eq!(choose(&FREE), None);
        let own = Known {
            needed: 3000,
            own: Some(2048),
            ..FREE
        };
        assert_eq!(choose(&own), Some(4096), "its own file asks for less");
    }

    #[test]
    fn what_is_enough_is_kept_so_that_nothing_is_loaded_anew() {
        for needed in [1000, 4096] {
            let loaded = Known {
                needed,
                in_force: Some(4096),
                ..FREE
            };
            assert_eq!(choose(&loaded), Some(4096));
        }
        let slept = Known {
            before: Some(16_384),
            ..FREE
        };
        assert_eq!(choose(&slept), Some(16_384));
    }

    #[test]
    fn what_is_too_small_grows_to_a_power_of_two_within_its_bounds() {
        let grow = |needed, trained| {
            choose(&Known {
                needed,
                trained,
                in_force: Some(4096),
                ..FREE
            })
        };
        assert_eq!(grow(4097, Some(131_072)), Some(8192));
        assert_eq!(grow(9000, Some(131_072)), Some(16_384));
        assert_eq!(
            grow(900_000, Some(131_072)),
            Some(32_768),
            "the setting's most"
        );
        assert_eq!(grow(9000, Some(8192)), Some(8192), "the model's own");
        assert_eq!(grow(u64::MAX, None), Some(32_768));
    }

    #[test]
    fn what_is_set_is_sent_whatever_the_call_needs() {
        let set = Known {
            needed: 50_000,
            set: Some(2048),
            in_force: Some(4096),
            ..FREE
        };
        assert_eq!(choose(&set), Some(2048));
    }

    #[test]
    fn more_than_we_would_choose_is_not_taken_away() {
        let large = Known {
            needed: 300_000,
            in_force: Some(262_144),
            ..FREE
        };
        assert_eq!(choose(&large), Some(262_144));
    }
}
