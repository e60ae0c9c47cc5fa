//! Folding: a newer error, or a later success, of one trace key at one destination closes the
//! older errors, so that a record that failed five times is one thing to look at.
//!
//! Newer means: of an event that arrived later (or of the same one). An event that was on its way
//! while a later one failed does not close that one.

use rusqlite::{Connection, params};

use crate::store::RecordId;
use crate::store::index::trouble::{Trouble, signed};

/// What closes older errors.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::index) enum Closer {
    /// The error of this number.
    Error(i64),
    /// The record was taken.
    Success,
}

/// Closes what is open or waits, of this key at this destination, and not newer than `record`.
pub(in crate::store::index) fn close_older(
    connection: &Connection,
    destination: &str,
    trace_key: &str,
    record: RecordId,
    closer: Closer,
    now_ms: i64,
) -> Result<(), Trouble> {
    if trace_key.is_empty() {
        return Ok(());
    }
    let (how, newer) = match closer {
        Closer::Error(id) => ("newer_error", Some(id)),
        Closer::Success => ("later_success", None),
    };
    connection
        .prepare_cached(
            "UPDATE error INDEXED BY error_trace SET state = 3, resolved_at = ?5, resolution = ?6, newer_error = ?7, \
             waits_until = NULL WHERE trace_key = ?1 AND destination = ?2 AND state IN (0, 1) \
             AND (delivery, element) <= (?3, ?4) AND id IS NOT ?7",
        )?
        .execute(params![trace_key, destination, signed(record.delivery), record.element, now_ms, how, newer])?;
    Ok(())
}

/// Whether a destination has errors that a success could close.
pub(in crate::store::index) fn has_any(connection: &Connection, destination: &str) -> Result<bool, Trouble> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM tally WHERE destination = ?1 AND state IN (0, 1) AND number > 0")?
        .exists([destination])?)
}
