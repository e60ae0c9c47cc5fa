//! The end of a copy: from an index that is filled to a store.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, params, params_from_iter};

use super::rows::{self, bound};
use crate::store::StoreError;
use crate::store::copy::{Value, refusal};
use crate::store::index::backup::check;
use crate::store::index::trouble::{Trouble, signed};
use crate::store::journal::{Indexed, sync_directory};

/// Of the counters those that `meta` has, but for the name and the last delivery.
const META: &str = "UPDATE meta SET records = ?, events = ?, duplicates = ?, ignored = ?, last_received_at = ?, \
    refused_kept = ?, refused_bytes = ?, refused_dropped = ?, pages_gone = ?";
/// Their places.
const IN_META: std::ops::Range<usize> = 2..11;
/// Numbers that are never given again, with their places among the counters.
const NUMBERS: [(&str, usize); 5] =
    [("page", 11), ("error", 12), ("audit", 13), ("bulk", 14), ("refused", 15)];

/// Records of errors without a payload that are not erased: as [`crate::store::index::erase`] asks for it.
const ERASE: &str = "INSERT INTO erasure(delivery, element, alone) \
    SELECT delivery, element, max(destination IN ('', 'prePage')) FROM error WHERE NOT has_payload \
    GROUP BY delivery, element ON CONFLICT DO NOTHING";

/// Sets what stands in no table, and says that nothing is missing. `end`: what the journal ends with.
pub(super) fn end(connection: &Connection, counters: &[Value], end: Indexed) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction().map_err(Trouble::from)?;
    set(&transaction, counters, end)?;
    refusal::counters(&rows::counters(&transaction)?, counters)?;
    Ok(transaction.commit().map_err(Trouble::from)?)
}

fn set(connection: &Connection, counters: &[Value], end: Indexed) -> Result<(), Trouble> {
    let in_meta = counters.get(IN_META).ok_or(Trouble::Damaged("a counter is missing"))?;
    connection.execute(META, params_from_iter(in_meta.iter().map(bound)))?;
    for (name, place) in NUMBERS {
        let Some(Value::Int(last)) = counters.get(place) else { continue };
        let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        if connection.execute(sql, params![name, last])? == 0 {
            connection
                .execute("INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)", params![name, last])?;
        }
    }
    connection.execute(ERASE, [])?;
    let Indexed { position, last_delivery, last_group } = end;
    let numbers = [position.segment, position.offset, last_delivery, last_group].map(signed);
    connection.execute(
        "UPDATE meta SET segment = ?1, offset = ?2, last_delivery = ?3, last_group = ?4, clean = 1",
        numbers,
    )?;
    connection.execute_batch("DROP TABLE IF EXISTS copy")?;
    Ok(())
}

/// Folds the index into one file, reads all of it again, and gives it its name.
pub(super) fn name(connection: Connection, partial: &Path, directory: &Path) -> Result<(), StoreError> {
    let fold = || -> Result<(), Trouble> {
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error.into())
    };
    fold()?;
    check(partial, directory, &mut |_, _, _| {})
        .map_err(|error| StoreError::Failed(format!("the copy is not whole: {error}")))?;
    fs::rename(partial, directory.join("store.db")).and_then(|()| sync_directory(directory)).map_err(
        |error| {
            StoreError::Failed(format!(
                "{} cannot get its name: {error}; run the same command again",
                partial.display()
            ))
        },
    )
}
