//! Real provider traffic, replayed through the decoders: whole, and cut anywhere.
//!
//! What each exchange says was read from its bytes by a program of its own, which shares nothing with Agon's
//! decoders, and by eye where a judgement was needed. `recorded/expected.json` keeps lengths and hashes of the texts,
//! because the recordings are other people's.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use agon::types::Wire;
use agon::types::quirks::Quirks;
use agon::wire::ErrorParts;
use agon::wire::reading::Reading;
use agon::wire::reading::read;
use base64::Engine;
use serde::Deserialize;
use serde_json::Value;

/// One recorded exchange on a wire that Agon speaks.
struct Exchange {
    id: String,
    wire: Wire,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// What an exchange says.
#[derive(Debug, PartialEq, Deserialize)]
struct Expected {
    text: String,
    refusal: String,
    reasoning: String,
    /// Blocks of reasoning and calls with something that has to go back.
    seals: usize,
    /// Names, and the arguments with their keys in order.
    tools: Vec<(String, String)>,
    finish: Option<String>,
    /// The seven buckets, in the order of `Usage`.
    usage: Option<[u64; 7]>,
    /// The class, and the seconds to wait.
    error: Option<(String, Option<f64>)>,
}

/// The recordings; `None`, and a line that says so, when there are none here.
fn exchanges() -> Option<Vec<Exchange>> {
    let Some(folder) = std::env::var_os("AGON_RECORDED_DIR").map(PathBuf::from) else {
        // Written past the test harness, which shows what a test prints only when it fails.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: recorded traffic: AGON_RECORDED_DIR is not set"
        );
        return None;
    };
    let index =
        std::fs::read_to_string(folder.join("INDEX.tsv")).expect("the folder holds INDEX.tsv");
    let rows = index
        .lines()
        .skip(1)
        .filter_map(|row| exchange(&folder, &row.split('\t').collect::<Vec<_>>()));
    Some(rows.collect())
}

fn exchange(folder: &Path, row: &[&str]) -> Option<Exchange> {
    let wire = Wire::ALL.into_iter().find(|wire| wire.as_str() == row[2])?;
    let folder = folder.join(row[0]);
    // Where only payloads were kept they stand one a line.
    let body = std::fs::read(folder.join("response.body"))
        .or_else(|_| std::fs::read(folder.join("response.chunks")))
        .ok()?;
    let meta: Value =
        serde_json::from_slice(&std::fs::read(folder.join("meta.json")).ok()?).ok()?;
    let headers = std::fs::read(folder.join("response.headers.json"));
    Some(Exchange {
        id: row[0].to_owned(),
        wire,
        status: row[4].parse().ok()?,
        headers: headers
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default(),
        body: match meta["body_encoding"].as_str() {
            Some("base64") => base64::engine::general_purpose::STANDARD
                .decode(body.trim_ascii())
                .expect("the recording says that it is base64"),
            _ => body,
        },
    })
}

impl Exchange {
    fn read(&self, piece: usize) -> Reading {
        let parts = ErrorParts {
            status: self.status,
            header: &|name| self.headers.get(name).cloned(),
            body: &self.body,
            now_ms: 0,
        };
        read(
            self.wire,
            &Quirks::default(),
            &parts,
            self.body.chunks(piece),
        )
    }
}

/// A reading in the form of the expectations.
fn said(reading: &Reading) -> Expected {
    let response = &reading.response;
    let reasoning = response
        .reasoning
        .iter()
        .filter(|block| block.seal.signature.is_some() || block.seal.encrypted.is_some());
    let signed = response
        .tool_calls
        .iter()
        .filter(|call| call.signature.is_some());
    Expected {
        text: digest(&response.text),
        refusal: digest(&response.refusal),
        reasoning: digest(&response.reasoning_text()),
        seals: reasoning.count() + signed.count(),
        tools: response
            .tool_calls
            .iter()
            .map(|call| (call.name.clone(), digest(&canonical(&call.arguments))))
            .collect(),
        finish: reading.finish.map(|finish| {
            serde_json::to_value(finish)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        }),
        usage: reading.usage.map(|usage| {
            [
                usage.input,
                usage.cache_read,
                usage.cache_write,
                usage.output,
                usage.reasoning,
                usage.audio_in,
                usage.audio_out,
            ]
        }),
        error: reading.error.as_ref().map(|error| {
            let wait = error.kind.retry_after();
            (
                error.kind.code().to_owned(),
                wait.map(|wait| wait.as_secs_f64()),
            )
        }),
    }
}

/// The length in characters and the beginning of a hash; empty for nothing.
fn digest(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    format!("{}:{}", text.chars().count(), &hash.as_str()[..16])
}

/// JSON with its keys in order; what is no JSON stays as it is.
fn canonical(text: &str) -> String {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<String, Value> = members
                    .into_iter()
                    .map(|(key, value)| (key, sorted(value)))
                    .collect();
                Value::Object(members.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |value| sorted(value).to_string())
}

#[test]
fn recorded_exchanges_say_what_their_bytes_say() {
    let Some(exchanges) = exchanges() else { return };
    let expected: BTreeMap<String, Expected> =
        serde_json::from_str(include_str!("recorded/expected.json")).unwrap();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for exchange in &exchanges {
        // Other recordings of the same kind may be there too; of those nobody has said what they say.
        let Some(expected) = expected.get(&exchange.id) else {
            continue;
        };
        compared += 1;
        let said = said(&exchange.read(usize::MAX));
        if said != *expected {
            wrong.push(format!(
                "{}\n  says {said:?}\n  not  {expected:?}",
                exchange.id
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, expected.len(), "recordings that are not here");
}

#[test]
fn recorded_exchanges_read_alike_however_they_are_cut() {
    let Some(exchanges) = exchanges() else { return };
    assert!(exchanges.len() >= 100, "only {}", exchanges.len());
    for exchange in &exchanges {
        let whole = exchange.read(usize::MAX);
        for piece in [1, 7, 64, 1000] {
            let mut cut = exchange.read(piece);
            // Only the number of chunks may depend on the pieces.
            cut.chunks = whole.chunks;
            assert_eq!(cut, whole, "{} in pieces of {piece}", exchange.id);
        }
    }
}

#[test]
fn recorded_errors_show_no_key() {
    let Some(exchanges) = exchanges() else { return };
    for exchange in exchanges.iter().filter(|it| it.status >= 400) {
        let error = exchange
            .read(usize::MAX)
            .error
            .expect("a status of 400 is an error");
        assert!(!error.message.is_empty(), "{}", exchange.id);
    }
}
