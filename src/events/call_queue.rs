//! The way of call records off the request path: a bounded queue in which a place is taken before the call, so that
//! ending a call never waits, not even when its caller leaves.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::OwnedPermit;
use tokio::time::timeout;

use super::call::CallRecord;

/// How long a call waits at the door for a place while records are being taken away.
const PATIENCE: Duration = Duration::from_millis(50);

/// The end at which calls put their records. Cloning it shares the queue.
#[derive(Debug, Clone)]
pub struct CallQueue {
    sender: mpsc::Sender<Arc<CallRecord>>,
    state: Arc<QueueState>,
}

/// The end at which they are taken away.
#[derive(Debug)]
pub struct CallArrivals {
    receiver: mpsc::Receiver<Arc<CallRecord>>,
    state: Arc<QueueState>,
}

/// What both ends know.
#[derive(Debug, Default)]
pub struct QueueState {
    stuck: AtomicBool,
    waited: AtomicU64,
    lost: AtomicU64,
}

impl QueueState {
    /// Calls that waited at the door.
    pub fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    /// Calls whose record found no place.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Makes a queue of so many places.
pub fn call_queue(places: usize) -> (CallQueue, CallArrivals) {
    let (sender, receiver) = mpsc::channel(places);
    let state = Arc::new(QueueState::default());
    let queue = CallQueue {
        sender,
        state: Arc::clone(&state),
    };
    (queue, CallArrivals { receiver, state })
}

impl CallQueue {
    /// Takes a place. When all are taken it waits for one, at most 50 ms, and not at all while nobody takes records
    /// away (the disk is full); the call whose place is missing goes on, and its record is counted as lost.
    pub async fn reserve(&self) -> Place {
        let place = self.reserve_now();
        if place.permit.is_some() || self.state.stuck.load(Ordering::Relaxed) {
            return place;
        }
        self.state.waited.fetch_add(1, Ordering::Relaxed);
        let permit = timeout(PATIENCE, self.sender.clone().reserve_owned()).await;
        self.place(permit.ok().and_then(Result::ok))
    }

    /// Takes a place if one is free.
    pub fn reserve_now(&self) -> Place {
        self.place(self.sender.clone().try_reserve_owned().ok())
    }

    /// What is known of the queue.
    pub fn state(&self) -> &Arc<QueueState> {
        &self.state
    }

    fn place(&self, permit: Option<OwnedPermit<Arc<CallRecord>>>) -> Place {
        let missing = permit.is_none().then(|| Arc::clone(&self.state));
        Place { permit, missing }
    }
}

/// A place for one record. Dropped without one, it is free again.
#[derive(Debug)]
#[must_use = "a place that is not kept is free again"]
pub struct Place {
    permit: Option<OwnedPermit<Arc<CallRecord>>>,
    /// Where a record without a place is counted.
    missing: Option<Arc<QueueState>>,
}

impl Place {
    /// No place, where no records are kept.
    pub fn nowhere() -> Self {
        Self {
            permit: None,
            missing: None,
        }
    }

    /// Puts the record into its place. Never waits.
    pub fn settle(self, record: Arc<CallRecord>) {
        if let Some(permit) = self.permit {
            permit.send(record);
        } else if let Some(state) = self.missing {
            state.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl CallArrivals {
    /// Waits for records and takes up to `limit`; 0 when the queue is closed and empty.
    pub async fn take(&mut self, into: &mut Vec<Arc<CallRecord>>, limit: usize) -> usize {
        self.receiver.recv_many(into, limit).await
    }

    /// Takes what is there, up to `limit`.
    pub fn take_now(&mut self, into: &mut Vec<Arc<CallRecord>>, limit: usize) {
        while into.len() < limit {
            let Ok(record) = self.receiver.try_recv() else {
                return;
            };
            into.push(record);
        }
    }

    /// Gives out no more places. What has one may still come.
    pub fn close(&mut self) {
        self.receiver.close();
    }

    /// Says whether records are being taken away at all: while they are not, nobody waits at the door.
    pub fn set_stuck(&self, stuck: bool) {
        self.state.stuck.store(stuck, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn record() -> Arc<CallRecord> {
        Arc::new(CallRecord::new("p/m".parse().unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_was_taken_is_there_when_the_queue_is_full() {
        let (queue, mut arrivals) = call_queue(2);
        let (early, late) = (queue.reserve().await, queue.reserve().await);
        assert!(queue.reserve_now().permit.is_none());
        early.settle(record());
        late.settle(record());
        let mut taken = Vec::new();
        assert_eq!(arrivals.take(&mut taken, 400).await, 2);
        assert_eq!((queue.state().lost(), queue.state().waited()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_at_the_door_until_a_place_is_free() {
        let (queue, mut arrivals) = call_queue(1);
        queue.reserve().await.settle(record());
        let taking = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            arrivals.take_now(&mut Vec::new(), 1);
        };
        let (place, ()) = tokio::join!(queue.reserve(), taking);
        assert!(place.permit.is_some());
        assert_eq!((queue.state().lost(), queue.state().waited()), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_a_moment_only_and_its_record_is_counted_as_lost() {
        let (queue, arrivals) = call_queue(1);
        let _taken = queue.reserve().await;
        let asked = Instant::now();
        let place = queue.reserve().await;
        assert_eq!(asked.elapsed(), PATIENCE);
        place.settle(record());
        assert_eq!(queue.state().lost(), 1);
        arrivals.set_stuck(true);
        let asked = Instant::now();
        queue.reserve().await.settle(record());
        assert_eq!(asked.elapsed(), Duration::ZERO, "nobody takes records away");
        assert_eq!(queue.state().lost(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_ends_when_the_last_place_is_settled_or_given_up() {
        let (queue, mut arrivals) = call_queue(4);
        let (settled, given_up) = (queue.reserve().await, queue.reserve().await);
        arrivals.close();
        queue.reserve().await.settle(record());
        assert_eq!(queue.state().lost(), 1, "the door is closed");
        let mut taken = Vec::new();
        let calls = async {
            settled.settle(record());
            drop(given_up);
        };
        let (count, ()) = tokio::join!(arrivals.take(&mut taken, 4), calls);
        assert_eq!(count, 1);
        assert_eq!(arrivals.take(&mut taken, 4).await, 0);
    }
}
