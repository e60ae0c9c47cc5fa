//! Replays, as every store plans them ([`planning`]) and cuts their pages ([`making`]).
//!
//! A record is handed on that was delivered somewhere (to `deliveredTo` where the filter names it) and
//! that does not come to the destination by itself: its cursor has passed it, no page of it that is not
//! settled holds it, it is no error there that somebody can retry, and no other replay to it waits.
//! One whose payload was erased is left, and counted apart.

pub(in crate::store) mod making;
pub(in crate::store) mod planning;

use crate::desk::DeskError;
use crate::store::PRE_PAGE;
use crate::store::desk::{conflict, invalid};

/// Who cancels what cannot go on.
pub(in crate::store) const LISTENER: &str = "listener";

/// Refuses what is no destination.
pub(in crate::store) fn check(to: &str, is_there: bool) -> Result<(), DeskError> {
    if to == PRE_PAGE {
        return Err(invalid(
            "to",
            "this is the hook, which is asked about a record once",
            "name a destination of the manifest",
        ));
    }
    if is_there {
        return Ok(());
    }
    let reason = format!("there is no destination {to:?}");
    Err(invalid("to", reason, "name a destination of the manifest"))
}

/// The destination of a plan went before it was started.
pub(in crate::store) fn gone(to: &str) -> DeskError {
    let reason = format!("the destination {to} is not there (any more)");
    conflict(reason, "add it to the manifest again, or plan anew")
}

/// The destination of a replay that runs went; a line of the audit log.
pub(in crate::store) fn ended_with(destination: &str) -> String {
    format!("the destination {destination} is gone")
}

/// A replay was started; a line of the audit log.
pub(in crate::store) fn started(total: u64, to: &str) -> String {
    format!("replay of {total} records to {to}")
}
