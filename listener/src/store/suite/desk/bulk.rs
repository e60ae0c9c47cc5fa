//! Acts on many errors.

use std::collections::BTreeSet;

use super::*;

/// Many errors in few deliveries, all at `a`; their numbers, oldest first.
async fn many(both: &Both, world: &World, number: u64) -> Vec<i64> {
    let mut event_id = 0;
    while event_id < number {
        let until = (event_id + 1_000).min(number);
        world.deliver(&both.store, body(&(event_id..until).map(event).collect::<Vec<_>>())).await;
        let page = page(&both.store, PageRequest { size: 1_000, ..world.ask("a") }).await;
        let errors = page.records.iter().map(|record| failing(record, world.clock.now_ms())).collect();
        world
            .settle(&both.store, &page, 400, Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 })
            .await;
        event_id = until;
    }
    let mut ids: Vec<i64> =
        both.all(&ErrorFilter::default(), 1_000).await.iter().map(|error| error.id).collect();
    ids.reverse();
    assert_eq!(ids.len() as u64, number);
    ids
}

pub(crate) async fn a_plan_says_what_would_be_done_and_does_nothing(world: &World) {
    let both = open(world, KEEPS_APART, &["a"]).await;
    let all: Vec<Failed> = (0..15).map(|id| Failed { payload: id != 3, ..plain(id) }).collect();
    let ids = both.fail(world, &all).await;
    both.act(ids[0], Act::Resolve).await.unwrap();
    both.act(ids[1], Act::Wait { until_ms: None }).await.unwrap();
    let before = both.counts(&ErrorFilter::default()).await;
    let plan = both.plan(ErrorFilter::default(), Act::Retry).await;
    let effect = plan.effect;
    assert_eq!((effect.matched, effect.changed, effect.left, effect.without_payload), (15, 13, 1, 1));
    let newest: Vec<i64> = ids.iter().rev().take(10).copied().collect();
    assert_eq!(plan.sample.iter().map(|error| error.id).collect::<Vec<_>>(), newest);
    assert_eq!(plan.expires_at_ms, world.clock.now_ms() + HOUR_MS);
    assert_eq!(both.counts(&ErrorFilter::default()).await, before);
    let listed = both.desk.bulks(Query { filter: (), cursor: None, limit: 10 }).await.unwrap();
    assert!(listed.items.is_empty(), "a plan is no bulk act");
    let edit = both.desk.plan(ann(), Selection::Errors(ErrorFilter::default()), edit("{}")).await;
    assert!(matches!(edit, Err(DeskError::Invalid { .. })), "{edit:?}");
    world.pass(HOUR_MS + 1);
    assert!(matches!(both.desk.start(ann(), plan.id).await, Err(DeskError::NotFound { .. })));
    both.close().await;
}

pub(crate) async fn a_bulk_act_does_what_was_planned_and_nothing_else(world: &World) {
    let both = open(world, KEEPS_APART, &["a"]).await;
    let ids = many(&both, world, 1_200).await;
    let plan = both.plan(only(State::Open), Act::Resolve).await;
    // Afterwards: one is closed by somebody, one comes.
    both.act(ids[7], Act::Resolve).await.unwrap();
    let resolved_by_hand = both.error(ids[7]).await.shown.resolution;
    world.pass(10);
    let late = both.fail(world, &[plain(5_000)]).await[0];
    let begun = both.desk.start(Actor("bob".to_owned()), plan.id).await.unwrap();
    assert_eq!((begun.total, begun.actor.as_str()), (1_200, "bob"));
    let twice = both.desk.start(ann(), plan.id).await;
    assert!(matches!(twice, Err(DeskError::Conflict { .. })), "{twice:?}");
    let ended = both.ended(plan.id).await;
    assert_eq!((ended.state, ended.done, ended.left), (BulkState::Done, 1_199, 1));
    assert!(ended.ended_at_ms.is_some());
    assert_eq!(both.state(late).await, State::Open);
    assert_eq!(both.error(ids[7]).await.shown.resolution, resolved_by_hand);
    assert_eq!(both.counters("a").await, (1, 0, 1));
    let audit = both.error(ids[3]).await.audit;
    let lines: Vec<_> =
        audit.iter().map(|line| (line.actor.as_str(), line.act.as_str(), line.bulk)).collect();
    assert_eq!(lines, [("bob", "resolve", Some(plan.id))]);
    assert_eq!(both.error(ids[7]).await.audit.len(), 1, "it was left");
    let stopped = both.desk.cancel(ann(), plan.id).await;
    assert!(matches!(stopped, Err(DeskError::Conflict { .. })), "{stopped:?}");
    let listed = both.desk.bulks(Query { filter: (), cursor: None, limit: 10 }).await.unwrap();
    assert_eq!(listed.items.iter().map(|bulk| bulk.id).collect::<Vec<_>>(), [plan.id]);
    assert!(matches!(both.desk.bulk(99).await, Err(DeskError::NotFound { .. })));
    both.close().await;
}

