//! The list of debates, and who runs each.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use sqlx::QueryBuilder;
use sqlx::Row;
use sqlx::Sqlite;
use sqlx::Transaction;

use super::IDEMPOTENCY_MS;
use super::LEASE;
use super::SqliteStore;
use super::events;
use super::failure;
use super::rows;
use super::rows::SUMMARY;
use super::signed;
use super::unsigned;
use crate::store::CreateOutcome;
use crate::store::DebateFilter;
use crate::store::DebateSummary;
use crate::store::Debates;
use crate::store::Lease;
use crate::store::NewDebate;
use crate::store::OwnerId;
use crate::store::StoreError;
use crate::store::alive;
use crate::types::DebateId;
use crate::types::debate::Status;
use crate::types::debate::Totals;

/// Debates of one page, at most.
const MAX_PAGE: usize = 500;

impl SqliteStore {
    /// `true` when a debate may be taken from whoever holds it.
    fn may_take(
        &self,
        holder: Option<&str>,
        lease_until_ms: u64,
        owner: &OwnerId,
        now_ms: u64,
    ) -> bool {
        let Some(holder) = holder else { return true };
        if holder == owner.0 || lease_until_ms < now_ms {
            return true;
        }
        let dead = |file: &std::path::PathBuf| alive::is_dead(file, &OwnerId(holder.to_owned()));
        self.file.as_ref().is_some_and(dead)
    }

    /// The debate that an idempotency key made before, if its memory still holds.
    async fn made_before(
        transaction: &mut Transaction<'static, Sqlite>,
        (key, body_hash): &(String, String),
        now_ms: u64,
    ) -> Result<Option<DebateId>, StoreError> {
        sqlx::query("DELETE FROM idempotency WHERE created_at_ms < ?")
            .bind(signed(now_ms.saturating_sub(IDEMPOTENCY_MS)))
            .execute(&mut **transaction)
            .await
            .map_err(failure)?;
        let known =
            sqlx::query("SELECT body_hash, debate FROM idempotency WHERE idempotency_key = ?")
                .bind(key);
        match known
            .fetch_optional(&mut **transaction)
            .await
            .map_err(failure)?
        {
            Some(row) if rows::text(&row, "body_hash")? == *body_hash => {
                Ok(Some(DebateId::new(rows::text(&row, "debate")?)))
            }
            Some(_) => Err(StoreError::KeyReused),
            None => Ok(None),
        }
    }
}

#[async_trait]
impl Debates for SqliteStore {
    async fn create(&self, new: NewDebate) -> Result<CreateOutcome, StoreError> {
        let created = self.create_stored(new).await;
        self.noted(created)
    }

    async fn summary(&self, debate: &DebateId) -> Result<DebateSummary, StoreError> {
        let mut query =
            QueryBuilder::<Sqlite>::new(format!("SELECT {SUMMARY} FROM debates WHERE id = "));
        query.push_bind(debate.as_str());
        let row = query
            .build()
            .fetch_optional(&self.readers)
            .await
            .map_err(failure)?;
        row.as_ref()
            .map_or_else(|| Err(StoreError::NotFound(debate.clone())), rows::summary)
    }

    async fn list(&self, filter: &DebateFilter) -> Result<Vec<DebateSummary>, StoreError> {
        let mut query =
            QueryBuilder::<Sqlite>::new(format!("SELECT {SUMMARY} FROM debates WHERE 1 = 1"));
        if let Some(status) = filter.status {
            query.push(" AND status = ").push_bind(status.as_str());
        }
        if let Some(format) = &filter.format {
            query.push(" AND format = ").push_bind(format);
        }
        if let Some(before) = &filter.before {
            query.push(" AND id < ").push_bind(before.as_str());
        }
        query
            .push(" ORDER BY id DESC LIMIT ")
            .push_bind(signed(filter.limit.min(MAX_PAGE) as u64));
        let found = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(failure)?;
        found.iter().map(rows::summary).collect()
    }

