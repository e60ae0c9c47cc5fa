//! Errors on their way again.
//!
//! An error in the state retrying at a destination is put into a page of kind 1 with others, as
//! many as the destination takes in one; `retry` says which error each record of the page is. The
//! page is leased and settled like any other. What is taken resolves its error; what fails opens
//! it again, with the new failure and the attempts added.
//!
//! What fits a page: [`Again`].

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use rusqlite::{Connection, params};

use crate::store::desk::again::Waiting;
use crate::store::index::errors;
use crate::store::index::pages::{self, NewPage};
use crate::store::index::trouble::{Trouble, count, signed, unsigned};
use crate::store::{NewError, PageRequest, Record, RecordId};

pub(in crate::store::index) use crate::store::desk::again::Again;

/// Whether a destination has errors that wait to be put into a page.
pub(in crate::store::index) fn waits(connection: &Connection, destination: &str) -> Result<bool, Trouble> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM error INDEXED BY error_retry WHERE destination = ?1 AND state = 2 AND retry_page IS NULL",
        )?
        .exists([destination])?)
}

/// Collects the errors that have waited for longest, as many as fit a page.
pub(in crate::store::index) fn collect(
    connection: &Connection,
    request: &PageRequest,
) -> Result<Again, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT error.id, delivery, element, first_at, page IS NULL, coalesce(payload.edited, payload.original) \
         FROM error INDEXED BY error_retry JOIN payload ON payload.error = error.id \
         WHERE destination = ?1 AND state = 2 AND retry_page IS NULL ORDER BY error.id LIMIT ?2",
    )?;
    let mut rows = statement.query(params![request.destination, count(request.size.max(1))])?;
    let mut again = Again::default();
    while let Some(row) = rows.next()? {
        let id = RecordId { delivery: unsigned(row.get(1)?), element: row.get(2)? };
        if again.has(id) {
            continue;
        }
        let bytes = Bytes::from(row.get::<_, Vec<u8>>(5)?);
        let record = Record { id, received_at_ms: row.get(3)?, bytes };
        if !again.offer(Waiting { error: row.get(0)?, record, never_sent: row.get(4)? }, request) {
            break;
        }
    }
    Ok(again)
}

/// What a commit needs, without the bodies.
#[derive(Debug)]
pub(in crate::store::index) struct Commit {
    destination: String,
    number: u64,
    records: Vec<(RecordId, i64)>,
    left_out: Vec<i64>,
    failed: Vec<(i64, NewError)>,
    oversized: bool,
    now_ms: i64,
}

impl Commit {
    pub(in crate::store::index) fn of(
        again: &mut Again,
        destination: &str,
        number: u64,
        now_ms: i64,
    ) -> Self {
        Self {
            destination: destination.to_owned(),
            number,
            records: again.names(),
            left_out: std::mem::take(&mut again.left_out),
            failed: std::mem::take(&mut again.failed),
            oversized: again.oversized,
            now_ms,
        }
    }

    /// Puts it down; whether there is a page. False also where an error was taken elsewhere meanwhile.
    pub(in crate::store::index) fn apply(&self, connection: &Connection) -> Result<bool, Trouble> {
        for error in &self.left_out {
            resolve(connection, *error, self.now_ms)?;
        }
        if !self.left_out.is_empty() {
            connection
                .prepare_cached("UPDATE destination SET ignored = ignored + ?2 WHERE name = ?1")?
                .execute(params![self.destination, count(self.left_out.len())])?;
        }
        for (error, failure) in &self.failed {
            open_again(connection, *error, None, failure, 0)?;
        }
        if self.records.is_empty() {
            return Ok(false);
        }
        let mut take = connection.prepare_cached(
            "UPDATE error SET retry_page = ?2 WHERE id = ?1 AND state = 2 AND retry_page IS NULL",
        )?;
        let mut name = connection
            .prepare_cached("INSERT INTO retry(page, delivery, element, error) VALUES (?1, ?2, ?3, ?4)")?;
        for (record, error) in &self.records {
            if take.execute(params![error, signed(self.number)])? == 0 {
                return Err(Trouble::Asked("an error was put into two pages at once".to_owned()));
            }
            name.execute(params![signed(self.number), signed(record.delivery), record.element, error])?;
        }
        let records: Vec<_> = self.records.iter().map(|(record, _)| *record).collect();
        let page = NewPage {
            number: self.number,
            destination: &self.destination,
            state: pages::LEASED,
            kind: pages::ERRORS,
            records: &records,
            oversized: self.oversized,
            attempts: 0,
            first_attempt_at: None,
            due_at: self.now_ms,
            created_at: self.now_ms,
            parent: None,
        };
        pages::insert(connection, &page)?;
        Ok(true)
    }
}

