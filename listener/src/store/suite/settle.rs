//! What becomes of a page.

use super::*;

pub(crate) async fn a_page_is_the_same_at_every_attempt(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&[event(1), event(2)])).await;
    let first = world.page(&store, "a").await;
    world.deliver(&store, body(&[event(3)])).await;
    world.settle(&store, &first, 503, Outcome::Retry { at_ms: BEGIN_MS + 1_000 }).await;
    let later = world.page(&store, "a").await;
    assert_eq!(texts(&later.records), [event(3)], "a page that waits does not hold up the next");
    assert_eq!(wait(&store, world.ask("a")).await, Some(BEGIN_MS + 1_000));
    assert_eq!(store.status().await.unwrap().destinations[0].waiting_pages, 1);
    world.pass(1_000);
    let second = world.page(&store, "a").await;
    assert_eq!((&second.id, &second.records), (&first.id, &first.records));
    assert_eq!((second.attempts, second.first_attempt_at_ms), (1, Some(BEGIN_MS)));
    // Leased when the store is closed: due at once when it is opened.
    drop(store);
    let store = world.open(&["a"]).await;
    let third = world.page(&store, "a").await;
    let fourth = world.page(&store, "a").await;
    let mut again = [third, fourth];
    again.sort_by_key(|page| page.id.number);
    assert_eq!((&again[0].id, &again[0].records, again[0].attempts), (&first.id, &first.records, 1));
    assert_eq!((&again[1].id, &again[1].records, again[1].attempts), (&later.id, &later.records, 0));
    store.close().await;
}

pub(crate) async fn retries_come_in_the_order_they_are_due(world: &World) {
    let store = world.open(&["a"]).await;
    let mut pages = Vec::new();
    for id in 0..3 {
        world.deliver(&store, body(&[event(id)])).await;
        pages.push(world.page(&store, "a").await);
    }
    for (page, due) in pages.iter().zip([300, 100, 200]) {
        world.settle(&store, page, 500, Outcome::Retry { at_ms: BEGIN_MS + due }).await;
    }
    let only = || PageRequest { cut: false, ..world.ask("a") };
    assert_eq!(wait(&store, only()).await, Some(BEGIN_MS + 100));
    world.pass(1_000);
    world.deliver(&store, body(&[event(9)])).await;
    for expected in [1, 2, 0] {
        assert_eq!(page(&store, only()).await.id, pages[expected].id);
    }
    assert_eq!(wait(&store, only()).await, None, "nothing new is cut");
    assert_eq!(texts(&world.page(&store, "a").await.records), [event(9)]);
    store.close().await;
}

pub(crate) async fn no_page_is_cut_while_too_many_wait(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&[event(0), event(1), event(2)])).await;
    let ask = || PageRequest { size: 1, max_waiting: 2, ..world.ask("a") };
    for _ in 0..2 {
        let page = page(&store, ask()).await;
        world.settle(&store, &page, 500, Outcome::Retry { at_ms: BEGIN_MS + 50 }).await;
    }
    assert_eq!(wait(&store, ask()).await, Some(BEGIN_MS + 50));
    world.pass(50);
    let retried = page(&store, ask()).await;
    world.done(&store, &retried).await;
    let retried = page(&store, ask()).await;
    world.done(&store, &retried).await;
    assert_eq!(texts(&page(&store, ask()).await.records), [event(2)]);
    store.close().await;
}

