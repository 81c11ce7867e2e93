//! Maps that are looked into for every call.

use std::collections::HashMap;

/// A map for names that callers choose within bounds. Its hasher is seeded for each map and takes a fifth of the time
/// of the standard one; it gives less of a promise against names that are made to collide, which a bound on the
/// map's size makes up for.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
