//! Payloads that are not to be kept.

use super::*;
use crate::desk::History;
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
