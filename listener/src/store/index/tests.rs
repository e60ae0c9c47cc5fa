use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestRunner};
use rusqlite::Connection;

use super::*;
use crate::desk::{Desk, History};
use crate::store::suite::{self, BEGIN_MS, HOUR_MS, MAX_REFUSED, Plain, World};
use crate::store::{NewError, Outcome};

fn options(directory: &Path, clock: &Clock) -> Options {
    let journal = crate::store::journal::Options { segment_bytes: 64 * 1024, ..Default::default() };
    Options { journal, max_refused: MAX_REFUSED, ..Options::new(directory, Arc::new(Plain), clock.clone()) }
}

/// A store that was let go of without closing has its lock until its threads have ended.
async fn open(directory: &Path, clock: &Clock) -> Embedded {
    open_with(directory, clock, Arc::new(Plain)).await
}

async fn open_with(directory: &Path, clock: &Clock, sorter: Sorter) -> Embedded {
    let begin = Instant::now();
    loop {
        let options = Options { sorter: Arc::clone(&sorter), ..options(directory, clock) };
        match Embedded::open(options).await {
            Ok(store) => return store,
            Err(StoreError::Open(reason))
                if reason.contains("open already") && begin.elapsed() < Duration::from_secs(10) =>
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn world(directory: &Path) -> World {
    let clock = Clock::manual(BEGIN_MS);
    let directory = directory.to_owned();
    let (at, files) = (clock.clone(), directory.clone());
    let open = Box::new(move || {
        let (directory, clock) = (files.clone(), at.clone());
        let opening = async move { Arc::new(open(&directory, &clock).await) as Arc<dyn Store> };
        Box::pin(opening) as futures_util::future::BoxFuture<'static, _>
    });
    let (named, now) = (directory.clone(), clock.clone());
    let open_history = Box::new(move |rules: suite::Named| {
        let (directory, clock) = (named.clone(), now.clone());
        let opening = async move {
            let all = Arc::new(open_with(&directory, &clock, Arc::new(rules)).await);
            let desk: Arc<dyn Desk> = Arc::<Embedded>::clone(&all);
            (Arc::clone(&all) as Arc<dyn Store>, desk, all as Arc<dyn History>)
        };
        Box::pin(opening) as futures_util::future::BoxFuture<'static, _>
    });
    let (directory, at) = (directory, clock.clone());
    let open_desk = Box::new(move |rules: suite::Rules| {
        let (directory, clock) = (directory.clone(), at.clone());
        let opening = async move {
            let both = Arc::new(open_with(&directory, &clock, Arc::new(rules)).await);
            (Arc::clone(&both) as Arc<dyn Store>, both as Arc<dyn Desk>)
        };
        Box::pin(opening) as futures_util::future::BoxFuture<'static, _>
    });
    World { clock, open, open_desk, open_history }
}

macro_rules! shared {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let directory = tempfile::tempdir().unwrap();
            suite::$name(&world(directory.path())).await;
        }
    )* };
}

mod backup;
mod desk;
mod erase;
mod history;
mod hook;
mod sizes;

suite::store_tests!(shared);

#[test]
fn whatever_is_done_each_acknowledged_event_ends_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    runner
        .run(&suite::steps(), |steps| {
            let directory = tempfile::tempdir().unwrap();
            let world = world(directory.path());
            runtime.block_on(suite::whatever_is_done_each_acknowledged_event_ends_once(&world, steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn whatever_the_hook_does_each_record_goes_on_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    runner
        .run(&suite::hook_steps(), |steps| {
            let directory = tempfile::tempdir().unwrap();
            let world = world(directory.path());
            runtime
                .block_on(suite::whatever_the_hook_does_each_record_goes_on_once_and_in_order(&world, steps));
            Ok(())
        })
        .unwrap();
}

async fn refusal(directory: &Path) -> String {
    match Embedded::open(options(directory, &Clock::manual(BEGIN_MS))).await {
        Ok(_) => panic!("it was opened"),
        Err(StoreError::Open(reason)) => reason,
        Err(error) => panic!("not a refusal to open: {error}"),
    }
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &Clock::manual(BEGIN_MS)).await;
    let reason = refusal(directory.path()).await;
    assert!(reason.contains(&std::process::id().to_string()), "{reason}");
    store.close().await;
}

/// Opening `directory` is refused with `words`, and `store.db` stays as it is.
async fn stays_untouched(directory: &Path, words: &str) {
    let database = directory.join("store.db");
    let before = std::fs::read(&database).unwrap();
    let reason = refusal(directory).await;
    assert!(reason.contains(words), "{reason}");
    assert!(reason.contains(&database.display().to_string()), "{reason}");
    assert!(before == std::fs::read(&database).unwrap(), "the file was changed");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("store.db"), "precious text").unwrap();
    stays_untouched(directory.path(), "is damaged").await;
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let other = Connection::open(directory.path().join("store.db")).unwrap();
    other.execute_batch("CREATE TABLE precious(a); INSERT INTO precious VALUES (1)").unwrap();
    drop(other);
    stays_untouched(directory.path(), "another program").await;
}

#[tokio::test]
async fn a_store_of_a_newer_listener_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path(), &Clock::manual(BEGIN_MS)).await.close().await;
    let database = Connection::open(directory.path().join("store.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    stays_untouched(directory.path(), "a newer listener").await;
}

#[tokio::test]
async fn a_damaged_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let store = world.open(&["a"]).await;
    let events: Vec<_> = (0..2_000).map(suite::event).collect();
    world.deliver(&store, suite::body(&events)).await;
    store.close().await;
    let file = std::fs::OpenOptions::new().write(true).open(directory.path().join("store.db")).unwrap();
    for page in 4..10 {
        file.write_all_at(&[0xa5; 2_000], page * 4096).unwrap();
    }
    drop(file);
    stays_untouched(directory.path(), "is damaged").await;
}

