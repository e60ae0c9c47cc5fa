//! One million open errors: how long a list, a count and a fold take on PostgreSQL.
//!
//! Not a part of the tests: `cargo test --release -p listener --lib postgres::desk::tests::million --
//! --ignored --nocapture`. Prints a table.

use std::time::{Duration, Instant};

use super::several::add;
use super::*;
use crate::desk::{ErrorFilter, State};
use crate::store::NewError;
use crate::store::postgres::desk::errors::Place;
use crate::store::postgres::desk::way::FEW_IN_TESTS;
use crate::store::suite::million::{ERRORS, PLACES, lists_and_counts, median, new_error, newer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of minutes, not a test"]
async fn one_million_open_errors_are_listed_counted_and_folded_quickly() {
    FEW_IN_TESTS.store(i64::MAX, std::sync::atomic::Ordering::Relaxed);
    let url = postgres_server::shared().database();
    let store = open(&url, &Clock::manual(BEGIN_MS), Arc::new(Plain)).await;
    let begin = Instant::now();
    for from in (0..ERRORS).step_by(5_000) {
        for (at, destination) in PLACES.into_iter().enumerate() {
            let place = Place { destination, page: None, attempts: 1 };
            let new: Vec<NewError> =
                (from..from + 5_000).filter(|number| number % 5 == at as u64).map(new_error).collect();
            add(&store, place, &new).await;
        }
    }
    for mark in [
        "INSERT INTO tag SELECT 'often', id FROM error WHERE id % 10 = 3 RETURNING error",
        "INSERT INTO tag SELECT 'rare', id FROM error WHERE id % 50000 = 3 RETURNING error",
        "UPDATE error SET assignee = 'bob' WHERE id % 10 = 4 RETURNING id",
        "UPDATE error SET assignee = 'ann' WHERE id % 50000 = 5 RETURNING id",
    ] {
        numbers(&url, mark).await;
    }
    println!("filled in {:.1} s", begin.elapsed().as_secs_f64());
    while numbers(&url, "SELECT count(*) FROM tally_delta").await[0] > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for table in ["error", "tally", "tally_delta", "tag"] {
        let mut connection = store.inner.pool.connection().await.unwrap();
        let alone = connection.alone().unwrap();
        alone.batch_execute(&format!("SET statement_timeout = 0; ANALYZE {table}")).await.unwrap();
        alone.batch_execute(&format!("VACUUM {table}")).await.unwrap();
    }
    lists_and_counts(store.as_ref()).await;
    let mut folds = Vec::new();
    for number in 0..100 {
        let begin = Instant::now();
        add(&store, Place { destination: PLACES[0], page: None, attempts: 1 }, &[newer(number)]).await;
        folds.push(begin.elapsed());
    }
    let resolved =
        store.count(ErrorFilter { states: vec![State::Resolved], ..Default::default() }).await.unwrap();
    assert_eq!(resolved.total, 100);
    println!("an error that closes an older one, committed: {:.2} ms", median(folds));
    store.close().await;
}
