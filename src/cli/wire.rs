//! `agon wire`: a provider's bytes to what they say, and a chat to the bytes that a provider gets.

use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;
use rand::RngExt;
use rand::SeedableRng;
use serde_json::Value;
use serde_json::json;

use super::output::Output;
use crate::app::AppError;
use crate::types::Clock;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::wire::EncodeContext;
use crate::wire::ErrorParts;
use crate::wire::WireError;
use crate::wire::encode;
use crate::wire::reading;
use crate::wire::serve;

/// What to do with a protocol.
#[derive(Debug, Subcommand)]
pub(super) enum WireCommand {
    /// Read a recorded answer, streamed or not, and print what it says as JSON
    Decode(DecodeArgs),
    /// Write a chat as the body that a provider gets
    Encode(EncodeArgs),
}

/// A protocol by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum WireName {
    /// OpenAI's Chat Completions and its many clones
    OpenaiChat,
    /// OpenAI's Responses
    OpenaiResponses,
    /// Anthropic's Messages
    Anthropic,
    /// Google's generateContent
    Gemini,
    /// Ollama's /api/chat and /api/generate
    Ollama,
    /// Cohere's version 2
    Cohere,
    /// Amazon Bedrock's Converse
    Bedrock,
    /// Replicate's predictions
    Replicate,
    /// Vectors, of whatever provider (decode only)
    Embeddings,
}

impl WireName {
    /// The wire of a chat; `None` for vectors.
    fn chat(self) -> Option<Wire> {
        Some(match self {
            Self::OpenaiChat => Wire::OpenaiChat,
            Self::OpenaiResponses => Wire::OpenaiResponses,
            Self::Anthropic => Wire::Anthropic,
            Self::Gemini => Wire::Gemini,
            Self::Ollama => Wire::Ollama,
            Self::Cohere => Wire::Cohere,
            Self::Bedrock => Wire::Bedrock,
            Self::Replicate => Wire::Replicate,
            Self::Embeddings => return None,
        })
    }
}

/// Which answer to read, and how.
#[derive(Debug, Args)]
pub(super) struct DecodeArgs {
    /// The protocol of the answer
    wire: WireName,
    /// The answer's body as it came; - for standard input
    file: PathBuf,
    /// The HTTP status that it came with
    #[arg(long, default_value_t = 200)]
    status: u16,
    /// Its headers: a JSON object, or lines of "name: value"
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// Feed the bytes in pieces of random size, the same for the same number
    #[arg(long, value_name = "SEED")]
    split: Option<u64>,
}

/// Which chat to write, and for whom.
#[derive(Debug, Args)]
pub(super) struct EncodeArgs {
    /// The protocol to write
    wire: WireName,
    /// A chat in Agon's own form, or with --from a request on another protocol; - for standard input
    file: PathBuf,
    /// The protocol that the request in FILE is written in
    #[arg(long, value_name = "WIRE")]
    from: Option<WireName>,
    /// The model as its provider knows it; with --from the request's own unless given
    #[arg(long)]
    model: Option<String>,
    /// Ask for a stream
    #[arg(long)]
    stream: bool,
    /// Print the body alone
    #[arg(long)]
    body: bool,
}

/// Reads or writes a protocol.
pub(super) fn wire(command: &WireCommand) -> Result<ExitCode, AppError> {
    match command {
        WireCommand::Decode(args) => decode(args),
        WireCommand::Encode(args) => encode_chat(args),
    }
}

fn decode(args: &DecodeArgs) -> Result<ExitCode, AppError> {
    let wire = args.wire.chat();
    let body = unwrapped(wire, bytes_of(&args.file)?);
    let headers = match &args.headers {
        Some(file) => headers_of(file)?,
        None => Vec::new(),
    };
    let header = |asked: &str| {
        let found = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(asked));
        found.map(|(_, value)| value.clone())
    };
    let parts = ErrorParts {
        status: args.status,
        header: &header,
        body: &body,
        now_ms: Clock::system().now_ms(),
    };
    let quirks = Quirks::default();
    let shown = match (wire, args.split) {
        // Vectors never come as a stream, so pieces make no difference to them.
        (None, _) => reading::read_vectors(&parts),
        (Some(wire), Some(seed)) => {
            reading::read(wire, &quirks, &parts, pieces(&body, seed)).to_json()
        }
        (Some(wire), None) => reading::read(wire, &quirks, &parts, [&body[..]]).to_json(),
    };
    print_json(&shown);
    Ok(ExitCode::SUCCESS)
}

