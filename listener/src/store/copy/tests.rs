//! A store with everything, copied into a real PostgreSQL, and out of it.

mod into_embedded;
mod into_postgres;
mod refused;
mod resumed;
mod worked;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::desk::{Act, Actor, Desk, ErrorDetail, ErrorFilter, History, Listing, Query, RecordFilter};
use crate::store::index::Embedded;
use crate::store::postgres::Postgres;
use crate::store::suite::{self, BEGIN_MS, HOUR_MS, Rules, World};
use crate::store::{Outcome, PRE_PAGE, Settlement, Store};

const RULES: Rules = Rules { folds: true };

/// All that a store is opened for.
struct Whole {
    store: Arc<dyn Store>,
    desk: Arc<dyn Desk>,
    history: Arc<dyn History>,
}

async fn embedded(directory: &Path, clock: &Clock) -> Result<Whole, StoreError> {
    let erase_every = std::time::Duration::from_millis(20);
    let options =
        index::Options { erase_every, ..index::Options::new(directory, Arc::new(RULES), clock.clone()) };
    let store = Arc::new(Embedded::open(options).await?);
    Ok(Whole { store: Arc::clone(&store) as _, desk: Arc::clone(&store) as _, history: store })
}

async fn in_postgres(url: &str, clock: &Clock) -> Result<Whole, StoreError> {
    let url = SecretString::from(url.to_owned());
    let options = postgres::Options::new(url, "sales", "contacts", Arc::new(RULES), clock.clone());
    let store = Arc::new(Postgres::open(options).await?);
    Ok(Whole { store: Arc::clone(&store) as _, desk: Arc::clone(&store) as _, history: store })
}

/// A world for what the shared suite does to a store that is open already.
fn world(clock: &Clock) -> World {
    fn never<T>() -> T {
        panic!("it is open already")
    }
    World {
        clock: clock.clone(),
        open: Box::new(never),
        open_desk: Box::new(|_| never()),
        open_history: Box::new(|_| never()),
    }
}

fn ann() -> Actor {
    Actor("ann".to_owned())
}

/// Fills a store: delivered, waiting, failed, edited, noted, tagged, dropped and changed by the hook, refused.
async fn fill(whole: &Whole, world: &World) {
    let Whole { store, desk, .. } = whole;
    suite::set_destinations(store, &[PRE_PAGE, "a", "b"]).await;
    for delivery in 0..6 {
        let mut events: Vec<_> = (0..5).map(|event| suite::event(delivery * 10 + event)).collect();
        events.push(r#"{"ignore":true}"#.to_owned());
        events.push("12".to_owned());
        world.deliver(store, suite::body(&events)).await;
        // Known already.
        world.deliver(store, suite::body(&events[..1])).await;
    }
    let hooked = suite::page(store, crate::store::PageRequest { size: 12, ..world.ask(PRE_PAGE) }).await;
    let outcome = Outcome::Hooked {
        changed: vec![(hooked.records[1].id, bytes::Bytes::from_static(b"{\"changed\":1}"))],
        dropped: vec![hooked.records[2].id],
        errors: vec![suite::failing(&hooked.records[3], world.clock.now_ms())],
        again: Vec::new(),
        again_at_ms: 0,
    };
    world.settle(store, &hooked, 200, outcome).await;
    world.drain(store, PRE_PAGE).await;
    world.pass(1_000);
    let page = suite::page(store, crate::store::PageRequest { size: 10, ..world.ask("a") }).await;
    let errors =
        page.records[..3].iter().map(|record| suite::failing(record, world.clock.now_ms())).collect();
    let again = vec![page.records[4].id];
    let outcome = Outcome::Done { errors, again, again_at_ms: world.clock.now_ms() + HOUR_MS };
    world.settle(store, &page, 207, outcome).await;
    let page = world.page(store, "b").await;
    world.done(store, &page).await;
    // Leased, and not settled.
    let page = world.page(store, "a").await;
    let retry = Outcome::Retry { at_ms: world.clock.now_ms() + 10 };
    store
        .settle(Settlement {
            page: page.id,
            attempt: Some(world.attempt(500)),
            outcome: retry,
            healed: vec![],
        })
        .await
        .unwrap();
    let errors = details(desk.as_ref()).await;
    let at_a: Vec<i64> = errors
        .iter()
        .filter(|error| error.shown.destination.as_deref() == Some("a"))
        .map(|error| error.shown.id)
        .collect();
    for act in [
        Act::Edit { payload: Some("{\"mended\":true}".to_owned()) },
        Act::Note { text: "größe \0 noted".to_owned() },
        Act::Tag { add: vec!["later".to_owned()], remove: Vec::new() },
        Act::Assign { to: Some("bob".to_owned()) },
    ] {
        desk.act(ann(), at_a[0], act).await.unwrap();
    }
    desk.act(ann(), at_a[1], Act::Retry).await.unwrap();
    desk.act(ann(), at_a[2], Act::Resolve).await.unwrap();
    store.refuse(suite::refused(7, world.clock.now_ms()));
    while store.refused(5).await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

async fn details(desk: &dyn Desk) -> Vec<ErrorDetail> {
    let all: Listing<_> =
        desk.errors(Query { filter: ErrorFilter::default(), cursor: None, limit: 100 }).await.unwrap();
    let mut details = Vec::new();
    for error in all.items {
        details.push(desk.error(error.id).await.unwrap());
    }
    details
}

/// All that can be asked of a store, as text.
async fn told(whole: &Whole) -> Vec<String> {
    let Whole { store, desk, history } = whole;
    let mut told = Vec::new();
    let mut status = store.status().await.unwrap();
    status.file_bytes = 0;
    told.push(format!("{:?} {:?}", status.destinations, (status.events, status.records, status.duplicates)));
    told.push(format!(
        "{:?}",
        (status.ignored, status.deliveries, status.pending_records, status.open_errors)
    ));
    told.push(format!("{:?}", (status.refused_dropped, status.last_delivery_ms)));
    told.push(format!("{:?}", desk.count(ErrorFilter::default()).await.unwrap()));
    told.extend(details(desk.as_ref()).await.iter().map(|error| format!("{error:?}")));
    told.push(format!("{:?}", store.open_errors(100).await.unwrap()));
    told.push(format!("{:?}", store.refused(100).await.unwrap()));
    told.push(format!("{:?}", desk.audit(Query { filter: None, cursor: None, limit: 100 }).await.unwrap()));
    let records =
        history.records(Query { filter: RecordFilter::default(), cursor: None, limit: 100 }).await.unwrap();
    assert!(records.list.items.len() >= 30);
    for record in records.list.items {
        let id = record.record.parse().unwrap();
        told.push(format!("{:?}", history.record(id).await.unwrap()));
    }
    let range =
        crate::desk::Range { from_ms: BEGIN_MS - HOUR_MS, until_ms: BEGIN_MS + HOUR_MS, step_ms: 60_000 };
    told.push(format!("{:?}", history.series(range).await.unwrap()));
    told
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

    async fn embedded(&self) -> Result<Whole, StoreError> {
        embedded(&self.store(), &self.clock).await
    }

    async fn in_postgres(&self) -> Result<Whole, StoreError> {
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
async fn goes_on(source: &Whole, copy: &Whole, world: &World, told: &[String]) {
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
