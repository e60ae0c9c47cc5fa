//! The error desk on the index: the shared suite, and what only the tables know.

use super::*;
use crate::desk::{Act, Actor, ErrorFilter, Query};
use crate::store::index::desk::resend;
use crate::store::journal::NewEntry;

shared! {
    an_act_is_done_in_the_states_that_allow_it_and_refused_in_the_others
    open_and_pending_are_right_at_each_step
    an_edited_payload_stands_beside_the_original
    who_did_what_stands_in_the_audit_log
    an_act_that_makes_no_sense_changes_nothing
    waiting_errors_open_by_themselves
    without_a_payload_there_is_nothing_to_edit_or_to_retry
    errors_go_after_their_time_with_all_that_is_theirs
    a_newer_error_closes_the_older_ones_of_its_key_at_its_destination
    an_error_of_an_earlier_event_does_not_close_a_later_one
    a_later_success_closes_the_older_errors_of_its_key
    nothing_folds_where_that_is_switched_off
    a_retry_sends_the_edited_payload_alone_to_where_it_failed
    a_retry_that_fails_opens_the_error_again_with_its_attempts_added
    of_a_page_of_retries_some_are_taken_some_fail_some_go_again
    retries_and_new_records_take_turns
    a_retry_goes_on_after_a_restart
    an_error_before_any_destination_goes_the_whole_way_once_more
    what_is_still_unusable_is_a_new_error_with_a_link
    a_retry_through_the_journal_survives_a_kill_at_any_moment
    a_retry_of_what_a_filter_failed_on_asks_the_filter_again
    a_retry_to_a_destination_that_is_gone_is_refused
    what_passes_the_hook_at_last_goes_to_each_destination_once
    what_the_hook_drops_or_fails_again_goes_nowhere
    a_retry_at_the_hook_survives_a_restart_and_its_end
    a_scan_that_passed_a_record_by_is_void_once_it_passes_the_hook
    a_plan_says_what_would_be_done_and_does_nothing
    a_bulk_act_does_what_was_planned_and_nothing_else
    a_bulk_act_can_be_stopped_and_what_is_done_stays_done
    a_bulk_retry_that_is_killed_goes_on_and_sends_each_error_once
    list_count_and_bulk_obey_a_filter_exactly
    a_list_has_no_gap_and_no_repeat_while_errors_arrive
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; the same with fewer errors is above"]
async fn a_bulk_retry_of_100_000_errors_is_killed_and_sends_each_once() {
    let directory = tempfile::tempdir().unwrap();
    suite::killed_halfway(&world(directory.path()), 100_000).await;
}

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
        let counts = desk.count(ErrorFilter::default()).await.unwrap();
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
