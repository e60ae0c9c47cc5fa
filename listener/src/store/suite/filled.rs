//! A store with something of everything, and all that can be asked of it: for what must keep all of it.

use super::*;
use crate::desk::{Act, Actor, Counting, ErrorDetail, ErrorFilter, Listing, Query, Range, RecordFilter};

/// The sides of a store that is open.
pub(crate) struct Sides {
    /// What deliveries and pages go through.
    pub(crate) store: Arc<dyn Store>,
    /// The error desk.
    pub(crate) desk: Arc<dyn Desk>,
    /// What was.
    pub(crate) history: Arc<dyn History>,
}

/// A world for what the shared suite does to a store that is open already.
pub(crate) fn open_already(clock: &Clock) -> World {
    fn never<T>() -> T {
        panic!("it is open already")
    }
    World {
        clock: clock.clone(),
        open: Box::new(never),
        open_desk: Box::new(|_| never()),
        open_history: Box::new(|_| never()),
    }
}

fn ann() -> Actor {
    Actor("ann".to_owned())
}

/// Fills a store: delivered, waiting, failed, edited, noted, tagged, dropped and changed by the hook, refused.
pub(crate) async fn fill(sides: &Sides, world: &World) {
    let Sides { store, desk, .. } = sides;
    set_destinations(store, &[PRE_PAGE, "a", "b"]).await;
    for delivery in 0..6 {
        let mut events: Vec<_> = (0..5).map(|at| event(delivery * 10 + at)).collect();
        events.push(r#"{"ignore":true}"#.to_owned());
        events.push("12".to_owned());
        world.deliver(store, body(&events)).await;
        // Known already.
        world.deliver(store, body(&events[..1])).await;
    }
    let hooked = page(store, PageRequest { size: 12, ..world.ask(PRE_PAGE) }).await;
    let outcome = Outcome::Hooked {
        changed: vec![(hooked.records[1].id, Bytes::from_static(b"{\"changed\":1}"))],
        dropped: vec![hooked.records[2].id],
        errors: vec![failing(&hooked.records[3], world.clock.now_ms())],
        again: Vec::new(),
        again_at_ms: 0,
    };
    world.settle(store, &hooked, 200, outcome).await;
    world.drain(store, PRE_PAGE).await;
    world.pass(1_000);
    let page = page(store, PageRequest { size: 10, ..world.ask("a") }).await;
    let errors = page.records[..3].iter().map(|record| failing(record, world.clock.now_ms())).collect();
    let again = vec![page.records[4].id];
    let outcome = Outcome::Done { errors, again, again_at_ms: world.clock.now_ms() + HOUR_MS };
    world.settle(store, &page, 207, outcome).await;
    let page = world.page(store, "b").await;
    world.done(store, &page).await;
    // Leased, and not settled.
    let page = world.page(store, "a").await;
    let retry = Outcome::Retry { at_ms: world.clock.now_ms() + 10 };
    store
        .settle(Settlement {
            page: page.id,
            attempt: Some(world.attempt(500)),
            outcome: retry,
            healed: vec![],
        })
        .await
        .unwrap();
    let errors = details(desk.as_ref()).await;
    let at_a: Vec<i64> = errors
        .iter()
        .filter(|error| error.shown.destination.as_deref() == Some("a"))
        .map(|error| error.shown.id)
        .collect();
    for act in [
        Act::Edit { payload: Some("{\"mended\":true}".to_owned()) },
        Act::Note { text: "größe \0 noted".to_owned() },
        Act::Tag { add: vec!["later".to_owned()], remove: Vec::new() },
        Act::Assign { to: Some("bob".to_owned()) },
    ] {
        desk.act(ann(), at_a[0], act).await.unwrap();
    }
    desk.act(ann(), at_a[1], Act::Retry).await.unwrap();
    desk.act(ann(), at_a[2], Act::Resolve).await.unwrap();
    store.refuse(refused(7, world.clock.now_ms()));
    while store.refused(5).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn details(desk: &dyn Desk) -> Vec<ErrorDetail> {
    let all: Listing<_> =
        desk.errors(Query { filter: ErrorFilter::default(), cursor: None, limit: 100 }).await.unwrap();
    let mut details = Vec::new();
    for error in all.items {
        details.push(desk.error(error.id).await.unwrap());
    }
    details
}

/// All that can be asked of a store, as text.
pub(crate) async fn told(sides: &Sides) -> Vec<String> {
    let Sides { store, desk, history } = sides;
    let mut told = Vec::new();
    let mut status = store.status().await.unwrap();
    status.file_bytes = 0;
    told.push(format!("{:?} {:?}", status.destinations, (status.events, status.records, status.duplicates)));
    told.push(format!(
        "{:?}",
        (status.ignored, status.deliveries, status.pending_records, status.open_errors)
    ));
    told.push(format!("{:?}", (status.refused_dropped, status.last_delivery_ms)));
    told.push(format!("{:?}", desk.count(ErrorFilter::default(), Counting::Exact).await.unwrap()));
    told.extend(details(desk.as_ref()).await.iter().map(|error| format!("{error:?}")));
    told.push(format!("{:?}", store.open_errors(100).await.unwrap()));
    told.push(format!("{:?}", store.refused(100).await.unwrap()));
    told.push(format!("{:?}", desk.audit(Query { filter: None, cursor: None, limit: 100 }).await.unwrap()));
    let records =
        history.records(Query { filter: RecordFilter::default(), cursor: None, limit: 100 }).await.unwrap();
    assert!(records.list.items.len() >= 30);
    for record in records.list.items {
        let id = record.record.parse().unwrap();
        told.push(format!("{:?}", history.record(id).await.unwrap()));
    }
    let range = Range { from_ms: BEGIN_MS - HOUR_MS, until_ms: BEGIN_MS + HOUR_MS, step_ms: 60_000 };
    told.push(format!("{:?}", history.series(range).await.unwrap()));
    told
}
