//! Erasure with history and replay: what is gone is not shown, not searched, not sent.

use super::*;
use crate::desk::{Bulk, BulkState, Effect, Plan, Query, RecordDetail, RecordFilter, Selection};
use crate::store::index::history::replay;
use crate::store::index::writer::Durability;
use crate::store::{PageRequest, RecordId};

const GONE: RecordId = RecordId { delivery: 1, element: 1 };

fn ann() -> Actor {
    Actor("ann".to_owned())
}

fn taken_by_b() -> RecordFilter {
    RecordFilter { delivered_to: Some("b".to_owned()), ..RecordFilter::default() }
}

fn by_key(key: &str) -> RecordFilter {
    RecordFilter { trace_key: Some(key.to_owned()), ..RecordFilter::default() }
}

impl Life {
    /// Three records, all taken by b; the one in the middle failed at a, and is to go.
    async fn with_one_that_failed() -> Self {
        let life = Self::begin(false, &["a", "b"]).await;
        life.deliver(&[event(1), marked(2), event(3)]).await;
        assert_eq!(life.world.drain(&life.store(), "b").await.len(), 3);
        let page = life.page_of("a", 20).await;
        life.fail(&page, has_marker).await;
        life.searched().await;
        life
    }

    /// Names of what is found, once the search index has come to everything.
    async fn found(&self, filter: RecordFilter) -> Vec<String> {
        let query = Query { filter, cursor: None, limit: 100 };
        let found = self.store.records(query).await.unwrap();
        found.list.items.into_iter().map(|shown| shown.record).collect()
    }

    async fn searched(&self) {
        let begin = Instant::now();
        let query = || Query { filter: by_key("none"), cursor: None, limit: 1 };
        while self.store.records(query()).await.unwrap().behind > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "the search index does not follow");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn record(&self, id: RecordId) -> RecordDetail {
        self.store.record(id).await.unwrap()
    }

    async fn plan(&self) -> Plan {
        let act = Act::Replay { to: "b".to_owned() };
        self.store.plan(ann(), Selection::Records(taken_by_b()), act).await.unwrap()
    }

    async fn start(&self, plan: &Plan) {
        self.store.start(ann(), plan.id).await.unwrap();
    }

    async fn bulk(&self, plan: &Plan) -> Bulk {
        self.store.bulk(plan.id).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_is_shown_without_payload_and_a_replay_leaves_it() {
    let life = Life::with_one_that_failed().await;
    assert_eq!(life.record(GONE).await.payload.as_deref(), Some(marked(2).as_bytes()));
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0));

    assert_eq!(life.found(RecordFilter::default()).await, ["1.2", "1.1", "1.0"]);
    assert_eq!(life.found(by_key("k_2")).await, ["1.1"], "its name was noted before");
    let shown = life.record(GONE).await;
    assert_eq!((shown.payload, shown.changed, shown.shown.object_id), (None, None, None));
    assert!(shown.way.len() > 4, "{:?}", shown.way);
    let other = RecordId { element: 2, ..GONE };
    assert_eq!(life.record(other).await.payload.as_deref(), Some(event(3).as_bytes()));

    let plan = life.plan().await;
    assert_eq!(plan.effect, Effect { matched: 3, changed: 2, left: 0, without_payload: 1 });
    life.start(&plan).await;
    assert_eq!(texts(&life.world.drain(&life.store(), "b").await), [event(1), event(3)]);
    let bulk = life.bulk(&plan).await;
    assert_eq!((bulk.state, bulk.total, bulk.done, bulk.left), (BulkState::Done, 2, 2, 0));
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hook_gave_is_not_shown_either() {
    let life = Life::begin(false, &[PRE_PAGE, "a"]).await;
    life.deliver(&[event(1), event(2)]).await;
    let page = life.page_of(PRE_PAGE, 20).await;
    let changed = vec![(page.records[1].id, bytes::Bytes::from(marked(2)))];
    let outcome = Outcome::Hooked { changed, dropped: vec![], errors: vec![], again: vec![], again_at_ms: 0 };
    life.world.settle(&life.store(), &page, 200, outcome).await;
    let page = life.page_of("a", 20).await;
    life.fail(&page, has_marker).await;
    assert_eq!(life.record(GONE).await.changed.as_deref(), Some(marked(2).as_bytes()));
    life.pass().await;
    let shown = life.record(GONE).await;
    assert_eq!((shown.payload, shown.changed), (None, None));
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_while_its_replay_waits_is_left_and_counted() {
    let life = Life::with_one_that_failed().await;
    let plan = life.plan().await;
    assert_eq!(plan.effect, Effect { matched: 3, changed: 3, left: 0, without_payload: 0 });
    life.start(&plan).await;
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0), "what waits holds nothing back");
    assert_eq!(texts(&life.world.drain(&life.store(), "b").await), [event(1), event(3)]);
    let bulk = life.bulk(&plan).await;
    assert_eq!((bulk.state, bulk.total, bulk.done, bulk.left), (BulkState::Done, 3, 2, 1));
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_replay_keeps_its_records_until_it_is_settled() {
    let life = Life::with_one_that_failed().await;
    let plan = life.plan().await;
    life.start(&plan).await;
    let page = life.page_of("b", 20).await;
    life.pass().await;
    assert_eq!((life.holding().len(), life.pending().await), (1, 1), "it is on its way");
    life.world.settle(&life.store(), &page, 503, Outcome::Retry { at_ms: 0 }).await;
    let life = life.reopen(false).await;
    life.pass().await;
    let all = [event(1), marked(2), event(3)];
    assert_eq!(texts(&life.world.drain(&life.store(), "b").await), all, "a retry is whole");
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0));
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_replay_that_was_read_before_an_erasure_is_not_made() {
    let life = Life::with_one_that_failed().await;
    let plan = life.plan().await;
    life.start(&plan).await;
    let request = Arc::new(PageRequest { size: 20, ..life.world.ask("b") });
    let (wanted, journal) = (Arc::clone(&request), life.store.inner.journal.clone());
    let collect = move |connection: &Connection| replay::collect(connection, &journal, &wanted);
    let mut cut = life.store.inner.readers.run(collect).await.unwrap().unwrap();
    life.pass().await;
    let commit = replay::Commit::of(&mut cut, &request, 1_000, false);
    let made = life.store.inner.writer.call(Durability::Synced, move |connection| commit.apply(connection));
    assert!(!made.await.unwrap());
    assert_eq!(texts(&cut.into_page().0).len(), 3, "it would have been");
    assert_eq!(texts(&life.world.drain(&life.store(), "b").await), [event(1), event(3)]);
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_index_is_filled_without_what_is_gone() {
    let life = Life::with_one_that_failed().await;
    life.pass().await;
    let Life { directory, world, store } = life;
    store.close().await;
    drop(store);
    let database = Connection::open(directory.path().join("store.db")).unwrap();
    database.execute_batch("DELETE FROM search; UPDATE meta SET searched = 0").unwrap();
    drop(database);
    let store = Arc::new(open_quiet(directory.path(), &world.clock, false).await);
    let life = Life { directory, world, store };
    life.searched().await;
    for (key, found) in [("k_1", vec!["1.0"]), ("k_2", vec![]), ("k_3", vec!["1.2"])] {
        assert_eq!(life.found(by_key(key)).await, found);
    }
    life.store.close().await;
}
