//! What PostgreSQL shows: the shared suite, but for searches by a former template and for replays.

use crate::store::postgres::desk::tests::world;
use crate::store::suite;

macro_rules! shared {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let url = postgres_server::shared().database();
            suite::$name(&world(&url)).await;
        }
    )* };
}

shared! {
    deliveries_are_listed_newest_first_with_what_they_gave
    deliveries_of_a_time_are_those_that_arrived_in_it
    records_are_listed_newest_first_as_they_are_named
    a_search_finds_each_record_once_however_far_the_index_is
    records_that_a_destination_took_are_known
    a_record_tells_each_step_of_its_way
    what_goes_again_by_itself_is_followed
    what_the_hook_said_is_a_part_of_the_way
    refused_requests_are_found_by_cause_diagnosis_and_time
    minutes_count_what_happened_and_survive_a_restart
    the_backlog_is_noted_at_the_end_of_a_minute
    a_series_is_bounded_whatever_is_asked
    minutes_go_after_a_week
}
