//! What any store must do, whichever database is behind it.

use std::sync::Arc;

use agon::events::CallRecord;
use agon::events::Draft;
use agon::events::EventBody;
use agon::store::CreateOutcome;
use agon::store::DebateFilter;
use agon::store::Debates;
use agon::store::EventLog;
use agon::store::Lease;
use agon::store::NewDebate;
use agon::store::OwnerId;
use agon::store::Progress;
use agon::store::Settings;
use agon::store::SqliteStore;
use agon::store::StoreError;
use agon::store::UsageRows;
use agon::store::UsageSpan;
use agon::types::Billed;
use agon::types::DebateId;
use agon::types::NanoUsd;
use agon::types::Usage;
use agon::types::debate::Status;
use agon::types::debate::Totals;

const NOW_MS: u64 = 1_790_000_000_000;
const LATER_MS: u64 = NOW_MS + 60_000;

/// One process on a database file.
struct Process {
    store: SqliteStore,
    owner: OwnerId,
}

impl Process {
    async fn start(folder: &tempfile::TempDir) -> Self {
        let owner = OwnerId::fresh();
        let url = format!("sqlite:{}", folder.path().join("agon.db").display());
        let store = SqliteStore::open(&url, &owner)
            .await
            .expect("the folder is writable");
        Self { store, owner }
    }

    async fn create(&self, id: &str) -> Lease {
        match self.store.create(self.new_debate(id, None)).await.unwrap() {
            CreateOutcome::Created(lease, _) => lease,
            CreateOutcome::Existing(id) => panic!("{id} was there before"),
        }
    }

    fn new_debate(&self, id: &str, idempotency: Option<(&str, &str)>) -> NewDebate {
        NewDebate {
            id: DebateId::new(id),
            title: "a title".into(),
            topic: "a topic".into(),
            format: "oxford".into(),
            cast: vec!["pro (demo/optimist)".into()],
            at_ms: NOW_MS,
            owner: self.owner.clone(),
            events: vec![Draft::of_debate(EventBody::Started {})],
            idempotency: idempotency.map(|(key, hash)| (key.to_owned(), hash.to_owned())),
        }
    }
}

fn running() -> Progress {
    Progress {
        status: Status::Running,
        outcome: None,
        verdict: None,
        totals: Totals::default(),
    }
}

fn over() -> Progress {
    Progress {
        status: Status::Finished,
        ..running()
    }
}

fn pauses(count: usize) -> Vec<Draft> {
    vec![Draft::of_debate(EventBody::Paused {}); count]
}

#[tokio::test]
async fn events_are_numbered_from_one_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder).await;
    let lease = process.create("d_1").await;
    for count in [1, 3, 2] {
        process
            .store
            .append(&lease, NOW_MS, pauses(count), &running())
            .await
            .unwrap();
    }
    let log = process.store.read(&lease.debate, 0, 100).await.unwrap();
    let seqs: Vec<u64> = log.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7]);
    let page = process.store.read(&lease.debate, 2, 2).await.unwrap();
    assert_eq!(
        page.iter().map(|event| event.seq).collect::<Vec<_>>(),
        [3, 4]
    );
    assert_eq!(
        process.store.summary(&lease.debate).await.unwrap().head_seq,
        7
    );
}

