//! Records, and the search for them.

use super::*;

pub(crate) async fn records_are_listed_newest_first_as_they_are_named(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, events(0..3)).await;
    world.pass(1_000);
    world.deliver(&shows.store, format!("[{{\"ignore\":true}},{},5,{{\"x\":1}}]", about(3, 8))).await;
    assert_eq!(shows.names(&RecordFilter::default()).await, ["2.3", "2.1", "1.2", "1.1", "1.0"]);
    let listed = shows.records(&RecordFilter::default(), 2).await;
    let expected = RecordShown {
        record: "2.1".to_owned(),
        received_at_ms: world.clock.now_ms(),
        subscription_type: Some("contact.creation".to_owned()),
        object_id: Some("8".to_owned()),
        trace_key: "k_3".to_owned(),
        data_uri: "https://e/3".to_owned(),
    };
    assert_eq!(listed[1], expected);
    assert_eq!((listed[0].object_id.as_deref(), listed[0].trace_key.as_str()), (None, ""));
    let filter = RecordFilter { delivery: Some(1), ..RecordFilter::default() };
    assert_eq!(shows.names(&filter).await, ["1.2", "1.1", "1.0"]);
    let filter = RecordFilter { from_ms: Some(BEGIN_MS + 1), ..RecordFilter::default() };
    assert_eq!(shows.names(&filter).await, ["2.3", "2.1"]);
    let filter = RecordFilter { until_ms: Some(BEGIN_MS + 1), ..filter };
    assert!(shows.names(&filter).await.is_empty());
    let filter = RecordFilter { delivery: Some(9), ..RecordFilter::default() };
    assert!(shows.names(&filter).await.is_empty());
    shows.close().await;
}

pub(crate) async fn a_search_finds_each_record_once_however_far_the_index_is(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    let object = RecordFilter { object_id: Some("3".to_owned()), ..RecordFilter::default() };
    let mut expected: Vec<String> = Vec::new();
    for round in 0..40_u64 {
        let ids: Vec<u64> = (round * 50..round * 50 + 50).collect();
        world.deliver(&shows.store, body(&ids.iter().map(|id| about(*id, id % 7)).collect::<Vec<_>>())).await;
        let places = ids.iter().enumerate().filter(|(_, id)| **id % 7 == 3);
        expected.extend(places.map(|(place, _)| format!("{}.{place}", round + 1)));
        if round % 10 == 0 {
            // Wherever the index is just now.
            let found: Vec<String> = shows.names(&object).await;
            assert!(found.iter().eq(expected.iter().rev()), "round {round}");
        }
    }
    expected.reverse();
    assert_eq!(shows.names(&object).await, expected);
    shows.searched().await;
    assert_eq!(shows.names(&object).await, expected);
    let few: Vec<String> = shows.records(&object, 7).await.into_iter().map(|shown| shown.record).collect();
    assert_eq!(few, expected);
    let key = RecordFilter { trace_key: Some("k_777".to_owned()), ..RecordFilter::default() };
    assert_eq!(shows.names(&key).await, ["16.27"]);
    let both = RecordFilter { object_id: Some("0".to_owned()), ..key.clone() };
    assert_eq!(shows.names(&both).await, ["16.27"]);
    let neither = RecordFilter { object_id: Some("1".to_owned()), ..key.clone() };
    assert!(shows.names(&neither).await.is_empty());
    let elsewhere = RecordFilter { delivery: Some(15), ..key };
    assert!(shows.names(&elsewhere).await.is_empty());
    shows.close().await;
    // It is there after an opening, and goes on.
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, body(&[about(9_000, 3)])).await;
    expected.insert(0, "41.0".to_owned());
    assert_eq!(shows.names(&object).await, expected);
    shows.close().await;
}

pub(crate) async fn a_trace_key_is_that_of_the_template_in_force_when_the_record_came(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, events(0..5)).await;
    shows.searched().await;
    shows.close().await;
    let shows = open(world, Named { prefix: "new" }, &["a"]).await;
    world.deliver(&shows.store, events(5..9)).await;
    for indexed in [false, true] {
        if indexed {
            shows.searched().await;
        }
        for (key, expected) in
            [("k_3", &["1.3"][..]), ("new_3", &[]), ("new_7", &["2.2"]), ("k_7", &[]), ("", &[])]
        {
            let filter = RecordFilter { trace_key: Some(key.to_owned()), ..RecordFilter::default() };
            let found = shows.records(&filter, 10).await;
            assert_eq!(
                found.iter().map(|shown| shown.record.as_str()).collect::<Vec<_>>(),
                expected,
                "{key}"
            );
            assert!(found.iter().all(|shown| shown.trace_key == key));
        }
    }
    assert_eq!(shows.record(id(1, 3)).await.shown.trace_key, "new_3", "it is shown by the one in force");
    shows.close().await;
}

pub(crate) async fn records_that_a_destination_took_are_known(world: &World) {
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(0..6)).await;
    world.deliver(&shows.store, events(6..8)).await;
    // Of a: 0 fails, 1 goes again and is taken, 2 to 3 are taken; 4 to 7 are not settled.
    let first = page(&shows.store, PageRequest { size: 4, ..world.ask("a") }).await;
    let outcome = Outcome::Done {
        errors: vec![failing(&first.records[0], world.clock.now_ms())],
        again: vec![first.records[1].id],
        again_at_ms: world.clock.now_ms(),
    };
    world.settle(&shows.store, &first, 207, outcome).await;
    let child = page(&shows.store, PageRequest { size: 4, ..world.ask("a") }).await;
    assert_eq!(shows.names(&to("a")).await, ["1.3", "1.2"]);
    world.done(&shows.store, &child).await;
    assert_eq!(shows.names(&to("a")).await, ["1.3", "1.2", "1.1"]);
    // Of b: a filter leaves out the even ones.
    let odd = Arc::new(
        |record: &Record| if record.id.element.is_multiple_of(2) { Route::Skip } else { Route::Take },
    );
    let taken = page(&shows.store, PageRequest { route: odd, ..world.ask("b") }).await;
    assert!(shows.names(&to("b")).await.is_empty());
    world.done(&shows.store, &taken).await;
    assert_eq!(shows.names(&to("b")).await, ["2.1", "1.5", "1.3", "1.1"]);
    let filter = RecordFilter { object_id: Some("3".to_owned()), ..to("b") };
    assert_eq!(shows.names(&filter).await, ["1.3"]);
    shows.searched().await;
    assert_eq!(shows.names(&filter).await, ["1.3"]);
    assert!(shows.names(&to("c")).await.is_empty());
    // The error is retried and taken.
    let error = shows.desk.errors(Query { limit: 1, ..Query::default() }).await.unwrap().items[0].id;
    shows.desk.act(ann(), error, Act::Retry).await.unwrap();
    assert_eq!(world.drain(&shows.store, "a").await.len(), 5);
    assert_eq!(shows.names(&to("a")).await, ["2.1", "2.0", "1.5", "1.4", "1.3", "1.2", "1.1", "1.0"]);
    shows.close().await;
}
