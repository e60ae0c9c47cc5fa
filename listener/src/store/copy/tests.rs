//! A store with everything, copied into a real PostgreSQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::store::index::Embedded;
use crate::store::postgres::Postgres;
use crate::store::suite::{self, BEGIN_MS, HOUR_MS, Rules, Sides};

const RULES: Rules = Rules { folds: true };

async fn embedded(directory: &Path, clock: &Clock) -> Sides {
    let options = index::Options::new(directory, Arc::new(RULES), clock.clone());
    let store = Arc::new(Embedded::open(options).await.unwrap());
    Sides { store: Arc::clone(&store) as _, desk: Arc::clone(&store) as _, history: store }
}

async fn in_postgres(url: &str, clock: &Clock) -> Result<Sides, StoreError> {
    let url = SecretString::from(url.to_owned());
    let options = postgres::Options::new(url, "sales", "contacts", Arc::new(RULES), clock.clone());
    let store = Arc::new(Postgres::open(options).await?);
    Ok(Sides { store: Arc::clone(&store) as _, desk: Arc::clone(&store) as _, history: store })
}

struct Case {
    directory: tempfile::TempDir,
    url: String,
    clock: Clock,
}

impl Case {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            url: postgres_server::shared().database(),
            clock: Clock::manual(BEGIN_MS),
        }
    }

    fn from(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// Copies; gives up once `limit` chunks are in.
    async fn copy(&self, limit: usize) -> Result<Copied, StoreError> {
        let (from, url, now_ms) = (self.from(), SecretString::from(self.url.clone()), self.clock.now_ms());
        let copying = move || {
            let target = postgres::copy::Copying::open(&url, "sales", "contacts")?;
            let mut source = index::copy::Copying::open(&from, now_ms, &mut |_, _, _| {})?;
            let copied = run(&mut source, &mut Killed { target, left: limit }, &mut |_, _, _| {})?;
            source.end()?;
            Ok(copied)
        };
        tokio::task::spawn_blocking(copying).await.unwrap()
    }
}

/// A target that goes away when so many chunks are in.
struct Killed {
    target: postgres::copy::Copying,
    left: usize,
}

impl Rows for Killed {
    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        self.target.count(table)
    }

    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        self.target.rows(table, after, each)
    }

    fn counters(&mut self) -> Result<Row, StoreError> {
        self.target.counters()
    }
}

impl Target for Killed {
    fn begin(&mut self, source: &str) -> Result<Mark, StoreError> {
        self.target.begin(source)
    }

    fn put(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Result<(), StoreError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| StoreError::Failed("killed".to_owned()))?;
        self.target.put(table, rows, mark)
    }

    fn finish(&mut self, counters: &[Value]) -> Result<(), StoreError> {
        self.target.finish(counters)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_can_be_asked_of_a_store_its_copy_says_the_same_and_it_goes_on_from_there() {
    let case = Case::new();
    let world = suite::open_already(&case.clock);
    let before = embedded(&case.from(), &case.clock).await;
    suite::fill(&before, &world).await;
    before.store.close().await;
    drop(before);
    let before = embedded(&case.from(), &case.clock).await;
    let expected = suite::told(&before).await;
    let refused = case.copy(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("is open already"), "{refused}");
    before.store.close().await;
    drop(before);

    for chunks in [0, 1, 4] {
        assert!(case.copy(chunks).await.unwrap_err().to_string().contains("killed"));
        let half = in_postgres(&case.url, &case.clock).await.err().unwrap().to_string();
        assert!(half.contains("part of a copy") && half.contains("run the same command again"), "{half}");
    }
    let copied = case.copy(usize::MAX).await.unwrap();
    assert!(copied.resumed);
    let rows = |name: &str| copied.tables.iter().find(|(table, ..)| *table == name).unwrap().1;
    for table in
        ["delivery", "dedupe", "destination", "page", "attempt", "page_failed", "hooked", "message", "error"]
    {
        assert!(rows(table) > 0, "{table}");
    }
    for table in ["payload", "tag", "note", "audit", "refused", "minute"] {
        assert!(rows(table) > 0, "{table}");
    }

    let after = in_postgres(&case.url, &case.clock).await.unwrap();
    for (before, after) in expected.iter().zip(suite::told(&after).await) {
        assert_eq!(&before.replace("\\0", "\u{FFFD}"), &after);
    }
    let refused = case.copy(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("is in use by a listener"), "{refused}");

    // What waits goes out of the copy as it would have gone out of the source: ids, order, bytes.
    world.pass(2 * HOUR_MS);
    let source = embedded(&case.from(), &case.clock).await;
    for name in ["a", "b"] {
        let here = suite::page(&source.store, world.ask(name)).await;
        let there = suite::page(&after.store, world.ask(name)).await;
        assert_eq!((here.id, here.attempts), (there.id, there.attempts));
        assert_eq!(suite::texts(&here.records), suite::texts(&there.records));
    }
    // A key that the source had seen is known.
    let known = after.store.status().await.unwrap().duplicates;
    world.deliver(&after.store, suite::body(&[suite::event(3)])).await;
    assert_eq!(after.store.status().await.unwrap().duplicates, known + 1);
    source.store.close().await;
    after.store.close().await;
    drop(after);
    let refused = case.copy(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("a whole copy"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changed_meanwhile_and_a_target_in_use_are_refused() {
    let case = Case::new();
    let world = suite::open_already(&case.clock);
    let store = embedded(&case.from(), &case.clock).await;
    suite::set_destinations(&store.store, &["a"]).await;
    world.deliver(&store.store, suite::body(&[suite::event(1), suite::event(2)])).await;
    store.store.close().await;
    drop(store);
    assert!(case.copy(3).await.unwrap_err().to_string().contains("killed"));
    let store = embedded(&case.from(), &case.clock).await;
    world.deliver(&store.store, suite::body(&[suite::event(3)])).await;
    world.drain(&store.store, "a").await;
    store.store.close().await;
    drop(store);
    let refused = case.copy(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("not like its source") && refused.contains("drop its schema"), "{refused}");
    assert!(in_postgres(&case.url, &case.clock).await.is_err());

    let used = Case { url: postgres_server::shared().database(), ..case };
    let other = in_postgres(&used.url, &used.clock).await.unwrap();
    world.deliver(&other.store, suite::body(&[suite::event(1)])).await;
    other.store.close().await;
    drop(other);
    let refused = used.copy(usize::MAX).await.unwrap_err().to_string();
    assert!(refused.contains("rows in the table delivery") && refused.contains("DROP SCHEMA"), "{refused}");
}

#[test]
fn what_cannot_be_copied_is_refused_with_what_helps() {
    let url = || SecretString::from("postgres://nobody@127.0.0.1:1/none".to_owned());
    let directory = || SecretString::from("/nowhere".to_owned());
    for (from, to, words) in [
        (url(), directory(), "docs/moving.md"),
        (directory(), directory(), "store backup"),
        (url(), url(), "pg_dump"),
    ] {
        let clock = Clock::manual(BEGIN_MS);
        let refused =
            copy(&from, &to, ("sales", "contacts"), &clock, &mut |_, _, _| {}).unwrap_err().to_string();
        assert!(refused.contains(words) && !refused.contains("nobody"), "{refused}");
    }
}
