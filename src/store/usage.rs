//! What model calls used: one row each, kept for a while.

use std::sync::Arc;

use async_trait::async_trait;

use super::StoreError;
use crate::events::CallRecord;
use crate::types::NanoUsd;
use crate::types::Usage;

/// The rows of model calls.
#[async_trait]
pub trait UsageRows: Send + Sync {
    /// Writes a batch in one transaction: all of it, or nothing.
    ///
    /// # Errors
    /// When the store itself fails: the disk is full, another process holds the database.
    async fn record(&self, calls: &[Arc<CallRecord>]) -> Result<(), StoreError>;

    /// Reads the calls that ended in a span of time, in the order of writing.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn calls(&self, span: &UsageSpan) -> Result<Vec<UsageRow>, StoreError>;

    /// Deletes up to `limit` rows of calls that ended before a time, the oldest first. Returns how many there were.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn forget(&self, before_ms: u64, limit: usize) -> Result<u64, StoreError>;
}

/// Which rows, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageSpan {
    /// Calls that ended at this time or later, in milliseconds since the Unix epoch.
    pub from_ms: u64,
    /// Calls that ended before this time.
    pub before_ms: u64,
    /// Only rows behind this one: the cursor of a page.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// One call that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The row's number, in the order of writing.
    pub id: i64,
    /// When it ended, in milliseconds since the Unix epoch.
    pub ended_at_ms: u64,
    /// When it began.
    pub started_at_ms: u64,
    /// The caller's id of the call.
    pub call_id: Option<String>,
    /// Who answered, or was asked last: `provider/model`.
    pub model: String,
    /// The name that was asked for, where it is a group of the model list.
    pub group: Option<String>,
    /// The entry of the model list.
    pub deployment: Option<String>,
    /// Which implementation called.
    pub path: String,
    /// Who asked.
    pub principal: Option<String>,
    /// The debate that it belonged to.
    pub debate: Option<String>,
    /// The turn that it wrote.
    pub turn: Option<String>,
    /// The labels of the call.
    pub tags: Vec<String>,
    /// `true` when the answer was wanted in pieces.
    pub stream: bool,
    /// The class of the failure; `None` when it went well.
    pub error: Option<String>,
    /// The upstream's status, when it failed with one.
    pub status: Option<u16>,
    /// Calls made upstream.
    pub attempts: u32,
    /// Other groups that were asked instead.
    pub fallbacks: u32,
    /// Tokens.
    pub usage: Usage,
    /// Money; `None` when the price was not known.
    pub cost: Option<NanoUsd>,
    /// Milliseconds until the first token.
    pub ttft_ms: Option<u64>,
    /// Milliseconds in all.
    pub total_ms: u64,
    /// Microseconds that Agon itself added.
    pub overhead_us: u64,
    /// Parameters of the request that were lost on the way.
    pub dropped: Vec<String>,
}
