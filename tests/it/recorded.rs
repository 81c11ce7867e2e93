//! Real provider traffic, replayed through the decoders: whole, and cut anywhere.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use agon::types::ChatResponse;
use agon::types::ResponseBuilder;
use agon::types::Wire;
use agon::types::quirks::Quirks;
use agon::wire::ErrorParts;
use agon::wire::StreamDecoder;
use agon::wire::WireError;
use agon::wire::decode_error;
use agon::wire::decode_response;

/// One recorded exchange on a wire that Agon speaks.
struct Exchange {
    id: String,
    wire: Wire,
    streaming: bool,
    status: u16,
    body: Vec<u8>,
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
    let wire = match row[2] {
        "openai_chat" => Wire::OpenaiChat,
        "anthropic" => Wire::Anthropic,
        "ollama" => Wire::Ollama,
        _ => return None,
    };
    // Where only payloads were kept there is no framing to test.
    let body = std::fs::read(folder.join(row[0]).join("response.body")).ok()?;
    // Ollama's /api/generate has a form of its own, which Agon does not call.
    if wire == Wire::Ollama && body.windows(12).any(|bytes| bytes == b"\"response\":\"") {
        return None;
    }
    Some(Exchange {
        id: row[0].to_owned(),
        wire,
        streaming: row[3] == "true",
        status: row[4].parse().ok()?,
        body,
    })
}

impl Exchange {
    fn read(&self, piece: usize) -> Result<ChatResponse, WireError> {
        let mut decoder = StreamDecoder::new(self.wire, &Quirks::default());
        let (mut builder, mut chunks) = (ResponseBuilder::default(), Vec::new());
        for bytes in self.body.chunks(piece) {
            decoder.push(bytes, &mut chunks)?;
        }
        decoder.finish(&mut chunks)?;
        chunks.iter().for_each(|chunk| builder.push(chunk));
        Ok(builder.finish())
    }
}

#[test]
fn recorded_streams_read_alike_however_they_are_cut() {
    let Some(exchanges) = exchanges() else { return };
    let streams: Vec<Exchange> = exchanges
        .into_iter()
        .filter(|it| it.streaming && it.status < 400)
        .collect();
    assert!(streams.len() >= 20, "only {} streams", streams.len());
    let mut broken = Vec::new();
    for stream in &streams {
        let whole = stream.read(usize::MAX);
        for piece in [1, 7, 64, 1000] {
            assert_eq!(
                stream.read(piece),
                whole,
                "{} in pieces of {piece}",
                stream.id
            );
        }
        match whole {
            Ok(answer) => {
                let says = !answer.text.is_empty()
                    || !answer.tool_calls.is_empty()
                    || !answer.reasoning.is_empty();
                assert!(says, "{} says nothing", stream.id);
            }
            // Groq ends a failed tool call within a success.
            Err(WireError::Upstream(_, _)) if stream.id.contains("tool-use-failed") => {}
            Err(error) => broken.push(format!("{}: {error}", stream.id)),
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn recorded_answers_are_read() {
    let Some(exchanges) = exchanges() else { return };
    for exchange in exchanges
        .iter()
        .filter(|it| !it.streaming && it.status < 400)
    {
        if exchange.body.windows(8).any(|bytes| bytes == b"\"data\":[") {
            continue; // a list of models or embeddings
        }
        match decode_response(exchange.wire, &exchange.body, &Quirks::default()) {
            Ok(answer) => {
                let says = !answer.text.is_empty()
                    || !answer.tool_calls.is_empty()
                    || !answer.reasoning.is_empty();
                let cut = answer.finish == agon::types::FinishReason::Length;
                assert!(says || cut, "{} says nothing", exchange.id);
            }
            Err(WireError::Upstream(_, _)) => {}
            Err(error) => panic!("{}: {error}", exchange.id),
        }
    }
}

#[test]
fn recorded_errors_have_a_class_and_show_no_key() {
    let Some(exchanges) = exchanges() else { return };
    let failed: Vec<&Exchange> = exchanges.iter().filter(|it| it.status >= 400).collect();
    assert!(failed.len() >= 8, "only {} errors", failed.len());
    for exchange in failed {
        let parts = ErrorParts {
            status: exchange.status,
            header: &|_| None,
            body: &exchange.body,
            now_ms: 0,
        };
        let error = decode_error(exchange.wire, "recorded", &parts);
        assert!(!error.message.is_empty(), "{}", exchange.id);
        if exchange.status == 401 {
            assert_eq!(
                error.kind,
                agon::client::LlmErrorKind::Authentication,
                "{}",
                exchange.id
            );
        }
    }
}