pub(crate) async fn some_fail_some_go_again_the_rest_is_delivered(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&(0..6).map(event).collect::<Vec<_>>())).await;
    let page = world.page(&store, "a").await;
    let outcome = Outcome::Done {
        errors: vec![failing(&page.records[1], BEGIN_MS)],
        again: vec![page.records[4].id, page.records[2].id],
        again_at_ms: BEGIN_MS + 10,
    };
    world.settle(&store, &page, 207, outcome).await;
    let status = store.status().await.unwrap();
    let destination = &status.destinations[0];
    assert_eq!((destination.delivered_records, destination.open_errors), (3, 1));
    assert_eq!((destination.pending_records, status.pending_records, status.open_errors), (2, 2, 1));
    let errors = store.open_errors(10).await.unwrap();
    assert_eq!((errors[0].attempts, errors[0].page.as_ref()), (1, Some(&page.id)));
    assert_eq!(errors[0].error, failing(&page.records[1], BEGIN_MS));
    assert_eq!(wait(&store, world.ask("a")).await, Some(BEGIN_MS + 10));
    world.pass(10);
    let child = world.page(&store, "a").await;
    assert_ne!(child.id, page.id);
    assert_eq!((child.attempts, child.first_attempt_at_ms), (1, Some(BEGIN_MS)));
    assert_eq!(child.records, [page.records[2].clone(), page.records[4].clone()]);
    let outcome = Outcome::Done {
        errors: vec![failing(&child.records[1], BEGIN_MS)],
        again: Vec::new(),
        again_at_ms: 0,
    };
    world.settle(&store, &child, 207, outcome).await;
    let status = store.status().await.unwrap();
    assert_eq!((status.destinations[0].delivered_records, status.open_errors), (4, 2));
    assert_eq!(store.open_errors(1).await.unwrap()[0].attempts, 2);
    assert_eq!(status.pending_records, 0);
    store.close().await;
}

pub(crate) async fn a_page_given_back_costs_no_attempt_and_is_due_at_once(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&[event(1)])).await;
    let page = world.page(&store, "a").await;
    let changes = store.changes();
    let back =
        Settlement { page: page.id.clone(), attempt: None, outcome: Outcome::GivenBack, healed: Vec::new() };
    store.settle(back).await.unwrap();
    assert!(changes.has_changed().unwrap(), "somebody may wait for it");
    let again = world.page(&store, "a").await;
    assert_eq!((&again.id, again.attempts, again.first_attempt_at_ms), (&page.id, 0, None));
    store.close().await;
}

pub(crate) async fn a_settlement_that_cannot_be_changes_nothing(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&[event(1), event(2)])).await;
    let page = world.page(&store, "a").await;
    let stranger = Record { id: RecordId { delivery: 9, element: 9 }, ..page.records[0].clone() };
    let twice = Outcome::Done {
        errors: vec![failing(&page.records[0], BEGIN_MS)],
        again: vec![page.records[0].id],
        again_at_ms: 0,
    };
    let strange =
        Outcome::Done { errors: vec![failing(&stranger, BEGIN_MS)], again: Vec::new(), again_at_ms: 0 };
    for outcome in [twice, strange] {
        let settlement = Settlement {
            page: page.id.clone(),
            attempt: Some(world.attempt(200)),
            outcome,
            healed: Vec::new(),
        };
        assert!(matches!(store.settle(settlement).await, Err(StoreError::Failed(_))));
    }
    let other = PageId { store: "0000000000000000".into(), number: page.id.number };
    let settlement =
        Settlement { page: other, attempt: None, outcome: Outcome::GivenBack, healed: Vec::new() };
    assert!(store.settle(settlement).await.is_err());
    assert_eq!(store.status().await.unwrap().open_errors, 0);
    world.done(&store, &page).await;
    let settlement =
        Settlement { page: page.id.clone(), attempt: None, outcome: Outcome::GivenBack, healed: Vec::new() };
    assert!(store.settle(settlement).await.is_err(), "it is settled already");
    assert_eq!(store.status().await.unwrap().destinations[0].delivered_records, 2);
    store.close().await;
}

pub(crate) async fn a_change_is_told_when_a_delivery_is_indexed(world: &World) {
    let store = world.open(&["a"]).await;
    let mut changes = store.changes();
    changes.mark_unchanged();
    let begin = Instant::now();
    world.append(&store, body(&[event(1)])).await;
    tokio::time::timeout(Duration::from_secs(5), changes.changed()).await.unwrap().unwrap();
    assert_eq!(texts(&world.page(&store, "a").await.records), [event(1)]);
    assert!(begin.elapsed() < Duration::from_secs(1), "a lone delivery does not wait for others");
    store.close().await;
}
