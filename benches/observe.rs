//! What a finished call costs whoever is told of it, with everything on; and what a usage row costs the writer.
//!
//! `finished` is on the path of every request; the bar is 300 ns for the figures. `row` is off it, on the store's
//! thread, but on the same cores.

use std::sync::Arc;
use std::time::Duration;

use agon::events::CallRecord;
use agon::events::Observer;
use agon::events::Observers;
use agon::events::Place;
use agon::events::call_queue;
use agon::metrics::Metrics;
use agon::observe::ObserveConfig;
use agon::observe::Observing;
use agon::observe::ObservingParts;
use agon::observe::Scrubber;
use agon::observe::UsageConfig;
use agon::observe::UsageRecorder;
use agon::provider::Environment;
use agon::provider::Transport;
use agon::router::CallLog;
use agon::store::OwnerId;
use agon::store::SqliteStore;
use agon::store::UsageRows;
use agon::types::Clock;
use agon::types::ContentLevel;
use agon::types::Deployment;
use agon::types::DeploymentInfo;
use agon::types::NanoUsd;
use agon::types::Target;
use agon::types::Usage;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Rows of one transaction.
const ROWS: usize = 400;

fn record(deployment: &str) -> CallRecord {
    CallRecord {
        path: "unified",
        group: Some("flash".into()),
        deployment: Some(Arc::new(Deployment {
            id: deployment.into(),
            group: "flash".into(),
            model: "gemini/gemini-2.5-flash".into(),
            target: Arc::new(Target::default()),
            weight: None,
            rpm: None,
            tpm: None,
            max_parallel: None,
            order: None,
            tags: Vec::new(),
            num_retries: None,
            cooldown: None,
            prices: None,
            info: DeploymentInfo::default(),
        })),
        call_id: Some("0192f0c1-7d5c-7b9e-8f2a-3b1c5d7e9f01".into()),
        principal: Some("master".into()),
        stream: true,
        attempts: 1,
        ended_at_ms: 1_790_000_000_000,
        ttft: Some(Duration::from_millis(300)),
        total: Duration::from_millis(800),
        upstream_wait: Duration::from_micros(799_980),
        usage: Usage {
            input: 1000,
            cache_read: 500,
            output: 300,
            ..Usage::default()
        },
        cost: Some(NanoUsd(42_000)),
        ..CallRecord::new(
            "gemini/gemini-2.5-flash"
                .parse()
                .expect("it is a model's name"),
        )
    }
}

/// The figures alone, with so many deployments known.
#[divan::bench(args = [1, 13, 300])]
fn figures(bencher: Bencher<'_, '_>, deployments: usize) {
    let metrics = Metrics::new();
    let records: Vec<_> = (0..deployments)
        .map(|n| Arc::new(record(&format!("key-{n}"))))
        .collect();
    for record in &records {
        metrics.call_finished(record);
    }
    bencher.bench_local(|| metrics.call_finished(divan::black_box(&records[deployments / 2])));
}

/// The line that nobody sees.
#[divan::bench]
fn log(bencher: Bencher<'_, '_>) {
    let (log, record) = (CallLog::default(), Arc::new(record("key-1")));
    bencher.bench_local(|| log.call_finished(divan::black_box(&record)));
}

/// The record's way into the queue, with the place taken before.
#[divan::bench]
fn place_and_settle(bencher: Bencher<'_, '_>) {
    let (queue, mut arrivals) = call_queue(1 << 16);
    let record = Arc::new(record("key-1"));
    let mut taken = Vec::new();
    bencher.bench_local(|| {
        let place: Place = queue.reserve_now();
        place.settle(Arc::clone(&record));
        if taken.len() + 1 >= 1024 {
            taken.clear();
        }
        arrivals.take_now(&mut taken, 1024);
    });
}

/// Everything that is told of a call: figures, log, usage row in its place, traces, Langfuse, Sentry. The receivers
/// are dead, so that their queues are full: what a call pays is the same.
#[divan::bench]
fn finished(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let _inside = runtime.enter();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let store = Arc::new(runtime.block_on(store(&folder)));
    let metrics = Arc::new(Metrics::new());
    let observing = observing(&metrics);
    let usage = UsageRecorder::start(
        store,
        &UsageConfig::default(),
        Clock::system(),
        metrics.export("usage"),
    );
    let mut all: Vec<Arc<dyn Observer>> =
        vec![Arc::clone(&metrics) as _, Arc::new(CallLog::default())];
    all.extend(observing.observers());
    let observers = Observers::new(all).with_rows(usage.queue().clone());
    let record = record("key-1");
    let queue = usage.queue().clone();
    bencher.bench_local(|| {
        let place = queue.reserve_now();
        observers.call_settled(divan::black_box(&record).clone(), place);
    });
}

async fn store(folder: &tempfile::TempDir) -> SqliteStore {
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    SqliteStore::open(&url, &OwnerId::fresh())
        .await
        .expect("the folder is writable")
}

fn observing(metrics: &Metrics) -> Observing {
    let environment: Environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("LANGFUSE_HOST", "http://127.0.0.1:9"),
        ("LANGFUSE_PUBLIC_KEY", "pk-lf-1"),
        ("LANGFUSE_SECRET_KEY", "sk-lf-2"),
        ("SENTRY_DSN", "http://a@127.0.0.1:9/1"),
    ]
    .into_iter()
    .collect();
    Observing::start(&ObservingParts {
        config: &ObserveConfig {
            success: vec!["langfuse".to_owned()],
            failure: vec!["sentry".to_owned()],
            ..ObserveConfig::default()
        },
        environment: &environment,
        metrics,
        transport: &Transport::new().expect("TLS can be set up"),
        scrubber: &Scrubber::default(),
        content: ContentLevel::None,
    })
}

/// Writing a batch of rows; the items are rows.
#[divan::bench]
fn row(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let store = runtime.block_on(store(&folder));
    let batch: Vec<_> = (0..ROWS).map(|_| Arc::new(record("key-1"))).collect();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        runtime
            .block_on(store.record(&batch))
            .expect("the disk has room");
    });
}