/// Records of a page of kind 1, in its order.
pub(in crate::store::index) fn records_of(
    connection: &Connection,
    number: u64,
    names: &[RecordId],
) -> Result<Vec<Record>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT first_at, coalesce(payload.edited, payload.original) FROM retry \
         JOIN error ON error.id = retry.error JOIN payload ON payload.error = retry.error \
         WHERE retry.page = ?1 AND retry.delivery = ?2 AND retry.element = ?3",
    )?;
    let mut records = Vec::with_capacity(names.len());
    for id in names {
        let (received_at_ms, bytes): (i64, Vec<u8>) = statement
            .query_row(params![signed(number), signed(id.delivery), id.element], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        records.push(Record { id: *id, received_at_ms, bytes: bytes.into() });
    }
    Ok(records)
}

/// Settles a page of kind 1: what failed opens again, what goes again moves to the page `child`,
/// the rest is resolved.
pub(in crate::store::index) fn settle(
    connection: &Connection,
    page: u64,
    attempts: u32,
    failed: &[NewError],
    again: &[RecordId],
    child: u64,
    now_ms: i64,
) -> Result<(), Trouble> {
    let errors = errors_of(connection, page)?;
    for failure in failed {
        let error = errors.get(&failure.record).ok_or(Trouble::Damaged("a retry names no error"))?;
        open_again(connection, *error, Some(page), failure, attempts)?;
    }
    let mut moved = connection.prepare_cached("UPDATE error SET retry_page = ?2 WHERE id = ?1")?;
    let mut name = connection
        .prepare_cached("UPDATE retry SET page = ?4 WHERE page = ?1 AND delivery = ?2 AND element = ?3")?;
    for record in again {
        let error = errors.get(record).ok_or(Trouble::Damaged("a retry names no error"))?;
        moved.execute(params![error, signed(child)])?;
        name.execute(params![signed(page), signed(record.delivery), record.element, signed(child)])?;
    }
    let open: HashSet<RecordId> =
        failed.iter().map(|failure| failure.record).chain(again.iter().copied()).collect();
    for (_, error) in errors.iter().filter(|(record, _)| !open.contains(record)) {
        resolve(connection, *error, now_ms)?;
    }
    connection.prepare_cached("DELETE FROM retry WHERE page = ?1")?.execute([signed(page)])?;
    Ok(())
}

pub(super) fn errors_of(connection: &Connection, page: u64) -> Result<BTreeMap<RecordId, i64>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT delivery, element, error FROM retry WHERE page = ?1")?;
    let rows = statement.query_map([signed(page)], |row| {
        Ok((RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? }, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// It was taken.
fn resolve(connection: &Connection, error: i64, now_ms: i64) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "UPDATE error SET state = 3, resolved_at = ?2, resolved_by = retried_by, resolution = 'retried', \
             edited = 0, retry_page = NULL WHERE id = ?1",
        )?
        .execute(params![error, now_ms])?;
    Ok(())
}

/// It failed again.
fn open_again(
    connection: &Connection,
    error: i64,
    page: Option<u64>,
    failure: &NewError,
    attempts: u32,
) -> Result<(), Trouble> {
    let NewError { record: _, failure, trace_key: _, data_uri: _, payload: _, at_ms } = failure;
    let message = errors::message(connection, &failure.message)?;
    connection
        .prepare_cached(
            "UPDATE error SET state = 0, class = ?2, code = ?3, message = ?4, status = ?5, response = ?6, \
             last_at = ?7, page = coalesce(?8, page), attempts = attempts + ?9, retry_page = NULL WHERE id = ?1",
        )?
        .execute(params![
            error,
            failure.class.as_str(),
            failure.code,
            message,
            failure.status,
            failure.response,
            at_ms,
            page.map(signed),
            attempts,
        ])?;
    Ok(())
}

/// Opens errors that were to go to destinations that are gone.
pub(in crate::store::index) fn open_orphans(connection: &Connection) -> Result<usize, Trouble> {
    Ok(connection.execute(
        "UPDATE error SET state = 0 WHERE state = 2 AND retry_page IS NULL AND destination <> '' \
         AND destination NOT IN (SELECT name FROM destination)",
        [],
    )?)
}
