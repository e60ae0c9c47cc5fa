//! Cutting pages: count, bytes, linger, filters, cursors.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn events(ids: std::ops::Range<u64>) -> Vec<String> {
    ids.map(event).collect()
}

fn id_of(record: &Record) -> u64 {
    let fields: serde_json::Value = serde_json::from_slice(&record.bytes).unwrap();
    fields["eventId"].as_u64().unwrap()
}

fn ids(records: &[Record]) -> Vec<u64> {
    records.iter().map(id_of).collect()
}

pub(crate) async fn a_page_is_cut_by_count(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&events(0..45))).await;
    let mut sizes = Vec::new();
    let mut all = Vec::new();
    while let Lease::Page(page) = store.lease(world.ask("a")).await.unwrap() {
        sizes.push(page.records.len());
        all.extend(ids(&page.records));
    }
    assert_eq!(sizes, [20, 20, 5]);
    assert_eq!(all, (0..45).collect::<Vec<_>>());
    store.close().await;
}

pub(crate) async fn a_page_has_no_upper_limit_of_records(world: &World) {
    let store = world.open(&["a"]).await;
    for part in 0..12 {
        world.append(&store, body(&events(part * 1000..(part + 1) * 1000))).await;
    }
    indexed(&store).await;
    let page = page(&store, PageRequest { size: 11_500, ..world.ask("a") }).await;
    assert_eq!(page.records.len(), 11_500);
    store.close().await;
}

pub(crate) async fn a_page_is_cut_before_it_would_pass_its_bytes(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&events(10..20))).await;
    let cost = event(10).len() + 1;
    let request = || PageRequest { max_bytes: 2 + 3 * cost, ..world.ask("a") };
    for expected in [vec![10, 11, 12], vec![13, 14, 15], vec![16, 17, 18], vec![19]] {
        let page = page(&store, request()).await;
        assert_eq!((ids(&page.records), page.oversized), (expected, false));
    }
    store.close().await;
}

pub(crate) async fn a_record_larger_than_a_page_goes_alone_and_is_marked(world: &World) {
    let store = world.open(&["a"]).await;
    let large = format!(r#"{{"eventId":2,"text":"{}"}}"#, "x".repeat(700_000));
    world.deliver(&store, body(&[event(1), large.clone(), event(3)])).await;
    let request = || PageRequest { max_bytes: 1_000, ..world.ask("a") };
    let first = page(&store, request()).await;
    let second = page(&store, request()).await;
    let third = page(&store, request()).await;
    assert_eq!((ids(&first.records), first.oversized), (vec![1], false));
    assert_eq!((texts(&second.records), second.oversized), (vec![large], true));
    assert_eq!((ids(&third.records), third.oversized), (vec![3], false));
    store.close().await;
}

pub(crate) async fn a_page_waits_to_fill_no_longer_than_its_linger(world: &World) {
    let store = world.open(&["a"]).await;
    let template = PageRequest { linger_ms: 500, ..world.ask("a") };
    let ask = || PageRequest { now_ms: world.clock.now_ms(), ..template.clone() };
    assert_eq!(wait(&store, ask()).await, None);
    world.deliver(&store, body(&events(0..3))).await;
    assert_eq!(wait(&store, ask()).await, Some(BEGIN_MS + 500));
    world.pass(200);
    world.deliver(&store, body(&events(3..5))).await;
    assert_eq!(wait(&store, ask()).await, Some(BEGIN_MS + 500));
    // Another filter or bound does not see what this one has found.
    assert_eq!(wait(&store, PageRequest { linger_ms: 900, ..world.ask("a") }).await, Some(BEGIN_MS + 900));
    world.pass(300);
    assert_eq!(ids(&page(&store, ask()).await.records), [0, 1, 2, 3, 4]);
    world.deliver(&store, body(&events(5..30))).await;
    assert_eq!(page(&store, ask()).await.records.len(), 20, "a full page does not wait");
    assert_eq!(wait(&store, ask()).await, Some(BEGIN_MS + 1_000));
    store.close().await;
}

pub(crate) async fn each_destination_takes_what_its_filter_names(world: &World) {
    let store = world.open(&["even", "odd", "none"]).await;
    world.deliver(&store, body(&events(0..11))).await;
    let even = PageRequest { route: routed(|id| id % 2 == 0), ..world.ask("even") };
    let odd = PageRequest { route: routed(|id| id % 2 == 1), ..world.ask("odd") };
    let none = PageRequest { route: routed(|_| false), ..world.ask("none") };
    assert_eq!(ids(&page(&store, even).await.records), [0, 2, 4, 6, 8, 10]);
    assert_eq!(ids(&page(&store, odd).await.records), [1, 3, 5, 7, 9]);
    assert_eq!(wait(&store, none).await, None);
    let status = store.status().await.unwrap();
    let of = |name: &str| status.destinations.iter().find(|found| found.name == name).unwrap().clone();
    assert_eq!((of("even").ignored_records, of("even").pending_records), (5, 6));
    assert_eq!((of("odd").ignored_records, of("odd").pending_records), (6, 5));
    assert_eq!((of("none").ignored_records, of("none").pending_records), (11, 0));
    assert_eq!(status.pending_records, 11);
    store.close().await;
}

pub(crate) async fn a_filter_looks_at_a_record_that_it_leaves_out_once(world: &World) {
    let store = world.open(&["a"]).await;
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let route: Router = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Route::Skip
    });
    for round in 0..5 {
        world.deliver(&store, body(&events(round * 10..(round + 1) * 10))).await;
        assert_eq!(wait(&store, PageRequest { route: Arc::clone(&route), ..world.ask("a") }).await, None);
    }
    assert_eq!(looks.load(Ordering::SeqCst), 50);
    store.close().await;
}