#[tokio::test]
async fn a_living_process_keeps_its_debates() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Process::start(&folder).await, Process::start(&folder).await);
    let lease = first.create("d_1").await;
    assert!(
        second
            .store
            .claimable(&second.owner, NOW_MS)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        second
            .store
            .claim(&lease.debate, &second.owner, NOW_MS)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_dead_process_loses_its_debates_at_once_and_can_write_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Process::start(&folder).await, Process::start(&folder).await);
    let lease = first.create("d_1").await;
    // Dying gives the lock up without closing anything; the copy of the store keeps the connections open.
    let ghost = first.store.clone();
    let lock = folder
        .path()
        .join(format!("agon.db.owner-{}", first.owner.0));
    std::fs::remove_file(lock).unwrap();
    assert_eq!(
        second.store.claimable(&second.owner, NOW_MS).await.unwrap(),
        std::slice::from_ref(&lease.debate)
    );
    let taken = second
        .store
        .claim(&lease.debate, &second.owner, NOW_MS)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(taken.epoch, lease.epoch + 1);
    let refused = ghost.append(&lease, NOW_MS, pauses(1), &running()).await;
    assert!(matches!(refused, Err(StoreError::Fenced(_))), "{refused:?}");
    assert!(!ghost.renew(&lease, NOW_MS).await.unwrap());
    assert_eq!(
        second.store.read(&lease.debate, 0, 10).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_lease_that_was_not_renewed_can_be_claimed_by_one_process_only() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::start(&folder).await;
    let lease = first.create("d_1").await;
    let (second, third) = (Process::start(&folder).await, Process::start(&folder).await);
    let claims = tokio::join!(
        second.store.claim(&lease.debate, &second.owner, LATER_MS),
        third.store.claim(&lease.debate, &third.owner, LATER_MS),
    );
    let winners = [claims.0.unwrap(), claims.1.unwrap()]
        .into_iter()
        .flatten()
        .count();
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_debate_that_is_over_belongs_to_nobody_and_can_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder).await;
    let lease = process.create("d_1").await;
    let refused = process.store.delete(&lease.debate).await;
    assert!(
        matches!(refused, Err(StoreError::StillRunning(_))),
        "{refused:?}"
    );
    process
        .store
        .append(&lease, NOW_MS, pauses(1), &over())
        .await
        .unwrap();
    assert!(
        process
            .store
            .claimable(&process.owner, LATER_MS)
            .await
            .unwrap()
            .is_empty()
    );
    process.store.delete(&lease.debate).await.unwrap();
    let gone = process.store.read(&lease.debate, 0, 10).await;
    assert!(matches!(gone, Err(StoreError::NotFound(_))), "{gone:?}");
}

#[tokio::test]
async fn an_idempotency_key_makes_one_debate() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder).await;
    process
        .store
        .create(process.new_debate("d_1", Some(("key", "body"))))
        .await
        .unwrap();
    let again = process
        .store
        .create(process.new_debate("d_2", Some(("key", "body"))))
        .await
        .unwrap();
    assert!(matches!(again, CreateOutcome::Existing(id) if id.as_str() == "d_1"));
    let other = process
        .store
        .create(process.new_debate("d_3", Some(("key", "another body"))))
        .await;
    assert!(matches!(other, Err(StoreError::KeyReused)), "{other:?}");
    let mut tomorrow = process.new_debate("d_4", Some(("key", "another body")));
    tomorrow.at_ms = NOW_MS + 25 * 3_600_000;
    assert!(matches!(
        process.store.create(tomorrow).await.unwrap(),
        CreateOutcome::Created(..)
    ));
    let ids: Vec<String> = list(
        &process,
        DebateFilter {
            limit: 10,
            ..DebateFilter::default()
        },
    )
    .await;
    assert_eq!(ids, ["d_4", "d_1"]);
}

async fn list(process: &Process, filter: DebateFilter) -> Vec<String> {
    let found = process.store.list(&filter).await.unwrap();
    found
        .into_iter()
        .map(|debate| debate.id.as_str().to_owned())
        .collect()
}

#[tokio::test]
async fn debates_are_listed_newest_first_by_page_and_status() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder).await;
    for id in ["d_1", "d_2", "d_3"] {
        let lease = process.create(id).await;
        if id == "d_2" {
            process
                .store
                .append(&lease, NOW_MS, pauses(1), &over())
                .await
                .unwrap();
        }
    }
    let all = DebateFilter {
        limit: 2,
        ..DebateFilter::default()
    };
    assert_eq!(list(&process, all.clone()).await, ["d_3", "d_2"]);
    assert_eq!(
        list(
            &process,
            DebateFilter {
                before: Some(DebateId::new("d_2")),
                ..all.clone()
            }
        )
        .await,
        ["d_1"]
    );
    assert_eq!(
        list(
            &process,
            DebateFilter {
                status: Some(Status::Finished),
                ..all
            }
        )
        .await,
        ["d_2"]
    );
}

