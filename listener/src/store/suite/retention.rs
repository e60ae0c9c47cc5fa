//! What is too old goes; what somebody needs stays.

use crds::listener::Retention;

use super::*;

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// Short times, for tests.
pub(crate) fn short() -> Retention {
    Retention { delivered_hours: 2, error_days: 1, refused_hours: 2, dedupe_hours: 6 }
}

fn padded(id: u64, now_ms: i64) -> String {
    format!(r#"{{"eventId":{id},"occurredAt":{now_ms},"text":"{}"}}"#, "x".repeat(2_000))
}

pub(crate) async fn what_is_delivered_goes_after_its_time(world: &World) {
    let store = world.open(&["a"]).await;
    let mut removed = Retained::default();
    for hour in 0..12 {
        let events: Vec<_> = (0..50).map(|number| padded(hour * 50 + number, world.clock.now_ms())).collect();
        world.deliver(&store, body(&events)).await;
        assert_eq!(world.drain(&store, "a").await.len(), 50);
        world.pass(HOUR_MS);
        let retained = store.retain(&short()).await.unwrap();
        removed.segments += retained.segments;
        removed.rows += retained.rows;
        removed.keys += retained.keys;
    }
    assert!(removed.rows > 0);
    // Seen in hours 0 to 5, looked at in hour 12.
    assert_eq!(removed.keys, 300);
    let status = store.status().await.unwrap();
    assert_eq!((status.records, status.destinations[0].delivered_records), (600, 600), "counters stay");
    store.close().await;
}

pub(crate) async fn what_is_not_delivered_stays_whatever_its_age(world: &World) {
    let store = world.open(&["a", "b"]).await;
    let mut expected = Vec::new();
    for hour in 0..12 {
        let events: Vec<_> = (0..50).map(|number| padded(hour * 50 + number, world.clock.now_ms())).collect();
        expected.extend(events.clone());
        world.deliver(&store, body(&events)).await;
        assert_eq!(world.drain(&store, "a").await.len(), 50);
        world.pass(HOUR_MS);
        store.retain(&short()).await.unwrap();
    }
    store.close().await;
    let store = world.open(&["a", "b"]).await;
    let first = world.page(&store, "b").await;
    world.settle(&store, &first, 500, Outcome::Retry { at_ms: world.clock.now_ms() }).await;
    world.pass(24 * HOUR_MS);
    store.retain(&short()).await.unwrap();
    assert_eq!(texts(&world.drain(&store, "b").await), expected);
    store.close().await;
}

pub(crate) async fn errors_and_refused_requests_go_after_their_time(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, "[1,2]").await;
    world.deliver(&store, body(&[event(1)])).await;
    let page = world.page(&store, "a").await;
    let errors = vec![failing(&page.records[0], world.clock.now_ms())];
    world.settle(&store, &page, 400, Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 }).await;
    assert_eq!(store.status().await.unwrap().open_errors, 3);
    world.pass(23 * HOUR_MS);
    store.retain(&short()).await.unwrap();
    assert_eq!(store.status().await.unwrap().open_errors, 3);
    world.pass(2 * HOUR_MS);
    store.retain(&short()).await.unwrap();
    let status = store.status().await.unwrap();
    assert_eq!((status.open_errors, status.destinations[0].open_errors), (0, 0));
    assert!(store.open_errors(10).await.unwrap().is_empty());
    store.close().await;
}

pub(crate) async fn a_key_is_known_for_its_window_however_old_its_event(world: &World) {
    let store = world.open(&["a"]).await;
    let old = r#"{"eventId":1,"occurredAt":1000}"#.to_owned();
    let future = r#"{"eventId":2,"occurredAt":4000000000000}"#.to_owned();
    world.deliver(&store, body(&[old.clone(), future.clone()])).await;
    world.pass(5 * HOUR_MS);
    assert_eq!(store.retain(&short()).await.unwrap().keys, 0);
    world.deliver(&store, body(&[old.clone(), future.clone()])).await;
    assert_eq!(store.status().await.unwrap().duplicates, 2);
    world.pass(2 * HOUR_MS);
    assert_eq!(store.retain(&short()).await.unwrap().keys, 2);
    world.deliver(&store, body(&[old, future])).await;
    assert_eq!(store.status().await.unwrap().records, 4);
    store.close().await;
}
