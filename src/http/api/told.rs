//! A command as clients write it, over REST and over the socket: a name, and data of its own shape.

use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use utoipa::ToSchema;

use crate::events::Command;

/// The commands that a debate takes.
pub(in crate::http) const KNOWN: [&str; 12] = [
    "pause",
    "resume",
    "stop",
    "interject",
    "speak",
    "vote",
    "end_phase",
    "extend",
    "retry_turn",
    "skip_turn",
    "swap_model",
    "raise_limit",
];

/// A command's name and data.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Change {
    /// A command's name.
    pub(in crate::http) cmd: String,
    /// Its data, as for `POST …/commands`.
    #[schema(value_type = Option<Object>)]
    pub(in crate::http) data: Option<Value>,
}

/// Why a command cannot be read: a stable name, and what to do.
#[derive(Debug)]
pub(in crate::http) struct BadCommand {
    pub(in crate::http) code: &'static str,
    pub(in crate::http) help: String,
}

/// Reads a command.
pub(in crate::http) fn read(cmd: &str, data: Option<Value>) -> Result<Command, BadCommand> {
    if !KNOWN.contains(&cmd) {
        let help = format!(
            "there is no command \"{cmd}\": known are {}",
            KNOWN.join(", ")
        );
        return Err(BadCommand {
            code: "unknown_command",
            help,
        });
    }
    let data = data.unwrap_or_else(|| json!({}));
    let written = json!({"cmd": cmd, "data": data});
    serde_json::from_value(written).map_err(|error| BadCommand {
        code: "bad_data",
        help: format!("{cmd}: {error}"),
    })
}
