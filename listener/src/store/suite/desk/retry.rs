//! Errors that are sent again.

use super::*;

pub(crate) async fn a_retry_sends_the_edited_payload_alone_to_where_it_failed(world: &World) {
    let both = open(world, FOLDS, &["a", "b"]).await;
    let ids = both.fail(world, &[plain(1), plain(2)]).await;
    world.drain(&both.store, "b").await;
    let mut changes = both.store.changes();
    changes.mark_unchanged();
    both.act(ids[0], edit(r#"{"mended": true}"#)).await.unwrap();
    both.act(ids[0], Act::Retry).await.unwrap();
    assert!(changes.has_changed().unwrap(), "whoever waits for pages is told");
    assert_eq!(wait(&both.store, world.ask("b")).await, None, "b has it already");
    let page = world.page(&both.store, "a").await;
    assert_eq!(texts(&page.records), [r#"{"mended": true}"#]);
    assert_eq!((page.attempts, page.first_attempt_at_ms), (0, None));
    world.pass(7);
    world.done(&both.store, &page).await;
    let shown = both.error(ids[0]).await.shown;
    assert_eq!((shown.state, shown.edited), (State::Resolved, false));
    let resolution = shown.resolution.unwrap();
    assert_eq!((resolution.how, resolution.by.as_deref()), ("retried", Some("ann@example.com")));
    assert_eq!(resolution.at_ms, BEGIN_MS + 7);
    assert_eq!(both.state(ids[1]).await, State::Open);
    assert_eq!(wait(&both.store, world.ask("a")).await, None);
    both.close().await;
}

pub(crate) async fn a_retry_that_fails_opens_the_error_again_with_its_attempts_added(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let id = both.fail(world, &[plain(1)]).await[0];
    assert_eq!(both.error(id).await.shown.attempts, 1);
    both.act(id, Act::Retry).await.unwrap();
    let page = world.page(&both.store, "a").await;
    world.settle(&both.store, &page, 503, Outcome::Retry { at_ms: BEGIN_MS + 10 }).await;
    assert_eq!(both.state(id).await, State::Retrying);
    world.pass(10);
    let page = world.page(&both.store, "a").await;
    assert_eq!(page.attempts, 1);
    let failed = Failed { class: ErrorClass::Missing, message: "gone".to_owned(), ..plain(1) };
    both.fail_page(world, &page, &failed).await;
    let error = both.error(id).await;
    assert_eq!((error.shown.state, error.shown.attempts), (State::Open, 3));
    assert_eq!((error.shown.class, error.shown.message.as_str()), (ErrorClass::Missing, "gone"));
    assert_eq!((error.shown.first_at_ms, error.shown.last_at_ms), (BEGIN_MS, BEGIN_MS + 10));
    assert_eq!(error.page, Some(page.id.to_string()));
    assert_eq!(error.payload.unwrap(), event(1));
    assert_eq!(both.newest().await, id, "it is the same error");
    both.close().await;
}

pub(crate) async fn of_a_page_of_retries_some_are_taken_some_fail_some_go_again(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let ids = both.fail(world, &[plain(1), plain(2), plain(3)]).await;
    for id in &ids {
        both.act(*id, Act::Retry).await.unwrap();
    }
    let page = world.page(&both.store, "a").await;
    assert_eq!(page.records.len(), 3);
    let outcome = Outcome::Done {
        errors: vec![failing(&page.records[1], BEGIN_MS)],
        again: vec![page.records[2].id],
        again_at_ms: BEGIN_MS + 5,
    };
    world.settle(&both.store, &page, 207, outcome).await;
    let states = [both.state(ids[0]).await, both.state(ids[1]).await, both.state(ids[2]).await];
    assert_eq!(states, [State::Resolved, State::Open, State::Retrying]);
    assert_eq!(both.counters("a").await, (1, 1, 1));
    assert_eq!(wait(&both.store, world.ask("a")).await, Some(BEGIN_MS + 5));
    world.pass(5);
    let child = world.page(&both.store, "a").await;
    assert_eq!((texts(&child.records), child.attempts), (vec![event(3)], 1));
    world.done(&both.store, &child).await;
    assert_eq!(both.state(ids[2]).await, State::Resolved);
    both.close().await;
}

pub(crate) async fn retries_and_new_records_take_turns(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let ids = both.fail(world, &[plain(1), plain(2), plain(3)]).await;
    for id in &ids {
        both.act(*id, Act::Retry).await.unwrap();
    }
    world.deliver(&both.store, body(&(10..14).map(event).collect::<Vec<_>>())).await;
    let mut turns = Vec::new();
    for _ in 0..6 {
        let page = page(&both.store, PageRequest { size: 1, ..world.ask("a") }).await;
        let text = texts(&page.records).remove(0);
        turns.push(if (1..4).any(|id| text == event(id)) { "retry" } else { "new" });
    }
    assert!(turns.windows(2).all(|two| two[0] != two[1]), "{turns:?}");
    both.close().await;
}

pub(crate) async fn a_retry_goes_on_after_a_restart(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let ids = both.fail(world, &[plain(1), plain(2)]).await;
    both.act(ids[0], edit(r#"{"mended":1}"#)).await.unwrap();
    both.act(ids[0], Act::Retry).await.unwrap();
    let leased = world.page(&both.store, "a").await;
    both.act(ids[1], Act::Retry).await.unwrap();
    drop(both);
    let both = open(world, FOLDS, &["a"]).await;
    let again = world.page(&both.store, "a").await;
    assert_eq!((&again.id, texts(&again.records)), (&leased.id, vec![r#"{"mended":1}"#.to_owned()]));
    let second = world.page(&both.store, "a").await;
    assert_eq!(texts(&second.records), [event(2)]);
    for page in [again, second] {
        world.done(&both.store, &page).await;
    }
    assert_eq!(wait(&both.store, world.ask("a")).await, None);
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("resolved", 2)]));
    both.close().await;
}

/// An error before any destination.
async fn unusable(both: &Both, world: &World) -> i64 {
    world.deliver(&both.store, "[7]").await;
    let id = both.newest().await;
    assert_eq!(both.error(id).await.shown.destination, None);
    id
}

pub(crate) async fn an_error_before_any_destination_goes_the_whole_way_once_more(world: &World) {
    let both = open(world, FOLDS, &["a", "b"]).await;
    let id = unusable(&both, world).await;
    let events = both.store.status().await.unwrap().events;
    both.act(id, edit(r#"{"eventId":77}"#)).await.unwrap();
    both.act(id, Act::Retry).await.unwrap();
    both.comes_to(id, State::Resolved).await;
    for name in ["a", "b"] {
        assert_eq!(texts(&world.drain(&both.store, name).await), [r#"{"eventId":77}"#]);
    }
    let status = both.store.status().await.unwrap();
    assert_eq!((status.events, status.records, status.open_errors), (events, 1, 0));
    let resolution = both.error(id).await.shown.resolution.unwrap();
    assert_eq!((resolution.how, resolution.by.as_deref()), ("retried", Some("ann@example.com")));
    // A second time, with the key that is known now: somebody wants just that.
    both.act(id, Act::Reopen).await.unwrap();
    both.act(id, Act::Retry).await.unwrap();
    both.comes_to(id, State::Resolved).await;
    assert_eq!(world.drain(&both.store, "a").await.len(), 1);
    both.close().await;
}

pub(crate) async fn what_is_still_unusable_is_a_new_error_with_a_link(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let id = unusable(&both, world).await;
    both.act(id, Act::Retry).await.unwrap();
    both.comes_to(id, State::Resolved).await;
    let new = both.newest().await;
    assert!(new > id);
    let resolution = both.error(id).await.shown.resolution.unwrap();
    assert_eq!((resolution.how, resolution.newer_error), ("newer_error", Some(new)));
    assert_eq!(both.state(new).await, State::Open);
    assert_eq!(both.store.status().await.unwrap().open_errors, 1);
    both.close().await;
}

pub(crate) async fn a_retry_through_the_journal_survives_a_kill_at_any_moment(world: &World) {
    let mut expected = Vec::new();
    for round in 0..12_u64 {
        let both = open(world, FOLDS, &["a"]).await;
        let id = unusable(&both, world).await;
        let text = format!(r#"{{"eventId":{}}}"#, 1_000 + round);
        both.act(id, edit(&text)).await.unwrap();
        both.act(id, Act::Retry).await.unwrap();
        tokio::time::sleep(Duration::from_micros(round * 700)).await;
        drop(both);
        let both = open(world, FOLDS, &["a"]).await;
        both.comes_to(id, State::Resolved).await;
        expected.push(text);
        both.close().await;
    }
    let both = open(world, FOLDS, &["a"]).await;
    indexed(&both.store).await;
    assert_eq!(texts(&world.drain(&both.store, "a").await), expected);
    assert_eq!(both.store.status().await.unwrap().records, 12);
    both.close().await;
}

pub(crate) async fn a_retry_of_what_a_filter_failed_on_asks_the_filter_again(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let now_ms = world.clock.now_ms();
    let fails: Router = Arc::new(move |record| Route::Fail(Box::new(failing(record, now_ms))));
    world.deliver(&both.store, body(&(0..3).map(event).collect::<Vec<_>>())).await;
    let ask = |route: &Router| PageRequest { route: Arc::clone(route), ..world.ask("a") };
    assert_eq!(wait(&both.store, ask(&fails)).await, None);
    let ids: Vec<i64> = both.all(&ErrorFilter::default(), 10).await.iter().map(|error| error.id).collect();
    assert_eq!(ids.len(), 3);
    for id in &ids {
        both.act(*id, Act::Retry).await.unwrap();
    }
    assert_eq!(wait(&both.store, ask(&fails)).await, None);
    assert_eq!(both.counters("a").await, (3, 0, 3), "open again");
    for id in &ids {
        both.act(*id, Act::Retry).await.unwrap();
    }
    let first: Router = Arc::new(|record| if record.id.element == 0 { Route::Skip } else { Route::Take });
    let page = page(&both.store, ask(&first)).await;
    assert_eq!(texts(&page.records), [event(1), event(2)]);
    world.done(&both.store, &page).await;
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("resolved", 3)]));
    let status = both.store.status().await.unwrap();
    let one = &status.destinations[0];
    assert_eq!((one.delivered_records, one.ignored_records, one.pending_records), (2, 1, 0));
    both.close().await;
}

pub(crate) async fn a_retry_to_a_destination_that_is_gone_is_refused(world: &World) {
    let both = open(world, FOLDS, &["a", "b"]).await;
    let ids = both.fail(world, &[plain(1), plain(2), plain(3)]).await;
    both.act(ids[0], Act::Retry).await.unwrap();
    let leased = world.page(&both.store, "a").await;
    both.act(ids[1], Act::Retry).await.unwrap();
    set_destinations(&both.store, &["b"]).await;
    assert_eq!(both.state(ids[1]).await, State::Open, "it was in no page yet");
    world.settle(&both.store, &leased, 503, Outcome::Retry { at_ms: BEGIN_MS }).await;
    let shown = both.error(ids[0]).await.shown;
    assert_eq!((shown.state, shown.class), (State::Open, ErrorClass::Missing));
    for id in ids {
        match both.act(id, Act::Retry).await {
            Err(DeskError::Conflict { reason, .. }) => assert!(reason.contains("not there"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    both.close().await;
}
