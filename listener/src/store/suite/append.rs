//! From a delivery to records: each event counted once, its bytes kept.

use std::collections::HashSet;

use super::*;

pub(crate) async fn an_event_goes_from_append_to_a_settled_page(world: &World) {
    let store = world.open(&["a"]).await;
    let delivery = world.deliver(&store, body(&[event(1)])).await;
    let page = world.page(&store, "a").await;
    assert_eq!(delivery, 1);
    assert_eq!(page.destination, "a");
    assert_eq!((page.attempts, page.first_attempt_at_ms, page.oversized), (0, None, false));
    assert_eq!(page.records[0].id, RecordId { delivery: 1, element: 0 });
    assert_eq!(page.records[0].received_at_ms, BEGIN_MS);
    assert_eq!(texts(&page.records), [event(1)]);
    let leased = store.status().await.unwrap();
    assert_eq!((leased.pending_records, leased.destinations[0].leased_pages), (1, 1));
    world.done(&store, &page).await;
    let status = store.status().await.unwrap();
    assert_eq!((status.deliveries, status.events, status.records), (1, 1, 1));
    assert_eq!((status.pending_records, status.last_delivery_ms), (0, Some(BEGIN_MS)));
    assert_eq!(status.destinations[0].delivered_records, 1);
    assert_eq!(wait(&store, world.ask("a")).await, None);
    store.close().await;
}

pub(crate) async fn a_duplicate_is_known_within_a_body_across_bodies_and_after_reopening(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&[event(1), event(2), event(1)])).await;
    world.deliver(&store, body(&[event(2), event(3)])).await;
    store.close().await;
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&[event(3), event(4), event(1)])).await;
    let status = store.status().await.unwrap();
    assert_eq!((status.events, status.records, status.duplicates), (8, 4, 4));
    let page = world.page(&store, "a").await;
    assert_eq!(texts(&page.records), [event(1), event(2), event(3), event(4)]);
    assert_eq!(page.records[3].id, RecordId { delivery: 3, element: 1 });
    store.close().await;
}

pub(crate) async fn an_element_without_a_key_is_never_a_duplicate(world: &World) {
    let store = world.open(&["a"]).await;
    let record = r#"{"origin":"workflow","vid":1}"#.to_owned();
    world.deliver(&store, body(&[record.clone(), record.clone()])).await;
    assert_eq!(texts(&world.drain(&store, "a").await), [record.clone(), record]);
    store.close().await;
}

pub(crate) async fn what_is_ignored_or_unusable_is_counted_and_kept_apart(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, r#"[17, {"eventId":1,"ignore":true}, {"eventId":2}, "text"]"#).await;
    world.deliver(&store, "<not json>").await;
    let status = store.status().await.unwrap();
    assert_eq!((status.events, status.records, status.ignored, status.open_errors), (5, 1, 1, 3));
    let errors = store.open_errors(10).await.unwrap();
    let seen: Vec<_> = errors
        .iter()
        .map(|open| (open.error.record.to_string(), open.error.payload.clone().unwrap()))
        .collect();
    let expected = [("2.0", "<not json>"), ("1.3", "\"text\""), ("1.0", "17")];
    assert_eq!(seen, expected.map(|(id, text)| (id.to_owned(), Bytes::from(text))));
    assert!(errors.iter().all(|open| open.destination.is_none() && open.page.is_none()));
    assert!(errors.iter().all(|open| open.error.failure.class == ErrorClass::Parse));
    assert_eq!(texts(&world.drain(&store, "a").await), [r#"{"eventId":2}"#]);
    store.close().await;
}

pub(crate) async fn an_empty_array_is_a_delivery_without_events(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, "[]").await;
    let status = store.status().await.unwrap();
    assert_eq!((status.deliveries, status.events, status.pending_records), (1, 0, 0));
    assert_eq!(wait(&store, world.ask("a")).await, None);
    store.close().await;
}

pub(crate) async fn every_fixture_is_handed_on_byte_for_byte(world: &World) {
    let store = world.open(&["a"]).await;
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hubspot/batches");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10);
    let (mut expected, mut keys) = (Vec::new(), HashSet::new());
    for file in files {
        let bytes = Bytes::from(std::fs::read(&file).unwrap());
        for sorted in Plain.sort(&bytes) {
            if let Sorted::Record { span, key } = sorted
                && key.is_none_or(|key| keys.insert(key))
            {
                expected.push(bytes.slice(span));
            }
        }
        world.append(&store, bytes).await;
    }
    indexed(&store).await;
    let got: Vec<_> = world.drain(&store, "a").await.into_iter().map(|record| record.bytes).collect();
    assert!(expected.len() > 100);
    assert_eq!(got, expected);
    store.close().await;
}

pub(crate) async fn what_was_appended_before_a_stop_is_there_afterwards(world: &World) {
    let store = world.open(&["a"]).await;
    for id in 0..50 {
        world.append(&store, body(&[event(id)])).await;
    }
    // Not closed: as after a kill, some of it may not be indexed yet.
    drop(store);
    let store = world.open(&["a"]).await;
    indexed(&store).await;
    let expected: Vec<_> = (0..50).map(event).collect();
    assert_eq!(texts(&world.drain(&store, "a").await), expected);
    store.close().await;
}

pub(crate) async fn a_closed_store_says_so(world: &World) {
    let store = world.open(&["a"]).await;
    store.close().await;
    assert!(matches!(store.lease(world.ask("a")).await, Err(StoreError::Closed)));
    assert!(matches!(store.status().await, Err(StoreError::Closed)));
    assert!(matches!(store.set_destinations(&[]).await, Err(StoreError::Closed)));
    assert!(store.health().is_err());
    store.close().await;
}

pub(crate) async fn refused_requests_are_bounded_and_the_newest_stay(world: &World) {
    let store = world.open(&[]).await;
    for number in 0..MAX_REFUSED + 5 {
        store.refuse(refused(number, world.clock.now_ms()));
        while store.refused(1).await.unwrap().first().is_none_or(|kept| kept.body_bytes != number as u64) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let kept = store.refused(1_000).await.unwrap();
    let expected: Vec<_> =
        (5..MAX_REFUSED + 5).rev().map(|number| refused(number, world.clock.now_ms())).collect();
    assert_eq!(kept, expected);
    let status = store.status().await.unwrap();
    assert_eq!((status.refused_kept, status.refused_dropped), (MAX_REFUSED as u64, 0));
    store.close().await;
}

pub(crate) async fn refusing_never_waits_and_what_is_too_much_is_counted(world: &World) {
    let store = world.open(&[]).await;
    for number in 0..20_000 {
        store.refuse(refused(number, world.clock.now_ms()));
    }
    let dropped = store.status().await.unwrap().refused_dropped;
    assert!(dropped > 0, "20000 at once are more than may wait");
    assert!(store.status().await.unwrap().refused_kept <= MAX_REFUSED as u64);
    store.close().await;
}

pub(crate) fn refused(number: usize, at_ms: i64) -> Refused {
    Refused {
        id: Uuid::from_u128(number as u128),
        at_ms,
        status: 401,
        cause: "signature_mismatch",
        diagnosis: Some("signed for http, not https".to_owned()),
        diagnosis_code: number.is_multiple_of(2).then_some("scheme"),
        request_line: "POST /a HTTP/1.1".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Bytes::from(vec![b'x'; number.min(100)]),
        body_bytes: number as u64,
        peer: None,
    }
}
