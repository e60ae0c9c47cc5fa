//! Pages as they stand in the table, and their records as they are handed out.

use rusqlite::{Connection, OptionalExtension, params};

use super::bodies::Pieces;
use super::desk::{fold, retry};
use super::hook;
use super::names::Names;
use super::trouble::{Trouble, signed, unsigned};
use crate::store::fate::Fate;
use crate::store::journal::{Journal, Location};
use crate::store::packed::spans;
use crate::store::{Page, Record, RecordId};

/// Waits to be leased.
pub(super) const WAITING: i64 = 0;
/// Somebody has it.
pub(super) const LEASED: i64 = 1;
/// Settled, delivered at least in part.
pub(super) const DELIVERED: i64 = 2;
/// Settled, nothing of it delivered.
pub(super) const FAILED: i64 = 3;

/// Cut from the deliveries.
pub(super) const RECORDS: i64 = 0;
/// Errors that are sent again; see [`super::desk::retry`].
pub(super) const ERRORS: i64 = 1;

/// A page to be put into the table.
pub(super) struct NewPage<'a> {
    pub(super) number: u64,
    pub(super) destination: &'a str,
    pub(super) state: i64,
    pub(super) kind: i64,
    pub(super) records: &'a [RecordId],
    pub(super) oversized: bool,
    pub(super) attempts: u32,
    pub(super) first_attempt_at: Option<i64>,
    pub(super) due_at: i64,
    pub(super) created_at: i64,
    pub(super) parent: Option<u64>,
}

/// Puts a page into the table.
pub(super) fn insert(connection: &Connection, page: &NewPage<'_>) -> Result<(), Trouble> {
    let first = page.records.first().ok_or(Trouble::Damaged("a page without records"))?;
    connection
        .prepare_cached(
            "INSERT INTO page(number, destination, state, first_delivery, records, record_count, \
             oversized, attempts, first_attempt_at, due_at, created_at, parent, kind) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            signed(page.number),
            page.destination,
            page.state,
            signed(first.delivery),
            spans::encode_records(page.records.iter().copied()),
            super::trouble::count(page.records.len()),
            page.oversized,
            page.attempts,
            page.first_attempt_at,
            page.due_at,
            page.created_at,
            page.parent.map(signed),
            page.kind,
        ])?;
    Ok(())
}

/// The waiting page of a destination that has been due for longest, with its records.
pub(super) fn due(
    connection: &Connection,
    journal: &Journal,
    store: &Names,
    destination: &str,
    now_ms: i64,
) -> Result<Option<Page>, Trouble> {
    let found = connection
        .prepare_cached(
            "SELECT number, records, attempts, first_attempt_at, oversized, kind FROM page \
             WHERE destination = ?1 AND state = 0 AND state < 2 AND due_at <= ?2 \
             ORDER BY due_at, number LIMIT 1",
        )?
        .query_row(params![destination, now_ms], |row| {
            let records: Vec<u8> = row.get(1)?;
            let number: i64 = row.get(0)?;
            Ok((number, records, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()?;
    let Some((number, records, attempts, first_attempt_at_ms, oversized, kind)) = found else {
        return Ok(None);
    };
    let number = unsigned(number);
    let names = spans::decode_records(&records)?;
    Ok(Some(Page {
        id: store.page(number),
        destination: destination.to_owned(),
        records: read(connection, journal, kind, number, &names)?,
        heals: fold::has_any(connection, destination)?,
        attempts,
        first_attempt_at_ms,
        oversized,
    }))
}

/// Reads the records of a page, wherever its kind keeps them.
pub(super) fn read(
    connection: &Connection,
    journal: &Journal,
    kind: i64,
    number: u64,
    names: &[RecordId],
) -> Result<Vec<Record>, Trouble> {
    match kind {
        ERRORS => retry::records_of(connection, number, names),
        _ => records_of(connection, journal, names),
    }
}

/// Waiting pages of a destination, and when the first of them is due.
pub(super) fn waiting(connection: &Connection, destination: &str) -> Result<(usize, Option<i64>), Trouble> {
    let (number, due): (i64, Option<i64>) = connection
        .prepare_cached(
            "SELECT count(*), min(due_at) FROM page WHERE destination = ?1 AND state = 0 AND state < 2",
        )?
        .query_row([destination], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((usize::try_from(number).unwrap_or(usize::MAX), due))
}

/// Reads records by name; names of one delivery stand together, in order.
pub(super) fn records_of(
    connection: &Connection,
    journal: &Journal,
    names: &[RecordId],
) -> Result<Vec<Record>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT received_at, segment, offset, length, records FROM delivery WHERE seq = ?1",
    )?;
    let mut records = Vec::with_capacity(names.len());
    for names in names.chunk_by(|left, right| left.delivery == right.delivery) {
        let Some(first) = names.first() else { continue };
        let (received_at_ms, location, list) = statement
            .query_row([signed(first.delivery)], |row| {
                let location = Location {
                    segment: unsigned(row.get(1)?),
                    offset: unsigned(row.get(2)?),
                    length: row.get(3)?,
                };
                Ok((row.get(0)?, location, row.get::<_, Vec<u8>>(4)?))
            })
            .optional()?
            .ok_or(Trouble::Damaged("a page names a delivery that is gone"))?;
        let list = spans::decode(&list)?;
        let wanted = names
            .iter()
            .map(|name| list.binary_search_by_key(&name.element, |span| span.element).map(|at| list[at]))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Trouble::Damaged("a page names a record that is not there"))?;
        let mut fates = hook::fates(connection, first.delivery)?;
        let mut pieces = Pieces::new(journal, location);
        for (at, (name, span)) in names.iter().zip(&wanted).enumerate() {
            let bytes = match fates.remove(&name.element) {
                Some(Fate::Changed(bytes)) => bytes,
                _ => pieces.read(*span, wanted.get(at + 1..).unwrap_or_default())?,
            };
            records.push(Record { id: *name, received_at_ms, bytes });
        }
    }
    Ok(records)
}

/// Gives a waiting page to the caller; false where it is not waiting any more.
pub(super) fn lease(connection: &Connection, number: u64) -> Result<bool, Trouble> {
    let changed = connection
        .prepare_cached("UPDATE page SET state = 1 WHERE number = ?1 AND state = 0")?
        .execute([signed(number)])?;
    Ok(changed == 1)
}

/// Takes pages back from callers that went away: due at once, in their old place.
pub(super) fn take_back(connection: &Connection, numbers: &[u64]) -> Result<(), Trouble> {
    let mut statement = connection
        .prepare_cached("UPDATE page SET state = 0, due_at = created_at WHERE number = ?1 AND state = 1")?;
    for number in numbers {
        statement.execute([signed(*number)])?;
    }
    Ok(())
}

/// Takes every leased page back: a lease lives as long as the process.
pub(super) fn take_back_all(connection: &Connection) -> Result<usize, Trouble> {
    Ok(connection
        .execute("UPDATE page SET state = 0, due_at = created_at WHERE state = 1 AND state < 2", [])?)
}

/// The highest page number that was ever given.
pub(super) fn last_number(connection: &Connection) -> Result<u64, Trouble> {
    let last: Option<i64> = connection
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'page'", [], |row| row.get(0))
        .optional()?;
    Ok(unsigned(last.unwrap_or(0)))
}
