//! A file of JSON lines that is only added to, and that a process may die in the middle of.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::debate::eval::EvalError;

/// A file of JSON lines.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: Mutex<File>,
}

impl Lines {
    /// Opens a file, or makes it, and reads its lines. A last line that a dying process did not finish is cut off.
    ///
    /// # Errors
    /// When it cannot be read or written, or another line is broken.
    pub(super) fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>), EvalError> {
        let failed = |error: &dyn std::fmt::Display| EvalError::file(path, error);
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(&error)),
        };
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut items = Vec::new();
        for (at, line) in bytes[..whole].split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let item = serde_json::from_slice(line);
            items.push(
                item.map_err(|error| failed(&format!("line {} cannot be read: {error}", at + 1)))?,
            );
        }
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let file = opened.map_err(|error| failed(&error))?;
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(|error| failed(&error))?;
        }
        let lines = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        };
        Ok((lines, items))
    }

    /// Adds a line, in one write.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add<T: Serialize>(&self, item: &T) -> Result<(), EvalError> {
        let failed = |error: &dyn std::fmt::Display| EvalError::file(&self.path, error);
        let mut line = serde_json::to_vec(item).map_err(|error| failed(&error))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(|error| failed(&error))
    }
}
