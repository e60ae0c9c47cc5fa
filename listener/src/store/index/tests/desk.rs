//! The error desk on the index: the shared suite, and what only the tables know.

use super::*;
use crate::desk::{Act, Actor, Counting, ErrorFilter, Query};
use crate::store::index::desk::resend;
use crate::store::journal::NewEntry;

suite::desk_tests!(shared);

fn number(directory: &Path, sql: &str) -> i64 {
    Connection::open(directory.join("store.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn ann() -> Actor {
    Actor("ann".to_owned())
}

async fn errors(desk: &dyn Desk) -> Vec<crate::desk::ErrorShown> {
    desk.errors(Query { filter: ErrorFilter::default(), cursor: None, limit: 100 }).await.unwrap().items
}

/// A store of an older version with errors at a destination, before any, and at one that is gone.
fn older(directory: &Path, version: usize) {
    let old = Connection::open(directory.join("store.db")).unwrap();
    schema::write_version(&old, version).unwrap();
    old.execute_batch(
        "INSERT INTO meta(one, name, clean, open_errors) VALUES (1, '00112233aabbccdd', 1, 4); \
         INSERT INTO destination(name, cursor_delivery, cursor_index, cursor_ordinal, delivered, open_errors) \
         VALUES ('a', 1, 0, 0, 7, 2); \
         INSERT INTO error(id, destination, delivery, element, page, class, code, message, status, response, \
         trace_key, data_uri, payload, first_at, last_at, attempts) VALUES \
         (3, 'a', 1, 0, 4, 'value', 'http_400', 'no such property', 400, 'bad', '62515_1', 'https://e/1', \
         CAST('{\"a\":1}' AS BLOB), 100, 200, 2), \
         (4, 'a', 1, 1, 4, 'value', 'http_400', 'no such property', 400, NULL, '62515_2', '', NULL, 100, 300, 1), \
         (5, NULL, 2, 0, NULL, 'parse', 'not_json', 'not JSON', NULL, NULL, '', '', CAST('{' AS BLOB), 150, 150, 0), \
         (6, 'gone', 3, 0, 5, 'missing', 'destination_removed', 'gone', NULL, NULL, '', '', NULL, 160, 160, 1); \
         INSERT INTO error(id, delivery, element, class, code, message, trace_key, data_uri, first_at, last_at, attempts) \
         VALUES (40, 1, 1, 'value', '', '', '', '', 0, 0, 0); \
         DELETE FROM error WHERE id = 40",
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_errors_of_an_older_store_are_on_the_desk() {
    for version in [1, 2] {
        let directory = tempfile::tempdir().unwrap();
        older(directory.path(), version);
        let world = world(directory.path());
        let (store, desk) = (world.open_desk)(suite::Rules { folds: true }).await;
        suite::set_destinations(&store, &["a"]).await;
        let status = store.status().await.unwrap();
        assert_eq!((status.open_errors, status.destinations[0].open_errors), (4, 2), "version {version}");
        assert_eq!(status.destinations[0].delivered_records, 7);
        let all = errors(desk.as_ref()).await;
        assert_eq!(all.iter().map(|error| error.id).collect::<Vec<_>>(), [6, 5, 4, 3]);
        assert_eq!(all[1].destination, None);
        let whole = desk.error(3).await.unwrap();
        assert_eq!(whole.payload.as_deref(), Some(b"{\"a\":1}".as_slice()));
        assert_eq!((whole.shown.message.as_str(), whole.shown.attempts), ("no such property", 2));
        assert_eq!((whole.shown.first_at_ms, whole.shown.last_at_ms, whole.status), (100, 200, Some(400)));
        assert!(!desk.error(4).await.unwrap().shown.has_payload);
        let counts = desk.count(ErrorFilter::default(), Counting::Exact).await.unwrap();
        assert_eq!(counts.total, 4);
        assert_eq!(counts.by_destination[0], (Some("a".to_owned()), 2));
        desk.act(ann(), 3, Act::Retry).await.unwrap();
        let page = world.page(&store, "a").await;
        assert_eq!(suite::texts(&page.records), ["{\"a\":1}"]);
        world.done(&store, &page).await;
        world.deliver(&store, "[7]").await;
        assert_eq!(errors(desk.as_ref()).await[0].id, 41, "no number comes twice");
        store.close().await;
        assert_eq!(number(directory.path(), "PRAGMA user_version"), schema::version());
        assert_eq!(
            number(directory.path(), "SELECT count(*) FROM message WHERE text = 'no such property'"),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_comes_twice_is_taken_once() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let embedded = Arc::new(open(directory.path(), &world.clock).await);
    let store: Arc<dyn Store> = Arc::<Embedded>::clone(&embedded);
    suite::set_destinations(&store, &["a"]).await;
    world.deliver(&store, "[7]").await;
    let id = errors(embedded.as_ref()).await[0].id;
    // As after a kill: on its way, appended, and the note of it lost.
    let on_its_way = move |connection: &Connection| {
        connection
            .execute("UPDATE error SET state = 2, retried_by = 'ann', retry_page = 0 WHERE id = ?1", [id])?;
        Ok(())
    };
    embedded.inner.writer.call(Durability::Synced, on_its_way).await.unwrap();
    for _ in 0..3 {
        let entry = NewEntry {
            request: resend::request_id(id),
            received_at_ms: BEGIN_MS,
            body: bytes::Bytes::from_static(b"{\"eventId\":5}"),
        };
        embedded.inner.journal.append(entry).await.unwrap();
    }
    suite::indexed(&store).await;
    assert_eq!(suite::texts(&world.drain(&store, "a").await), ["{\"eventId\":5}"]);
    let status = store.status().await.unwrap();
    assert_eq!((status.records, status.events, status.open_errors), (1, 1, 0));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_error_stays_in_any_table_after_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    suite::errors_go_after_their_time_with_all_that_is_theirs(&world).await;
    for (table, left) in [("payload", 2), ("tag", 1), ("note", 1), ("error", 2)] {
        assert_eq!(number(directory.path(), &format!("SELECT count(*) FROM {table}")), left, "{table}");
    }
    counters_are_those_of_the_errors(directory.path());
}

/// The tally and the facets count what is there.
fn counters_are_those_of_the_errors(directory: &Path) {
    let tally = "SELECT destination, class, state, number FROM tally WHERE number <> 0";
    let counted = "SELECT destination, class, state, count(*) FROM error GROUP BY 1, 2, 3";
    let facet = "SELECT kind, value, destination, class, state, number FROM facet WHERE number <> 0";
    let seen = "SELECT kind, value, destination, class, state, count(*) FROM counted GROUP BY 1, 2, 3, 4, 5";
    assert!(number(directory, &format!("SELECT count(*) FROM ({facet})")) > 0);
    for (one, other) in [(tally, counted), (counted, tally), (facet, seen), (seen, facet)] {
        let wrong = format!("SELECT count(*) FROM (SELECT * FROM ({one}) EXCEPT SELECT * FROM ({other}))");
        assert_eq!(number(directory, &wrong), 0, "{wrong}");
    }
    let outside = "SELECT count(*) FROM error WHERE NOT EXISTS \
         (SELECT 1 FROM error_block WHERE number = id / 1024 AND earliest <= last_at)";
    assert_eq!(number(directory, outside), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_done_the_counters_are_those_of_the_errors() {
    let directory = tempfile::tempdir().unwrap();
    suite::who_did_what_stands_in_the_audit_log(&world(directory.path())).await;
    counters_are_those_of_the_errors(directory.path());
    let directory = tempfile::tempdir().unwrap();
    suite::a_retry_that_fails_opens_the_error_again_with_its_attempts_added(&world(directory.path())).await;
    counters_are_those_of_the_errors(directory.path());
    let directory = tempfile::tempdir().unwrap();
    suite::list_count_and_bulk_obey_a_filter_exactly(&world(directory.path())).await;
    counters_are_those_of_the_errors(directory.path());
    let directory = tempfile::tempdir().unwrap();
    older(directory.path(), 2);
    open(directory.path(), &Clock::manual(BEGIN_MS)).await.close().await;
    counters_are_those_of_the_errors(directory.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_up_to_a_time_obeys_it_in_every_block() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), &Clock::manual(BEGIN_MS)).await;
    let put = |connection: &Connection| Ok(connection.execute_batch(&suite::far_apart())?);
    store.inner.writer.call(Durability::Synced, put).await.unwrap();
    counters_are_those_of_the_errors(directory.path());
    assert_eq!(number(directory.path(), "SELECT count(*) FROM error_block"), 25);
    suite::each_time_is_obeyed_far_apart(&store, &store).await;
    store.close().await;
    assert_eq!(number(directory.path(), "SELECT count(*) FROM error_block"), 0, "they go with their errors");
}
