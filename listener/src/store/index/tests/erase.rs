//! Payloads that are not to be kept are gone from every file, and nothing else is.

mod backup;
mod shown;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::desk::{Act, Actor, State};
use crate::store::index::erase::rows;
use crate::store::suite::{body, event, failing, texts};
use crate::store::{Failure, Label, PRE_PAGE, Page, Record, Settlement, Sort, Sorted};

/// Stands in the payload of the record that fails.
const MARKER: &str = "ann.smith@example.com";

/// Keeps no payload while it is set.
#[derive(Debug, Default)]
struct Keeps(AtomicBool);

impl Sort for Keeps {
    fn sort(&self, body: &[u8]) -> Vec<Sorted> {
        Plain.sort(body)
    }

    fn keeps_payload(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn name(&self, record: &[u8]) -> Label {
        suite::Named { prefix: "k" }.name(record)
    }

    fn label(&self, _record: &[u8], _failure: &Failure) -> Label {
        Label::default()
    }
}

fn marked(id: u64) -> String {
    event(id).replace("\"portalId\"", &format!("\"propertyValue\":\"{MARKER}\",\"portalId\""))
}

/// Files of a store that hold the marker.
fn holding(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path));
        } else if memchr::memmem::find(&std::fs::read(&path).unwrap(), MARKER.as_bytes()).is_some() {
            found.push(path);
        }
    }
    found
}

struct Life {
    directory: tempfile::TempDir,
    world: World,
    store: Arc<Embedded>,
}

impl Life {
    async fn begin(keep: bool, destinations: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = world(directory.path());
        let store = Arc::new(open_quiet(directory.path(), &world.clock, keep).await);
        let life = Self { directory, world, store };
        suite::set_destinations(&life.store(), destinations).await;
        life
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as _
    }

    async fn deliver(&self, events: &[String]) {
        self.world.deliver(&self.store(), body(events)).await;
    }

    async fn page_of(&self, destination: &str, size: usize) -> Page {
        suite::page(&self.store(), crate::store::PageRequest { size, ..self.world.ask(destination) }).await
    }

    /// The records that fail have no payload.
    async fn fail(&self, page: &Page, failed: impl Fn(&Record) -> bool) {
        let now_ms = self.world.clock.now_ms();
        let errors = page.records.iter().filter(|record| failed(record));
        let errors = errors.map(|record| NewError { payload: None, ..failing(record, now_ms) }).collect();
        let outcome = Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 };
        self.world.settle(&self.store(), page, 400, outcome).await;
    }

    async fn pass(&self) {
        self.store.eraser.pass(&|_| {}).await.unwrap();
    }

    async fn reopen(self, keep: bool) -> Self {
        let Self { directory, world, store } = self;
        store.close().await;
        drop(store);
        let store = Arc::new(open_quiet(directory.path(), &world.clock, keep).await);
        Self { directory, world, store }
    }

    fn holding(&self) -> Vec<PathBuf> {
        holding(self.directory.path())
    }

    async fn pending(&self) -> i64 {
        self.store.inner.readers.run(rows::pending).await.unwrap()
    }
}

