//! Accepted deliveries.

use super::*;
use crate::desk::{DeliveryFilter, DeliveryShown};

async fn all(shows: &Shows, filter: DeliveryFilter, limit: usize) -> Vec<DeliveryShown> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let query = Query { filter: filter.clone(), cursor, limit };
        let listing = shows.history.deliveries(query).await.unwrap();
        assert!(listing.items.len() <= limit);
        items.extend(listing.items);
        cursor = listing.next;
        if cursor.is_none() {
            return items;
        }
    }
}

pub(crate) async fn deliveries_are_listed_newest_first_with_what_they_gave(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    for number in 0..7 {
        world.deliver(&shows.store, events(number * 10..number * 10 + number)).await;
        world.pass(1_000);
    }
    // Of these one is a duplicate, one is ignored, one fails.
    let mixed = format!("[{},{{\"ignore\":true}},5,{}]", about(30, 2), about(100, 1));
    world.deliver(&shows.store, mixed.clone()).await;
    let found = all(&shows, DeliveryFilter::default(), 3).await;
    assert_eq!(found.iter().map(|one| one.delivery).collect::<Vec<_>>(), [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(found.iter().map(|one| one.records).collect::<Vec<_>>(), [1, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!((found[0].bytes, found[0].received_at_ms), (mixed.len() as u64, world.clock.now_ms()));
    assert!(found[0].request_id.parse::<Uuid>().is_ok());
    assert_eq!(shows.history.delivery(8).await.unwrap(), found[0]);
    let gone = shows.history.delivery(9).await;
    assert!(matches!(gone, Err(DeskError::NotFound { what: "delivery", .. })), "{gone:?}");
    let foreign =
        Query { filter: DeliveryFilter::default(), cursor: Some(Cursor::new("x".to_owned())), limit: 1 };
    let foreign = shows.history.deliveries(foreign).await;
    assert!(matches!(foreign, Err(DeskError::Invalid { field: "cursor", .. })), "{foreign:?}");
    shows.close().await;
}

pub(crate) async fn deliveries_of_a_time_are_those_that_arrived_in_it(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    for number in 0..20 {
        // The clock goes back once.
        if number == 12 {
            world.clock.set_ms(BEGIN_MS + 5_500);
        }
        world.deliver(&shows.store, body(&[about(number, 1)])).await;
        world.pass(1_000);
    }
    let listed = all(&shows, DeliveryFilter::default(), 50).await;
    for (from, until) in
        [(None, Some(6_000)), (Some(5_000), Some(9_000)), (Some(11_000), None), (Some(99_000), None)]
    {
        let (from_ms, until_ms) = (from.map(|ms: i64| BEGIN_MS + ms), until.map(|ms: i64| BEGIN_MS + ms));
        let expected: Vec<_> = listed
            .iter()
            .filter(|one| from_ms.is_none_or(|from| one.received_at_ms >= from))
            .filter(|one| until_ms.is_none_or(|until| one.received_at_ms < until))
            .cloned()
            .collect();
        assert_eq!(
            all(&shows, DeliveryFilter { from_ms, until_ms }, 2).await,
            expected,
            "{from:?} {until:?}"
        );
    }
    shows.close().await;
}