pub(crate) async fn a_bulk_act_can_be_stopped_and_what_is_done_stays_done(world: &World) {
    let both = open(world, KEEPS_APART, &["a"]).await;
    many(&both, world, 6_000).await;
    let plan = both.plan(ErrorFilter::default(), tag("mine")).await;
    both.desk.start(ann(), plan.id).await.unwrap();
    let bulk = both.desk.cancel(ann(), plan.id).await.unwrap();
    assert_eq!(bulk.state, BulkState::Cancelled);
    let tagged = ErrorFilter { tag: Some("mine".to_owned()), ..ErrorFilter::default() };
    let done = both.all(&tagged, 1_000).await.len() as u64;
    assert_eq!(done, bulk.done);
    assert!(done < 6_000, "{done}");
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(both.all(&tagged, 1_000).await.len() as u64, done);
    let lines = both.desk.audit(Query { filter: None, cursor: None, limit: 2 }).await.unwrap().items;
    assert_eq!(lines.iter().map(|line| line.act.as_str()).collect::<Vec<_>>(), ["cancel", "tag"]);
    both.close().await;
}

pub(crate) async fn a_bulk_retry_that_is_killed_goes_on_and_sends_each_error_once(world: &World) {
    killed_halfway(world, 6_000).await;
}

/// A bulk retry of `errors`, killed four times on its way.
pub(crate) async fn killed_halfway(world: &World, errors: u64) {
    let mut both = open(world, KEEPS_APART, &["a"]).await;
    let ids = many(&both, world, errors).await;
    let plan = both.plan(only(State::Open), Act::Retry).await;
    assert_eq!(plan.effect.changed, errors);
    both.desk.start(ann(), plan.id).await.unwrap();
    let mut halfway = BTreeSet::new();
    let mut sent: BTreeMap<RecordId, u64> = BTreeMap::new();
    for round in 0..4 {
        // Some of what is on its way already is taken before the kill.
        tokio::time::sleep(Duration::from_millis((3 + round) * errors / 6_000)).await;
        let ask = PageRequest { size: 300, ..world.ask("a") };
        if let Lease::Page(page) = both.store.lease(ask).await.unwrap() {
            world.done(&both.store, &page).await;
            for record in page.records {
                *sent.entry(record.id).or_default() += 1;
            }
        }
        halfway.insert(both.desk.bulk(plan.id).await.unwrap().done);
        drop(both);
        both = open(world, KEEPS_APART, &["a"]).await;
    }
    assert!(halfway.iter().any(|done| (1..errors).contains(done)), "never halfway: {halfway:?}");
    let ended = both.ended(plan.id).await;
    assert_eq!((ended.done, ended.left), (errors, 0));
    while let Lease::Page(page) =
        both.store.lease(PageRequest { size: 1_000, ..world.ask("a") }).await.unwrap()
    {
        world.done(&both.store, &page).await;
        for record in page.records {
            *sent.entry(record.id).or_default() += 1;
        }
    }
    assert_eq!(sent.len() as u64, errors);
    assert!(sent.values().all(|times| *times == 1), "one was sent twice");
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("resolved", ids.len() as u64)]));
    assert_eq!(both.counters("a").await, (0, 0, 0));
    both.close().await;
}
