//! Replay: delivered records go to one destination once more.

use std::collections::BTreeMap;

use StepKind::{Attempted, Delivered, Failed, Paged, Received, Replayed};

use super::*;

fn ids(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| record.id.to_string()).collect()
}

async fn ended(shows: &Shows, id: i64) -> Bulk {
    let bulk = shows.desk.bulk(id).await.unwrap();
    assert_ne!(bulk.state, BulkState::Running, "{bulk:?}");
    bulk
}

pub(crate) async fn a_plan_of_a_replay_counts_and_does_nothing(world: &World) {
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(0..15)).await;
    // a: 0 fails, the others are taken. b: 0 to 9 are taken, 10 to 14 are on their way.
    let page_of_a = world.page(&shows.store, "a").await;
    let errors = vec![failing(&page_of_a.records[0], world.clock.now_ms())];
    world
        .settle(&shows.store, &page_of_a, 207, Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 })
        .await;
    let ask = || PageRequest { size: 10, ..world.ask("b") };
    let taken = page(&shows.store, ask()).await;
    world.done(&shows.store, &taken).await;
    let _leased = page(&shows.store, ask()).await;
    // Nobody has come to these.
    world.deliver(&shows.store, events(15..18)).await;
    let before = shows.store.status().await.unwrap();
    let effect = |plan: &Plan| {
        let effect = plan.effect;
        (effect.matched, effect.changed, effect.left, effect.without_payload)
    };
    let plan = shows.plan(to("a"), "a").await;
    assert_eq!(effect(&plan), (14, 14, 0, 0));
    let sample: Vec<_> = plan.records.iter().map(|shown| shown.record.as_str()).collect();
    assert_eq!(sample, ["1.14", "1.13", "1.12", "1.11", "1.10", "1.9", "1.8", "1.7", "1.6", "1.5"]);
    assert!(plan.sample.is_empty());
    assert_eq!(plan.expires_at_ms, world.clock.now_ms() + HOUR_MS);
    assert_eq!(effect(&shows.plan(to("a"), "b").await), (14, 9, 5, 0), "10 to 14 are on their way");
    assert_eq!(effect(&shows.plan(RecordFilter::default(), "a").await), (18, 14, 4, 0), "0 is an error");
    let one = RecordFilter { trace_key: at("k_4"), ..RecordFilter::default() };
    assert_eq!(effect(&shows.plan(one, "a").await), (1, 1, 0, 0));
    assert_eq!(shows.store.status().await.unwrap().destinations, before.destinations);
    assert!(shows.desk.bulks(Query { limit: 10, ..Query::default() }).await.unwrap().items.is_empty());
    world.pass(HOUR_MS + 1);
    assert!(matches!(shows.desk.start(ann(), plan.id).await, Err(DeskError::NotFound { .. })));
    shows.close().await;
}

pub(crate) async fn what_cannot_be_replayed_is_refused_with_field_and_remedy(world: &World) {
    let shows = open(world, FIRST, &[PRE_PAGE, "a"]).await;
    let records = || Selection::Records(RecordFilter::default());
    let errors = Selection::Errors(crate::desk::ErrorFilter::default());
    let replay = |to: &str| Act::Replay { to: to.to_owned() };
    for (selection, act, field) in [
        (records(), replay("b"), "to"),
        (records(), replay(""), "to"),
        (records(), replay(PRE_PAGE), "to"),
        (records(), Act::Retry, "act"),
        (errors, replay("a"), "act"),
    ] {
        let refused = shows.desk.plan(ann(), selection, act.clone()).await;
        assert!(
            matches!(&refused, Err(DeskError::Invalid { field: of, .. }) if *of == field),
            "{act:?} {refused:?}"
        );
    }
    let plan = shows.plan(RecordFilter::default(), "a").await;
    set_destinations(&shows.store, &["b"]).await;
    let refused = shows.desk.start(ann(), plan.id).await;
    assert!(matches!(refused, Err(DeskError::Conflict { .. })), "{refused:?}");
    shows.close().await;
}

