//! The shared suite on PostgreSQL, and what only a store of several processes has to show.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use language::clock::Clock;
use postgres_server::Server;
use proptest::test_runner::{Config, TestRunner};
use secrecy::SecretString;

use super::*;
use crate::desk::{Desk, History};
use crate::store::suite::{self, BEGIN_MS, MAX_REFUSED, Plain, World};

mod opening;
mod places;
mod shared;

/// Schema of every listener in these tests.
const SCHEMA: &str = "hsl_sales_contacts";

fn options(url: &str, clock: &Clock, sorter: Sorter) -> Options {
    let url = SecretString::from(url.to_owned());
    Options { max_refused: MAX_REFUSED, ..Options::new(url, "sales", "contacts", sorter, clock.clone()) }
}

async fn open(url: &str, clock: &Clock) -> Postgres {
    Postgres::open(options(url, clock, Arc::new(Plain))).await.unwrap()
}

/// What a process that was killed had is due again once its leases have run out: as if that time had passed.
fn end_leases(url: &str) {
    let update = format!("UPDATE {SCHEMA}.page SET leased_until = '2000-01-01' WHERE state = 1");
    let there = format!("SELECT 1 WHERE to_regclass('{SCHEMA}.page') IS NOT NULL");
    if postgres_server::query_rows(url, &there) > 0 {
        postgres_server::execute(url, &update);
    }
}

fn world(server: &Server) -> World {
    let clock = Clock::manual(BEGIN_MS);
    let url = server.database();
    let (at, database) = (clock.clone(), url.clone());
    let open = Box::new(move || {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            end_leases(&url);
            Arc::new(open(&url, &clock).await) as Arc<dyn Store>
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let (at, database) = (clock.clone(), url.clone());
    let open_desk = Box::new(move |rules: suite::Rules| {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            end_leases(&url);
            let both = Arc::new(Postgres::open(options(&url, &clock, Arc::new(rules))).await.unwrap());
            (Arc::clone(&both) as Arc<dyn Store>, both as Arc<dyn Desk>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let at = clock.clone();
    let open_history = Box::new(move |named: suite::Named| {
        let (url, clock) = (url.clone(), at.clone());
        let opening = async move {
            end_leases(&url);
            let all = Arc::new(Postgres::open(options(&url, &clock, Arc::new(named))).await.unwrap());
            (Arc::clone(&all) as Arc<dyn Store>, Arc::clone(&all) as Arc<dyn Desk>, all as Arc<dyn History>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    World { clock, open, open_desk, open_history }
}

macro_rules! shared {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            suite::$name(&world(postgres_server::shared())).await;
        }
    )* };
}

shared! {
    an_event_goes_from_append_to_a_settled_page
    a_duplicate_is_known_within_a_body_across_bodies_and_after_reopening
    an_element_without_a_key_is_never_a_duplicate
    what_is_ignored_or_unusable_is_counted_and_kept_apart
    an_empty_array_is_a_delivery_without_events
    every_fixture_is_handed_on_byte_for_byte
    what_was_appended_before_a_stop_is_there_afterwards
    a_closed_store_says_so
    refused_requests_are_bounded_and_the_newest_stay
    refusing_never_waits_and_what_is_too_much_is_counted
    a_page_is_cut_by_count
    a_page_has_no_upper_limit_of_records
    a_page_is_cut_before_it_would_pass_its_bytes
    a_record_larger_than_a_page_goes_alone_and_is_marked
    a_page_waits_to_fill_no_longer_than_its_linger
    each_destination_takes_what_its_filter_names
    a_filter_looks_at_a_record_that_it_leaves_out_once
    a_filter_that_fails_on_a_record_leaves_an_open_error
    a_new_destination_begins_with_what_comes_then
    a_removed_destination_leaves_open_errors
    two_callers_never_get_the_same_record
    a_page_whose_caller_went_away_is_not_lost
    a_page_is_the_same_at_every_attempt
    retries_come_in_the_order_they_are_due
    no_page_is_cut_while_too_many_wait
    some_fail_some_go_again_the_rest_is_delivered
    a_page_given_back_costs_no_attempt_and_is_due_at_once
    a_settlement_that_cannot_be_changes_nothing
    a_change_is_told_when_a_delivery_is_indexed
    what_is_delivered_goes_after_its_time
    what_is_not_delivered_stays_whatever_its_age
    errors_and_refused_requests_go_after_their_time
    a_key_is_known_for_its_window_however_old_its_event
    destinations_wait_for_the_hook_and_take_what_it_gives
    what_the_hook_gave_is_read_at_every_attempt_and_after_reopening
    order_holds_while_the_hook_is_asked_again
    a_call_that_was_answered_and_not_settled_comes_again_as_it_was
    a_hook_that_is_added_begins_with_what_comes_then
    a_hook_that_is_removed_lets_what_waits_go_on_unchanged
    a_hooks_outcome_that_cannot_be_changes_nothing
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() })
}

#[test]
fn whatever_is_done_each_acknowledged_event_ends_once() {
    let runtime = runtime();
    runner()
        .run(&suite::steps(), |steps| {
            let world = world(postgres_server::shared());
            runtime.block_on(suite::whatever_is_done_each_acknowledged_event_ends_once(&world, steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn whatever_the_hook_does_each_record_goes_on_once_and_in_order() {
    let runtime = runtime();
    runner()
        .run(&suite::hook_steps(), |steps| {
            let world = world(postgres_server::shared());
            runtime
                .block_on(suite::whatever_the_hook_does_each_record_goes_on_once_and_in_order(&world, steps));
            Ok(())
        })
        .unwrap();
}