/// Nothing is erased but by the test.
async fn open_quiet(directory: &Path, clock: &Clock, keep: bool) -> Embedded {
    let begin = Instant::now();
    loop {
        let sorter: Sorter = Arc::new(Keeps(AtomicBool::new(keep)));
        let options = Options { sorter, erase_every: Duration::from_hours(1), ..options(directory, clock) };
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

fn has_marker(record: &Record) -> bool {
    memchr::memmem::find(&record.bytes, MARKER.as_bytes()).is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_failed_is_gone_once_the_last_destination_has_settled_it() {
    let life = Life::begin(false, &["a", "b", "c"]).await;
    let events = [event(1), marked(2), event(3)];
    life.deliver(&events).await;
    let page = life.page_of("a", 20).await;
    life.fail(&page, has_marker).await;
    life.pass().await;
    assert_eq!(life.holding().len(), 1, "b and c have not had it");

    assert_eq!(texts(&life.world.drain(&life.store(), "b").await), events);
    let page = life.page_of("c", 20).await;
    life.pass().await;
    assert_eq!((life.holding().len(), life.pending().await), (1, 1), "c has not settled it");
    let retry = Outcome::Retry { at_ms: life.world.clock.now_ms() + 1_000 };
    life.world.settle(&life.store(), &page, 503, retry).await;
    life.pass().await;
    let life = life.reopen(false).await;
    life.pass().await;
    life.world.pass(1_000);
    assert_eq!(texts(&life.world.drain(&life.store(), "c").await), events, "a retry is whole");
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0));
    let errors = life.store.open_errors(10).await.unwrap();
    assert_eq!((errors.len(), errors[0].error.payload.as_ref()), (1, None));
    life.reopen(false).await.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_of_a_delivery_go_out_byte_for_byte_after_the_erasure() {
    let life = Life::begin(false, &["a"]).await;
    let events = [event(1), marked(2), event(3), marked(4), event(5)];
    life.deliver(&events).await;
    let first = life.page_of("a", 1).await;
    for _ in 0..2 {
        let page = life.page_of("a", 1).await;
        life.fail(&page, has_marker).await;
    }
    life.pass().await;
    assert_eq!(life.pending().await, 0);
    assert_eq!(life.holding().len(), 1, "the fourth is still to come");
    let retry = Outcome::Retry { at_ms: 0 };
    life.world.settle(&life.store(), &first, 503, retry).await;
    let life = life.reopen(false).await;
    assert_eq!(texts(&life.world.drain(&life.store(), "a").await), [&*events[0], &*events[3], &*events[4]]);
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_before_any_destination_and_what_came_twice_is_gone() {
    let life = Life::begin(false, &["a"]).await;
    life.deliver(&[event(1), format!("\"{MARKER}\""), marked(2), event(3)]).await;
    life.world.deliver(&life.store(), format!("{{\"no json {MARKER}")).await;
    life.deliver(&[marked(2), event(4)]).await;
    let expected = [event(1), marked(2), event(3), event(4)];
    life.pass().await;
    let page = life.page_of("a", 20).await;
    assert_eq!(texts(&page.records), expected, "the first of two that are equal");
    life.fail(&page, has_marker).await;
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0));
    assert_eq!(life.store.open_errors(10).await.unwrap().len(), 3);
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hook_gave_is_gone_too() {
    let life = Life::begin(false, &[PRE_PAGE, "a"]).await;
    life.deliver(&[event(1), event(2)]).await;
    let page = life.page_of(PRE_PAGE, 20).await;
    let changed = vec![(page.records[1].id, bytes::Bytes::from(marked(2)))];
    let outcome = Outcome::Hooked { changed, dropped: vec![], errors: vec![], again: vec![], again_at_ms: 0 };
    life.world.settle(&life.store(), &page, 200, outcome).await;
    let page = life.page_of("a", 20).await;
    assert_eq!(texts(&page.records), [event(1), marked(2)]);
    assert!(!life.holding().is_empty());
    life.fail(&page, has_marker).await;
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0));
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_at_the_hook_waits_for_no_destination() {
    let life = Life::begin(false, &[PRE_PAGE, "a"]).await;
    life.deliver(&[event(1), marked(2), event(3)]).await;
    let page = life.page_of(PRE_PAGE, 20).await;
    let errors = vec![NewError { payload: None, ..failing(&page.records[1], life.world.clock.now_ms()) }];
    let outcome = Outcome::Hooked { changed: vec![], dropped: vec![], errors, again: vec![], again_at_ms: 0 };
    life.world.settle(&life.store(), &page, 200, outcome).await;
    life.pass().await;
    assert_eq!(life.holding(), Vec::<PathBuf>::new());
    assert_eq!(texts(&life.world.drain(&life.store(), "a").await), [event(1), event(3)]);
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_was_kept_goes_when_its_retry_fails_and_none_is_to_be_kept() {
    let life = Life::begin(true, &["a"]).await;
    life.deliver(&[event(1), marked(2)]).await;
    let page = life.page_of("a", 20).await;
    let errors = vec![failing(&page.records[1], life.world.clock.now_ms())];
    let outcome = Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 };
    life.world.settle(&life.store(), &page, 400, outcome).await;
    let ann = Actor("ann".to_owned());
    let edit = Act::Edit { payload: Some(marked(2)) };
    life.store.act(ann.clone(), 1, edit).await.unwrap();
    life.store.act(ann.clone(), 1, Act::Retry).await.unwrap();
    let life = life.reopen(false).await;
    suite::set_destinations(&life.store(), &["a"]).await;
    let page = life.page_of("a", 20).await;
    assert_eq!(texts(&page.records), [marked(2)]);
    life.fail(&page, has_marker).await;
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0));
    let error = life.store.error(1).await.unwrap();
    assert_eq!((error.shown.state, error.shown.has_payload, error.shown.edited), (State::Open, false, false));
    assert_eq!((error.payload, error.edited), (None, None));
    let refused = life.store.act(ann, 1, Act::Retry).await.unwrap_err();
    assert!(refused.to_string().contains("payload is not kept"), "{refused}");
    life.store.close().await;
}

/// A copy of a store's files as a kill would leave them now.
fn photograph(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("journal")).unwrap();
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(from.join(name), to.path().join(name)).unwrap();
    }
    for file in std::fs::read_dir(from.join("journal")).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, to.path().join("journal").join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// A store that was killed opens, has lost nothing else, and the payload is gone.
