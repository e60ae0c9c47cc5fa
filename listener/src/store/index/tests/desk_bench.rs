//! One million open errors: how long a list, a count and a fold take.
//!
//! Not a part of the tests: `cargo test --release -p listener --lib one_million -- --ignored --nocapture`.
//! Prints a table and writes the section `desk` of `target/bench.json`.

use super::*;
use crate::desk::{ErrorFilter, State};
use crate::store::index::errors::{self, Place};
use crate::store::suite::million::{ERRORS, PLACES, lists_and_counts, median, new_error, newer};

fn fill(connection: &Connection, from: u64, until: u64) -> Result<(), super::super::trouble::Trouble> {
    for number in from..until {
        let place =
            Place { destination: PLACES[usize::try_from(number % 5).unwrap()], page: None, attempts: 1 };
        errors::insert(connection, place, &[new_error(number)], true)?;
    }
    Ok(())
}

fn keep(rows: &[(String, f64, f64)], fold: f64, fill: Duration) {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let path = target.join("bench.json");
    let read = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut all: serde_json::Map<String, serde_json::Value> = read.unwrap_or_default();
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, list, count)| serde_json::json!({"filter": name, "listMs": list, "countMs": count}))
        .collect();
    let desk = serde_json::json!({
        "errors": ERRORS,
        "optimised": !cfg!(debug_assertions),
        "fillSeconds": fill.as_secs_f64(),
        "foldMs": fold,
        "filters": rows,
    });
    all.insert("desk".to_owned(), desk);
    std::fs::write(&path, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of minutes, not a test"]
async fn one_million_open_errors_are_listed_counted_and_folded_quickly() {
    super::super::desk::way::FEW_IN_TESTS.store(i64::MAX, std::sync::atomic::Ordering::Relaxed);
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(BEGIN_MS);
    let store = open(directory.path(), &clock).await;
    store.set_destinations(&["crm".to_owned()]).await.unwrap();
    let begin = Instant::now();
    for from in (0..ERRORS).step_by(20_000) {
        let step = move |connection: &Connection| fill(connection, from, from + 20_000);
        store.inner.writer.call(Durability::Replayable, step).await.unwrap();
    }
    let mark = |connection: &Connection| {
        connection.execute_batch(
            "INSERT INTO tag SELECT 'often', id FROM error WHERE id % 10 = 3; \
             INSERT INTO tag SELECT 'rare', id FROM error WHERE id % 50000 = 3; \
             UPDATE error SET assignee = 'bob' WHERE id % 10 = 4; \
             UPDATE error SET assignee = 'ann' WHERE id % 50000 = 5",
        )?;
        Ok(())
    };
    store.inner.writer.call(Durability::Synced, mark).await.unwrap();
    let filled = begin.elapsed();
    println!(
        "filled in {:.1} s, {} MiB",
        filled.as_secs_f64(),
        store.status().await.unwrap().file_bytes >> 20
    );
    let rows = lists_and_counts(&store).await;
    let mut folds = Vec::new();
    for number in 0..100 {
        let newer = newer(number);
        let begin = Instant::now();
        let insert = move |connection: &Connection| {
            errors::insert(
                connection,
                Place { destination: PLACES[0], page: None, attempts: 1 },
                &[newer],
                true,
            )
        };
        store.inner.writer.call(Durability::Synced, insert).await.unwrap();
        folds.push(begin.elapsed());
    }
    let resolved =
        store.count(ErrorFilter { states: vec![State::Resolved], ..Default::default() }).await.unwrap();
    assert_eq!(resolved.total, 100);
    let fold = median(folds);
    println!("an error that closes an older one, synced: {fold:.2} ms");
    keep(&rows, fold, filled);
    store.close().await;
}
