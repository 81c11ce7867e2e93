//! A settings file with those that it includes, as one tree.

use std::path::Path;
use std::path::PathBuf;

use super::place::Place;
use super::report::Report;
use super::tree::Content;
use super::tree::Entry;
use super::tree::Node;
use super::yaml;

/// Files inside files, at most.
const MAX_DEPTH: usize = 8;
/// Files together, at most.
const MAX_FILES: usize = 64;

/// What was read.
#[derive(Debug)]
pub(super) struct Source {
    /// All of it.
    pub(super) tree: Node,
    /// The files it came from, the first one first; a watcher looks after them.
    pub(super) files: Vec<PathBuf>,
}

/// Reads a file and what it includes. What cannot be read is in the report and missing in the tree.
pub(super) fn read(file: &Path, report: &mut Report) -> Source {
    let place = Place {
        file: file.display().to_string().into(),
        line: None,
    };
    let mut source = Source {
        tree: Node::new(place.clone(), Content::Map(Vec::new())),
        files: Vec::new(),
    };
    let mut above = Vec::new();
    if let Some(tree) = one(file, &place, &mut source.files, &mut above, report) {
        source.tree = tree;
    }
    source
}

fn one(
    file: &Path,
    asked_at: &Place,
    files: &mut Vec<PathBuf>,
    above: &mut Vec<PathBuf>,
    report: &mut Report,
) -> Option<Node> {
    let own = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    if above.contains(&own) {
        report.mistake(asked_at, format!("{} includes itself", file.display()));
        return None;
    }
    if above.len() >= MAX_DEPTH || files.len() >= MAX_FILES {
        let help = format!(
            "{} is not read: at most {MAX_FILES} files are, {MAX_DEPTH} deep",
            file.display()
        );
        report.mistake(asked_at, help);
        return None;
    }
    files.push(file.to_owned());
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            let help = match asked_at.line {
                Some(_) => format!("{} cannot be read: {error}", file.display()),
                None => format!("cannot be read: {error}"),
            };
            report.mistake(asked_at, help);
            return None;
        }
    };
    let mut tree = yaml::parse(&file.display().to_string(), &text, report)?;
    let Content::Map(entries) = &mut tree.content else {
        report.kind("the file", &tree, "a mapping of sections");
        return None;
    };
    let include = entries.iter().position(|entry| entry.key == "include");
    let Some(include) = include.map(|at| entries.remove(at)) else {
        return Some(tree);
    };
    report.understand("include".to_owned(), &include.place);
    above.push(own);
    for (name, place) in names(&include.node, report) {
        let path = file.parent().unwrap_or(Path::new("")).join(name);
        if let Some(inner) = one(&path, &place, files, above, report) {
            merge(&mut tree, inner);
        }
    }
    above.pop();
    Some(tree)
}

fn names(include: &Node, report: &mut Report) -> Vec<(String, Place)> {
    let items = match &include.content {
        Content::Text(_) => std::slice::from_ref(include),
        Content::List(items) => items.as_slice(),
        Content::Null | Content::Bool(_) | Content::Number { .. } | Content::Map(_) => {
            report.kind("include", include, "a list of files");
            &[]
        }
    };
    let mut names = Vec::new();
    for item in items {
        match item.text() {
            Some(name) => names.push((name, item.place.clone())),
            None => report.kind("include", item, "a file's name"),
        }
    }
    names
}

/// Adds an included file: lists are continued, sections are joined, and a key that both have is the included one's,
/// as `LiteLLM` has it.
fn merge(tree: &mut Node, inner: Node) {
    match (&mut tree.content, inner.content) {
        (Content::Map(entries), Content::Map(others)) => {
            for Entry { key, place, node } in others {
                match entries.iter_mut().find(|entry| entry.key == key) {
                    Some(entry) => merge(&mut entry.node, node),
                    None => entries.push(Entry { key, place, node }),
                }
            }
        }
        (Content::List(items), Content::List(others)) => items.extend(others),
        (_, Content::Null) => {}
        (own, content) => {
            *own = content;
            tree.place = inner.place;
        }
    }
}
