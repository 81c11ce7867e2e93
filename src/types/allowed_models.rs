//! The models that a caller may ask for.

use std::sync::Arc;

/// Names of models, and beginnings of names that end with `*`; `*` alone stands for all. A copy is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedModels(Arc<[String]>);

impl AllowedModels {
    /// `true` when a model is among them: by its name, or by a beginning.
    pub fn allows(&self, model: &str) -> bool {
        self.iter().any(|one| match one.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => one == model,
        })
    }

    /// The names as they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, String> {
        self.0.iter()
    }
}

impl FromIterator<String> for AllowedModels {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a AllowedModels {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
