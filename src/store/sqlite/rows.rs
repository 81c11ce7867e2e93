//! Rows and what they mean.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::failure;
use super::unsigned;
use crate::store::DebateSummary;
use crate::store::Progress;
use crate::store::StoreError;
use crate::types::DebateId;

/// The columns of [`summary`], in its order.
pub(super) const SUMMARY: &str = "id, title, topic, format, members, status, outcome, verdict, totals, \
                                  created_at_ms, updated_at_ms, head_seq";

/// Reads one debate's summary.
pub(super) fn summary(row: &SqliteRow) -> Result<DebateSummary, StoreError> {
    let outcome: Option<String> = row.try_get("outcome").map_err(failure)?;
    Ok(DebateSummary {
        id: DebateId::new(text(row, "id")?),
        title: text(row, "title")?,
        topic: text(row, "topic")?,
        format: text(row, "format")?,
        cast: from_json(&text(row, "members")?)?,
        progress: Progress {
            status: word(&text(row, "status")?)?,
            outcome: outcome.as_deref().map(word).transpose()?,
            verdict: row.try_get("verdict").map_err(failure)?,
            totals: from_json(&text(row, "totals")?)?,
        },
        created_at_ms: number(row, "created_at_ms")?,
        updated_at_ms: number(row, "updated_at_ms")?,
        head_seq: number(row, "head_seq")?,
    })
}

/// Reads a text column.
pub(super) fn text(row: &SqliteRow, column: &str) -> Result<String, StoreError> {
    row.try_get(column).map_err(failure)
}

/// Reads a count or a time.
pub(super) fn number(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    row.try_get::<i64, _>(column).map(unsigned).map_err(failure)
}

/// Reads a JSON column.
pub(super) fn from_json<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Writes a JSON column.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Reads a value that is one word.
fn word<T: DeserializeOwned>(word: &str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}
