//! States as they stand in the tables.

use crate::desk::State;

/// The number that a state has in the tables.
pub(in crate::store) fn number(state: State) -> i64 {
    match state {
        State::Open => 0,
        State::Waiting => 1,
        State::Retrying => 2,
        State::Resolved => 3,
    }
}

/// The state of a number; none where no state has it.
pub(in crate::store) fn of(number: i64) -> Option<State> {
    State::ALL.into_iter().find(|state| self::number(*state) == number)
}

/// How an error was closed, as it stands in the tables and in the API.
pub(in crate::store) fn how(text: Option<&str>) -> &'static str {
    match text {
        Some("retried") => "retried",
        Some("newer_error") => "newer_error",
        Some("later_success") => "later_success",
        _ => "by_hand",
    }
}