#[tokio::test]
async fn two_processes_write_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let processes = [
        Arc::new(Process::start(&folder).await),
        Arc::new(Process::start(&folder).await),
    ];
    let mut writers = tokio::task::JoinSet::new();
    for (which, process) in processes.iter().enumerate() {
        let (process, lease) = (
            Arc::clone(process),
            process.create(&format!("d_{which}")).await,
        );
        writers.spawn(async move {
            for _ in 0..40 {
                process
                    .store
                    .append(&lease, NOW_MS, pauses(1), &running())
                    .await
                    .unwrap();
            }
            process
                .store
                .read(&lease.debate, 0, 100)
                .await
                .unwrap()
                .len()
        });
    }
    assert_eq!(writers.join_all().await, [41, 41]);
}

#[tokio::test]
async fn settings_outlive_the_process_until_they_are_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let value = serde_json::json!({"use_unified": false});
    Process::start(&folder)
        .await
        .store
        .set_setting("llm", Some(&value))
        .await
        .unwrap();
    let later = Process::start(&folder).await;
    assert_eq!(later.store.setting("llm").await.unwrap(), Some(value));
    later.store.set_setting("llm", None).await.unwrap();
    assert_eq!(later.store.setting("llm").await.unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_opened_says_which_file_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.db");
    std::fs::write(
        &damaged,
        "this is no database, but it is long enough to have a header of its own",
    )
    .unwrap();
    let missing = folder.path().join("missing/agon.db");
    for (path, words) in [
        (damaged, "damaged"),
        (missing, "does not exist"),
        (folder.path().to_owned(), "a folder"),
    ] {
        let error = SqliteStore::open(&format!("sqlite:{}", path.display()), &OwnerId::fresh())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(words) && text.contains(&path.display().to_string()),
            "{text}"
        );
    }
    let error = SqliteStore::open("postgres://localhost/agon", &OwnerId::fresh())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("sqlite:./agon.db"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_agon_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder).await;
    process.store.close().await;
    let url = format!("sqlite:{}", folder.path().join("agon.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', 1, x'00', 0)")
        .execute(&pool)
        .await
        .unwrap();
    let error = SqliteStore::open(&url, &OwnerId::fresh())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::NewerDatabase(text) if text.contains("9999")),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_in_memory_does_what_a_file_does() {
    let owner = OwnerId::fresh();
    let store = SqliteStore::open("sqlite::memory:", &owner).await.unwrap();
    let process = Process { store, owner };
    let lease = process.create("d_1").await;
    process
        .store
        .append(&lease, NOW_MS, pauses(2), &over())
        .await
        .unwrap();
    assert_eq!(
        process
            .store
            .read(&lease.debate, 0, 10)
            .await
            .unwrap()
            .len(),
        3
    );
}

/// A call that ended so many milliseconds after [`NOW_MS`].
fn call(after_ms: u64) -> Arc<CallRecord> {
    Arc::new(CallRecord {
        ended_at_ms: NOW_MS + after_ms,
        ..CallRecord::new("p/m".parse().unwrap())
    })
}

fn all_calls() -> UsageSpan {
    UsageSpan {
        from_ms: 0,
        before_ms: u64::MAX,
        after: None,
        limit: 10_000,
    }
}

#[tokio::test]
async fn a_call_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Process::start(&folder).await.store;
    let written = CallRecord {
        path: "unified",
        debate: Some(DebateId::new("d_1")),
        group: Some("fast".into()),
        call_id: Some("call-7".into()),
        principal: Some("anna \"the\" first".into()),
        tags: vec!["a,b".into(), "c".into()],
        stream: true,
        fallbacks: 1,
        attempts: 3,
        ended_at_ms: NOW_MS,
        ttft: Some(std::time::Duration::from_millis(300)),
        total: std::time::Duration::from_millis(800),
        upstream_wait: std::time::Duration::from_micros(799_600),
        dropped: vec!["seed".into()],
        usage: Usage {
            input: 1,
            cache_read: 2,
            cache_write: 3,
            output: 4,
            reasoning: 5,
            audio_in: 6,
            audio_out: 7,
            billed: Some(Billed {
                input: 8,
                output: 9,
            }),
            estimated: true,
        },
        cost: Some(NanoUsd(u64::from(u32::MAX) * 10)),
        error: Some("overloaded"),
        status: Some(529),
        ..CallRecord::new("openai/gpt-5".parse().unwrap())
    };
    store.record(&[Arc::new(written.clone())]).await.unwrap();
    let rows = store.calls(&all_calls()).await.unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.ended_at_ms, row.started_at_ms), (NOW_MS, NOW_MS - 800));
    assert_eq!(row.model, "openai/gpt-5");
    assert_eq!(row.group.as_deref(), Some("fast"));
    assert_eq!(row.deployment, None);
    assert_eq!(row.call_id.as_deref(), Some("call-7"));
    assert_eq!(row.principal.as_deref(), written.principal.as_deref());
    assert_eq!(row.debate.as_deref(), Some("d_1"));
    assert_eq!((&row.tags, &row.dropped), (&written.tags, &written.dropped));
    assert_eq!((row.usage, row.cost), (written.usage, written.cost));
    assert_eq!((row.stream, row.attempts, row.fallbacks), (true, 3, 1));
    assert_eq!(
        (row.error.as_deref(), row.status),
        (Some("overloaded"), Some(529))
    );
    assert_eq!(
        (row.ttft_ms, row.total_ms, row.overhead_us),
        (Some(300), 800, 400)
    );
    assert_eq!(row.path, "unified");
}

