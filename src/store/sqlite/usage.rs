//! Rows of model calls.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::Row;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::failure;
use super::rows;
use super::signed;
use super::unsigned;
use crate::events::CallRecord;
use crate::store::StoreError;
use crate::store::UsageRow;
use crate::store::UsageRows;
use crate::store::UsageSpan;
use crate::types::Billed;
use crate::types::NanoUsd;
use crate::types::Usage;

/// The columns that every row writes, in the order in which [`bind_usual`] binds them.
const USUAL: [&str; 17] = [
    "ended_at_ms",
    "call_id",
    "model",
    "model_group",
    "deployment",
    "path",
    "principal",
    "stream",
    "attempts",
    "input",
    "cache_read",
    "output",
    "reasoning",
    "cost_nanousd",
    "ttft_ms",
    "total_ms",
    "overhead_us",
];

/// The columns that most rows leave as they are, in the order in which [`bind_rest`] binds them. Binding is half the
/// price of a row, so that rows without them are written without them.
const REST: [&str; 13] = [
    "debate",
    "turn",
    "tags",
    "error",
    "status",
    "fallbacks",
    "cache_write",
    "audio_in",
    "audio_out",
    "billed_input",
    "billed_output",
    "estimated",
    "dropped",
];

/// Rows of one statement. Every statement is a message to the connection's thread and back, dearer than a row; and
/// each size is prepared once, so there are few.
const SIZES: [usize; 4] = [200, 25, 5, 1];

type Statements = [String; SIZES.len()];

static USUAL_ROWS: LazyLock<Statements> = LazyLock::new(|| SIZES.map(|size| insert(&USUAL, size)));
static WHOLE_ROWS: LazyLock<Statements> = LazyLock::new(|| {
    let columns = [&USUAL[..], &REST].concat();
    SIZES.map(|size| insert(&columns, size))
});

fn insert(columns: &[&str], count: usize) -> String {
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let mut sql = format!("INSERT INTO llm_calls ({}) VALUES ", columns.join(", "));
    for at in 0..count {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(sql, "{comma}{row}");
    }
    sql
}

/// `true` when [`REST`] holds nothing of a call.
fn is_usual(call: &CallRecord) -> bool {
    let CallRecord { usage, .. } = call;
    call.debate.is_none()
        && call.turn.is_none()
        && call.tags.is_empty()
        && call.error.is_none()
        && call.status.is_none()
        && call.fallbacks == 0
        && usage.cache_write + usage.audio_in + usage.audio_out == 0
        && usage.billed.is_none()
        && !usage.estimated
        && call.dropped.is_empty()
}

#[async_trait]
impl UsageRows for SqliteStore {
    async fn record(&self, calls: &[Arc<CallRecord>]) -> Result<(), StoreError> {
        let (usual, whole): (Vec<&CallRecord>, Vec<&CallRecord>) = calls
            .iter()
            .map(|call| &**call)
            .partition(|call| is_usual(call));
        let mut transaction = self.begin().await?;
        for (calls, statements, is_whole) in
            [(usual, &*USUAL_ROWS, false), (whole, &*WHOLE_ROWS, true)]
        {
            let mut rest = &calls[..];
            for (size, sql) in SIZES.iter().zip(statements) {
                while let Some((batch, behind)) = rest.split_at_checked(*size) {
                    let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
                    for call in batch {
                        query = bind_usual(query, call);
                        if is_whole {
                            query = bind_rest(query, call)?;
                        }
                    }
                    query.execute(&mut *transaction).await.map_err(failure)?;
                    rest = behind;
                }
            }
        }
        transaction.commit().await.map_err(failure)
    }

    async fn calls(&self, span: &UsageSpan) -> Result<Vec<UsageRow>, StoreError> {
        let sql = format!(
            "SELECT id, started_at_ms, {}, {} FROM llm_calls \
             WHERE ended_at_ms >= ? AND ended_at_ms < ? AND id > ? ORDER BY id LIMIT ?",
            USUAL.join(", "),
            REST.join(", ")
        );
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(signed(span.from_ms))
            .bind(signed(span.before_ms))
            .bind(span.after.unwrap_or(i64::MIN))
            .bind(signed(span.limit as u64))
            .fetch_all(&self.readers)
            .await
            .map_err(failure)?;
        found.iter().map(usage_row).collect()
    }

