//! Payloads that are not to be kept.

use super::*;
use crate::desk::{Act, Actor, BulkState, History, Plan, RecordFilter, Selection};
use crate::store::postgres::desk::erase;
use crate::store::{NewError, Outcome, RecordId};

async fn erase(store: &Postgres) {
    let mut connection = store.inner.pool.connection().await.unwrap();
    let tx = connection.begin().await.unwrap();
    let erased = erase::step(&tx, 0).await.unwrap();
    tx.commit().await.unwrap();
    erase::vacuum(&store.inner.pool, &erased.tables).await.unwrap();
}

async fn marked(url: &str, marker: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM delivery WHERE position('{marker}'::bytea IN body) > 0");
    numbers(url, &sql).await[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_is_gone_once_nobody_needs_it_and_its_neighbours_stay() {
    let url = postgres_server::shared().database();
    let world = world(&url);
    let all = open(&url, &world.clock, Arc::new(Plain)).await;
    let store: Arc<dyn Store> = Arc::<Postgres>::clone(&all);
    suite::set_destinations(&store, &["a", "b"]).await;
    let events = ["secret-marker", "other-marker"].map(|text| format!(r#"{{"eventId":1,"text":"{text}"}}"#));
    world.deliver(&store, suite::body(&events)).await;
    let page = world.page(&store, "a").await;
    let bare = NewError { payload: None, ..suite::failing(&page.records[0], BEGIN_MS) };
    let outcome = Outcome::Done { errors: vec![bare], again: Vec::new(), again_at_ms: 0 };
    world.settle(&store, &page, 400, outcome).await;
    erase(&all).await;
    assert_eq!(marked(&url, "secret-marker").await, 1, "b has not had it");
    let leased = world.page(&store, "b").await;
    erase(&all).await;
    assert_eq!(suite::texts(&leased.records), events, "it is in a page that is not settled");
    assert_eq!(marked(&url, "secret-marker").await, 1);
    world.done(&store, &leased).await;
    erase(&all).await;
    assert_eq!((marked(&url, "secret-marker").await, marked(&url, "other-marker").await), (0, 1));
    let gone = all.record(RecordId { delivery: 1, element: 0 }).await.unwrap();
    let kept = all.record(RecordId { delivery: 1, element: 1 }).await.unwrap();
    assert_eq!((gone.payload, kept.payload.as_deref()), (None, Some(events[1].as_bytes())));
    let left = "SELECT id FROM error WHERE NOT has_payload AND NOT erased";
    assert!(numbers(&url, left).await.is_empty());
    store.close().await;
}

async fn replay_to_b(all: &Postgres) -> Plan {
    let taken = RecordFilter { delivered_to: Some("b".to_owned()), ..RecordFilter::default() };
    let act = Act::Replay { to: "b".to_owned() };
    all.plan(Actor("ann".to_owned()), Selection::Records(taken), act).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_was_erased_is_not_replayed_and_one_in_a_page_of_a_replay_stays() {
    let url = postgres_server::shared().database();
    let world = world(&url);
    let all = open(&url, &world.clock, Arc::new(Plain)).await;
    let store: Arc<dyn Store> = Arc::<Postgres>::clone(&all);
    suite::set_destinations(&store, &["a", "b", "c"]).await;
    let events: Vec<String> =
        (0..3).map(|id| format!(r#"{{"eventId":{id},"text":"marker-{id}"}}"#)).collect();
    world.deliver(&store, suite::body(&events)).await;
    let page = world.page(&store, "a").await;
    let bare = |at: usize| NewError { payload: None, ..suite::failing(&page.records[at], BEGIN_MS) };
    let outcome = Outcome::Done { errors: vec![bare(0), bare(1)], again: Vec::new(), again_at_ms: 0 };
    world.settle(&store, &page, 400, outcome).await;
    world.drain(&store, "b").await;
    let plan = replay_to_b(&all).await;
    assert_eq!((plan.effect.changed, plan.effect.without_payload), (3, 0), "c has not had them");
    all.start(Actor("ann".to_owned()), plan.id).await.unwrap();
    let leased = suite::page(&store, crate::store::PageRequest { size: 1, ..world.ask("b") }).await;
    world.drain(&store, "c").await;
    erase(&all).await;
    assert_eq!((marked(&url, "marker-0").await, marked(&url, "marker-1").await), (1, 0));
    assert_eq!(suite::texts(&leased.records), events[..1]);
    world.done(&store, &leased).await;
    erase(&all).await;
    assert_eq!(marked(&url, "marker-0").await, 0, "the page is settled");
    assert_eq!(suite::texts(&world.drain(&store, "b").await), events[2..]);
    let bulk = all.bulk(plan.id).await.unwrap();
    assert_eq!((bulk.state, bulk.total, bulk.done, bulk.left), (BulkState::Done, 3, 2, 1));
    let effect = replay_to_b(&all).await.effect;
    assert_eq!((effect.matched, effect.changed, effect.left, effect.without_payload), (3, 1, 0, 2));
    store.close().await;
}
