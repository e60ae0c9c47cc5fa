//! Errors that close older ones.

use super::*;

fn same(event: u64) -> Failed {
    Failed { key: "62515_1".to_owned(), ..plain(event) }
}

pub(crate) async fn a_newer_error_closes_the_older_ones_of_its_key_at_its_destination(world: &World) {
    let both = open(world, FOLDS, &["a", "b"]).await;
    let old = both.fail(world, &[same(1)]).await[0];
    let other = both.fail(world, &[plain(2)]).await[0];
    let page = world.page(&both.store, "b").await;
    both.fail_page(world, &page, &same(1)).await;
    let at_b = ErrorFilter { destination: Some("b".to_owned()), ..only(State::Open) };
    assert_eq!(both.all(&at_b, 10).await.len(), 1, "also within a page the newer closes the older");
    both.act(old, Act::Wait { until_ms: Some(BEGIN_MS + 50_000_000) }).await.unwrap();
    let new = both.fail(world, &[same(3)]).await[0];
    let resolution = both.error(old).await.shown.resolution.unwrap();
    assert_eq!((resolution.how, resolution.newer_error, resolution.by), ("newer_error", Some(new), None));
    assert_eq!(both.error(old).await.shown.waits_until_ms, None);
    assert_eq!(both.error(new).await.folded, [old]);
    assert_eq!(both.state(other).await, State::Open);
    assert_eq!(both.all(&at_b, 10).await.len(), 1, "of its destination only");
    both.close().await;
}

pub(crate) async fn an_error_of_an_earlier_event_does_not_close_a_later_one(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    world.deliver(&both.store, body(&[event(1)])).await;
    let early = world.page(&both.store, "a").await;
    let late = both.fail(world, &[same(2)]).await[0];
    both.fail_page(world, &early, &same(1)).await;
    assert_eq!(both.state(late).await, State::Open);
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("open", 2)]));
    // The same the other way: a success of an earlier event says nothing of a later one.
    world.deliver(&both.store, body(&[event(3)])).await;
    let early = world.page(&both.store, "a").await;
    let late = both.fail(world, &[Failed { key: "k".to_owned(), ..plain(4) }]).await[0];
    both.take(world, &early, "k").await;
    assert_eq!(both.state(late).await, State::Open);
    both.close().await;
}

pub(crate) async fn a_later_success_closes_the_older_errors_of_its_key(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    world.deliver(&both.store, body(&[event(9)])).await;
    let page = world.page(&both.store, "a").await;
    assert!(!page.heals, "nothing is there to be closed");
    world.done(&both.store, &page).await;
    let ids = both.fail(world, &[same(1), plain(2)]).await;
    world.deliver(&both.store, body(&[event(3)])).await;
    let page = world.page(&both.store, "a").await;
    assert!(page.heals);
    both.take(world, &page, "62515_1").await;
    let resolution = both.error(ids[0]).await.shown.resolution.unwrap();
    assert_eq!((resolution.how, resolution.newer_error, resolution.by), ("later_success", None, None));
    assert_eq!(both.state(ids[1]).await, State::Open);
    assert_eq!(both.counters("a").await, (1, 0, 1));
    both.close().await;
}

pub(crate) async fn nothing_folds_where_that_is_switched_off(world: &World) {
    let both = open(world, KEEPS_APART, &["a"]).await;
    both.fail(world, &[same(1), same(2)]).await;
    world.deliver(&both.store, body(&[event(3)])).await;
    let page = world.page(&both.store, "a").await;
    both.take(world, &page, "62515_1").await;
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("open", 2)]));
    both.close().await;
}