#[tokio::test]
async fn batches_of_any_size_are_written_whole_and_read_by_time_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let store = Process::start(&folder).await.store;
    let mut count = 0;
    for size in [1, 4, 7, 24, 199, 201, 400] {
        let batch: Vec<_> = (count..count + size).map(call).collect();
        store.record(&batch).await.unwrap();
        count += size;
    }
    let rows = store.calls(&all_calls()).await.unwrap();
    let times: Vec<u64> = rows.iter().map(|row| row.ended_at_ms - NOW_MS).collect();
    assert_eq!(times, (0..count).collect::<Vec<_>>());
    let span = UsageSpan {
        from_ms: NOW_MS + 10,
        before_ms: NOW_MS + 15,
        after: None,
        limit: 3,
    };
    let page = store.calls(&span).await.unwrap();
    let next = UsageSpan {
        after: page.last().map(|row| row.id),
        ..span
    };
    let ends = |rows: &[agon::store::UsageRow]| {
        rows.iter()
            .map(|row| row.ended_at_ms - NOW_MS)
            .collect::<Vec<_>>()
    };
    assert_eq!(ends(&page), [10, 11, 12]);
    assert_eq!(ends(&store.calls(&next).await.unwrap()), [13, 14]);
}

#[tokio::test]
async fn a_batch_of_all_kinds_of_calls_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Process::start(&folder).await.store;
    let failed = |at: u64| {
        Arc::new(CallRecord {
            error: Some("timeout"),
            ..CallRecord::clone(&call(at))
        })
    };
    let batch: Vec<_> = (0..20_u64)
        .map(|at| {
            if at.is_multiple_of(3) {
                failed(at)
            } else {
                call(at)
            }
        })
        .collect();
    store.record(&batch).await.unwrap();
    let rows = store.calls(&all_calls()).await.unwrap();
    assert_eq!(rows.len(), 20);
    for row in rows {
        let at = row.ended_at_ms - NOW_MS;
        assert_eq!(row.error.is_some(), at.is_multiple_of(3), "{at}");
    }
}

#[tokio::test]
async fn old_calls_are_forgotten_the_oldest_first_and_a_few_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Process::start(&folder).await.store;
    let batch: Vec<_> = [5, 3, 1, 4, 2].map(call).into();
    store.record(&batch).await.unwrap();
    assert_eq!(store.forget(NOW_MS + 4, 2).await.unwrap(), 2);
    assert_eq!(store.forget(NOW_MS + 4, 2).await.unwrap(), 1);
    assert_eq!(store.forget(NOW_MS + 4, 2).await.unwrap(), 0);
    let rows = store.calls(&all_calls()).await.unwrap();
    let left: Vec<u64> = rows.iter().map(|row| row.ended_at_ms - NOW_MS).collect();
    assert_eq!(left, [5, 4]);
}

#[tokio::test]
async fn calls_are_written_once_another_process_lets_the_database_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Process::start(&folder).await.store;
    let url = format!("sqlite:{}", folder.path().join("agon.db").display());
    let other = sqlx::SqlitePool::connect(&url).await.unwrap();
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let batch = [call(1)];
    let letting_go = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        held.rollback().await.unwrap();
    };
    let (written, ()) = tokio::join!(store.record(&batch), letting_go);
    written.unwrap();
    assert_eq!(store.calls(&all_calls()).await.unwrap().len(), 1);
}
