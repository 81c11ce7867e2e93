//! Downloading a model through an Ollama server, as it tells of it line by line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// One line of `POST /api/pull`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PullLine {
    /// What the server does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Of which file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Its size in bytes.
    #[serde(
        default,
        rename(serialize = "total_bytes"),
        skip_serializing_if = "Option::is_none"
    )]
    pub total: Option<u64>,
    /// What is there of it, in bytes.
    #[serde(
        default,
        rename(serialize = "completed_bytes"),
        skip_serializing_if = "Option::is_none"
    )]
    pub completed: Option<u64>,
    /// Why it failed; the HTTP status was a success all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a download is: all files of the model together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullProgress {
    files: BTreeMap<String, (u64, u64)>,
    status: String,
}

impl PullProgress {
    /// Takes a line.
    pub fn take(&mut self, line: &PullLine) {
        if let Some(status) = &line.status {
            self.status.clone_from(status);
        }
        if let (Some(digest), Some(total)) = (&line.digest, line.total) {
            let file = self.files.entry(digest.clone()).or_default();
            *file = (line.completed.unwrap_or(0).max(file.0), total);
        }
    }

    /// Bytes that are there, of all files that the server has spoken of.
    pub fn completed_bytes(&self) -> u64 {
        self.files.values().map(|(completed, _)| completed).sum()
    }

    /// Bytes of all those files.
    pub fn total_bytes(&self) -> u64 {
        self.files.values().map(|(_, total)| total).sum()
    }

    /// What the server does, in its own words.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// `true` once the model is installed.
    pub fn is_done(&self) -> bool {
        self.status == "success"
    }
}

/// What to do about a download that an Ollama server says has failed. It tells causes only in words
/// (ollama/ollama `server/images.go` and `download.go`, at fb30760, 2026-08-21).
pub fn pull_remedy(said: &str, model: &str) -> Option<String> {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["file does not exist", "manifest unknown", "not found"]) {
        let list = "list known ones with: agon models --provider ollama";
        let name = model.split(':').next().unwrap_or(model);
        return Some(match model.contains('/') {
            true => format!("there is no such model or tag: check its name, or {list}"),
            false => format!(
                "there is no such model or tag: look it up at https://ollama.com/library/{name}/tags, or {list}"
            ),
        });
    }
    if has(&["no space left", "not enough space", "disk quota"]) {
        return Some("the server's disk is full: remove a model with: agon ollama rm MODEL, or set OLLAMA_MODELS to another disk. What is there already is kept for the next try".to_owned());
    }
    if has(&["newer version"]) {
        return Some("this model needs a newer Ollama: update the server".to_owned());
    }
    if has(&[
        "no such host",
        "dial tcp",
        "connection refused",
        "timeout",
        "tls:",
    ]) {
        return Some("the server cannot reach the registry: check its network and HTTPS_PROXY, then run the same command again; it goes on where it stopped".to_owned());
    }
    if has(&["unauthorized", "access denied", "forbidden"]) {
        return Some(
            "the registry refuses this model: sign in on the server with: ollama signin".to_owned(),
        );
    }
    if has(&["invalid model name"]) {
        return Some("write NAME or NAME:TAG, for example llama3.2:3b".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> PullLine {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn files_add_up_and_never_go_backwards() {
        let mut progress = PullProgress::default();
        for text in [
            r#"{"status":"pulling manifest"}"#,
            r#"{"status":"pulling a","digest":"sha256:a","total":100,"completed":40}"#,
            r#"{"status":"pulling a","digest":"sha256:a","total":100}"#,
            r#"{"status":"pulling b","digest":"sha256:b","total":10,"completed":10}"#,
        ] {
            progress.take(&line(text));
        }
        assert_eq!(
            (progress.completed_bytes(), progress.total_bytes()),
            (50, 110)
        );
        assert!(!progress.is_done());
        progress.take(&line(r#"{"status":"success"}"#));
        assert!(progress.is_done());
    }

    #[test]
    fn every_cause_has_its_remedy() {
        let of = |said| pull_remedy(said, "nope:7b").unwrap();
        assert!(of("pull model manifest: file does not exist").contains("library/nope/tags"));
        assert!(of("write /models/blobs/x: no space left on device").contains("full"));
        let offline = "pull model manifest: Get \"https://registry\": dial tcp: lookup registry: no such host";
        assert!(of(offline).contains("registry"));
        assert_eq!(pull_remedy("something else", "m"), None);
    }
}
