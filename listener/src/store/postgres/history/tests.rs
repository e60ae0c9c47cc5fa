//! What PostgreSQL shows: the shared suite, but for searches by a former template.

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
    a_plan_of_a_replay_counts_and_does_nothing
    what_cannot_be_replayed_is_refused_with_field_and_remedy
    a_replay_goes_once_by_the_destinations_pages
    new_records_errors_and_replays_take_turns
    what_fails_of_a_replay_is_an_open_error
    a_destinations_filter_is_asked_about_a_replay
    a_replay_sends_what_the_hook_gave_and_does_not_ask_it_again
    a_replay_that_is_killed_goes_on_and_sends_each_record_once
    a_replay_can_be_stopped_and_ends_with_its_destination
    what_is_gone_before_its_turn_is_left_and_counted
}
