//! The process's environment as a value, taken once at start-up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A snapshot of environment variables. `Debug` shows their names only, since some hold keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(Arc<BTreeMap<String, String>>);

impl Environment {
    /// The value of a variable, without blanks around it; a blank one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The same variables with others that go before them.
    #[must_use]
    pub fn with(&self, others: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut variables = self.0.as_ref().clone();
        variables.extend(others);
        Self(Arc::new(variables))
    }

    /// The first of these variables that is set, and its value.
    pub fn first_of<'a>(&self, names: &'a [String]) -> Option<(&'a str, &str)> {
        names
            .iter()
            .find_map(|name| Some((name.as_str(), self.get(name)?)))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let pairs = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(Arc::new(pairs.collect()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_not_blank_counts_and_values_are_never_printed() {
        let environment: Environment = [("A", "  "), ("B", " sk-private\n"), ("C", "x")]
            .into_iter()
            .collect();
        let names = ["A", "B", "C"].map(str::to_owned);
        assert_eq!(environment.first_of(&names), Some(("B", "sk-private")));
        assert_eq!(format!("{environment:?}"), r#"{"A", "B", "C"}"#);
    }
}
