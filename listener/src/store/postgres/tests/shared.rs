//! Several processes on one store, and a server that goes away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::*;
use crate::store::{Outcome, PageRequest};

/// Two that are open at once, each with a pool of its own as two processes have.
async fn two(world: &World, lease: Duration) -> (String, [Arc<dyn Store>; 2]) {
    let url = postgres_server::shared().database();
    let mut stores = Vec::new();
    for _ in 0..2 {
        let options = Options { lease, ..options(&url, &world.clock, Arc::new(Plain)) };
        stores.push(Arc::new(Postgres::open(options).await.unwrap()) as Arc<dyn Store>);
    }
    for store in &stores {
        suite::set_destinations(store, &["a"]).await;
    }
    let mut stores = stores.into_iter();
    (url, [stores.next().unwrap(), stores.next().unwrap()])
}

const LONG: Duration = Duration::from_secs(30);

fn events(ids: std::ops::Range<u64>) -> Vec<String> {
    ids.map(suite::event).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_store_and_no_record_goes_twice() {
    let world = world(postgres_server::shared());
    let (_, stores) = two(&world, LONG).await;
    for part in 0..30 {
        world.append(&stores[part % 2], suite::body(&events(part as u64 * 10..(part as u64 + 1) * 10))).await;
    }
    let callers = (0..6).map(|at| {
        let (store, request) = (Arc::clone(&stores[at % 2]), PageRequest { size: 7, ..world.ask("a") });
        let at_ms = world.clock.now_ms();
        tokio::spawn(async move {
            let mut all = Vec::new();
            while let Lease::Page(page) = store.lease(request.clone()).await.unwrap() {
                all.extend(suite::texts(&page.records));
                let outcome = Outcome::Done { errors: Vec::new(), again: Vec::new(), again_at_ms: 0 };
                let attempt = Some(crate::store::Attempt { at_ms, took_ms: 1, status: Some(204) });
                store
                    .settle(Settlement { page: page.id, attempt, outcome, healed: Vec::new() })
                    .await
                    .unwrap();
            }
            all
        })
    });
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for caller in callers.collect::<Vec<_>>() {
        for text in caller.await.unwrap() {
            *seen.entry(text).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 300);
    assert!(seen.values().all(|times| *times == 1));
    let statuses = [stores[0].status().await.unwrap(), stores[1].status().await.unwrap()];
    assert_eq!(statuses[0].destinations, statuses[1].destinations, "the same from each of them");
    assert_eq!(statuses[0].destinations[0].delivered_records, 300);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_and_numbers_hold_over_two_processes_that_append_at_once() {
    let world = Arc::new(world(postgres_server::shared()));
    let (_, stores) = two(&world, LONG).await;
    let senders = (0..8_u64).map(|sender| {
        let (world, store) = (Arc::clone(&world), Arc::clone(&stores[usize::from(sender % 2 == 1)]));
        tokio::spawn(async move {
            let mut numbers = Vec::new();
            for turn in 0..20 {
                numbers.push(
                    world
                        .append(&store, suite::body(&events(sender * 100 + turn..sender * 100 + turn + 1)))
                        .await,
                );
            }
            numbers
        })
    });
    let mut all = BTreeSet::new();
    for sender in senders.collect::<Vec<_>>() {
        let numbers = sender.await.unwrap();
        assert!(numbers.windows(2).all(|two| two[0] < two[1]), "each sender's own come in order");
        all.extend(numbers);
    }
    assert_eq!(all.iter().copied().collect::<Vec<_>>(), (1..=160).collect::<Vec<_>>(), "no gap, none twice");
    let records = world.drain(&stores[1], "a").await;
    assert!(records.windows(2).all(|two| two[0].id < two[1].id), "in the order of the numbers");
    assert_eq!(records.len(), 160);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_two_processes_get_at_once_becomes_one_record() {
    let world = Arc::new(world(postgres_server::shared()));
    let (_, stores) = two(&world, LONG).await;
    for round in 0..10_u64 {
        let body = suite::body(&events(round * 50..(round + 1) * 50));
        let senders = (0..4).map(|at| {
            let (world, store, body) = (Arc::clone(&world), Arc::clone(&stores[at % 2]), body.clone());
            tokio::spawn(async move { world.append(&store, body).await })
        });
        for sender in senders.collect::<Vec<_>>() {
            sender.await.unwrap();
        }
    }
    let status = stores[0].status().await.unwrap();
    assert_eq!((status.events, status.records, status.duplicates), (2_000, 500, 1_500));
    assert_eq!(world.drain(&stores[0], "a").await.len(), 500);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_process_that_died_goes_to_another_and_what_the_dead_one_says_is_refused() {
    let world = world(postgres_server::shared());
    let (_, [dies, lives]) = two(&world, Duration::from_millis(600)).await;
    world.append(&dies, suite::body(&events(0..3))).await;
    let held = world.page(&dies, "a").await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    suite::wait(&lives, world.ask("a")).await.expect("until its lease may have run out");
    assert_eq!(
        lives.status().await.unwrap().destinations[0].leased_pages,
        1,
        "it is renewed while its holder lives"
    );
    drop(dies);
    let begin = Instant::now();
    let page = loop {
        match lives.lease(world.ask("a")).await.unwrap() {
            Lease::Page(page) => break page,
            Lease::Wait { until_ms } => assert!(until_ms.is_some(), "it becomes due by time"),
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "the lease does not run out");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((&page.id, &page.records, page.attempts), (&held.id, &held.records, 0));
    world.done(&lives, &page).await;
    assert_eq!(lives.status().await.unwrap().destinations[0].delivered_records, 3);
    lives.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_settlement_of_a_lost_lease_changes_nothing() {
    let world = world(postgres_server::shared());
    let (url, [late, other]) = two(&world, LONG).await;
    world.append(&late, suite::body(&events(0..3))).await;
    let held = world.page(&late, "a").await;
    // It stood still for longer than its lease.
    end_leases(&url);
    let page = world.page(&other, "a").await;
    assert_eq!(page.id, held.id);
    let outcome = Outcome::Done { errors: Vec::new(), again: Vec::new(), again_at_ms: 0 };
    let settlement =
        Settlement { page: held.id.clone(), attempt: Some(world.attempt(204)), outcome, healed: Vec::new() };
    assert!(matches!(late.settle(settlement).await, Err(StoreError::NotLeased(_))));
    assert_eq!(other.status().await.unwrap().destinations[0].leased_pages, 1);
    world.settle(&other, &page, 503, Outcome::Retry { at_ms: world.clock.now_ms() }).await;
    assert_eq!(world.page(&late, "a").await.attempts, 1);
    late.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_in_flight_are_bounded_over_both_processes() {
    let world = world(postgres_server::shared());
    let (_, stores) = two(&world, LONG).await;
    world.append(&stores[0], suite::body(&events(0..40))).await;
    let ask = || PageRequest { size: 1, max_leased: 3, ..world.ask("a") };
    let asking = (0..16).map(|at| {
        let (store, request) = (Arc::clone(&stores[at % 2]), ask());
        tokio::spawn(async move { store.lease(request).await.unwrap() })
    });
    let mut pages = Vec::new();
    for one in asking.collect::<Vec<_>>() {
        if let Lease::Page(page) = one.await.unwrap() {
            pages.push(page);
        }
    }
    assert_eq!(pages.len(), 3);
    assert!(suite::wait(&stores[0], ask()).await.is_some(), "it is looked again soon");
    // Whoever has it settles it; then there is a place again for each.
    let page = pages.pop().unwrap();
    let outcome = || Outcome::Done { errors: Vec::new(), again: Vec::new(), again_at_ms: 0 };
    let settle = |store: &Arc<dyn Store>| {
        let (store, page) = (Arc::clone(store), page.id.clone());
        let settlement = Settlement { page, attempt: None, outcome: outcome(), healed: Vec::new() };
        async move { store.settle(settlement).await }
    };
    if settle(&stores[0]).await.is_err() {
        settle(&stores[1]).await.unwrap();
    }
    suite::page(&stores[1], ask()).await;
    assert!(suite::wait(&stores[0], ask()).await.is_some());
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_is_told_what_another_puts_down() {
    let world = world(postgres_server::shared());
    let (_, stores) = two(&world, LONG).await;
    // Until it listens.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut changes = stores[1].changes();
    changes.mark_unchanged();
    let begin = Instant::now();
    world.append(&stores[0], suite::body(&events(0..1))).await;
    tokio::time::timeout(Duration::from_secs(5), changes.changed()).await.unwrap().unwrap();
    assert!(begin.elapsed() < Duration::from_millis(900), "before the look that comes every second");
    assert_eq!(world.page(&stores[1], "a").await.records.len(), 1);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_acknowledged_and_the_store_goes_on_by_itself() {
    let server = Server::start();
    let world = Arc::new(world(&server));
    let store = world.open(&["a"]).await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let (sender, given) = (Arc::clone(&world), Arc::clone(&acknowledged));
    let (to, clock) = (Arc::clone(&store), world.clock.clone());
    let sending = tokio::spawn(async move {
        let _world = sender;
        for id in 0..u64::MAX {
            let body = suite::body(&events(id..id + 1));
            let received = crate::verify::Received {
                id: Uuid::now_v7(),
                at_ms: clock.now_ms(),
                method: http::Method::POST,
                target: "/".to_owned(),
                host: None,
                headers: http::HeaderMap::new(),
                body: body.into(),
                peer: None,
            };
            match to.append(Request::proven(received)).await {
                Ok(_) => given.lock().unwrap().push(id),
                Err(AppendError::Write(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(AppendError::Closed) => return,
                Err(error) => panic!("{error}"),
            }
        }
    });
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        let begin = Instant::now();
        while store.health().is_ok() {
            assert!(begin.elapsed() < Duration::from_secs(15), "nobody sees that the server is gone");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(store.lease(world.ask("a")).await.is_err());
        server.start_again();
        while store.health().is_err() {
            assert!(begin.elapsed() < Duration::from_secs(40), "it does not come back: {:?}", store.health());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    sending.abort();
    let _ = sending.await;
    let mut ids = BTreeSet::new();
    while let Lease::Page(page) = store.lease(world.ask("a")).await.unwrap() {
        for record in &page.records {
            let fields: serde_json::Value = serde_json::from_slice(&record.bytes).unwrap();
            assert!(ids.insert(fields["eventId"].as_u64().unwrap()), "it came twice");
        }
        world.done(&store, &page).await;
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() > 20);
    assert!(acknowledged.iter().all(|id| ids.contains(id)), "acknowledged and lost");
    store.close().await;
}
