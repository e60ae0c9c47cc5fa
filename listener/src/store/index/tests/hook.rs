//! What the hook leaves in the tables of the index.

use super::*;
use crate::store::PRE_PAGE;

fn number(directory: &Path, sql: &str) -> i64 {
    Connection::open(directory.join("store.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_the_first_version_is_opened_and_takes_a_hook() {
    let directory = tempfile::tempdir().unwrap();
    let old = Connection::open(directory.path().join("store.db")).unwrap();
    schema::write_version(&old, 1).unwrap();
    old.execute_batch(
        "INSERT INTO meta(one, name, clean) VALUES (1, '00112233aabbccdd', 1); \
         INSERT INTO destination(name, cursor_delivery, cursor_index, cursor_ordinal, delivered) \
         VALUES ('a', 1, 0, 0, 7)",
    )
    .unwrap();
    drop(old);
    let world = world(directory.path());
    let store = world.open(&["a"]).await;
    assert_eq!(store.status().await.unwrap().destinations[0].delivered_records, 7);
    suite::destinations_wait_after_a_hook_was_added(&world, &store).await;
    store.close().await;
    assert_eq!(number(directory.path(), "PRAGMA user_version"), schema::version());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hook_gave_goes_with_the_records() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let store = world.open(&[PRE_PAGE, "a"]).await;
    for round in 0..40 {
        let events: Vec<_> = (round * 50..round * 50 + 50)
            .map(|id| format!(r#"{{"eventId":{id},"text":"{}"}}"#, "x".repeat(100)))
            .collect();
        world.deliver(&store, suite::body(&events)).await;
        let page = suite::page(&store, crate::store::PageRequest { size: 50, ..world.ask(PRE_PAGE) }).await;
        let changed = page.records.iter().map(|record| (record.id, record.bytes.clone())).collect();
        let outcome = Outcome::Hooked {
            changed,
            dropped: Vec::new(),
            errors: Vec::new(),
            again: Vec::new(),
            again_at_ms: 0,
        };
        world.settle(&store, &page, 200, outcome).await;
        assert_eq!(world.drain(&store, "a").await.len(), 50);
    }
    let of_gone = "SELECT count(*) FROM hooked WHERE delivery NOT IN (SELECT seq FROM delivery)";
    assert_eq!(number(directory.path(), "SELECT count(*) FROM hooked"), 2_000);
    world.pass(24 * HOUR_MS);
    assert!(store.retain(&suite::short()).await.unwrap().segments > 0);
    let left = number(directory.path(), "SELECT count(*) FROM hooked");
    assert!(left < 2_000, "{left}");
    assert_eq!(number(directory.path(), of_gone), 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_failed_at_the_hook_no_payload_stays_in_its_table() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let store = world.open(&[PRE_PAGE, "a"]).await;
    world.deliver(&store, suite::body(&[suite::event(1), suite::event(2)])).await;
    let page = world.page(&store, PRE_PAGE).await;
    let errors = page
        .records
        .iter()
        .map(|record| NewError { payload: None, ..suite::failing(record, BEGIN_MS) })
        .collect();
    world.settle(&store, &page, 400, Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 }).await;
    assert_eq!(suite::wait(&store, world.ask("a")).await, None);
    assert_eq!(number(directory.path(), "SELECT count(*) FROM hooked WHERE fate = 3"), 2);
    assert_eq!(number(directory.path(), "SELECT count(*) FROM hooked WHERE payload IS NOT NULL"), 0);
    store.close().await;
}

/// `SQLite` takes a partial index only where a query repeats its condition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_settled_is_found_by_its_index() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path(), &Clock::manual(BEGIN_MS)).await.close().await;
    let database = Connection::open(directory.path().join("store.db")).unwrap();
    let sources = [
        include_str!("../pages.rs"),
        include_str!("../status.rs"),
        include_str!("../destinations.rs"),
        include_str!("../hook.rs"),
    ];
    let mut looked = 0;
    for quoted in sources.iter().flat_map(|source| source.split('"')) {
        let sql = quoted.replace("\\\n", " ");
        let begins = ["SELECT", "UPDATE page"].iter().any(|verb| sql.starts_with(verb));
        if !begins || !sql.contains("state") || !sql.contains("page") || sql.contains("WHERE number") {
            continue;
        }
        let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> = plan.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
        let found = steps.iter().filter(|step| step.contains(" page"));
        assert!(found.clone().all(|step| step.contains("page_unsettled")), "{sql}: {steps:?}");
        looked += found.count();
    }
    assert!(looked >= 8, "{looked}");
}
