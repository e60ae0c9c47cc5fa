//! A store with everything, copied into a real PostgreSQL, and out of it.

mod into_embedded;
mod into_postgres;
mod refused;
mod resumed;
mod worked;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::desk::{Act, Actor, Query, RecordFilter};
use crate::store::index::Embedded;
use crate::store::postgres::Postgres;
use crate::store::suite::{self, BEGIN_MS, HOUR_MS, Rules, Sides, World, fill, open_already, told};
use crate::store::{Outcome, PRE_PAGE};

const RULES: Rules = Rules { folds: true };

async fn embedded(directory: &Path, clock: &Clock) -> Result<Sides, StoreError> {
    let erase_every = std::time::Duration::from_millis(20);
    let options =
        index::Options { erase_every, ..index::Options::new(directory, Arc::new(RULES), clock.clone()) };
    let store = Arc::new(Embedded::open(options).await?);
    Ok(Sides { store: Arc::clone(&store) as _, desk: Arc::clone(&store) as _, history: store })
}

async fn in_postgres(url: &str, clock: &Clock) -> Result<Sides, StoreError> {
    let url = SecretString::from(url.to_owned());
    let options = postgres::Options::new(url, "sales", "contacts", Arc::new(RULES), clock.clone());
    let store = Arc::new(Postgres::open(options).await?);
    Ok(Sides { store: Arc::clone(&store) as _, desk: Arc::clone(&store) as _, history: store })
}

/// A directory and a database, of which one is copied into the other.
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

    fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    async fn embedded(&self) -> Result<Sides, StoreError> {
        embedded(&self.store(), &self.clock).await
    }

    async fn in_postgres(&self) -> Result<Sides, StoreError> {
        in_postgres(&self.url, &self.clock).await
    }

    /// Copies the directory into the database; gives up once `limit` chunks are in.
    async fn to_postgres(&self, limit: usize) -> Result<Copied, StoreError> {
        let (from, url, now_ms) = (self.store(), self.secret(), self.clock.now_ms());
        blocking(move || {
            let target = postgres::copy::Target::open(&url, "sales", "contacts")?;
            let mut source = index::copy::Source::open(&from, now_ms, &mut |_, _, _| {})?;
            let copied = run(&mut source, Killed { target, left: limit }, &mut |_, _, _| {})?;
            source.end()?;
            Ok(copied)
        })
        .await
    }

    /// Copies the database into a directory; gives up once `limit` chunks are in.
    async fn to_directory(&self, directory: &Path, limit: usize) -> Result<Copied, StoreError> {
        let (to, url, now_ms) = (directory.to_owned(), self.secret(), self.clock.now_ms());
        blocking(move || {
            let mut source = postgres::copy::Source::open(&url, "sales", "contacts", now_ms)?;
            let target = index::copy::Target::open(&to)?;
            let copied = run(&mut source, Killed { target, left: limit }, &mut |_, _, _| {})?;
            source.end()?;
            Ok(copied)
        })
        .await
    }

    async fn to_embedded(&self, limit: usize) -> Result<Copied, StoreError> {
        self.to_directory(&self.store(), limit).await
    }

    fn secret(&self) -> SecretString {
        SecretString::from(self.url.clone())
    }

    /// Does something to the tables in the database.
    async fn sql(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
        let driving = tokio::spawn(connection);
        client.batch_execute(&format!("SET search_path = hsl_sales_contacts; {sql}")).await.unwrap();
        drop(client);
        let _ = driving.await;
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn rows(copied: &Copied, name: &str) -> u64 {
    copied.tables.iter().find(|(table, ..)| *table == name).unwrap().1
}

/// Each kind of thing that a store keeps was there.
fn has_everything(copied: &Copied) {
    for table in
        ["delivery", "dedupe", "destination", "page", "attempt", "page_failed", "hooked", "message", "error"]
    {
        assert!(rows(copied, table) > 0, "{table}");
    }
    for table in ["payload", "tag", "note", "audit", "refused", "minute"] {
        assert!(rows(copied, table) > 0, "{table}");
    }
}

/// What waits goes out of the copy as it would have gone out of the source: ids, order, bytes. What was seen is
/// known, and no page id comes again that was there, as `told` knows.
async fn goes_on(source: &Sides, copy: &Sides, world: &World, told: &[String]) {
    world.pass(2 * HOUR_MS);
    let mut waited = Vec::new();
    for name in ["a", "b"] {
        let here = suite::page(&source.store, world.ask(name)).await;
        let there = suite::page(&copy.store, world.ask(name)).await;
        assert_eq!((&here.id, here.attempts), (&there.id, there.attempts));
        assert_eq!(suite::texts(&here.records), suite::texts(&there.records));
        waited.push(there);
    }
    for page in &waited {
        world.done(&copy.store, page).await;
        world.drain(&copy.store, &page.destination).await;
    }
    let known = copy.store.status().await.unwrap().duplicates;
    world.deliver(&copy.store, suite::body(&[suite::event(3), suite::event(1_000)])).await;
    assert_eq!(copy.store.status().await.unwrap().duplicates, known + 1);
    world.drain(&copy.store, PRE_PAGE).await;
    let fresh = world.page(&copy.store, "a").await;
    assert_eq!(suite::texts(&fresh.records), [suite::event(1_000)]);
    let id = fresh.id.to_string();
    assert!(!told.iter().any(|line| line.contains(&id)), "{id} was given before");
}

/// A target that goes away when so many chunks are in.
struct Killed<T> {
    target: T,
    left: usize,
}

impl<T: Rows> Rows for Killed<T> {
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

impl<T: Target> Target for Killed<T> {
    fn begin(&mut self, source: &str) -> Result<Mark, StoreError> {
        self.target.begin(source)
    }

    fn put(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Result<(), StoreError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| StoreError::Failed("killed".to_owned()))?;
        self.target.put(table, rows, mark)
    }

    fn finish(self, counters: &[Value]) -> Result<(), StoreError> {
        self.target.finish(counters)
    }

    fn remedy(&self) -> String {
        self.target.remedy()
    }
}