#[tokio::test]
async fn a_journal_without_its_index_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let store = world.open(&["a"]).await;
    world.deliver(&store, suite::body(&[suite::event(1)])).await;
    store.close().await;
    std::fs::remove_file(directory.path().join("store.db")).unwrap();
    let reason = refusal(directory.path()).await;
    assert!(reason.contains("is missing or empty"), "{reason}");
    assert!(!directory.path().join("store.db").exists());
}

#[tokio::test]
async fn the_name_of_a_store_stays_and_no_page_number_comes_twice() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let mut seen = std::collections::BTreeSet::new();
    let mut names = std::collections::BTreeSet::new();
    for round in 0..4 {
        let store = world.open(&["a"]).await;
        world.deliver(&store, suite::body(&[suite::event(round)])).await;
        let page = world.page(&store, "a").await;
        world.done(&store, &page).await;
        assert!(seen.insert(page.id.number));
        names.insert(page.id.store.to_string());
        world.pass(100 * HOUR_MS);
        store.retain(&suite::short()).await.unwrap();
        store.close().await;
    }
    assert_eq!(names.len(), 1);
    assert_eq!(names.first().unwrap().len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_is_recovered_from() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let clock = world.clock.clone();
    let embedded = Arc::new(open(directory.path(), &clock).await);
    let store: Arc<dyn Store> = Arc::<Embedded>::clone(&embedded);
    suite::set_destinations(&store, &["a"]).await;
    world.deliver(&store, suite::body(&[suite::event(0)])).await;
    let page = world.page(&store, "a").await;
    // SQLite answers SQLITE_FULL as on a full disk.
    let limit = |pages: i64| {
        embedded.inner.writer.call(Durability::Synced, move |connection| {
            Ok(connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
        })
    };
    limit(1).await.unwrap();
    for part in 0..20 {
        let events: Vec<_> = (part * 500..part * 500 + 500).map(suite::event).collect();
        world.append(&store, suite::body(&events)).await;
    }
    let begin = Instant::now();
    while embedded.progress.health().is_ok() {
        assert!(begin.elapsed() < Duration::from_secs(15), "nobody sees that indexing fails");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.health().unwrap_err().contains("cannot be indexed"));
    assert!(store.status().await.unwrap().unindexed_deliveries > 0);
    let errors = page
        .records
        .iter()
        .map(|record| NewError { payload: Some(vec![1; 100_000].into()), ..suite::failing(record, BEGIN_MS) })
        .collect();
    let outcome = Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 };
    let settlement =
        Settlement { page: page.id.clone(), attempt: Some(world.attempt(400)), outcome, healed: Vec::new() };
    assert!(matches!(store.settle(settlement).await, Err(StoreError::Failed(_))));
    assert_eq!(store.status().await.unwrap().open_errors, 0);
    limit(1_000_000).await.unwrap();
    suite::indexed(&store).await;
    store.health().unwrap();
    world.done(&store, &page).await;
    let status = store.status().await.unwrap();
    assert_eq!((status.events, status.records, status.duplicates), (10_001, 10_000, 1));
    store.close().await;
}

#[tokio::test]
async fn a_batch_that_comes_again_counts_once() {
    use crate::store::journal::{Batch, Entry, Indexed, Location, Position};
    let directory = tempfile::tempdir().unwrap();
    let connection = open::open(&directory.path().join("store.db")).unwrap().connection;
    let entry = |delivery: u64| Entry {
        delivery,
        request: uuid::Uuid::nil(),
        received_at_ms: BEGIN_MS,
        location: Location { segment: 1, offset: delivery * 100, length: 3 },
        body: bytes::Bytes::from(format!("[{{\"n\":{delivery}}},7]")),
    };
    let batch = |deliveries: std::ops::RangeInclusive<u64>| {
        let end = Indexed {
            position: Position { segment: 1, offset: deliveries.end() * 100 },
            last_delivery: *deliveries.end(),
            last_group: *deliveries.end(),
        };
        ingest::prepare(Batch { entries: deliveries.map(entry).collect(), end }, &Plain)
    };
    for deliveries in [1..=3, 1..=3, 1..=5, 6..=6] {
        ingest::apply(&connection, &batch(deliveries)).unwrap();
    }
    let status = status::read(&connection).unwrap();
    assert_eq!((status.deliveries, status.events, status.records, status.open_errors), (6, 12, 6, 6));
    let watermark = ingest::watermark(&connection).unwrap().unwrap();
    assert_eq!((watermark.last_delivery, watermark.position.offset), (6, 600));
    let ordinals: Vec<i64> = connection
        .prepare("SELECT first_ordinal FROM delivery ORDER BY seq")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(ordinals, [0, 1, 2, 3, 4, 5]);
}
