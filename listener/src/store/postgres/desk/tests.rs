//! The error desk on PostgreSQL: the shared suite, and what only the tables know.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use language::clock::Clock;
use secrecy::SecretString;
use tokio_postgres::NoTls;

use crate::desk::{Desk, History};
use crate::store::postgres::{Options, Postgres};
use crate::store::suite::{self, BEGIN_MS, MAX_REFUSED, Plain, World};
use crate::store::{Sorter, Store};

mod erasing;
mod million;
mod several;

/// Opens the store of a database.
pub(super) async fn open(url: &str, clock: &Clock, sorter: Sorter) -> Arc<Postgres> {
    let url = SecretString::from(url.to_owned());
    let options =
        Options { max_refused: MAX_REFUSED, ..Options::new(url, "sales", "contacts", sorter, clock.clone()) };
    Arc::new(Postgres::open(options).await.unwrap())
}

/// Rows of a statement, in the schema of the listener.
pub(super) async fn numbers(url: &str, sql: &str) -> Vec<i64> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    client.batch_execute("SET search_path = hsl_sales_contacts").await.unwrap();
    let rows = client.query(sql, &[]).await.unwrap();
    drop(client);
    let _ = driving.await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The leases of a process that was killed have run out.
async fn end_leases(url: &str) {
    let sql = "SELECT 1::bigint WHERE to_regclass('hsl_sales_contacts.page') IS NOT NULL";
    if !numbers(url, sql).await.is_empty() {
        let end = "UPDATE page SET leased_until = '2000-01-01' WHERE state = 1 RETURNING number";
        numbers(url, end).await;
    }
}

async fn reopen(url: &str, clock: &Clock, sorter: Sorter) -> Arc<Postgres> {
    end_leases(url).await;
    open(url, clock, sorter).await
}

/// A store in a database of its own.
pub(in crate::store::postgres) fn world(url: &str) -> World {
    let clock = Clock::manual(BEGIN_MS);
    let (database, at) = (url.to_owned(), clock.clone());
    let open = Box::new(move || {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move { reopen(&url, &clock, Arc::new(Plain)).await as Arc<dyn Store> };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let (database, at) = (url.to_owned(), clock.clone());
    let open_desk = Box::new(move |rules: suite::Rules| {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            let both = reopen(&url, &clock, Arc::new(rules)).await;
            (Arc::clone(&both) as Arc<dyn Store>, both as Arc<dyn Desk>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let (database, at) = (url.to_owned(), clock.clone());
    let open_history = Box::new(move |named: suite::Named| {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            let all = reopen(&url, &clock, Arc::new(named)).await;
            let (store, desk): (Arc<dyn Store>, Arc<dyn Desk>) =
                (Arc::<Postgres>::clone(&all), Arc::<Postgres>::clone(&all));
            (store, desk, all as Arc<dyn History>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    World { clock, open, open_desk, open_history }
}

macro_rules! shared {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let url = postgres_server::shared().database();
            suite::$name(&world(&url)).await;
            counters_are_those_of_the_errors(&url).await;
        }
    )* };
}

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

/// The tally, with what is not in it yet, counts what is there.
async fn counters_are_those_of_the_errors(url: &str) {
    let tally = "SELECT kind::text, key, value, destination, class, state, sum(number)::bigint FROM tallied \
         GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(number) <> 0";
    let counted = "SELECT kind, key, value, destination, class, state, count(*) FROM (\
         SELECT 'p'::text AS kind, 0::bigint AS key, '' AS value, destination, class, state FROM error \
         UNION ALL SELECT 'm', message, '', destination, class, state FROM error \
         UNION ALL SELECT 'h', hour_of(last_at), '', destination, class, state FROM error \
         UNION ALL SELECT 'a', 0, assignee, destination, class, state FROM error WHERE assignee IS NOT NULL \
         UNION ALL SELECT 't', 0, tag, destination, class, state FROM tag JOIN error ON error.id = tag.error\
         ) AS seen GROUP BY 1, 2, 3, 4, 5, 6";
    for (one, other) in [(tally, counted), (counted, tally)] {
        let wrong = format!("SELECT count(*) FROM (({one}) EXCEPT ({other})) AS wrong");
        assert_eq!(numbers(url, &wrong).await, [0], "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_error_stays_in_any_table_after_its_time() {
    let url = postgres_server::shared().database();
    suite::errors_go_after_their_time_with_all_that_is_theirs(&world(&url)).await;
    for (table, left) in [("payload", 2), ("tag", 1), ("note", 1), ("error", 2)] {
        assert_eq!(numbers(&url, &format!("SELECT count(*) FROM {table}")).await, [left], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; the same with fewer errors is above"]
async fn a_bulk_retry_of_100_000_errors_is_killed_and_sends_each_once() {
    let url = postgres_server::shared().database();
    suite::killed_halfway(&world(&url), 100_000).await;
}
