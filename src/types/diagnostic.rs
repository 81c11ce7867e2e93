//! A mistake in a file that somebody wrote, with where it is and what to do.

use std::fmt;

/// One mistake in a data or configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the operator knows it.
    pub file: String,
    /// The line, counted from 1; `None` when the mistake is something missing from the whole file.
    pub line: Option<usize>,
    /// What is wrong, and how to mend it.
    pub help: String,
}

impl Diagnostic {
    /// Describes a mistake at a line of a file.
    pub fn new(file: impl Into<String>, line: Option<usize>, help: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            help: help.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}  {}", self.file, self.help),
            None => write!(f, "{}  {}", self.file, self.help),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// Letters of a name that is looked for: a longer one is no mistyped name, and comparing takes the product of both.
const MOST_LETTERS: usize = 128;

/// Returns the candidate nearest to `wanted`, if one is near enough to be what was meant.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wanted.chars().nth(MOST_LETTERS).is_some() {
        return None;
    }
    let letters = wanted.chars().count();
    let allowed = (letters / 3).max(2);
    candidates
        .into_iter()
        .filter(|candidate| letters.abs_diff(candidate.chars().count()) <= allowed)
        .map(|candidate| (edits(wanted, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == *y {
                diagonal
            } else {
                1 + diagonal.min(above).min(row[j])
            };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(
            nearest("gpt-5-mni", ["gpt-5-mini", "gpt-4o"]),
            Some("gpt-5-mini")
        );
        assert_eq!(nearest("zebra", ["gpt-5-mini", "gpt-4o"]), None);
    }

    #[test]
    fn nothing_is_looked_for_that_is_too_long_to_be_a_name() {
        let model = "m".repeat(MOST_LETTERS);
        assert_eq!(nearest(&model, [model.as_str()]), Some(model.as_str()));
        let longer = "m".repeat(MOST_LETTERS + 1);
        assert_eq!(nearest(&longer, [model.as_str()]), None);
    }
}