pub(crate) async fn a_replay_goes_once_by_the_destinations_pages(world: &World) {
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(0..12)).await;
    world.drain(&shows.store, "a").await;
    world.drain(&shows.store, "b").await;
    world.pass(1_000);
    let filter = RecordFilter { object_id: at("3"), ..to("b") };
    let plan = shows.plan(filter.clone(), "a").await;
    assert_eq!(plan.effect.changed, 2);
    let plan = shows.plan(to("b"), "a").await;
    let begun = shows.start(&plan).await;
    assert_eq!((begun.total, begun.actor.as_str(), begun.state), (12, "ann@example.com", BulkState::Running));
    assert_eq!((shows.pending("a").await, shows.pending("b").await), (12, 0));
    assert!(matches!(shows.desk.start(ann(), plan.id).await, Err(DeskError::Conflict { .. })));
    let ask = || PageRequest { size: 5, ..world.ask("a") };
    let mut sent = Vec::new();
    for expected in [5, 5, 2] {
        let page = page(&shows.store, ask()).await;
        assert_eq!((page.records.len(), page.attempts), (expected, 0));
        assert_eq!(page.records[0].received_at_ms, BEGIN_MS);
        sent.extend(ids(&page.records));
        let before = shows.pending("a").await;
        world.done(&shows.store, &page).await;
        assert_eq!(shows.pending("a").await, before - expected as u64);
    }
    assert_eq!(sent, (0..12).map(|place| format!("1.{place}")).collect::<Vec<_>>());
    assert_eq!(wait(&shows.store, ask()).await, None);
    assert_eq!(wait(&shows.store, world.ask("b")).await, None, "it goes to one destination");
    let bulk = ended(&shows, plan.id).await;
    assert_eq!(
        (bulk.state, bulk.done, bulk.left, bulk.ended_at_ms.is_some()),
        (BulkState::Done, 12, 0, true)
    );
    let status = shows.store.status().await.unwrap();
    assert_eq!((status.destinations[0].delivered_records, status.pending_records), (24, 0));
    let lines = shows.desk.audit(Query { filter: None, cursor: None, limit: 1 }).await.unwrap().items;
    assert_eq!((lines[0].act.as_str(), lines[0].bulk), ("replay", Some(plan.id)));
    assert_eq!(lines[0].detail, "replay of 12 records to a");
    let way = shows.record(id(1, 3)).await.way;
    let replayed: Vec<_> = way.iter().filter(|step| step.bulk.is_some()).map(|step| step.what).collect();
    assert_eq!(replayed, [Replayed, Delivered]);
    assert_eq!(shows.plan(to("a"), "a").await.effect.changed, 12, "and once more, who wants it");
    shows.close().await;
}

pub(crate) async fn new_records_errors_and_replays_take_turns(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, events(0..6)).await;
    let ask = || PageRequest { size: 2, ..world.ask("a") };
    let first = page(&shows.store, PageRequest { size: 3, ..world.ask("a") }).await;
    world.done(&shows.store, &first).await;
    let failed = page(&shows.store, PageRequest { size: 3, ..world.ask("a") }).await;
    let errors = failed.records.iter().map(|record| failing(record, BEGIN_MS)).collect();
    world
        .settle(&shows.store, &failed, 400, Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 })
        .await;
    world.deliver(&shows.store, events(6..12)).await;
    shows.start(&shows.plan(to("a"), "a").await).await;
    for error in shows.desk.errors(Query { limit: 10, ..Query::default() }).await.unwrap().items {
        shows.desk.act(ann(), error.id, Act::Retry).await.unwrap();
    }
    let (mut new, mut order) = (Vec::new(), Vec::new());
    while let Lease::Page(page) = shows.store.lease(ask()).await.unwrap() {
        world.done(&shows.store, &page).await;
        let first = page.records[0].id;
        if first.delivery == 2 {
            new.extend(ids(&page.records));
        }
        order.push((first.delivery, first.element));
    }
    assert_eq!(new, (0..6).map(|place| format!("2.{place}")).collect::<Vec<_>>(), "their order holds");
    assert_eq!(order.len(), 7, "{order:?}");
    let again: Vec<usize> = (0..7).filter(|at| order[*at].0 == 1).collect();
    assert_eq!(again.len(), 4);
    assert!(again[0] <= 1 && again[1] <= 3 && again[2] <= 5, "they do not wait for the new ones: {order:?}");
    assert_eq!(shows.pending("a").await, 0);
    shows.close().await;
}

