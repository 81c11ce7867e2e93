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

/// The columns that rows of one batch mostly have in common, in the order in which [`bind_shared`] binds them. They are
/// bound once for each statement.
const SHARED: [&str; 7] = [
    "model",
    "model_group",
    "deployment",
    "path",
    "principal",
    "stream",
    "attempts",
];

/// The columns that every row writes for itself, in the order in which [`bind_usual`] binds them.
const USUAL: [&str; 10] = [
    "ended_at_ms",
    "call_id",
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

/// Inserts so many rows. What they share is bound behind all that they have for themselves, and named by its number
/// there; the names stand first, since what has no name is counted by itself.
fn insert(own: &[&str], count: usize) -> String {
    let shared: String = (0..SHARED.len())
        .map(|at| format!("${}, ", own.len() * count + at + 1))
        .collect();
    let row = format!("({shared}{})", vec!["?"; own.len()].join(", "));
    let columns = [&SHARED[..], own].concat().join(", ");
    let mut sql = format!("INSERT INTO llm_calls ({columns}) VALUES ");
    for at in 0..count {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(sql, "{comma}{row}");
    }
    sql
}

/// What rows of one statement have in common.
#[derive(PartialEq, Eq)]
struct Shared<'a> {
    is_usual: bool,
    model: &'a str,
    group: Option<&'a str>,
    deployment: Option<&'a str>,
    path: &'a str,
    principal: Option<&'a str>,
    stream: bool,
    attempts: u32,
}

impl<'a> Shared<'a> {
    fn of(call: &'a CallRecord) -> Self {
        Self {
            is_usual: is_usual(call),
            model: call.model.as_str(),
            group: call.group.as_deref(),
            deployment: call.deployment.as_ref().map(|entry| &*entry.id),
            path: call.path,
            principal: call.principal.as_deref(),
            stream: call.stream,
            attempts: call.attempts,
        }
    }
}

/// The calls by what they have in common, each kind in the order in which it came.
fn kinds(calls: &[Arc<CallRecord>]) -> Vec<(Shared<'_>, Vec<&CallRecord>)> {
    let mut kinds: Vec<(Shared<'_>, Vec<&CallRecord>)> = Vec::new();
    for call in calls {
        let shared = Shared::of(call);
        match kinds.iter_mut().find(|(known, _)| *known == shared) {
            Some((_, calls)) => calls.push(call),
            None => kinds.push((shared, vec![call])),
        }
    }
    kinds
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

impl SqliteStore {
    async fn record_all(&self, calls: &[Arc<CallRecord>]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for (shared, calls) in kinds(calls) {
            let statements = match shared.is_usual {
                true => &*USUAL_ROWS,
                false => &*WHOLE_ROWS,
            };
            let mut rest = &calls[..];
            for (size, sql) in SIZES.iter().zip(statements) {
                while let Some((batch, behind)) = rest.split_at_checked(*size) {
                    let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
                    for call in batch {
                        query = bind_usual(query, call);
                        if !shared.is_usual {
                            query = bind_rest(query, call)?;
                        }
                    }
                    let query = bind_shared(query, &shared);
                    query.execute(&mut *transaction).await.map_err(failure)?;
                    rest = behind;
                }
            }
        }
        transaction.commit().await.map_err(failure)
    }
}

#[async_trait]
impl UsageRows for SqliteStore {
    async fn record(&self, calls: &[Arc<CallRecord>]) -> Result<(), StoreError> {
        self.noted(self.record_all(calls).await)
    }

    async fn calls(&self, span: &UsageSpan) -> Result<Vec<UsageRow>, StoreError> {
        let sql = format!(
            "SELECT id, started_at_ms, {}, {}, {} FROM llm_calls \
             WHERE ended_at_ms >= ? AND ended_at_ms < ? AND id > ? ORDER BY id LIMIT ?",
            SHARED.join(", "),
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
        .bind(signed(usage.input))
        .bind(signed(usage.cache_read))
        .bind(signed(usage.output))
        .bind(signed(usage.reasoning))
        .bind(call.cost.map(|cost| signed(cost.0)))
        .bind(call.ttft.map(millis))
        .bind(millis(call.total))
        .bind(i64::try_from(call.overhead().as_micros()).unwrap_or(i64::MAX))
}

/// Binds [`SHARED`].
fn bind_shared<'q>(query: Insert<'q>, shared: &Shared<'q>) -> Insert<'q> {
    query
        .bind(shared.model)
        .bind(shared.group)
        .bind(shared.deployment)
        .bind(shared.path)
        .bind(shared.principal)
        .bind(shared.stream)
        .bind(shared.attempts)
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
