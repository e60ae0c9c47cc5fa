//! What failed at the hook, and goes there again.

use super::*;

/// Three records fail at the hook; `a` has passed them, `b` has not looked yet.
async fn failed_at_the_hook(world: &World) -> (Both, Vec<i64>) {
    let both = open(world, FOLDS, &[PRE_PAGE, "a", "b"]).await;
    world.deliver(&both.store, body(&(0..5).map(event).collect::<Vec<_>>())).await;
    let page = world.page(&both.store, PRE_PAGE).await;
    let errors = page.records[..3].iter().map(|record| failing(record, BEGIN_MS)).collect();
    let outcome = hooked(Vec::new(), Vec::new(), errors);
    world.settle(&both.store, &page, 200, outcome).await;
    assert_eq!(texts(&world.drain(&both.store, "a").await), [event(3), event(4)]);
    let mut ids: Vec<i64> =
        both.all(&ErrorFilter::default(), 10).await.iter().map(|error| error.id).collect();
    ids.reverse();
    (both, ids)
}

fn hooked(changed: Vec<(RecordId, Bytes)>, dropped: Vec<RecordId>, errors: Vec<NewError>) -> Outcome {
    Outcome::Hooked { changed, dropped, errors, again: Vec::new(), again_at_ms: 0 }
}

pub(crate) async fn what_passes_the_hook_at_last_goes_to_each_destination_once(world: &World) {
    let (both, ids) = failed_at_the_hook(world).await;
    both.act(ids[1], edit(r#"{"eventId":1,"mended":true}"#)).await.unwrap();
    for id in &ids {
        both.act(*id, Act::Retry).await.unwrap();
    }
    let page = world.page(&both.store, PRE_PAGE).await;
    assert_eq!(texts(&page.records), [event(0), r#"{"eventId":1,"mended":true}"#.to_owned(), event(2)]);
    // It is no part of the mark: what comes behind is not held back by it.
    world.deliver(&both.store, body(&[event(9)])).await;
    let behind = world.page(&both.store, PRE_PAGE).await;
    world.done(&both.store, &behind).await;
    assert_eq!(texts(&world.drain(&both.store, "a").await), [event(9)]);
    let changed = vec![(page.records[2].id, Bytes::from_static(b"{\"seen\":2}"))];
    world.settle(&both.store, &page, 200, hooked(changed, Vec::new(), Vec::new())).await;
    for id in &ids {
        assert_eq!(both.state(*id).await, State::Resolved);
    }
    let expected = [event(0), r#"{"eventId":1,"mended":true}"#.to_owned(), r#"{"seen":2}"#.to_owned()];
    let (open_errors, pending, _) = both.counters("a").await;
    assert_eq!((open_errors, pending), (0, 3));
    assert_eq!(texts(&world.drain(&both.store, "a").await), expected, "by themselves");
    let in_turn: Vec<String> = expected.iter().cloned().chain([event(3), event(4), event(9)]).collect();
    assert_eq!(texts(&world.drain(&both.store, "b").await), in_turn, "in their turn");
    let status = both.store.status().await.unwrap();
    for one in &status.destinations {
        assert_eq!((one.delivered_records, one.withheld_records, one.pending_records), (6, 0, 0), "{one:?}");
    }
    let hook = status.hook.unwrap();
    assert_eq!((hook.passed_records, hook.changed_records, hook.open_errors), (6, 1, 0));
    both.close().await;
}

pub(crate) async fn what_the_hook_drops_or_fails_again_goes_nowhere(world: &World) {
    let (both, ids) = failed_at_the_hook(world).await;
    for id in &ids[..2] {
        both.act(*id, Act::Retry).await.unwrap();
    }
    let page = world.page(&both.store, PRE_PAGE).await;
    let failed = failing(&page.records[1], BEGIN_MS);
    let outcome = hooked(Vec::new(), vec![page.records[0].id], vec![failed]);
    world.settle(&both.store, &page, 200, outcome).await;
    assert_eq!(both.state(ids[0]).await, State::Resolved);
    assert_eq!(both.error(ids[1]).await.shown.attempts, 2);
    assert_eq!(both.state(ids[1]).await, State::Open);
    assert_eq!(wait(&both.store, world.ask("a")).await, None);
    assert_eq!(texts(&world.drain(&both.store, "b").await), [event(3), event(4)]);
    assert_eq!(both.store.status().await.unwrap().hook.unwrap().dropped_records, 1);
    both.close().await;
}

pub(crate) async fn a_retry_at_the_hook_survives_a_restart_and_its_end(world: &World) {
    let (both, ids) = failed_at_the_hook(world).await;
    for id in &ids[..2] {
        both.act(*id, Act::Retry).await.unwrap();
    }
    let leased = world.page(&both.store, PRE_PAGE).await;
    drop(both);
    let both = open(world, FOLDS, &[PRE_PAGE, "a", "b"]).await;
    let again = world.page(&both.store, PRE_PAGE).await;
    assert_eq!((&again.id, &again.records), (&leased.id, &leased.records));
    both.act(ids[2], Act::Retry).await.unwrap();
    // The hook is taken away: whoever was on the way to it is open again.
    set_destinations(&both.store, &["a", "b"]).await;
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("open", 3)]));
    let late = Settlement {
        page: again.id.clone(),
        attempt: None,
        outcome: hooked(Vec::new(), Vec::new(), Vec::new()),
        healed: Vec::new(),
    };
    assert!(both.store.settle(late).await.is_err(), "too late");
    assert!(matches!(both.act(ids[0], Act::Retry).await, Err(DeskError::Conflict { .. })));
    both.close().await;
}

pub(crate) async fn a_scan_that_passed_a_record_by_is_void_once_it_passes_the_hook(world: &World) {
    let both = open(world, FOLDS, &[PRE_PAGE, "a"]).await;
    world.deliver(&both.store, body(&[event(0), event(1)])).await;
    let page = world.page(&both.store, PRE_PAGE).await;
    let errors = vec![failing(&page.records[0], BEGIN_MS)];
    world.settle(&both.store, &page, 200, hooked(Vec::new(), Vec::new(), errors)).await;
    // It lingers: record 0 was passed by, record 1 is held, nothing is put down.
    let lingering = || PageRequest { linger_ms: 60_000, ..world.ask("a") };
    assert!(wait(&both.store, lingering()).await.is_some());
    let id = both.newest().await;
    both.act(id, Act::Retry).await.unwrap();
    let page = world.page(&both.store, PRE_PAGE).await;
    world.settle(&both.store, &page, 200, hooked(Vec::new(), Vec::new(), Vec::new())).await;
    world.pass(60_000);
    let page = suite_page(&both, lingering(), world).await;
    assert_eq!(texts(&page.records), [event(0), event(1)]);
    both.close().await;
}

async fn suite_page(both: &Both, request: PageRequest, world: &World) -> Page {
    page(&both.store, PageRequest { now_ms: world.clock.now_ms(), ..request }).await
}