pub(crate) async fn what_fails_of_a_replay_is_an_open_error(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, events(0..4)).await;
    world.drain(&shows.store, "a").await;
    shows.start(&shows.plan(to("a"), "a").await).await;
    world.pass(10);
    let first = world.page(&shows.store, "a").await;
    let outcome = Outcome::Done {
        errors: vec![failing(&first.records[0], world.clock.now_ms())],
        again: vec![first.records[1].id],
        again_at_ms: world.clock.now_ms(),
    };
    world.settle(&shows.store, &first, 207, outcome).await;
    assert_eq!(shows.pending("a").await, 1);
    let child = world.page(&shows.store, "a").await;
    assert_eq!(texts(&child.records), [about(1, 1)]);
    world.done(&shows.store, &child).await;
    assert_eq!(shows.pending("a").await, 0);
    let errors = shows.store.open_errors(10).await.unwrap();
    assert_eq!(
        (errors.len(), errors[0].error.record, errors[0].page.as_ref()),
        (1, id(1, 0), Some(&first.id))
    );
    let kinds = |way: Vec<crate::desk::Step>| way.iter().map(|step| step.what).collect::<Vec<_>>();
    let way = kinds(shows.record(id(1, 0)).await.way);
    assert_eq!(way, [Received, Paged, Attempted, Delivered, Replayed, Attempted, Failed]);
    let way = kinds(shows.record(id(1, 1)).await.way);
    assert_eq!(
        way,
        [Received, Paged, Attempted, Delivered, Replayed, Attempted, Replayed, Attempted, Delivered]
    );
    assert_eq!(shows.names(&to("a")).await, ["1.3", "1.2", "1.1", "1.0"], "taken is taken");
    // It is on the desk now, not for a replay.
    assert_eq!(shows.plan(to("a"), "a").await.effect.changed, 3);
    shows.close().await;
}

pub(crate) async fn a_destinations_filter_is_asked_about_a_replay(world: &World) {
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(0..6)).await;
    world.drain(&shows.store, "a").await;
    let none = PageRequest { route: Arc::new(|_| Route::Skip), ..world.ask("b") };
    assert_eq!(wait(&shows.store, none).await, None);
    let plan = shows.plan(to("a"), "b").await;
    assert_eq!(plan.effect.changed, 6);
    shows.start(&plan).await;
    let now_ms = world.clock.now_ms();
    let route = Arc::new(move |record: &Record| match record.id.element {
        0 | 1 => Route::Skip,
        2 => Route::Fail(Box::new(failing(record, now_ms))),
        _ => Route::Take,
    });
    let taken = page(&shows.store, PageRequest { route, ..world.ask("b") }).await;
    assert_eq!(ids(&taken.records), ["1.3", "1.4", "1.5"]);
    world.done(&shows.store, &taken).await;
    let bulk = ended(&shows, plan.id).await;
    assert_eq!((bulk.total, bulk.done, bulk.left), (6, 4, 2));
    assert_eq!(shows.store.open_errors(10).await.unwrap().len(), 1);
    assert_eq!(shows.names(&to("b")).await, ["1.5", "1.4", "1.3"]);
    shows.close().await;
}

pub(crate) async fn a_replay_sends_what_the_hook_gave_and_does_not_ask_it_again(world: &World) {
    let shows = open(world, FIRST, &[PRE_PAGE, "a"]).await;
    world.deliver(&shows.store, events(0..3)).await;
    let hooked = world.page(&shows.store, PRE_PAGE).await;
    let other = r#"{"eventId":77,"objectId":5}"#;
    let outcome = Outcome::Hooked {
        changed: vec![(hooked.records[0].id, other.into())],
        dropped: vec![hooked.records[1].id],
        errors: Vec::new(),
        again: Vec::new(),
        again_at_ms: 0,
    };
    world.settle(&shows.store, &hooked, 200, outcome).await;
    world.drain(&shows.store, "a").await;
    let plan = shows.plan(RecordFilter::default(), "a").await;
    assert_eq!((plan.effect.matched, plan.effect.changed, plan.effect.left), (3, 2, 1));
    shows.start(&plan).await;
    assert_eq!(wait(&shows.store, world.ask(PRE_PAGE)).await, None);
    assert_eq!(texts(&world.drain(&shows.store, "a").await), [other.to_owned(), about(2, 2)]);
    shows.close().await;
}

