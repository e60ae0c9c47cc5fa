//! The way of one record.

use StepKind::{Attempted, Changed, Delivered, Dropped, Failed, Filtered, Paged, Passed, Pending, Received};

use super::*;

pub(crate) async fn a_record_tells_each_step_of_its_way(world: &World) {
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(0..2)).await;
    let b = || at("b");
    assert_eq!(shows.way(id(1, 0)).await, [(Received, None), (Pending, at("a")), (Pending, b())]);
    world.pass(10);
    let first = world.page(&shows.store, "a").await;
    assert_eq!(shows.way(id(1, 0)).await, [(Received, None), (Paged, at("a")), (Pending, b())]);
    world.pass(10);
    world.settle(&shows.store, &first, 503, Outcome::Retry { at_ms: world.clock.now_ms() }).await;
    world.pass(10);
    let again = world.page(&shows.store, "a").await;
    world.pass(10);
    let outcome = Outcome::Done {
        errors: vec![failing(&again.records[1], world.clock.now_ms())],
        again: Vec::new(),
        again_at_ms: 0,
    };
    world.settle(&shows.store, &again, 207, outcome).await;
    let none = PageRequest { route: Arc::new(|_| Route::Skip), ..world.ask("b") };
    assert_eq!(wait(&shows.store, none).await, None);
    let detail = shows.record(id(1, 0)).await;
    assert_eq!(detail.payload.as_deref(), Some(about(0, 0).as_bytes()));
    assert_eq!(detail.changed, None);
    assert_eq!(detail.shown.trace_key, "k_0");
    let kinds: Vec<_> = detail.way.iter().map(|step| step.what).collect();
    assert_eq!(kinds, [Received, Paged, Attempted, Attempted, Delivered, Filtered]);
    let times: Vec<_> = detail.way.iter().map(|step| step.at_ms.map(|ms| ms - BEGIN_MS)).collect();
    assert_eq!(times, [Some(0), Some(10), Some(20), Some(40), Some(40), None]);
    let attempts: Vec<_> = detail.way[2..4].iter().map(|step| (step.status, step.took_ms)).collect();
    assert_eq!(attempts, [(Some(503), Some(7)), (Some(207), Some(7))]);
    let name = Some(first.id.to_string());
    assert!(detail.way[1..5].iter().all(|step| step.page == name && step.destination == at("a")));
    let failed = shows.record(id(1, 1)).await.way;
    let kinds: Vec<_> = failed.iter().map(|step| step.what).collect();
    assert_eq!(kinds, [Received, Paged, Attempted, Attempted, Failed, Filtered]);
    let error = shows.desk.errors(Query { limit: 1, ..Query::default() }).await.unwrap().items[0].id;
    assert_eq!(failed[4].error, Some(error));
    // Retried, and taken.
    world.pass(10);
    shows.desk.act(ann(), error, Act::Retry).await.unwrap();
    let retry = world.page(&shows.store, "a").await;
    world.done(&shows.store, &retry).await;
    let mended = shows.record(id(1, 1)).await.way;
    let kinds: Vec<_> = mended.iter().map(|step| step.what).collect();
    assert_eq!(kinds, [Received, Paged, Attempted, Attempted, Failed, Attempted, Delivered, Filtered]);
    assert_eq!((mended[6].error, &mended[5].page), (Some(error), &Some(retry.id.to_string())));
    for gone in [id(1, 2), id(2, 0)] {
        let gone = shows.history.record(gone).await;
        assert!(matches!(gone, Err(DeskError::NotFound { what: "record", .. })), "{gone:?}");
    }
    shows.close().await;
}

pub(crate) async fn what_goes_again_by_itself_is_followed(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, events(0..2)).await;
    let first = world.page(&shows.store, "a").await;
    let outcome = Outcome::Done {
        errors: Vec::new(),
        again: vec![first.records[1].id],
        again_at_ms: world.clock.now_ms(),
    };
    world.settle(&shows.store, &first, 207, outcome).await;
    world.pass(5);
    let child = world.page(&shows.store, "a").await;
    world.done(&shows.store, &child).await;
    let a = || at("a");
    assert_eq!(
        shows.way(id(1, 0)).await,
        [(Received, None), (Paged, a()), (Attempted, a()), (Delivered, a())]
    );
    let way = shows.record(id(1, 1)).await.way;
    let kinds: Vec<_> = way.iter().map(|step| step.what).collect();
    assert_eq!(kinds, [Received, Paged, Attempted, Paged, Attempted, Delivered]);
    assert_eq!((&way[3].page, &way[5].page), (&Some(child.id.to_string()), &Some(child.id.to_string())));
    shows.close().await;
}

pub(crate) async fn what_the_hook_said_is_a_part_of_the_way(world: &World) {
    let shows = open(world, FIRST, &[PRE_PAGE, "a"]).await;
    world.deliver(&shows.store, events(0..4)).await;
    let hook = || at(PRE_PAGE);
    assert_eq!(shows.way(id(1, 0)).await, [(Received, None), (Pending, hook()), (Pending, at("a"))]);
    let page = world.page(&shows.store, PRE_PAGE).await;
    world.pass(10);
    let other = r#"{"eventId":77,"objectId":5}"#;
    let outcome = Outcome::Hooked {
        changed: vec![(page.records[0].id, other.into())],
        dropped: vec![page.records[1].id],
        errors: vec![failing(&page.records[2], world.clock.now_ms())],
        again: Vec::new(),
        again_at_ms: 0,
    };
    world.settle(&shows.store, &page, 200, outcome).await;
    world.pass(10);
    assert_eq!(world.drain(&shows.store, "a").await.len(), 2);
    let begin = [(Received, None), (Paged, hook()), (Attempted, hook())];
    let end = [(Paged, at("a")), (Attempted, at("a")), (Delivered, at("a"))];
    let way = |middle: StepKind, end: &[(StepKind, Option<String>)]| {
        [&begin[..], &[(middle, hook())], end].concat()
    };
    assert_eq!(shows.way(id(1, 0)).await, way(Changed, &end));
    assert_eq!(shows.way(id(1, 1)).await, way(Dropped, &[]));
    assert_eq!(shows.way(id(1, 2)).await, way(Failed, &[]));
    assert_eq!(shows.way(id(1, 3)).await, way(Passed, &end));
    let changed = shows.record(id(1, 0)).await;
    assert_eq!(changed.changed.as_deref(), Some(other.as_bytes()));
    assert_eq!(changed.payload.as_deref(), Some(about(0, 0).as_bytes()), "as it came");
    assert_eq!(changed.shown.trace_key, "k_0", "of what came");
    shows.close().await;
}
