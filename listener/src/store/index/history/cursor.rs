//! Cursors of the lists: a number, or a record.

use crate::desk::Cursor;
use crate::store::RecordId;
use crate::store::index::desk::fail::Fail;

/// The number in a cursor.
pub(super) fn number(cursor: &Cursor) -> Result<u64, Fail> {
    cursor.as_str().parse().map_err(|_| foreign())
}

/// The record in a cursor.
pub(super) fn record(cursor: &Cursor) -> Result<RecordId, Fail> {
    cursor.as_str().parse().map_err(|_| foreign())
}

fn foreign() -> Fail {
    Fail::invalid("cursor", "it is none that this list gave", "begin again without a cursor")
}
