use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::*;
use crate::store::UsageRow;
use crate::store::UsageSpan;

/// A store that keeps how many rows each batch had.
#[derive(Default)]
struct Rows {
    batches: Mutex<Vec<usize>>,
    is_full: AtomicBool,
    old: AtomicUsize,
}

#[async_trait]
impl UsageRows for Rows {
    async fn record(&self, calls: &[Arc<CallRecord>]) -> Result<(), StoreError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        self.batches.lock().unwrap().push(calls.len());
        Ok(())
    }

    async fn calls(&self, _span: &UsageSpan) -> Result<Vec<UsageRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn forget(&self, _before_ms: u64, limit: usize) -> Result<u64, StoreError> {
        let old = self.old.load(Ordering::Relaxed);
        let deleted = old.min(limit);
        self.old.store(old - deleted, Ordering::Relaxed);
        Ok(deleted as u64)
    }
}

struct World {
    rows: Arc<Rows>,
    recorder: UsageRecorder,
    figures: Arc<ExportFigures>,
}

impl World {
    fn new(queue_rows: usize) -> Self {
        let rows = Arc::new(Rows::default());
        let figures = Arc::new(ExportFigures::default());
        let config = UsageConfig {
            queue_rows,
            ..UsageConfig::default()
        };
        let store = Arc::clone(&rows) as _;
        let clock = Clock::starting_at(1_790_000_000_000);
        Self {
            recorder: UsageRecorder::start(store, &config, clock, Arc::clone(&figures)),
            rows,
            figures,
        }
    }

    async fn call(&self) {
        let place = self.recorder.reserve().await;
        place.settle(Arc::new(CallRecord::new("p/m".parse().unwrap())));
    }

    fn batches(&self) -> Vec<usize> {
        self.rows.batches.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn rows_are_gathered_and_written_together() {
    let world = World::new(10_000);
    for _ in 0..3 {
        world.call().await;
    }
    tokio::time::sleep(GATHER * 2).await;
    assert_eq!(world.batches(), [3]);
    for _ in 0..1000 {
        world.call().await;
    }
    tokio::time::sleep(GATHER * 2).await;
    assert_eq!(world.batches(), [3, 400, 400, 200]);
    assert_eq!(world.figures.counts(), [1003, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_costs_no_call_anything_and_what_found_a_place_is_written_later() {
    let world = World::new(8);
    world.rows.is_full.store(true, Ordering::Relaxed);
    world.call().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    for _ in 0..100 {
        world.call().await;
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits at the door");
    let lost = world.recorder.queue().state().lost();
    assert_eq!(lost, 92, "the queue has eight places");
    let [_, _, failures] = world.figures.counts();
    assert!(failures > 2);
    world.rows.is_full.store(false, Ordering::Relaxed);
    tokio::time::sleep(MAX_REST * 2).await;
    assert_eq!(world.batches().iter().sum::<usize>(), 9);
    world.call().await;
    tokio::time::sleep(GATHER * 2).await;
    assert_eq!(world.batches().iter().sum::<usize>(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_last_rows_are_written_before_the_end_also_of_calls_under_way() {
    let world = World::new(16);
    world.call().await;
    let under_way = world.recorder.reserve().await;
    let ending = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        under_way.settle(Arc::new(CallRecord::new("p/m".parse().unwrap())));
    };
    let World { rows, recorder, .. } = world;
    tokio::join!(recorder.close(), ending);
    assert_eq!(rows.batches.lock().unwrap().iter().sum::<usize>(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_disk_that_stays_full() {
    let world = World::new(16);
    world.rows.is_full.store(true, Ordering::Relaxed);
    world.call().await;
    let began = Instant::now();
    world.recorder.close().await;
    assert_eq!(began.elapsed(), LAST_WORDS);
}

#[tokio::test(start_paused = true)]
async fn old_rows_go_a_few_at_a_time() {
    let world = World::new(16);
    world.rows.old.store(1200, Ordering::Relaxed);
    tokio::time::sleep(FORGET_PAUSE * 2 - Duration::from_millis(1)).await;
    assert_eq!(world.rows.old.load(Ordering::Relaxed), 700);
    tokio::time::sleep(FORGET_PAUSE * 4).await;
    assert_eq!(world.rows.old.load(Ordering::Relaxed), 0);
}
