//! What a listener leaves in PostgreSQL that an embedded store has in another way.

use super::*;
use crate::store::{NewError, RecordId};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_postgresql_adds_up_or_keeps_twice_are_one_and_what_is_left_over_goes() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let store = case.in_postgres().await.unwrap();
    fill(&store, &world).await;
    store.store.close().await;
    drop(store);
    case.sql(
        "INSERT INTO message(text) SELECT text FROM message; \
         UPDATE error SET message = (SELECT max(id) FROM message m WHERE m.text = \
         (SELECT text FROM message WHERE id = error.message)) WHERE id % 2 = 0; \
         INSERT INTO minute(at, destination, attempts, took_ms) SELECT at, destination, 2, 3 FROM minute \
         WHERE destination = 'a'; INSERT INTO minute(at, events) SELECT at, 4 FROM minute WHERE events > 0; \
         INSERT INTO page_failed SELECT * FROM page_failed; INSERT INTO page_failed VALUES (9000, 1, 1); \
         SELECT nextval('page_number'), nextval('error_id_seq'), nextval('message_id_seq'), nextval('audit_id_seq')",
    )
    .await;
    let store = case.in_postgres().await.unwrap();
    let expected = told(&store).await;
    store.store.close().await;
    drop(store);
    for chunks in [3, 4] {
        assert!(case.to_embedded(chunks).await.is_err());
    }
    case.to_embedded(usize::MAX).await.unwrap();
    let after = case.embedded().await.unwrap();
    for (before, after) in expected.iter().zip(told(&after).await) {
        assert_eq!(before, &after);
    }
    let source = case.in_postgres().await.unwrap();
    goes_on(&source, &after, &world, &expected).await;
    source.store.close().await;
    after.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_a_killed_listener_had_are_due_at_once() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let store = case.in_postgres().await.unwrap();
    suite::set_destinations(&store.store, &["a"]).await;
    world.deliver(&store.store, suite::body(&[suite::event(1), suite::event(2)])).await;
    let leased = world.page(&store.store, "a").await;
    store.store.close().await;
    drop(store);
    case.sql("UPDATE page SET state = 1, holder = 1, lease = 1, leased_until = now() + interval '1 hour'")
        .await;
    case.to_embedded(usize::MAX).await.unwrap();
    let copy = case.embedded().await.unwrap();
    let again = world.page(&copy.store, "a").await;
    assert_eq!((again.id, again.records), (leased.id, leased.records));
    copy.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_go_on_behind_deliveries_that_are_gone() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let store = case.in_postgres().await.unwrap();
    suite::set_destinations(&store.store, &["a"]).await;
    for delivery in 0..9 {
        world.deliver(&store.store, suite::body(&[suite::event(delivery)])).await;
    }
    world.drain(&store.store, "a").await;
    store.store.close().await;
    drop(store);
    // A slice that went, and one that came with a clock that was wrong.
    case.sql("DELETE FROM delivery WHERE seq < 5 OR seq = 6").await;
    let copied = case.to_embedded(usize::MAX).await.unwrap();
    assert_eq!(rows(&copied, "delivery"), 4);
    let copy = case.embedded().await.unwrap();
    assert_eq!(world.deliver(&copy.store, suite::body(&[suite::event(20)])).await, 10);
    assert_eq!(suite::texts(&world.drain(&copy.store, "a").await), [suite::event(20)]);
    let shown = copy.history.record(RecordId { delivery: 5, element: 0 }).await.unwrap();
    assert_eq!(shown.payload.unwrap(), suite::event(4));
    copy.store.close().await;
    drop(copy);

    // And where none is left, also the last.
    case.sql("DELETE FROM delivery").await;
    let empty = case.directory.path().join("empty");
    assert_eq!(rows(&case.to_directory(&empty, usize::MAX).await.unwrap(), "delivery"), 0);
    for number in [10, 11] {
        let copy = embedded(&empty, &case.clock).await.unwrap();
        assert_eq!(world.deliver(&copy.store, suite::body(&[suite::event(20 + number)])).await, number);
        copy.store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_stays_so_and_what_is_to_be_erased_is_once_nobody_needs_it() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let store = case.in_postgres().await.unwrap();
    suite::set_destinations(&store.store, &["a", "b"]).await;
    let events = [suite::event(1), suite::event(2), suite::event(3)];
    world.deliver(&store.store, suite::body(&events)).await;
    world.deliver(&store.store, suite::body(&[suite::event(4)])).await;
    let page = world.page(&store.store, "a").await;
    let bare = |at: usize| NewError { payload: None, ..suite::failing(&page.records[at], BEGIN_MS) };
    let outcome = Outcome::Done { errors: vec![bare(0), bare(1)], again: Vec::new(), again_at_ms: 0 };
    world.settle(&store.store, &page, 400, outcome).await;
    store.store.close().await;
    drop(store);
    // One is gone; of another, which was no record, it is only said.
    case.sql(
        "INSERT INTO erasure(delivery, element) VALUES (1, 0); UPDATE error SET erased = true WHERE element = 0; \
         UPDATE delivery SET body = overlay(body PLACING repeat(' ', 60)::bytea FROM 2) WHERE seq = 1; \
         INSERT INTO error(first_at, last_at, delivery, message, element, attempts, has_payload, erased, destination, \
         class, trace_key, code, data_uri) SELECT first_at, last_at, 2, message, 7, 0, false, true, '', class, '', \
         code, '' FROM error WHERE element = 0",
    )
    .await;
    let copied = case.to_embedded(usize::MAX).await.unwrap();
    assert_eq!(rows(&copied, "erasure"), 1);
    let copy = case.embedded().await.unwrap();
    let payload =
        async |element| copy.history.record(RecordId { delivery: 1, element }).await.unwrap().payload;
    assert_eq!(payload(0).await, None);
    assert_eq!(payload(1).await.unwrap(), suite::event(2), "b has not had it");
    let page = world.page(&copy.store, "b").await;
    assert_eq!(suite::texts(&page.records), [suite::event(2), suite::event(3), suite::event(4)]);
    world.done(&copy.store, &page).await;
    while payload(1).await.is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(payload(2).await.unwrap(), suite::event(3));
    copy.store.close().await;
}
