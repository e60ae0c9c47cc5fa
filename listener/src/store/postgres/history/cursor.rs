//! Cursors of the lists: a number, or a record.

use crate::desk::{Cursor, DeskError};
use crate::store::RecordId;
use crate::store::desk::invalid;

/// The number in a cursor.
pub(super) fn number(cursor: &Cursor) -> Result<u64, DeskError> {
    cursor.as_str().parse().map_err(|_| foreign())
}

/// The record in a cursor.
pub(super) fn record(cursor: &Cursor) -> Result<RecordId, DeskError> {
    cursor.as_str().parse().map_err(|_| foreign())
}

fn foreign() -> DeskError {
    invalid("cursor", "it is none that this list gave", "begin again without a cursor")
}
