//! Values that stand elsewhere: `os.environ/NAME`, `${NAME}`, `${NAME:-default}` and `file:/path`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use super::place::Place;
use super::report::Report;
use super::tree::Content;
use super::tree::Node;

/// Bytes of a file with a secret, at most.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What to do about a variable that is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unset {
    /// Agon does not start.
    Mistake,
    /// The setting is left out, and the operator is told.
    Warning,
    /// The setting is left out; whoever reads it says what that means.
    Quiet,
}

/// Looks values up.
pub(super) struct Lookup<'e> {
    pub(super) variables: &'e BTreeMap<String, String>,
    /// Files that values came from; a watcher looks after them.
    pub(super) files: Vec<PathBuf>,
}

/// What a text says once its references are followed.
enum Found {
    /// It has none.
    Plain,
    Text(String),
    Unset(String),
    Failed(String),
}

impl Lookup<'_> {
    /// Follows every reference under a node. `unset` decides by the path, `general_settings.master_key`.
    pub(super) fn expand(
        &mut self,
        node: &mut Node,
        path: &str,
        unset: &dyn Fn(&str) -> Unset,
        report: &mut Report,
    ) {
        match &mut node.content {
            Content::Null | Content::Bool(_) | Content::Number { .. } => {}
            Content::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.expand(item, &format!("{path}[{at}]"), unset, report);
                }
            }
            Content::Map(entries) => entries.retain_mut(|entry| {
                let path = match path {
                    "" => entry.key.clone(),
                    path => format!("{path}.{}", entry.key),
                };
                self.expand(&mut entry.node, &path, unset, report);
                // What was told as a mistake already is not told again as something missing.
                let is_lost = entry.node.is_null() && entry.node.written.is_some();
                !(is_lost && unset(&path) == Unset::Mistake)
            }),
            Content::Text(text) => {
                let found = self.follow(text);
                put(node, path, found, report);
                if let Some(name) = &node.unset {
                    tell_unset(name, path, &node.place, unset(path), report);
                }
            }
        }
    }

    fn follow(&mut self, text: &str) -> Found {
        if let Some(name) = text.strip_prefix("os.environ/") {
            return match self.variable(name.trim()) {
                Some(value) => Found::Text(value),
                None => Found::Unset(name.trim().to_owned()),
            };
        }
        if let Some(path) = text.strip_prefix("file:")
            && (path.starts_with('/') || path.starts_with("./"))
        {
            return self.file(path);
        }
        match text.contains("${") {
            true => self.filled(text),
            false => Found::Plain,
        }
    }

    /// A variable that is blank counts as not set.
    fn variable(&self, name: &str) -> Option<String> {
        let value = self.variables.get(name)?;
        (!value.trim().is_empty()).then(|| value.clone())
    }

    fn file(&mut self, path: &str) -> Found {
        self.files.push(PathBuf::from(path));
        match read_at_most(path, MAX_FILE_BYTES) {
            Ok(Some(text)) => Found::Text(text.trim().to_owned()),
            Ok(None) => Found::Failed(format!(
                "{path} is too long to be a secret: at most {MAX_FILE_BYTES} bytes are read"
            )),
            Err(error) => Found::Failed(format!("{path} cannot be read: {error}")),
        }
    }

    /// A text with `${NAME}` in it. Where one is not set and has no default, the whole text is not.
    fn filled(&self, text: &str) -> Found {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((inside, behind)) = behind.split_once('}') else {
                return Found::Failed("a \"${\" has no \"}\"".to_owned());
            };
            let (name, default) = match inside.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            filled.push_str(before);
            match (self.variable(name.trim()), default) {
                (Some(value), _) => filled.push_str(&value),
                (None, Some(default)) => filled.push_str(default),
                (None, None) => return Found::Unset(name.trim().to_owned()),
            }
            rest = behind;
        }
        filled.push_str(rest);
        Found::Text(filled)
    }
}

/// The text of a file; `None` when it is longer than `most` bytes. The length that a file tells is not asked for: a
/// device or a pipe tells none and may never end.
fn read_at_most(path: &str, most: u64) -> std::io::Result<Option<String>> {
    let mut text = Vec::new();
    std::fs::File::open(path)?
        .take(most + 1)
        .read_to_end(&mut text)?;
    if text.len() as u64 > most {
        return Ok(None);
    }
    let told = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    String::from_utf8(text).map(Some).map_err(told)
}

/// Puts what was found into the place of its reference.
fn put(node: &mut Node, path: &str, found: Found, report: &mut Report) {
    let (content, missing) = match found {
        Found::Plain => return,
        Found::Text(text) => (Content::Text(text), None),
        Found::Unset(name) => (Content::Null, Some(name)),
        Found::Failed(help) => {
            report.mistake(&node.place, format!("{path}: {help}"));
            (Content::Null, None)
        }
    };
    if let Content::Text(text) = std::mem::replace(&mut node.content, content) {
        node.written = Some(text);
    }
    node.unset = missing;
}

fn tell_unset(name: &str, path: &str, place: &Place, unset: Unset, report: &mut Report) {
    let help = format!("{path}: the variable {name} is not set");
    match unset {
        Unset::Mistake => report.mistake(place, help),
        Unset::Warning => report.warn(place, format!("{help}, so it is left out")),
        Unset::Quiet => {}
    }
}

/// The variables with those of the file's `environment_variables` under them: what the process has already stays, as
/// `LiteLLM` has it.
pub(super) fn with_environment_variables(
    tree: &mut Node,
    variables: &BTreeMap<String, String>,
    report: &mut Report,
) -> BTreeMap<String, String> {
    let mut view = variables.clone();
    let Content::Map(sections) = &mut tree.content else {
        return view;
    };
    let section = sections
        .iter()
        .position(|entry| entry.key == "environment_variables");
    let Some(mut section) = section.map(|at| sections.remove(at)) else {
        return view;
    };
    let Content::Map(entries) = &mut section.node.content else {
        if !section.node.is_null() {
            report.kind("environment_variables", &section.node, "a mapping");
        }
        return view;
    };
    for entry in entries {
        let path = format!("environment_variables.{}", entry.key);
        report.understand(path.clone(), &entry.place);
        let is_set = |value: &String| !value.trim().is_empty();
        if view.get(&entry.key).is_some_and(is_set) {
            continue;
        }
        let mut lookup = Lookup {
            variables: &view,
            files: Vec::new(),
        };
        lookup.expand(&mut entry.node, &path, &|_| Unset::Warning, report);
        match entry.node.text() {
            Some(value) => drop(view.insert(entry.key.clone(), value)),
            None if entry.node.is_null() => {}
            None => report.kind(&path, &entry.node, "a text"),
        }
    }
    view
}