/// Event streams are binary, so recordings often hold them as base64.
fn unwrapped(wire: Option<Wire>, body: Vec<u8>) -> Vec<u8> {
    let text = body.trim_ascii();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    if wire != Some(Wire::Bedrock) || text.is_empty() || !text.iter().all(is_base64) {
        return body;
    }
    use base64::Engine;
    let joined: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(joined)
        .unwrap_or(body)
}

/// The bytes in pieces of 1 to 64, some of them longer.
fn pieces(body: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let (mut pieces, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let most = if dice.random_ratio(1, 8) { 4096 } else { 64 };
        let length = dice.random_range(1..=most).min(rest.len());
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn encode_chat(args: &EncodeArgs) -> Result<ExitCode, AppError> {
    let text = bytes_of(&args.file)?;
    let mistake = |error: &dyn std::fmt::Display| {
        AppError::Failed(format!("{}: {error}", args.file.display()))
    };
    let (chat, model, stream, unknown) = match args.from {
        Some(from) => {
            let asked =
                serve::decode_request(chat_wire(from)?, &text).map_err(|error| match error {
                    // It is a request that is read here, no answer.
                    WireError::Malformed(what) => mistake(&what),
                    other => mistake(&other),
                })?;
            (asked.chat, asked.model, asked.stream, asked.unknown)
        }
        None => {
            let chat = serde_json::from_slice(&text).map_err(|error| mistake(&error))?;
            (chat, "MODEL".to_owned(), false, Vec::new())
        }
    };
    let context = EncodeContext {
        model: args.model.as_deref().unwrap_or(&model),
        stream: args.stream || stream,
        quirks: &Quirks::default(),
        default_max_output_tokens: 4096,
    };
    let encoded =
        encode(chat_wire(args.wire)?, &chat, &context).map_err(|error| mistake(&error))?;
    if args.body {
        Output::stdout().line(&String::from_utf8_lossy(&encoded.body));
        return Ok(ExitCode::SUCCESS);
    }
    let body: Value = serde_json::from_slice(&encoded.body).unwrap_or(Value::Null);
    print_json(&json!({
        "path": encoded.path,
        "body": body,
        "dropped": encoded.dropped,
        "unknown": unknown,
    }));
    Ok(ExitCode::SUCCESS)
}

fn chat_wire(name: WireName) -> Result<Wire, AppError> {
    let help = "embeddings are only decoded: name the protocol of a chat";
    name.chat().ok_or_else(|| AppError::Failed(help.to_owned()))
}

fn print_json(value: &Value) {
    Output::stdout().line(&format!("{value:#}"));
}

fn bytes_of(file: &Path) -> Result<Vec<u8>, AppError> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        return match std::io::stdin().lock().read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(AppError::Failed(format!("standard input: {error}"))),
        };
    }
    std::fs::read(file).map_err(|error| AppError::Failed(format!("{}: {error}", file.display())))
}

fn headers_of(file: &Path) -> Result<Vec<(String, String)>, AppError> {
    let text = String::from_utf8_lossy(&bytes_of(file)?).into_owned();
    if let Ok(Value::Object(object)) = serde_json::from_str(&text) {
        let shown = |value: Value| match value {
            Value::String(text) => text,
            Value::Array(mut values) if !values.is_empty() => match values.remove(0) {
                Value::String(text) => text,
                other => other.to_string(),
            },
            other => other.to_string(),
        };
        return Ok(object
            .into_iter()
            .map(|(name, value)| (name, shown(value)))
            .collect());
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        // The status line of a whole head, as curl writes it.
        .filter(|line| !line.starts_with("HTTP/"))
        .map(|line| match line.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(AppError::Failed(format!(
                "{}: \"{line}\" is no header: write name: value, or a JSON object",
                file.display()
            ))),
        })
        .collect()
}
