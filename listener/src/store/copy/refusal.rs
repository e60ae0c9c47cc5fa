//! Why a copy is not begun, or is not whole: what both directions refuse, in one wording.

use super::Value;
use crate::store::StoreError;

/// How many replays are planned or under way. `$1`: a plan of before that time, in epoch milliseconds, is
/// forgotten.
pub(in crate::store) const REPLAYS: &str = "SELECT count(*) FROM bulk WHERE destination IS NOT NULL \
    AND (state = 1 OR (state = 0 AND planned_at > $1))";

/// A target that holds something else; `remedy` says how to get rid of it.
pub(in crate::store) fn held(place: &str, what: &str, remedy: &str) -> StoreError {
    StoreError::Open(format!(
        "{place} holds {what}: choose another place, or, where nobody needs it, {remedy}; nothing was changed"
    ))
}

/// A target that is not whole yet, to a listener.
pub(in crate::store) fn half(place: &str, remedy: &str) -> StoreError {
    StoreError::Open(format!(
        "{place} holds part of a copy of another store (listener store copy): let the copy end, or run the same \
         command again, which goes on where it was; to begin without it {remedy}"
    ))
}

/// A source whose listener has something to do first.
pub(in crate::store) fn not_now(place: &str, what: &str) -> StoreError {
    StoreError::Open(format!("{place}: {what}, then stop it and copy; nothing was copied"))
}

/// A source with replays, if there are any.
pub(in crate::store) fn replays(place: &str, number: i64) -> Result<(), StoreError> {
    if number == 0 {
        return Ok(());
    }
    Err(not_now(
        place,
        &format!(
            "{number} replays are planned or under way, and a copy does not go on with them: start the listener \
             and let them end or cancel them (listener errors bulk)"
        ),
    ))
}

/// Counters of a copy that are not those of its source. A number that was never given is as 0.
pub(in crate::store) fn counters(there: &[Value], here: &[Value]) -> Result<(), StoreError> {
    let as_set = |value: &Value| if *value == Value::Null { Value::Int(0) } else { value.clone() };
    if there.iter().map(as_set).eq(here.iter().map(as_set)) {
        return Ok(());
    }
    Err(StoreError::Failed(
        "the counters of the copy are not those of its source; the target is not marked as whole".to_owned(),
    ))
}
