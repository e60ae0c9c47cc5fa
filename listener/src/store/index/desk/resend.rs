//! Errors before any destination on their way again: into the journal, as a delivery of our own.
//!
//! Such an error failed before it was a record (not JSON, a filter that failed), so it goes the
//! whole way again: its payload is appended to the journal like a delivery, is split and filtered,
//! and goes to every destination. The delivery's request id says which error it is
//! ([`request_id`]); the transaction that indexes it resolves the error, and passes it over where
//! the error was resolved already. So a crash between append and indexing repeats the append, not
//! the effect.

use bytes::Bytes;
use rusqlite::{Connection, params};

use crate::store::index::trouble::Trouble;

pub(in crate::store::index) use crate::store::desk::own::{error_of, request_id};

/// Bytes of payloads after which no further one is read.
const WAITING_BYTES: usize = 8 * 1024 * 1024;

/// Errors that wait to be appended: number and payload, few at a time.
pub(super) fn waiting(connection: &Connection, limit: i64) -> Result<Vec<(i64, Bytes)>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT error.id, coalesce(payload.edited, payload.original) FROM error INDEXED BY error_retry \
         JOIN payload ON payload.error = error.id \
         WHERE destination = '' AND state = 2 AND retry_page IS NULL ORDER BY error.id LIMIT ?1",
    )?;
    let mut rows = statement.query([limit])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < WAITING_BYTES
        && let Some(row) = rows.next()?
    {
        let payload = Bytes::from(row.get::<_, Vec<u8>>(1)?);
        bytes += payload.len();
        found.push((row.get(0)?, payload));
    }
    Ok(found)
}

/// Notes that errors are in the journal, so that they are not appended again by this process.
pub(super) fn appended(connection: &Connection, errors: &[i64]) -> Result<(), Trouble> {
    let mut statement =
        connection.prepare_cached("UPDATE error SET retry_page = 0 WHERE id = ?1 AND state = 2")?;
    for error in errors {
        statement.execute([error])?;
    }
    Ok(())
}

/// In the transaction that indexes it: resolves the error; false where that was done before.
pub(in crate::store::index) fn arrive(
    connection: &Connection,
    error: i64,
    now_ms: i64,
) -> Result<bool, Trouble> {
    let resolved = connection
        .prepare_cached(
            "UPDATE error SET state = 3, resolved_at = ?2, resolved_by = retried_by, resolution = 'retried', \
             edited = 0, retry_page = NULL WHERE id = ?1 AND state = 2",
        )?
        .execute(params![error, now_ms])?;
    Ok(resolved > 0)
}

/// In the same transaction: it failed before any destination again, as the newest error that there is.
pub(in crate::store::index) fn failed_again(connection: &Connection, error: i64) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "UPDATE error SET resolution = 'newer_error', \
             newer_error = (SELECT seq FROM sqlite_sequence WHERE name = 'error') WHERE id = ?1",
        )?
        .execute([error])?;
    Ok(())
}

/// After an opening: what was noted as appended and is not indexed by now was lost with the end of
/// the journal, or comes again; both are right, because [`arrive`] takes it once.
pub(in crate::store::index) fn take_back(connection: &Connection) -> Result<(), Trouble> {
    connection.execute("UPDATE error SET retry_page = NULL WHERE state = 2 AND retry_page = 0", [])?;
    Ok(())
}