    async fn forget(&self, before_ms: u64, limit: usize) -> Result<u64, StoreError> {
        let deleted = sqlx::query(
            "DELETE FROM llm_calls WHERE id IN \
             (SELECT id FROM llm_calls WHERE ended_at_ms < ? ORDER BY ended_at_ms LIMIT ?)",
        )
        .bind(signed(before_ms))
        .bind(signed(limit as u64))
        .execute(&self.writer)
        .await
        .map_err(failure)?;
        Ok(deleted.rows_affected())
    }
}

type Insert<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Binds [`USUAL`].
fn bind_usual<'q>(query: Insert<'q>, call: &'q CallRecord) -> Insert<'q> {
    let usage = &call.usage;
    query
        .bind(signed(call.ended_at_ms))
        .bind(call.call_id.as_deref())
        .bind(call.model.as_str())
        .bind(call.group.as_deref())
        .bind(call.deployment.as_ref().map(|entry| &*entry.id))
        .bind(call.path)
        .bind(call.principal.as_deref())
        .bind(call.stream)
        .bind(call.attempts)
        .bind(signed(usage.input))
        .bind(signed(usage.cache_read))
        .bind(signed(usage.output))
        .bind(signed(usage.reasoning))
        .bind(call.cost.map(|cost| signed(cost.0)))
        .bind(call.ttft.map(millis))
        .bind(millis(call.total))
        .bind(i64::try_from(call.overhead().as_micros()).unwrap_or(i64::MAX))
}

/// Binds [`REST`].
fn bind_rest<'q>(query: Insert<'q>, call: &'q CallRecord) -> Result<Insert<'q>, StoreError> {
    let usage = &call.usage;
    Ok(query
        .bind(call.debate.as_ref().map(|debate| debate.as_str()))
        .bind(call.turn.as_ref().map(|turn| turn.as_str()))
        .bind(list(&call.tags)?)
        .bind(call.error)
        .bind(call.status)
        .bind(call.fallbacks)
        .bind(signed(usage.cache_write))
        .bind(signed(usage.audio_in))
        .bind(signed(usage.audio_out))
        .bind(usage.billed.map(|billed| signed(billed.input)))
        .bind(usage.billed.map(|billed| signed(billed.output)))
        .bind(usage.estimated)
        .bind(list(&call.dropped)?))
}

/// A list as JSON; an empty one is nothing.
fn list(texts: &[String]) -> Result<Option<String>, StoreError> {
    match texts {
        [] => Ok(None),
        texts => rows::to_json(&texts).map(Some),
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn usage_row(row: &SqliteRow) -> Result<UsageRow, StoreError> {
    let number = |name: &str| row.try_get(name).map(unsigned).map_err(failure);
    let number_if = |name: &str| {
        let found: Option<i64> = row.try_get(name).map_err(failure)?;
        Ok::<_, StoreError>(found.map(unsigned))
    };
    let text_if = |name: &str| row.try_get::<Option<String>, _>(name).map_err(failure);
    let texts = |name: &str| match text_if(name)? {
        Some(json) => rows::from_json(&json),
        None => Ok(Vec::new()),
    };
    let flag = |name: &str| row.try_get::<bool, _>(name).map_err(failure);
    let billed = number_if("billed_input")?.zip(number_if("billed_output")?);
    Ok(UsageRow {
        id: row.try_get("id").map_err(failure)?,
        ended_at_ms: number("ended_at_ms")?,
        started_at_ms: number("started_at_ms")?,
        call_id: text_if("call_id")?,
        model: rows::text(row, "model")?,
        group: text_if("model_group")?,
        deployment: text_if("deployment")?,
        path: rows::text(row, "path")?,
        principal: text_if("principal")?,
        debate: text_if("debate")?,
        turn: text_if("turn")?,
        tags: texts("tags")?,
        stream: flag("stream")?,
        error: text_if("error")?,
        status: row.try_get("status").map_err(failure)?,
        attempts: row.try_get("attempts").map_err(failure)?,
        fallbacks: row.try_get("fallbacks").map_err(failure)?,
        usage: Usage {
            input: number("input")?,
            cache_read: number("cache_read")?,
            cache_write: number("cache_write")?,
            output: number("output")?,
            reasoning: number("reasoning")?,
            audio_in: number("audio_in")?,
            audio_out: number("audio_out")?,
            billed: billed.map(|(input, output)| Billed { input, output }),
            estimated: flag("estimated")?,
        },
        cost: number_if("cost_nanousd")?.map(NanoUsd),
        ttft_ms: number_if("ttft_ms")?,
        total_ms: number("total_ms")?,
        overhead_us: number("overhead_us")?,
        dropped: texts("dropped")?,
    })
}
