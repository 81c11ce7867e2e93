//! All formats that can be ordered: those compiled in, and the operator's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::read::parse;
use crate::types::Diagnostic;
use crate::types::debate::Format;
use crate::types::diagnostic::nearest;

/// The formats that come with Agon: the file's name and its text.
const SHIPPED: [(&str, &str); 3] = [
    (
        "formats/oxford.toml",
        include_str!("../../../formats/oxford.toml"),
    ),
    (
        "formats/society-of-minds.toml",
        include_str!("../../../formats/society-of-minds.toml"),
    ),
    (
        "formats/tit-for-tat.toml",
        include_str!("../../../formats/tit-for-tat.toml"),
    ),
];

/// All formats by id.
#[derive(Debug, Clone)]
pub struct FormatLibrary {
    formats: BTreeMap<String, Arc<Format>>,
}

impl FormatLibrary {
    /// The formats that come with Agon.
    pub fn embedded() -> Self {
        let formats = SHIPPED.iter().map(|(file, source)| {
            let format =
                parse(file, source).expect("this module's tests read every shipped format");
            (format.id.clone(), Arc::new(format))
        });
        Self {
            formats: formats.collect(),
        }
    }

    /// The formats that come with Agon and every `*.toml` of a directory, which adds to them or, by id,
    /// takes the place of one. `None` means no directory.
    ///
    /// # Errors
    ///
    /// All mistakes of all files, a directory or file that cannot be read included.
    pub fn load(dir: Option<&Path>) -> Result<Self, Vec<Diagnostic>> {
        let mut library = Self::embedded();
        let Some(dir) = dir else {
            return Ok(library);
        };
        let mut mistakes = Vec::new();
        let mut own: BTreeMap<String, String> = BTreeMap::new();
        for path in files(dir)? {
            let file = path.display().to_string();
            match read(&path, &file) {
                Ok(format) => {
                    if let Some(other) = own.insert(format.id.clone(), file.clone()) {
                        let help = format!("the id \"{}\" is taken by {other}", format.id);
                        mistakes.push(Diagnostic::new(&file, None, help));
                    }
                    library.formats.insert(format.id.clone(), Arc::new(format));
                }
                Err(found) => mistakes.extend(found),
            }
        }
        if mistakes.is_empty() {
            Ok(library)
        } else {
            Err(mistakes)
        }
    }

    /// The format of this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Format>> {
        self.formats.get(id)
    }

    /// All formats, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Format>> {
        self.formats.values()
    }

    /// The id that was probably meant.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.formats.keys().map(String::as_str))
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let unreadable = |error: std::io::Error| {
        let help = format!("the directory of formats cannot be read: {error}");
        vec![Diagnostic::new(dir.display().to_string(), None, help)]
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, file: &str) -> Result<Format, Vec<Diagnostic>> {
    let source = fs::read_to_string(path).map_err(|error| {
        vec![Diagnostic::new(
            file,
            None,
            format!("it cannot be read: {error}"),
        )]
    })?;
    parse(file, &source)
}
