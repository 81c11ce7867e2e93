//! Connections that wait for their next exchange.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use tokio::time::Instant;

use super::connection::Connection;
use crate::provider::transport::POOL_IDLE;
use crate::provider::transport::POOL_IDLE_PER_HOST;
use crate::types::FastMap;

/// Time between two looks for connections that have waited too long.
const SWEEP: Duration = Duration::from_secs(10);

/// The connections of one thread, by host.
#[derive(Default)]
pub(super) struct Pool(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// The one that was used last stands last.
    hosts: FastMap<Box<str>, Vec<Idle>>,
    is_swept: bool,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// Where a connection goes when its exchange is over.
pub(super) struct Home {
    pool: Weak<Mutex<Waiting>>,
    url: Arc<Uri>,
}

impl Pool {
    /// A connection that can be used; `None` when there is none.
    pub(super) fn take(&self, url: &Uri, cx: &mut Context<'_>) -> Poll<Option<Connection>> {
        let mut waiting = locked(&self.0);
        let Some(idle) = waiting.hosts.get_mut(host(url)) else {
            return Poll::Ready(None);
        };
        while let Some(Idle {
            mut connection,
            since,
        }) = idle.pop()
        {
            if since.elapsed() < POOL_IDLE && connection.is_quiet(cx) {
                return Poll::Ready(Some(connection));
            }
        }
        Poll::Ready(None)
    }

    /// Where a connection to the host of this address goes.
    pub(super) fn home(&self, url: &Arc<Uri>) -> Home {
        Home {
            pool: Arc::downgrade(&self.0),
            url: Arc::clone(url),
        }
    }
}

impl Home {
    /// Keeps a connection for the next exchange with its host.
    pub(super) fn keep(self, connection: Connection) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        let mut waiting = locked(&pool);
        let host = host(&self.url);
        let since = Instant::now();
        let idle = Idle { connection, since };
        match waiting.hosts.get_mut(host) {
            Some(others) if others.len() >= POOL_IDLE_PER_HOST => return,
            Some(others) => others.push(idle),
            None => {
                waiting.hosts.insert(host.into(), vec![idle]);
            }
        }
        if !std::mem::replace(&mut waiting.is_swept, true) {
            tokio::spawn(sweep(self.pool));
        }
    }
}

/// Closes connections that have waited too long, until none is left or nobody can use them any more.
async fn sweep(pool: Weak<Mutex<Waiting>>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let mut waiting = locked(&pool);
        waiting.hosts.retain(|_, idle| {
            idle.retain(|idle| idle.since.elapsed() < POOL_IDLE);
            !idle.is_empty()
        });
        if waiting.hosts.is_empty() {
            waiting.is_swept = false;
            return;
        }
    }
}

/// Host and port as the address has them; a host in two spellings is two.
fn host(url: &Uri) -> &str {
    url.authority().map_or("", Authority::as_str)
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
