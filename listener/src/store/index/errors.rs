//! Open errors: kept with the counters that speak of them.

use rusqlite::{Connection, Row, params};

use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::{ErrorClass, Failure, NewError, OpenError, PageId, RecordId};

/// Bytes of payloads that one list holds at most; a longer list ends early.
const LIST_BYTES: usize = 64 * 1024 * 1024;

/// Where a record failed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    /// None: before any destination.
    pub(super) destination: Option<&'a str>,
    /// The page it was in last.
    pub(super) page: Option<u64>,
    /// Attempts that were made.
    pub(super) attempts: u32,
}

/// Keeps errors and counts them.
pub(super) fn insert(connection: &Connection, place: Place<'_>, errors: &[NewError]) -> Result<(), Trouble> {
    if errors.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO error(destination, delivery, element, page, class, code, message, status, response, \
         trace_key, data_uri, payload, first_at, last_at, attempts) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14)",
    )?;
    for error in errors {
        let NewError { record, failure, trace_key, data_uri, payload, at_ms } = error;
        statement.execute(params![
            place.destination,
            signed(record.delivery),
            record.element,
            place.page.map(signed),
            failure.class.as_str(),
            failure.code,
            failure.message,
            failure.status,
            failure.response,
            trace_key,
            data_uri,
            payload.as_deref(),
            at_ms,
            place.attempts,
        ])?;
    }
    connection
        .prepare_cached("UPDATE meta SET open_errors = open_errors + ?1")?
        .execute([count(errors.len())])?;
    if let Some(destination) = place.destination {
        connection
            .prepare_cached("UPDATE destination SET open_errors = open_errors + ?1 WHERE name = ?2")?
            .execute(params![count(errors.len()), destination])?;
    }
    Ok(())
}

/// The newest first.
pub(super) fn list(connection: &Connection, store: &str, limit: usize) -> Result<Vec<OpenError>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT id, destination, delivery, element, page, class, code, message, status, response, \
         trace_key, data_uri, payload, last_at, attempts FROM error ORDER BY id DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([count(limit)])?;
    let mut errors = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let error = read(row, store)?;
        bytes += error.error.payload.as_ref().map_or(0, bytes::Bytes::len);
        errors.push(error);
        if bytes > LIST_BYTES {
            break;
        }
    }
    Ok(errors)
}

fn read(row: &Row<'_>, store: &str) -> Result<OpenError, Trouble> {
    let class: String = row.get(5)?;
    let page: Option<i64> = row.get(4)?;
    Ok(OpenError {
        id: row.get(0)?,
        destination: row.get(1)?,
        page: page.map(|number| PageId { store: store.into(), number: unsigned(number) }),
        attempts: row.get(14)?,
        error: NewError {
            record: RecordId { delivery: unsigned(row.get(2)?), element: row.get(3)? },
            failure: Failure {
                class: ErrorClass::parse(&class).ok_or(Trouble::Damaged("an error of an unknown class"))?,
                code: row.get(6)?,
                message: row.get(7)?,
                status: row.get(8)?,
                response: row.get(9)?,
            },
            trace_key: row.get(10)?,
            data_uri: row.get(11)?,
            payload: row.get::<_, Option<Vec<u8>>>(12)?.map(Into::into),
            at_ms: row.get(13)?,
        },
    })
}

/// Removes at most `limit` errors that are older than `before_ms`; how many.
pub(super) fn remove(connection: &Connection, before_ms: i64, limit: i64) -> Result<u64, Trouble> {
    let mut by_destination = connection.prepare_cached(
        "SELECT destination, count(*) FROM \
         (SELECT destination FROM error WHERE last_at < ?1 ORDER BY last_at, id LIMIT ?2) \
         GROUP BY destination",
    )?;
    let mut rows = by_destination.query([before_ms, limit])?;
    let mut removed = 0;
    while let Some(row) = rows.next()? {
        let (destination, number): (Option<String>, i64) = (row.get(0)?, row.get(1)?);
        removed += number;
        connection
            .prepare_cached("UPDATE destination SET open_errors = max(0, open_errors - ?1) WHERE name = ?2")?
            .execute(params![number, destination])?;
    }
    if removed > 0 {
        connection
            .prepare_cached(
                "DELETE FROM error WHERE id IN \
                 (SELECT id FROM error WHERE last_at < ?1 ORDER BY last_at, id LIMIT ?2)",
            )?
            .execute([before_ms, limit])?;
        connection
            .prepare_cached("UPDATE meta SET open_errors = max(0, open_errors - ?1)")?
            .execute([removed])?;
    }
    Ok(unsigned(removed))
}
