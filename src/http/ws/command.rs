//! What a client says on its socket: `{"id": …, "cmd": …, "data": {…}}`; exactly one ack each.

use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::debate::CommandError;
use crate::debate::Engine;
use crate::events::Command;
use crate::http::api::told;
use crate::types::DebateId;

/// Commands of this version.
fn known() -> String {
    format!("ping, subscribe, unsubscribe, {}", told::KNOWN.join(", "))
}

/// Longest id of a command.
const MAX_ID: usize = 128;

/// A command, read.
pub(super) enum Told {
    /// For the debate.
    Debate {
        /// The client's id of it.
        id: String,
        /// What.
        command: Command,
    },
    /// Words are wanted, or not.
    Deltas {
        /// The client's id of it.
        id: String,
        /// Whether.
        wanted: bool,
    },
    /// Are you there?
    Ping {
        /// The client's id of it.
        id: String,
    },
    /// It cannot be taken; the answer says why.
    Wrong(Reply),
}

/// An answer to the client.
pub(super) struct Reply {
    /// `ack` or `error`.
    pub(super) kind: &'static str,
    /// What.
    pub(super) data: Value,
}

impl Reply {
    /// It is done.
    pub(super) fn done(id: &str) -> Self {
        Self {
            kind: "ack",
            data: json!({"id": id, "ok": true}),
        }
    }

    pub(super) fn refused(id: &str, code: &str, message: &str, retryable: bool) -> Self {
        let data = json!({"id": id, "ok": false, "code": code, "message": message, "retryable": retryable});
        Self { kind: "ack", data }
    }

    /// What the client sent is no command at all.
    pub(super) fn error(code: &str, message: &str) -> Self {
        Self {
            kind: "error",
            data: json!({"code": code, "message": message, "retryable": false}),
        }
    }
}

#[derive(Deserialize)]
struct Written {
    id: Option<Value>,
    cmd: Option<String>,
    #[serde(default)]
    data: Option<Value>,
}

/// Reads a message.
pub(super) fn read(text: &str) -> Told {
    let written: Written = match serde_json::from_str(text) {
        Ok(written) => written,
        Err(error) => {
            let help = format!("write {{\"id\": …, \"cmd\": …, \"data\": {{…}}}}: {error}");
            return Told::Wrong(Reply::error("not_a_command", &help));
        }
    };
    let id = match written.id {
        Some(Value::String(id)) if (1..=MAX_ID).contains(&id.len()) => id,
        Some(Value::Number(id)) => id.to_string(),
        _ => {
            return Told::Wrong(Reply::error(
                "no_id",
                "a command needs an id of its own: a text of 1 to 128 bytes",
            ));
        }
    };
    let Some(cmd) = written.cmd else {
        return Told::Wrong(Reply::refused(
            &id,
            "no_cmd",
            &format!("cmd is missing: it is one of {}", known()),
            false,
        ));
    };
    let data = written.data.unwrap_or_else(|| json!({}));
    match cmd.as_str() {
        "ping" => Told::Ping { id },
        "subscribe" => match deltas(&data) {
            Some(wanted) => Told::Deltas { id, wanted },
            None => {
                let help = "subscribe: its data is {\"deltas\": true} or {\"deltas\": false}";
                Told::Wrong(Reply::refused(&id, "bad_data", help, false))
            }
        },
        "unsubscribe" => Told::Deltas { id, wanted: false },
        cmd => match told::read(cmd, Some(data)) {
            Ok(command) => Told::Debate { id, command },
            Err(bad) if bad.code == "unknown_command" => {
                let message = format!("there is no command \"{cmd}\": known are {}", known());
                Told::Wrong(Reply::refused(&id, bad.code, &message, false))
            }
            Err(bad) => Told::Wrong(Reply::refused(&id, bad.code, &bad.help, false)),
        },
    }
}

/// Whether words are wanted, as they are where nothing is said of it; `None` where it cannot be read.
fn deltas(data: &Value) -> Option<bool> {
    let data = data.as_object()?;
    match data.get("deltas") {
        Some(wanted) if data.len() == 1 => wanted.as_bool(),
        None if data.is_empty() => Some(true),
        Some(_) | None => None,
    }
}

/// Tells the debate, and says what came of it.
pub(super) async fn tell(
    engine: &Engine,
    debate: &DebateId,
    id: String,
    by: Option<String>,
    command: Command,
) -> Reply {
    match engine.tell(debate, id.clone(), by, command).await {
        Ok(()) => Reply::done(&id),
        Err(error) => {
            let message = error.to_string();
            match error {
                CommandError::Refused(refused) => {
                    Reply::refused(&id, refused.code(), &message, false)
                }
                CommandError::Elsewhere => Reply::refused(&id, "runs_elsewhere", &message, false),
                CommandError::Unavailable => Reply::refused(&id, "unavailable", &message, true),
                CommandError::Store(error) => {
                    tracing::error!(%error, "a command could not be taken");
                    Reply::refused(
                        &id,
                        "unavailable",
                        "the database could not be read: try again",
                        true,
                    )
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_that_cannot_be_read_is_refused() {
        let told = |data: &str| {
            read(&format!(
                r#"{{"id": "c", "cmd": "subscribe", "data": {data}}}"#
            ))
        };
        for (data, wanted) in [("{}", true), (r#"{"deltas": false}"#, false)] {
            assert!(matches!(told(data), Told::Deltas { wanted: it, .. } if it == wanted));
        }
        for data in [
            r#"{"deltas": "x"}"#,
            r#"{"deltas": null}"#,
            r#"{"delta": false}"#,
            r#"{"deltas": true, "more": 1}"#,
            "[]",
        ] {
            let Told::Wrong(reply) = told(data) else {
                panic!("{data} is taken");
            };
            assert_eq!(reply.data["code"], "bad_data", "{data}");
        }
    }
}
