//! Counters, read without counting: a row of `meta`, a row for each destination, the tally of
//! errors, and the few pages that are not settled. An error that is sent again is pending, not open.

use std::path::Path;

use rusqlite::Connection;

use super::trouble::{Trouble, signed, unsigned};
use crate::store::{DestinationStatus, HookStatus, PRE_PAGE, Status};

/// What the tables know; the rest is the journal's and the process's.
pub(super) fn read(connection: &Connection) -> Result<Status, Trouble> {
    let transaction = connection.unchecked_transaction()?;
    let mut status = transaction
        .prepare_cached(
            "SELECT last_delivery, events, records, duplicates, ignored, \
             (SELECT coalesce(sum(number), 0) FROM tally WHERE state IN (0, 1)), refused_kept, \
             refused_dropped, last_received_at FROM meta",
        )?
        .query_row([], |row| {
            Ok(Status {
                deliveries: unsigned(row.get(0)?),
                events: unsigned(row.get(1)?),
                records: unsigned(row.get(2)?),
                duplicates: unsigned(row.get(3)?),
                ignored: unsigned(row.get(4)?),
                open_errors: unsigned(row.get(5)?),
                refused_kept: unsigned(row.get(6)?),
                refused_dropped: unsigned(row.get(7)?),
                last_delivery_ms: row.get(8)?,
                ..Status::default()
            })
        })?;
    let records = signed(status.records);
    let all: Vec<(DestinationStatus, u64)> = transaction
        .prepare_cached(
            "SELECT name, page_records + ?1 - cursor_ordinal + \
             (SELECT coalesce(sum(number), 0) FROM tally WHERE destination = name AND state = 2), \
             (SELECT count(*) FROM page WHERE destination = name AND state = 0 AND state < 2), \
             (SELECT count(*) FROM page WHERE destination = name AND state = 1 AND state < 2), \
             delivered, ignored, \
             (SELECT coalesce(sum(number), 0) FROM tally WHERE destination = name AND state IN (0, 1)), \
             withheld, changed FROM destination ORDER BY name",
        )?
        .query_map([records], |row| {
            let counts = DestinationStatus {
                name: row.get(0)?,
                pending_records: unsigned(row.get(1)?),
                waiting_pages: unsigned(row.get(2)?),
                leased_pages: unsigned(row.get(3)?),
                delivered_records: unsigned(row.get(4)?),
                ignored_records: unsigned(row.get(5)?),
                open_errors: unsigned(row.get(6)?),
                withheld_records: unsigned(row.get(7)?),
            };
            Ok((counts, unsigned(row.get(8)?)))
        })?
        .collect::<Result<_, _>>()?;
    for (counts, changed) in all {
        if counts.name == PRE_PAGE {
            status.hook = Some(HookStatus::of(&counts, changed));
        } else {
            status.destinations.push(counts);
        }
    }
    // What the hook has not settled is pending at each destination already.
    status.pending_records = status.destinations.iter().map(|destination| destination.pending_records).sum();
    Ok(status)
}

/// Bytes of the index's files.
pub(super) fn file_bytes(database: &Path) -> u64 {
    ["", "-wal", "-shm"]
        .into_iter()
        .filter_map(|end| {
            let mut name = database.as_os_str().to_owned();
            name.push(end);
            std::fs::metadata(name).ok()
        })
        .map(|metadata| metadata.len())
        .sum()
}
