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
    check_members(cmd, &data)?;
    let written = json!({"cmd": cmd, "data": data});
    serde_json::from_value(written).map_err(|error| BadCommand {
        code: "bad_data",
        help: format!("{cmd}: {error}"),
    })
}

/// The members that a command's data may have.
fn members_of(cmd: &str) -> &'static [&'static str] {
    match cmd {
        "pause" => &["at"],
        "stop" => &["decide"],
        "interject" => &["text", "to"],
        "speak" => &["turn", "text"],
        "vote" => &["poll", "choice", "conviction"],
        "extend" => &["rounds"],
        "retry_turn" | "skip_turn" => &["turn"],
        "swap_model" => &["agent", "model"],
        "raise_limit" => &["limits"],
        _ => &[],
    }
}

/// A misspelt member is refused: one that is passed over would tell all what was meant for one, or end without a
/// verdict where one was wanted. The stored commands stay lenient, so that logs of other releases are read.
fn check_members(cmd: &str, data: &Value) -> Result<(), BadCommand> {
    let bad = |help: &str| BadCommand {
        code: "bad_data",
        help: format!("{cmd}: {help}"),
    };
    // A list would be taken for its values in their order.
    if !data.is_object() {
        return Err(bad("its data is an object"));
    }
    if data.get("limits").is_some_and(|limits| !limits.is_object()) {
        return Err(bad("limits is an object, such as {\"calls\": 100}"));
    }
    let known = members_of(cmd);
    let unknown = data
        .as_object()
        .and_then(|data| data.keys().find(|name| !known.contains(&name.as_str())));
    let Some(unknown) = unknown else {
        return Ok(());
    };
    let takes = match known {
        [] => "it takes none".to_owned(),
        known => format!("known are {}", known.join(", ")),
    };
    Err(bad(&format!(
        "there is no member \"{unknown}\" in its data: {takes}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_member_is_refused_and_not_passed_over() {
        for (cmd, data) in [
            ("interject", json!({"text": "For you alone.", "too": "Ada"})),
            ("stop", json!({"decied": true})),
            ("pause", json!({"when": "now"})),
            ("resume", json!({"now": true})),
            (
                "swap_model",
                json!({"agent": "Ada", "model": "demo/judge", "window_tokens": 1}),
            ),
        ] {
            let bad = read(cmd, Some(data)).unwrap_err();
            assert_eq!(bad.code, "bad_data");
            assert!(bad.help.contains("there is no member"), "{}", bad.help);
        }
    }

    #[test]
    fn a_list_where_an_object_belongs_is_refused() {
        for (cmd, data) in [
            ("pause", json!([])),
            ("extend", json!([1])),
            ("raise_limit", json!({"limits": []})),
            ("raise_limit", json!({"limits": [null]})),
        ] {
            let bad = read(cmd, Some(data)).unwrap_err();
            assert!(
                bad.code == "bad_data" && bad.help.contains("object"),
                "{}",
                bad.help
            );
        }
    }

    #[test]
    fn every_command_is_read_with_all_its_members() {
        let written = [
            ("pause", json!({"at": "now"})),
            ("resume", json!({})),
            ("stop", json!({"decide": true})),
            ("interject", json!({"text": "x", "to": "Ada"})),
            ("speak", json!({"turn": "t_1", "text": "x"})),
            (
                "vote",
                json!({"poll": "before", "choice": "for", "conviction": 3}),
            ),
            ("end_phase", json!({})),
            ("extend", json!({"rounds": 1})),
            ("retry_turn", json!({"turn": "t_1"})),
            ("skip_turn", json!({"turn": "t_1"})),
            ("swap_model", json!({"agent": "Ada", "model": "demo/judge"})),
            ("raise_limit", json!({"limits": {"calls": 9}})),
        ];
        assert_eq!(written.len(), KNOWN.len());
        for (cmd, data) in written {
            assert!(read(cmd, Some(data)).is_ok(), "{cmd}");
        }
    }
}
