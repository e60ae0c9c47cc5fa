//! Errors as they arise, and as they go when they are old. What people do with them: [`super::desk`].

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::desk::fold::{self, Closer};
use super::erase;
use super::history::minutes;
use super::names::Names;
use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::{ErrorClass, Failure, NewError, OpenError, PRE_PAGE, RecordId};

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

/// Keeps errors and counts them. The record of one without a payload is erased once nobody needs it.
pub(super) fn insert(
    connection: &Connection,
    place: Place<'_>,
    errors: &[NewError],
    fold: bool,
) -> Result<(), Trouble> {
    if errors.is_empty() {
        return Ok(());
    }
    let destination = place.destination.unwrap_or_default();
    let mut statement = connection.prepare_cached(
        "INSERT INTO error(destination, delivery, element, page, class, code, message, status, response, \
         trace_key, data_uri, has_payload, first_at, last_at, attempts) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14)",
    )?;
    let mut keep = connection.prepare_cached("INSERT INTO payload(error, original) VALUES (?1, ?2)")?;
    for error in errors {
        let NewError { record, failure, trace_key, data_uri, payload, at_ms } = error;
        statement.execute(params![
            destination,
            signed(record.delivery),
            record.element,
            place.page.map(signed),
            failure.class.as_str(),
            failure.code,
            message(connection, &failure.message)?,
            failure.status,
            failure.response,
            trace_key,
            data_uri,
            payload.is_some(),
            at_ms,
            place.attempts,
        ])?;
        let id = connection.last_insert_rowid();
        match payload {
            Some(payload) => {
                keep.execute(params![id, payload.as_ref()])?;
            }
            None => erase::rows::ask(connection, *record, matches!(destination, "" | PRE_PAGE))?,
        }
        if fold {
            fold::close_older(connection, destination, trace_key, *record, Closer::Error(id), *at_ms)?;
        }
    }
    minutes::add_errors(connection, errors.iter().map(|error| error.at_ms))
}

/// The number of a message, which is kept once.
pub(super) fn message(connection: &Connection, text: &str) -> Result<i64, Trouble> {
    let known = connection
        .prepare_cached("SELECT id FROM message WHERE text = ?1")?
        .query_row([text], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    connection.prepare_cached("INSERT INTO message(text) VALUES (?1)")?.execute([text])?;
    Ok(connection.last_insert_rowid())
}

/// The newest first.
pub(super) fn list(connection: &Connection, store: &Names, limit: usize) -> Result<Vec<OpenError>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT error.id, destination, delivery, element, page, class, code, \
         (SELECT text FROM message WHERE message.id = error.message), status, response, \
         trace_key, data_uri, payload.original, last_at, attempts FROM error \
         LEFT JOIN payload ON payload.error = error.id WHERE state IN (0, 1) ORDER BY error.id DESC LIMIT ?1",
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

fn read(row: &Row<'_>, store: &Names) -> Result<OpenError, Trouble> {
    let class: String = row.get(5)?;
    let page: Option<i64> = row.get(4)?;
    Ok(OpenError {
        id: row.get(0)?,
        destination: row.get::<_, Option<String>>(1)?.filter(|name| !name.is_empty()),
        page: page.map(|number| store.page(unsigned(number))),
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

/// Removes at most `limit` errors that last failed before `before_ms`, but for those on their way
/// again; how many. Their payloads, tags and notes go with them.
pub(super) fn remove(connection: &Connection, before_ms: i64, limit: i64) -> Result<u64, Trouble> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM error WHERE id IN (SELECT id FROM error INDEXED BY error_age \
             WHERE last_at < ?1 AND state <> 2 ORDER BY last_at LIMIT ?2)",
        )?
        .execute([before_ms, limit])?;
    Ok(unsigned(count(removed)))
}

/// Removes messages that no error has any more, at most `limit`; how many.
pub(super) fn remove_messages(connection: &Connection, limit: i64) -> Result<u64, Trouble> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE NOT EXISTS \
             (SELECT 1 FROM error WHERE error.message = message.id) LIMIT ?1)",
        )?
        .execute([limit])?;
    Ok(unsigned(count(removed)))
}

/// Removes blocks of which no error is left, at most `limit`; how many.
pub(super) fn remove_blocks(connection: &Connection, limit: i64) -> Result<u64, Trouble> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM error_block WHERE number IN (SELECT number FROM error_block WHERE NOT EXISTS \
             (SELECT 1 FROM error WHERE id BETWEEN number * 1024 AND number * 1024 + 1023) LIMIT ?1)",
        )?
        .execute([limit])?;
    Ok(unsigned(count(removed)))
}
