//! Settings that outlive a restart.

use async_trait::async_trait;
use serde_json::Value;

use super::SqliteStore;
use super::failure;
use super::rows;
use crate::store::Settings;
use crate::store::StoreError;

#[async_trait]
impl Settings for SqliteStore {
    async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let row = sqlx::query("SELECT value FROM settings WHERE name = ?").bind(key);
        let row = row.fetch_optional(&self.readers).await.map_err(failure)?;
        row.map(|row| rows::from_json(&rows::text(&row, "value")?))
            .transpose()
    }

    async fn set_setting(&self, key: &str, value: Option<&Value>) -> Result<(), StoreError> {
        let query = match value {
            Some(value) => sqlx::query(
                "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .bind(key)
            .bind(value.to_string()),
            None => sqlx::query("DELETE FROM settings WHERE name = ?").bind(key),
        };
        query.execute(&self.writer).await.map_err(failure)?;
        Ok(())
    }
}