    async fn delete(&self, debate: &DebateId) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("SELECT is_over FROM debates WHERE id = ?").bind(debate.as_str());
        let row = row
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failure)?;
        let Some(row) = row else {
            return Err(StoreError::NotFound(debate.clone()));
        };
        if !row.try_get::<bool, _>("is_over").map_err(failure)? {
            return Err(StoreError::StillRunning(debate.clone()));
        }
        for statement in [
            "DELETE FROM idempotency WHERE debate = ?",
            "DELETE FROM debates WHERE id = ?",
        ] {
            sqlx::query(statement)
                .bind(debate.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(failure)?;
        }
        transaction.commit().await.map_err(failure)
    }

    async fn claimable(&self, owner: &OwnerId, now_ms: u64) -> Result<Vec<DebateId>, StoreError> {
        let running = sqlx::query(
            "SELECT id, owner, lease_until_ms FROM debates WHERE is_over = 0 ORDER BY id",
        );
        let mut claimable = Vec::new();
        for row in running.fetch_all(&self.readers).await.map_err(failure)? {
            let holder: Option<String> = row.try_get("owner").map_err(failure)?;
            if self.may_take(
                holder.as_deref(),
                rows::number(&row, "lease_until_ms")?,
                owner,
                now_ms,
            ) {
                claimable.push(DebateId::new(rows::text(&row, "id")?));
            }
        }
        Ok(claimable)
    }

    async fn claim(
        &self,
        debate: &DebateId,
        owner: &OwnerId,
        now_ms: u64,
    ) -> Result<Option<Lease>, StoreError> {
        let mut transaction = self.begin().await?;
        let held =
            sqlx::query("SELECT owner, epoch, lease_until_ms, is_over FROM debates WHERE id = ?");
        let row = held
            .bind(debate.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failure)?;
        let Some(row) = row else {
            return Err(StoreError::NotFound(debate.clone()));
        };
        let holder: Option<String> = row.try_get("owner").map_err(failure)?;
        let over: bool = row.try_get("is_over").map_err(failure)?;
        if over
            || !self.may_take(
                holder.as_deref(),
                rows::number(&row, "lease_until_ms")?,
                owner,
                now_ms,
            )
        {
            return Ok(None);
        }
        let epoch = unsigned(row.try_get("epoch").map_err(failure)?) + 1;
        sqlx::query("UPDATE debates SET owner = ?, epoch = ?, lease_until_ms = ? WHERE id = ?")
            .bind(&owner.0)
            .bind(signed(epoch))
            .bind(signed(until(now_ms)))
            .bind(debate.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failure)?;
        transaction.commit().await.map_err(failure)?;
        Ok(Some(Lease {
            debate: debate.clone(),
            owner: owner.clone(),
            epoch,
        }))
    }

    async fn renew(&self, lease: &Lease, now_ms: u64) -> Result<bool, StoreError> {
        let renewed = sqlx::query(
            "UPDATE debates SET lease_until_ms = ? WHERE id = ? AND owner = ? AND epoch = ?",
        )
        .bind(signed(until(now_ms)))
        .bind(lease.debate.as_str())
        .bind(&lease.owner.0)
        .bind(signed(lease.epoch))
        .execute(&self.writer)
        .await
        .map_err(failure)?;
        Ok(renewed.rows_affected() == 1)
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        if !self.unwritten.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.noted(self.probe().await)
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        sqlx::query("UPDATE debates SET owner = NULL WHERE id = ? AND owner = ? AND epoch = ?")
            .bind(lease.debate.as_str())
            .bind(&lease.owner.0)
            .bind(signed(lease.epoch))
            .execute(&self.writer)
            .await
            .map_err(failure)?;
        Ok(())
    }
}

impl SqliteStore {
    async fn create_stored(&self, new: NewDebate) -> Result<CreateOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(idempotency) = &new.idempotency {
            if let Some(existing) =
                Self::made_before(&mut transaction, idempotency, new.at_ms).await?
            {
                return Ok(CreateOutcome::Existing(existing));
            }
            sqlx::query("INSERT INTO idempotency (idempotency_key, body_hash, debate, created_at_ms) VALUES (?, ?, ?, ?)")
                .bind(&idempotency.0)
                .bind(&idempotency.1)
                .bind(new.id.as_str())
                .bind(signed(new.at_ms))
                .execute(&mut *transaction)
                .await
                .map_err(failure)?;
        }
        let lease = Lease {
            debate: new.id.clone(),
            owner: new.owner.clone(),
            epoch: 1,
        };
        sqlx::query(
            "INSERT INTO debates (id, title, topic, format, members, status, totals, created_at_ms, updated_at_ms, \
             head_seq, owner, epoch, lease_until_ms, is_over) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        )
        .bind(new.id.as_str())
        .bind(&new.title)
        .bind(&new.topic)
        .bind(&new.format)
        .bind(rows::to_json(&new.cast)?)
        .bind(Status::Queued.as_str())
        .bind(rows::to_json(&Totals { cost_known: true, ..Totals::default() })?)
        .bind(signed(new.at_ms))
        .bind(signed(new.at_ms))
        .bind(signed(new.events.len() as u64))
        .bind(&lease.owner.0)
        .bind(signed(lease.epoch))
        .bind(signed(until(new.at_ms)))
        .execute(&mut *transaction)
        .await
        .map_err(failure)?;
        let stored = events::insert(&mut transaction, &new.id, 1, new.at_ms, new.events).await?;
        transaction.commit().await.map_err(failure)?;
        Ok(CreateOutcome::Created(lease, stored))
    }

    /// Writes about as much as a step of a debate does, and takes it away again.
    async fn probe(&self) -> Result<(), StoreError> {
        let steps = [
            "INSERT INTO settings (name, value) VALUES ('store.probe', hex(zeroblob(8192))) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            "DELETE FROM settings WHERE name = 'store.probe'",
        ];
        for step in steps {
            let done = sqlx::query(step).execute(&self.writer).await;
            done.map_err(failure)?;
        }
        Ok(())
    }
}

fn until(now_ms: u64) -> u64 {
    now_ms + LEASE.as_millis() as u64
}
