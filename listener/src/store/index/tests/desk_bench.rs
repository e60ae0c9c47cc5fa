//! One million open errors: how long a list, a count and a fold take.
//!
//! Not a part of the tests: `cargo test --release -p listener --lib one_million -- --ignored --nocapture`.
//! Prints a table and writes the section `desk` of `target/bench.json`.

use super::*;
use crate::desk::{ErrorFilter, Query, State};
use crate::store::index::errors::{self, Place};
use crate::store::{ErrorClass, Failure, RecordId};

const ERRORS: u64 = 1_000_000;
const PLACES: [Option<&str>; 5] = [Some("crm"), Some("erp"), Some("warehouse"), Some("mail"), None];
const DAY_MS: i64 = 24 * HOUR_MS;
const RUNS: usize = 21;

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
        payload: Some(format!(r#"{{"objectId":{number},"text":"{}"}}"#, "x".repeat(200)).into()),
        at_ms: BEGIN_MS - 30 * DAY_MS + i64::try_from(number).unwrap() * (30 * DAY_MS / 1_000_000),
    }
}

fn fill(connection: &Connection, from: u64, until: u64) -> Result<(), super::super::trouble::Trouble> {
    for number in from..until {
        let place =
            Place { destination: PLACES[usize::try_from(number % 5).unwrap()], page: None, attempts: 1 };
        errors::insert(connection, place, &[new_error(number)], true)?;
    }
    Ok(())
}

fn filters() -> Vec<(&'static str, ErrorFilter)> {
    let none = ErrorFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let open = || ErrorFilter { states: vec![State::Open], ..none() };
    vec![
        ("no condition", none()),
        ("state", open()),
        ("state of none", ErrorFilter { states: vec![State::Resolved], ..none() }),
        ("destination", ErrorFilter { destination: text("erp"), ..none() }),
        ("class", ErrorFilter { class: Some(ErrorClass::Parse), ..none() }),
        ("trace key", ErrorFilter { trace_key: text("1007_500007"), ..none() }),
        ("trace key prefix, 1 match", ErrorFilter { trace_key_prefix: text("1007_500007"), ..none() }),
        ("trace key prefix, 20,000", ErrorFilter { trace_key_prefix: text("1007_"), ..none() }),
        ("trace key prefix, all", ErrorFilter { trace_key_prefix: text("1"), ..none() }),
        ("tag, 20", ErrorFilter { tag: text("rare"), ..none() }),
        ("tag, 100,000", ErrorFilter { tag: text("often"), ..none() }),
        ("assignee, 20", ErrorFilter { assignee: text("ann"), ..none() }),
        ("assignee, 100,000", ErrorFilter { assignee: text("bob"), ..none() }),
        ("assigned to nobody", ErrorFilter { assignee: text(""), ..none() }),
        ("text, 500", ErrorFilter { text: text("p1234 "), ..none() }),
        ("text, all", ErrorFilter { text: text("CONTACT"), ..none() }),
        ("text, none", ErrorFilter { text: text("nowhere"), ..none() }),
        ("last hour", ErrorFilter { from_ms: Some(BEGIN_MS - HOUR_MS), ..none() }),
        ("last day", ErrorFilter { from_ms: Some(BEGIN_MS - DAY_MS), ..none() }),
        (
            "one hour, 20 days ago",
            ErrorFilter {
                from_ms: Some(BEGIN_MS - 20 * DAY_MS),
                until_ms: Some(BEGIN_MS - 20 * DAY_MS + HOUR_MS),
                ..none()
            },
        ),
        ("before the last week", ErrorFilter { until_ms: Some(BEGIN_MS - 7 * DAY_MS), ..none() }),
        (
            "open, destination, class, last day",
            ErrorFilter {
                destination: text("crm"),
                class: Some(ErrorClass::Value),
                from_ms: Some(BEGIN_MS - DAY_MS),
                ..open()
            },
        ),
        (
            "open, destination, text, prefix",
            ErrorFilter {
                destination: text("crm"),
                text: text("p10"),
                trace_key_prefix: text("101"),
                ..open()
            },
        ),
    ]
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1_000.0
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
    println!("{:<40} {:>10} {:>10} {:>10}", "filter", "matches", "list ms", "count ms");
    let mut rows = Vec::new();
    for (name, filter) in filters() {
        let (mut lists, mut counts, mut total) = (Vec::new(), Vec::new(), 0);
        for _ in 0..RUNS {
            let query = Query { filter: filter.clone(), cursor: None, limit: 50 };
            let begin = Instant::now();
            let listed = store.errors(query).await.unwrap();
            lists.push(begin.elapsed());
            let begin = Instant::now();
            total = store.count(filter.clone()).await.unwrap().total;
            counts.push(begin.elapsed());
            assert_eq!(listed.items.len() as u64, total.min(50), "{name}");
            if lists.iter().chain(&counts).sum::<Duration>() > Duration::from_secs(6) {
                break;
            }
        }
        let (list, count) = (median(lists), median(counts));
        println!("{name:<40} {total:>10} {list:>10.2} {count:>10.2}");
        rows.push((name.to_owned(), list, count));
    }
    let mut folds = Vec::new();
    for number in 0..100 {
        let newer = NewError {
            record: RecordId { delivery: 100_000, element: u32::try_from(number).unwrap() },
            ..new_error(number * 5_000)
        };
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
