//! What several processes on one database do at the same time.

use std::time::{Duration, Instant};

use super::*;
use crate::desk::{Act, Actor, BulkState, Counting, ErrorFilter, RecordFilter, Selection, State};
use crate::store::postgres::desk::errors::{self, Place};
use crate::store::{ErrorClass, Failure, Lease, NewError, PageRequest, RecordId};

const ERRORS: u64 = 700;

pub(super) async fn add(store: &Postgres, place: Place<'_>, new: &[NewError]) {
    let mut connection = store.inner.pool.connection().await.unwrap();
    let tx = connection.begin().await.unwrap();
    errors::insert(&tx, place, new, true).await.unwrap();
    tx.commit().await.unwrap();
}

async fn two(url: &str) -> [Arc<Postgres>; 2] {
    let clock = Clock::manual(BEGIN_MS);
    [open(url, &clock, Arc::new(Plain)).await, open(url, &clock, Arc::new(Plain)).await]
}

async fn close(stores: [Arc<Postgres>; 2]) {
    for store in stores {
        store.close().await;
    }
}

async fn bulk(store: &Postgres, act: Act) -> i64 {
    let ann = || Actor("ann".to_owned());
    let plan = store.plan(ann(), Selection::Errors(ErrorFilter::default()), act).await.unwrap();
    store.start(ann(), plan.id).await.unwrap();
    let begin = Instant::now();
    loop {
        let bulk = store.bulk(plan.id).await.unwrap();
        if bulk.state == BulkState::Done {
            assert_eq!((bulk.done, bulk.left), (ERRORS, 0));
            return plan.id;
        }
        assert!(begin.elapsed() < Duration::from_secs(40), "{bulk:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_do_one_bulk_act_and_nothing_of_it_twice() {
    let url = postgres_server::shared().database();
    let stores = two(&url).await;
    stores[0].set_destinations(&["crm".to_owned()]).await.unwrap();
    let new: Vec<NewError> = (0..ERRORS).map(new_error).collect();
    add(&stores[0], Place { destination: Some("crm"), page: None, attempts: 1 }, &new).await;
    bulk(&stores[1], Act::Note { text: "seen".to_owned() }).await;
    assert_eq!(numbers(&url, "SELECT count(*) FROM note").await, [700]);
    counters_are_those_of_the_errors(&url).await;
    close(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_send_each_error_before_any_destination_once() {
    let url = postgres_server::shared().database();
    let stores = two(&url).await;
    stores[0].set_destinations(&["a".to_owned()]).await.unwrap();
    let event = |number: u64| format!(r#"{{"eventId":{number}}}"#).into();
    let new: Vec<NewError> =
        (0..ERRORS).map(|number| NewError { payload: Some(event(number)), ..new_error(number) }).collect();
    add(&stores[0], Place::default(), &new).await;
    bulk(&stores[0], Act::Retry).await;
    let (begin, resolved) =
        (Instant::now(), ErrorFilter { states: vec![State::Resolved], ..Default::default() });
    while stores[0].count(resolved.clone(), Counting::Exact).await.unwrap().total < ERRORS {
        assert!(begin.elapsed() < Duration::from_secs(40));
        for store in &stores {
            store.inner.runner.wake();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let status = stores[1].status().await.unwrap();
    assert_eq!((status.records, status.events, status.open_errors), (ERRORS, 0, 0));
    let world = world(&url);
    let store: Arc<dyn Store> = Arc::<Postgres>::clone(&stores[1]);
    assert_eq!(world.drain(&store, "a").await.len() as u64, ERRORS);
    assert!(matches!(store.lease(world.ask("a")).await.unwrap(), Lease::Wait { .. }));
    close(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_one_key_that_arise_in_two_processes_at_once_fold_to_one() {
    let url = postgres_server::shared().database();
    let stores = two(&url).await;
    let same = NewError {
        record: RecordId { delivery: 1, element: 0 },
        trace_key: "one\0key".to_owned(),
        ..new_error(1)
    };
    let one = async |store: &Postgres| {
        for _ in 0..25 {
            let place = Place { destination: Some("a"), page: None, attempts: 1 };
            add(store, place, std::slice::from_ref(&same)).await;
        }
    };
    futures_util::future::join(one(&stores[0]), one(&stores[1])).await;
    let open = ErrorFilter { states: vec![State::Open], ..Default::default() };
    assert_eq!(stores[0].count(open.clone(), Counting::Exact).await.unwrap().total, 1);
    assert_eq!(stores[0].count(ErrorFilter::default(), Counting::Exact).await.unwrap().total, 50);
    assert_eq!(numbers(&url, "SELECT count(*) FROM message").await.len(), 1);
    // A character that PostgreSQL does not keep is found by itself all the same.
    let named = ErrorFilter { trace_key: Some("one\0key".to_owned()), ..open };
    assert_eq!(stores[1].count(named, Counting::Exact).await.unwrap().total, 1);
    counters_are_those_of_the_errors(&url).await;
    close(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_send_each_record_of_a_replay_once() {
    let url = postgres_server::shared().database();
    let world = world(&url);
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    let first = open(&url, &world.clock, Arc::new(Plain)).await;
    stores.push(Arc::<Postgres>::clone(&first));
    stores.push(open(&url, &world.clock, Arc::new(Plain)).await);
    suite::set_destinations(&stores[0], &["a"]).await;
    for part in 0..3_u64 {
        let events = (0..ERRORS / 7).map(|id| format!(r#"{{"eventId":{}}}"#, part * 1_000 + id));
        world.deliver(&stores[0], suite::body(&events.collect::<Vec<_>>())).await;
    }
    let all = world.drain(&stores[0], "a").await;
    assert_eq!(all.len(), 300);
    let ann = || Actor("ann".to_owned());
    let act = Act::Replay { to: "a".to_owned() };
    let plan = first.plan(ann(), Selection::Records(RecordFilter::default()), act).await.unwrap();
    first.start(ann(), plan.id).await.unwrap();
    let begin = Instant::now();
    let work = async |store: &Arc<dyn Store>| {
        let mut sent = Vec::new();
        while store.status().await.unwrap().pending_records > 0 {
            assert!(begin.elapsed() < Duration::from_secs(40));
            let ask = PageRequest { size: 7, max_leased: 3, ..world.ask("a") };
            match store.lease(ask).await.unwrap() {
                Lease::Page(page) => {
                    world.done(store, &page).await;
                    sent.extend(page.records.into_iter().map(|record| record.id));
                }
                Lease::Wait { .. } => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        sent
    };
    let (mut sent, other) = futures_util::future::join(work(&stores[0]), work(&stores[1])).await;
    sent.extend(other);
    sent.sort_unstable();
    assert_eq!(sent, all.iter().map(|record| record.id).collect::<Vec<_>>());
    let bulk = first.bulk(plan.id).await.unwrap();
    assert_eq!((bulk.state, bulk.done, bulk.left), (BulkState::Done, 300, 0));
    for store in stores {
        store.close().await;
    }
}

/// One of many.
fn new_error(number: u64) -> NewError {
    NewError {
        record: RecordId { delivery: number / 100 + 1, element: u32::try_from(number % 100).unwrap() },
        failure: Failure {
            class: ErrorClass::ALL[usize::try_from(number / 7 % 8).unwrap()],
            code: "http_400".to_owned(),
            message: format!("property p{} of the contact is not known to the system", number % 2_000),
            status: Some(400),
            response: Some("bad".to_owned()),
        },
        trace_key: format!("{}_{number}", 1_000 + number % 50),
        data_uri: format!("https://app.hubspot.com/contacts/{number}"),
        payload: Some(format!(r#"{{"objectId":{number}}}"#).into()),
        at_ms: BEGIN_MS,
    }
}
