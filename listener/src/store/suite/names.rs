//! The tests that each kind of store runs, named once. A store gives a macro that makes a test of each name.

/// Of the [`Store`](crate::store::Store).
macro_rules! store_tests {
    ($each:ident) => {
        $each! {
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
    };
}

/// Of its [`Desk`](crate::desk::Desk).
macro_rules! desk_tests {
    ($each:ident) => {
        $each! {
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
    };
}

/// Of its [`History`](crate::desk::History).
macro_rules! history_tests {
    ($each:ident) => {
        $each! {
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
    };
}

pub(crate) use {desk_tests, history_tests, store_tests};
