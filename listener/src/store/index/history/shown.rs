//! Records as lists show them.

use rusqlite::Connection;

use super::rows;
use crate::desk::RecordShown;
use crate::store::index::trouble::Trouble;
use crate::store::journal::Journal;
use crate::store::{RecordId, Sort};

pub(super) use crate::store::history::shown::{object_id, of};

/// Records by name, in the order of the names; those that are gone meanwhile are left out.
pub(super) fn all(
    connection: &Connection,
    journal: &Journal,
    sorter: &dyn Sort,
    ids: &[RecordId],
    searched: Option<&str>,
) -> Result<Vec<RecordShown>, Trouble> {
    let mut shown = Vec::with_capacity(ids.len());
    for ids in ids.chunk_by(|left, right| left.delivery == right.delivery) {
        let Some(first) = ids.first() else { continue };
        let Some(delivery) = rows::one(connection, first.delivery)? else { continue };
        for id in ids {
            let bytes = delivery.bytes(connection, journal, id.element)?;
            shown.push(of(*id, delivery.received_at_ms, bytes.as_deref(), sorter, searched));
        }
    }
    Ok(shown)
}
