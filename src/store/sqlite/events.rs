//! The log.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::Sqlite;
use sqlx::Transaction;

use super::SqliteStore;
use super::failure;
use super::rows;
use super::signed;
use super::unsigned;
use crate::events::Draft;
use crate::events::Envelope;
use crate::store::EventLog;
use crate::store::Lease;
use crate::store::Progress;
use crate::store::StoreError;
use crate::types::DebateId;

#[async_trait]
impl EventLog for SqliteStore {
    async fn append(
        &self,
        lease: &Lease,
        at_ms: u64,
        events: Vec<Draft>,
        progress: &Progress,
    ) -> Result<Vec<Envelope>, StoreError> {
        let appended = self.append_events(lease, at_ms, events, progress).await;
        self.noted(appended)
    }

    async fn read(
        &self,
        debate: &DebateId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Envelope>, StoreError> {
        let found = sqlx::query(
            "SELECT envelope FROM events WHERE debate = ? AND seq > ? ORDER BY seq LIMIT ?",
        )
        .bind(debate.as_str())
        .bind(signed(after))
        .bind(signed(limit as u64))
        .fetch_all(&self.readers)
        .await
        .map_err(failure)?;
        if found.is_empty() {
            // Nothing new, or no such debate?
            let known = sqlx::query("SELECT 1 FROM debates WHERE id = ?").bind(debate.as_str());
            if known
                .fetch_optional(&self.readers)
                .await
                .map_err(failure)?
                .is_none()
            {
                return Err(StoreError::NotFound(debate.clone()));
            }
        }
        found
            .iter()
            .map(|row| rows::from_json(&rows::text(row, "envelope")?))
            .collect()
    }
}

impl SqliteStore {
    async fn append_events(
        &self,
        lease: &Lease,
        at_ms: u64,
        events: Vec<Draft>,
        progress: &Progress,
    ) -> Result<Vec<Envelope>, StoreError> {
        let mut transaction = self.begin().await?;
        let over = progress.status.is_over();
        // A debate that is over belongs to nobody.
        let updated = sqlx::query(
            "UPDATE debates SET head_seq = head_seq + ?, status = ?, outcome = ?, verdict = ?, totals = ?, \
             updated_at_ms = ?, is_over = ?, owner = CASE WHEN ? THEN NULL ELSE owner END \
             WHERE id = ? AND owner = ? AND epoch = ? RETURNING head_seq",
        )
        .bind(signed(events.len() as u64))
        .bind(progress.status.as_str())
        .bind(progress.outcome.map(|outcome| outcome.as_str()))
        .bind(&progress.verdict)
        .bind(rows::to_json(&progress.totals)?)
        .bind(signed(at_ms))
        .bind(over)
        .bind(over)
        .bind(lease.debate.as_str())
        .bind(&lease.owner.0)
        .bind(signed(lease.epoch))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failure)?;
        let Some(row) = updated else {
            return Err(StoreError::Fenced(lease.debate.clone()));
        };
        let head = unsigned(row.try_get(0).map_err(failure)?);
        let first = head - events.len() as u64 + 1;
        let envelopes = insert(&mut transaction, &lease.debate, first, at_ms, events).await?;
        transaction.commit().await.map_err(failure)?;
        Ok(envelopes)
    }
}

/// Writes events with their numbers, from `first` on.
pub(super) async fn insert(
    transaction: &mut Transaction<'static, Sqlite>,
    debate: &DebateId,
    first: u64,
    at_ms: u64,
    events: Vec<Draft>,
) -> Result<Vec<Envelope>, StoreError> {
    let numbered = (first..).zip(events);
    let envelopes: Vec<Envelope> = numbered
        .map(|(seq, draft)| draft.into_envelope(debate.clone(), seq, at_ms))
        .collect();
    for envelope in &envelopes {
        let json = serde_json::to_value(envelope)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        sqlx::query(
            "INSERT INTO events (debate, seq, at_ms, type, envelope) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(debate.as_str())
        .bind(signed(envelope.seq))
        .bind(signed(at_ms))
        .bind(json["type"].as_str().unwrap_or_default())
        .bind(json.to_string())
        .execute(&mut **transaction)
        .await
        .map_err(failure)?;
    }
    Ok(envelopes)
}