pub(crate) async fn a_replay_that_is_killed_goes_on_and_sends_each_record_once(world: &World) {
    let mut shows = open(world, FIRST, &["a", "b"]).await;
    for part in 0..6 {
        world.deliver(&shows.store, events(part * 200..part * 200 + 200)).await;
    }
    for name in ["a", "b"] {
        assert_eq!(world.drain(&shows.store, name).await.len(), 1_200);
    }
    let plan = shows.plan(to("a"), "b").await;
    assert_eq!(plan.effect.changed, 1_200);
    shows.start(&plan).await;
    let mut sent: BTreeMap<RecordId, u32> = BTreeMap::new();
    let mut halfway = Vec::new();
    for round in 0..4 {
        for _ in 0..=round {
            let page = page(&shows.store, PageRequest { size: 70, ..world.ask("b") }).await;
            world.done(&shows.store, &page).await;
            for record in page.records {
                *sent.entry(record.id).or_default() += 1;
            }
        }
        // Leased and not settled: it comes again as it was.
        let leased = page(&shows.store, PageRequest { size: 30, ..world.ask("b") }).await;
        halfway.push(shows.desk.bulk(plan.id).await.unwrap().done);
        drop(shows);
        shows = open(world, FIRST, &["a", "b"]).await;
        let again = page(&shows.store, PageRequest { size: 1, ..world.ask("b") }).await;
        assert_eq!((&again.id, &again.records), (&leased.id, &leased.records));
        world.settle(&shows.store, &again, 503, Outcome::GivenBack).await;
    }
    assert_eq!(halfway, [100, 200, 370, 610]);
    for record in world.drain(&shows.store, "b").await {
        *sent.entry(record.id).or_default() += 1;
    }
    assert_eq!(sent.len(), 1_200);
    assert!(sent.values().all(|times| *times == 1), "one was sent twice");
    let bulk = ended(&shows, plan.id).await;
    assert_eq!((bulk.state, bulk.done, bulk.left), (BulkState::Done, 1_200, 0));
    assert_eq!(shows.pending("b").await, 0);
    shows.close().await;
}

pub(crate) async fn a_replay_can_be_stopped_and_ends_with_its_destination(world: &World) {
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(0..10)).await;
    world.drain(&shows.store, "a").await;
    world.drain(&shows.store, "b").await;
    let ask = || PageRequest { size: 4, ..world.ask("a") };
    let plan = shows.plan(to("a"), "a").await;
    shows.start(&plan).await;
    let leased = page(&shows.store, ask()).await;
    let stopped = shows.desk.cancel(ann(), plan.id).await.unwrap();
    assert_eq!((stopped.state, stopped.done, stopped.left), (BulkState::Cancelled, 4, 0));
    assert_eq!(shows.pending("a").await, 4, "what is in a page goes on");
    world.done(&shows.store, &leased).await;
    assert_eq!(wait(&shows.store, ask()).await, None);
    // The other destination goes while a replay waits for it.
    let plan = shows.plan(to("a"), "b").await;
    shows.start(&plan).await;
    set_destinations(&shows.store, &["a"]).await;
    let bulk = ended(&shows, plan.id).await;
    assert_eq!((bulk.state, bulk.done), (BulkState::Cancelled, 0));
    let lines = shows.desk.audit(Query { filter: None, cursor: None, limit: 1 }).await.unwrap().items;
    assert_eq!((lines[0].act.as_str(), lines[0].actor.as_str()), ("cancel", "listener"));
    assert_eq!(shows.store.status().await.unwrap().pending_records, 0);
    shows.close().await;
}

pub(crate) async fn what_is_gone_before_its_turn_is_left_and_counted(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    let padded = |id: u64| format!(r#"{{"eventId":{id},"text":"{}"}}"#, "x".repeat(2_000));
    for part in 0..4_u64 {
        world.deliver(&shows.store, body(&(part * 50..part * 50 + 50).map(padded).collect::<Vec<_>>())).await;
        world.drain(&shows.store, "a").await;
    }
    let plan = shows.plan(to("a"), "a").await;
    assert_eq!(plan.effect.changed, 200);
    shows.start(&plan).await;
    let first = page(&shows.store, PageRequest { size: 60, max_bytes: usize::MAX, ..world.ask("a") }).await;
    world.done(&shows.store, &first).await;
    world.pass(10 * HOUR_MS);
    // What keeps the last file from being removed is what came last.
    world.deliver(&shows.store, body(&(200..250).map(padded).collect::<Vec<_>>())).await;
    world.drain(&shows.store, "a").await;
    shows.store.retain(&short()).await.unwrap();
    let left = shows.names(&RecordFilter::default()).await.len();
    assert!(left < 250, "nothing is gone");
    world.drain(&shows.store, "a").await;
    let bulk = ended(&shows, plan.id).await;
    assert_eq!((bulk.state, bulk.done + bulk.left), (BulkState::Done, 200));
    assert!(bulk.left > 0 || bulk.done == 200, "{bulk:?}");
    shows.close().await;
}
