//! What every store's error desk has in common: which act fits which state, how states are
//! numbered in the tables, how counts are put together. Nothing here reads or writes.

pub(in crate::store) mod again;
pub(in crate::store) mod condition;
pub(in crate::store) mod counts;
pub(in crate::store) mod look;
pub(in crate::store) mod own;
pub(in crate::store) mod rules;
pub(in crate::store) mod states;
pub(in crate::store) mod text;

use crate::desk::DeskError;

/// The last number of a block of errors, of 1024 each: see `blocks.sql` of each store.
pub(in crate::store) fn last_of_block(block: i64) -> i64 {
    block.saturating_mul(1024).saturating_add(1023)
}

/// There is no such thing (any more).
pub(in crate::store) fn not_found(what: &'static str, id: i64) -> DeskError {
    DeskError::NotFound { what, id: id.to_string() }
}

/// Its state does not allow it.
pub(in crate::store) fn conflict(reason: impl Into<String>, remedy: &'static str) -> DeskError {
    DeskError::Conflict { reason: reason.into(), remedy }
}

/// It makes no sense.
pub(in crate::store) fn invalid(
    field: &'static str,
    reason: impl Into<String>,
    remedy: &'static str,
) -> DeskError {
    DeskError::Invalid { field, reason: reason.into(), remedy }
}