pub(crate) async fn a_filter_that_fails_on_a_record_leaves_an_open_error(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&events(0..4))).await;
    let now = world.clock.now_ms();
    let route: Router = Arc::new(move |record| match id_of(record) {
        0 | 2 => Route::Fail(Box::new(failing(record, now))),
        _ => Route::Take,
    });
    let page = page(&store, PageRequest { route, ..world.ask("a") }).await;
    assert_eq!(ids(&page.records), [1, 3]);
    let errors = store.open_errors(10).await.unwrap();
    let seen: Vec<_> = errors.iter().map(|open| open.error.record.to_string()).collect();
    assert_eq!(seen, ["1.2", "1.0"]);
    assert!(errors.iter().all(|open| open.destination.as_deref() == Some("a") && open.attempts == 0));
    let status = store.status().await.unwrap();
    assert_eq!((status.open_errors, status.destinations[0].open_errors, status.pending_records), (2, 2, 2));
    store.close().await;
}

pub(crate) async fn a_new_destination_begins_with_what_comes_then(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&events(0..3))).await;
    set_destinations(&store, &["a", "b"]).await;
    world.deliver(&store, body(&events(3..5))).await;
    assert_eq!(ids(&page(&store, world.ask("b")).await.records), [3, 4]);
    assert_eq!(ids(&page(&store, world.ask("a")).await.records), [0, 1, 2, 3, 4]);
    store.close().await;
}

pub(crate) async fn a_removed_destination_leaves_open_errors(world: &World) {
    let store = world.open(&["a", "b"]).await;
    world.deliver(&store, body(&events(0..7))).await;
    let waiting = page(&store, PageRequest { size: 3, ..world.ask("b") }).await;
    let leased = page(&store, PageRequest { size: 2, ..world.ask("b") }).await;
    world.settle(&store, &waiting, 503, Outcome::Retry { at_ms: i64::MAX }).await;
    set_destinations(&store, &["a"]).await;
    let errors = store.open_errors(10).await.unwrap();
    assert_eq!(errors.len(), 3);
    for (open, record) in errors.iter().rev().zip(&waiting.records) {
        assert_eq!((open.destination.as_deref(), open.attempts), (Some("b"), 1));
        assert_eq!(open.page.as_ref(), Some(&waiting.id));
        assert_eq!(open.error.record, record.id);
        assert_eq!(open.error.payload.as_ref(), Some(&record.bytes));
        assert_eq!(open.error.failure.class, ErrorClass::Missing);
        assert_eq!(open.error.failure.code, "destination_removed");
    }
    assert!(store.lease(world.ask("b")).await.is_err());
    // What was leased then is given back later, and has nowhere to go either.
    let back = Settlement {
        page: leased.id.clone(),
        attempt: None,
        outcome: Outcome::GivenBack,
        healed: Vec::new(),
    };
    store.settle(back).await.unwrap();
    assert_eq!(store.status().await.unwrap().open_errors, 5);
    assert_eq!(store.status().await.unwrap().pending_records, 7, "those of the other destination");
    // A destination that comes back begins anew.
    set_destinations(&store, &["a", "b"]).await;
    let status = store.status().await.unwrap();
    assert_eq!((status.destinations[1].pending_records, status.destinations[1].open_errors), (0, 5));
    store.close().await;
}

pub(crate) async fn two_callers_never_get_the_same_record(world: &World) {
    let store = world.open(&["a"]).await;
    for part in 0..20 {
        world.append(&store, body(&events(part * 20..(part + 1) * 20))).await;
    }
    indexed(&store).await;
    let callers = (0..8).map(|_| {
        let (store, request) = (Arc::clone(&store), PageRequest { size: 7, ..world.ask("a") });
        tokio::spawn(async move {
            let mut all = Vec::new();
            while let Lease::Page(page) = store.lease(request.clone()).await.unwrap() {
                all.extend(ids(&page.records));
            }
            all
        })
    });
    let mut all = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        all.extend(caller.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (0..400).collect::<Vec<_>>());
    store.close().await;
}

pub(crate) async fn a_page_whose_caller_went_away_is_not_lost(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&events(0..200))).await;
    let mut all = Vec::new();
    for round in 0..200_u64 {
        let request = PageRequest { size: 2, ..world.ask("a") };
        let patience = Duration::from_micros(round * 37 % 4_000);
        match tokio::time::timeout(patience, store.lease(request)).await {
            Ok(Ok(Lease::Page(page))) => {
                world.done(&store, &page).await;
                all.extend(ids(&page.records));
            }
            Ok(Err(error)) => panic!("{error}"),
            Ok(Ok(Lease::Wait { .. })) | Err(_) => {}
        }
    }
    all.extend(world.drain(&store, "a").await.iter().map(id_of));
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
    store.close().await;
}

fn routed(take: impl Fn(u64) -> bool + Send + Sync + 'static) -> Router {
    Arc::new(move |record| if take(id_of(record)) { Route::Take } else { Route::Skip })
}