async fn goes_on(directory: &Path, clock: &Clock, expected: &[String], what: &str) {
    let store = Arc::new(open_quiet(directory, clock, false).await);
    let any: Arc<dyn Store> = Arc::clone(&store) as _;
    let world = world(directory);
    world.clock.set_ms(clock.now_ms());
    store.eraser.pass(&|_| {}).await.unwrap();
    assert_eq!(holding(directory), Vec::<PathBuf>::new(), "{what}");
    assert_eq!(store.inner.readers.run(rows::pending).await.unwrap(), 0, "{what}");
    assert_eq!(texts(&world.drain(&any, "a").await), expected, "{what}");
    // It takes more, and opens again.
    world.deliver(&any, body(&[event(77)])).await;
    store.close().await;
    drop((store, any));
    let store = open_quiet(directory, clock, false).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_any_two_steps_loses_nothing_else_and_ends_the_erasure() {
    let life = Life::begin(false, &["a"]).await;
    let mut expected = Vec::new();
    // Two groups of the journal, and a third behind them.
    for first in [10, 20] {
        life.deliver(&[event(first), marked(first + 1), event(first + 2)]).await;
    }
    life.deliver(&[event(30)]).await;
    let mut settlements = Vec::new();
    for _ in 0..6 {
        let page = life.page_of("a", 1).await;
        if has_marker(&page.records[0]) {
            life.fail(&page, has_marker).await;
        } else {
            expected.extend(texts(&page.records));
            settlements.push(page);
        }
    }
    expected.push(event(30));
    for page in settlements {
        life.world.settle(&life.store(), &page, 503, Outcome::Retry { at_ms: 0 }).await;
    }
    let photographs = Mutex::new(vec![("before".to_owned(), photograph(life.directory.path()))]);
    let number = AtomicUsize::new(0);
    let directory = life.directory.path().to_owned();
    life.store
        .eraser
        .pass(&|stage| {
            let name = format!("{} {stage:?}", number.fetch_add(1, Ordering::SeqCst));
            photographs.lock().unwrap().push((name, photograph(&directory)));
        })
        .await
        .unwrap();
    assert_eq!(life.holding(), Vec::<PathBuf>::new());
    let photographs = photographs.into_inner().unwrap();
    let names: Vec<&str> = photographs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["before", "0 Begun", "1 Written", "2 Written", "3 Noted", "4 Clean"]);
    torn(photographs[1].1.path(), &life.world.clock, &expected).await;
    for (name, directory) in photographs {
        goes_on(directory.path(), &life.world.clock, &expected, &name).await;
    }
    life.store.close().await;
}

/// Each write of the begun erasure, done in part: what a power cut leaves.
async fn torn(begun: &Path, clock: &Clock, expected: &[String]) {
    let rewrites = {
        let copy = photograph(begun);
        let connection = Connection::open(copy.path().join("store.db")).unwrap();
        rows::rewrites(&connection).unwrap()
    };
    assert_eq!(rewrites.len(), 2);
    for (which, rewrite) in rewrites.iter().enumerate() {
        let name = format!("segment-{:020}.journal", rewrite.segment);
        for header in [36, 37, 39, 44, 46, 47, 48] {
            let copy = photograph(begun);
            let path = copy.path().join("journal").join(&name);
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            // Bytes of the header come in any order; half of the hole is there.
            let mut garbled = rewrite.header.clone();
            garbled[header.min(47)] ^= 0x5a;
            file.write_all_at(if header == 48 { &rewrite.header } else { &garbled }, rewrite.offset).unwrap();
            let hole = rewrite.holes[0];
            file.write_all_at(&vec![b' '; hole.length as usize / 2], hole.offset).unwrap();
            let what = format!("group {which}, header torn at {header}");
            goes_on(copy.path(), clock, expected, &what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_erases_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let sorter: Sorter = Arc::new(Keeps::default());
    let options =
        Options { sorter, erase_every: Duration::from_millis(20), ..options(directory.path(), &world.clock) };
    let store: Arc<dyn Store> = Arc::new(Embedded::open(options).await.unwrap());
    suite::set_destinations(&store, &["a"]).await;
    world.deliver(&store, body(&[marked(1)])).await;
    let page = world.page(&store, "a").await;
    let errors = vec![NewError { payload: None, ..failing(&page.records[0], 0) }];
    let outcome = Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 };
    let settlement = Settlement { page: page.id, attempt: None, outcome, healed: Vec::new() };
    store.settle(settlement).await.unwrap();
    let begin = Instant::now();
    while !holding(directory.path()).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.close().await;
}
