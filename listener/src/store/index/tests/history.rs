//! What the index shows: the shared suite, and what only the tables know.

use super::*;
use crate::desk::StepKind::{Attempted, Delivered, Failed, Paged, Pending, Received};
use crate::desk::{Act, Actor, Query, RecordFilter, Selection};
use crate::store::RecordId;

suite::history_tests!(shared);

// What PostgreSQL does not do: it keeps no search index.
shared! {
    a_trace_key_is_that_of_the_template_in_force_when_the_record_came
}

/// Makes `store.db` one of an older version, with what that version knew.
fn made_older(directory: &Path, version: usize) {
    let (file, older) = (directory.join("store.db"), directory.join("older.db"));
    let old = Connection::open(&older).unwrap();
    schema::write_version(&old, version).unwrap();
    old.execute("ATTACH ?1 AS new", [file.to_str().unwrap()]).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = old.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let mut tables =
        texts("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
    // What triggers write comes last.
    tables.sort_by_key(|name| name == "tally" || name == "facet");
    assert!(tables.len() > 10, "{tables:?}");
    for table in tables {
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')")).join(", ");
        old.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table}({columns}) SELECT {columns} FROM new.{table};"
        ))
        .unwrap();
    }
    old.execute_batch(
        "DELETE FROM main.sqlite_sequence; INSERT INTO main.sqlite_sequence SELECT * FROM new.sqlite_sequence \
         WHERE name IN (SELECT name FROM main.sqlite_schema); DETACH new;",
    )
    .unwrap();
    drop(old);
    std::fs::rename(older, file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_version_3_shows_its_history_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let named = suite::Named { prefix: "k" };
    let (store, ..) = (world.open_history)(named).await;
    suite::set_destinations(&store, &["a"]).await;
    world.deliver(&store, suite::body(&(0..5).map(suite::event).collect::<Vec<_>>())).await;
    let page = suite::page(&store, crate::store::PageRequest { size: 3, ..world.ask("a") }).await;
    let errors = vec![suite::failing(&page.records[0], BEGIN_MS)];
    world.settle(&store, &page, 207, Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 }).await;
    store.close().await;
    made_older(directory.path(), 3);
    let older = Connection::open(directory.path().join("store.db")).unwrap();
    let has = |sql: &str| older.prepare(sql).is_ok();
    assert!(has("SELECT records FROM delivery") && !has("SELECT key FROM search"), "it is of version 3");
    drop(older);
    let (store, desk, history) = (world.open_history)(named).await;
    suite::set_destinations(&store, &["a"]).await;
    let found = async |filter: RecordFilter| {
        let listing = history.records(Query { filter, cursor: None, limit: 100 }).await.unwrap().list;
        listing.items.into_iter().map(|shown| shown.record).collect::<Vec<_>>()
    };
    let filter = RecordFilter { delivered_to: Some("a".to_owned()), ..RecordFilter::default() };
    assert_eq!(found(filter.clone()).await, ["1.2", "1.1"]);
    let key = RecordFilter { trace_key: Some("k_3".to_owned()), ..RecordFilter::default() };
    assert_eq!(found(key).await, ["1.3"]);
    let kinds = async |element: u32| {
        let way = history.record(RecordId { delivery: 1, element }).await.unwrap().way;
        way.into_iter().map(|step| step.what).collect::<Vec<_>>()
    };
    assert_eq!(kinds(0).await, [Received, Paged, Attempted, Failed]);
    assert_eq!(kinds(1).await, [Received, Paged, Attempted, Delivered]);
    assert_eq!(kinds(4).await, [Received, Pending]);
    let act = Act::Replay { to: "a".to_owned() };
    let plan = desk.plan(Actor("ann".to_owned()), Selection::Records(filter), act).await.unwrap();
    assert_eq!(plan.effect.changed, 2);
    desk.start(Actor("ann".to_owned()), plan.id).await.unwrap();
    assert_eq!(store.status().await.unwrap().pending_records, 4);
    assert_eq!(world.drain(&store, "a").await.len(), 4);
    assert_eq!(world.deliver(&store, suite::body(&[suite::event(9)])).await, 2);
    assert_eq!(found(RecordFilter::default()).await, ["2.0", "1.4", "1.3", "1.2", "1.1", "1.0"]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_index_goes_with_the_segments_of_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let (store, _desk, history) = (world.open_history)(suite::Named { prefix: "k" }).await;
    suite::set_destinations(&store, &["a"]).await;
    let padded = |id: u64| format!(r#"{{"eventId":{id},"objectId":5,"text":"{}"}}"#, "x".repeat(2_000));
    let object = RecordFilter { object_id: Some("5".to_owned()), ..RecordFilter::default() };
    let entries = |directory: &Path| -> (i64, i64) {
        let connection = Connection::open(directory.join("store.db")).unwrap();
        let sql = "SELECT count(*), count(DISTINCT segment) FROM search";
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    for part in 0..4_u64 {
        let events: Vec<_> = (part * 50..part * 50 + 50).map(padded).collect();
        world.deliver(&store, suite::body(&events)).await;
        world.drain(&store, "a").await;
    }
    let begin = Instant::now();
    loop {
        let query = Query { filter: object.clone(), cursor: None, limit: 1_000 };
        let found = history.records(query).await.unwrap();
        assert_eq!(found.list.items.len(), 200);
        if found.behind == 0 {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "the search index does not follow");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (all, segments) = entries(directory.path());
    assert_eq!(all, 400, "a trace key and an object for each");
    assert!(segments > 1, "{segments}");
    world.pass(10 * HOUR_MS);
    store.retain(&suite::short()).await.unwrap();
    let (left, segments) = entries(directory.path());
    let kept = history.records(Query { filter: object, cursor: None, limit: 1_000 }).await.unwrap();
    assert_eq!(left, 2 * i64::try_from(kept.list.items.len()).unwrap());
    assert!(left < 400 && segments <= 1, "{left} {segments}");
    store.close().await;
}
