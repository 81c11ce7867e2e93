//! Where a setting stands.

use std::sync::Arc;

use crate::types::Diagnostic;

/// A line of a settings file, or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the operator named it, or the variable.
    pub file: Arc<str>,
    /// The line, counted from 1; `None` for a variable.
    pub line: Option<usize>,
}

impl Place {
    /// A variable of the environment.
    pub(super) fn variable(name: &str) -> Self {
        Self {
            file: name.into(),
            line: None,
        }
    }

    /// Says something about what stands here.
    pub(super) fn says(&self, help: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.file.as_ref(), self.line, help)
    }
}
