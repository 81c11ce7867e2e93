//! All formats that can be ordered: those compiled in, and the operator's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use super::read::parse;
use crate::types::Diagnostic;
use crate::types::debate::Format;
use crate::types::diagnostic::nearest;

/// A shipped format: the file's name and its text.
macro_rules! shipped {
    ($($id:literal),* $(,)?) => {
        [$((
            concat!("formats/", $id, ".toml"),
            include_str!(concat!("../../../formats/", $id, ".toml")),
        )),*]
    };
}

/// The formats that come with Agon.
const SHIPPED: [(&str, &str); 15] = shipped![
    "chateval",
    "chateval-simultaneous",
    "chateval-summary",
    "consultancy",
    "council",
    "debate-with-secret",
    "oxford",
    "reconcile",
    "single",
    "society-of-minds",
    "society-of-minds-full",
    "society-of-minds-ring",
    "socratic",
    "tit-for-tat",
    "vote",
];

/// All formats by id.
#[derive(Debug, Clone)]
pub struct FormatLibrary {
    formats: BTreeMap<String, Entry>,
    mistakes: Vec<Diagnostic>,
}

/// A format, and the file that it came from.
#[derive(Debug, Clone)]
struct Entry {
    format: Arc<Format>,
    file: String,
}

impl FormatLibrary {
    /// The formats that come with Agon.
    pub fn embedded() -> Self {
        static READ: OnceLock<FormatLibrary> = OnceLock::new();
        READ.get_or_init(Self::read_shipped).clone()
    }

    fn read_shipped() -> Self {
        let formats = SHIPPED.iter().map(|(file, source)| {
            let format =
                parse(file, source).expect("this module's tests read every shipped format");
            let file = format!("{file} (built in)");
            let entry = Entry {
                format: Arc::new(format),
                file,
            };
            (entry.format.id.clone(), entry)
        });
        Self {
            formats: formats.collect(),
            mistakes: Vec::new(),
        }
    }

    /// The formats that come with Agon and every `*.toml` of a directory, which adds to them or, by id, takes the
    /// place of one. `None` means no directory.
    ///
    /// A file with mistakes is left out, as is a second one of the same id: [`Self::mistakes`] tells of them, and
    /// all others load.
    ///
    /// # Errors
    ///
    /// A directory that cannot be read.
    pub fn load(dir: Option<&Path>) -> Result<Self, Vec<Diagnostic>> {
        let mut library = Self::embedded();
        let Some(dir) = dir else {
            return Ok(library);
        };
        let mut own: BTreeMap<String, String> = BTreeMap::new();
        for path in files(dir)? {
            let file = path.display().to_string();
            match read_file(&path, &file) {
                Ok(format) => match own.get(&format.id) {
                    Some(other) => {
                        let help =
                            format!("the id \"{}\" is taken by {other}: left out", format.id);
                        library.mistakes.push(Diagnostic::new(&file, None, help));
                    }
                    None => {
                        own.insert(format.id.clone(), file.clone());
                        library.add(format, file);
                    }
                },
                Err(found) => library.mistakes.extend(found),
            }
        }
        Ok(library)
    }

    fn add(&mut self, format: Format, file: String) {
        let entry = Entry {
            format: Arc::new(format),
            file,
        };
        self.formats.insert(entry.format.id.clone(), entry);
    }

    /// What is wrong with the operator's own files, which are left out.
    pub fn mistakes(&self) -> &[Diagnostic] {
        &self.mistakes
    }

    /// What is wrong with the operator's file that is named like this id.
    pub fn mistakes_of(&self, id: &str) -> impl Iterator<Item = &Diagnostic> {
        let named = move |mistake: &&Diagnostic| {
            let stem = Path::new(&mistake.file).file_stem();
            stem.is_some_and(|stem| stem == id)
        };
        self.mistakes.iter().filter(named)
    }

    /// The format of this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Format>> {
        self.formats.get(id).map(|entry| &entry.format)
    }

    /// The file that the format of this id came from.
    pub fn file(&self, id: &str) -> Option<&str> {
        self.formats.get(id).map(|entry| entry.file.as_str())
    }

    /// All formats, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Format>> {
        self.formats.values().map(|entry| &entry.format)
    }

    /// The id that was probably meant.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.formats.keys().map(String::as_str))
    }
}

/// Reads one file.
///
/// # Errors
///
/// All its mistakes, by line; or that it cannot be read.
pub fn read_file(path: &Path, file: &str) -> Result<Format, Vec<Diagnostic>> {
    let source = fs::read_to_string(path).map_err(|error| {
        let help = format!("it cannot be read: {error}");
        vec![Diagnostic::new(file, None, help)]
    })?;
    parse(file, &source)
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
