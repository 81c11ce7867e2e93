//! The environment as a value: the process's own, and `.env` under it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::types::Diagnostic;

/// Puts a `.env` file under the process's environment: what is set there already stays.
///
/// # Errors
/// Lines of the file that are no `NAME=value`.
pub fn environment(
    process: impl Iterator<Item = (String, String)>,
    file: &Path,
) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let mut environment = match std::fs::read_to_string(file) {
        Ok(text) => parse(&file.display().to_string(), &text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => {
            return Err(vec![Diagnostic::new(
                file.display().to_string(),
                None,
                format!("cannot be read: {error}"),
            )]);
        }
    };
    environment.extend(process);
    Ok(environment)
}

fn parse(file: &str, text: &str) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let (mut values, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.strip_prefix("export ").unwrap_or(line).split_once('=') {
            Some((name, value)) if !name.trim().is_empty() && !name.trim().contains(' ') => {
                values.insert(name.trim().to_owned(), unquoted(value.trim()));
            }
            // The line may hold a key, so it is not shown.
            _ => mistakes.push(Diagnostic::new(file, Some(at + 1), "is not NAME=value")),
        }
    }
    if mistakes.is_empty() {
        Ok(values)
    } else {
        Err(mistakes)
    }
}

/// A value without its quotes, or without a comment behind it.
fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(end) = value.strip_prefix(quote).and_then(|rest| rest.find(quote)) {
            return value[1..=end].to_owned();
        }
    }
    value
        .split(" #")
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_owned()
}
