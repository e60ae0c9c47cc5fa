//! Cutting a page: from the destination's cursor on, records that its filter takes.
//!
//! A scan goes in steps, each bounded in records and bytes, and holds what it has
//! found in a [`Cut`]. It changes nothing; `commit` moves the cursor, keeps the
//! filter's failures and makes the page, all or nothing, and only if the cursor
//! still stands where the scan began. Where there is a hook, a scan ends at its mark, takes
//! what it changed as it is now, and passes by what it dropped or failed ([`hook`]).

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::bodies::Pieces;
use super::errors::{self, Place};
use super::hook;
use super::pages::{self, NewPage};
use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::cut::{Cursor, Cut, End, Findings};
use crate::store::fate::{Fate, Mark};
use crate::store::journal::{Journal, Location};
use crate::store::packed::spans::{self, Span};
use crate::store::{Record, RecordId};

/// Records and deliveries that one step looks at.
const STEP_LOOKS: usize = 20_000;
/// Deliveries that one query reads.
const ROWS: i64 = 128;
/// Bytes of records that one step reads.
const STEP_BYTES: usize = 64 * 1024 * 1024;
/// Looks at the next records.
pub(super) fn step(cut: &mut Cut, connection: &Connection, journal: &Journal) -> Result<End, Trouble> {
    let (mut looks, mut bytes) = (0, 0);
    loop {
        let Read { mark, rows } = read(connection, cut.destination(), cut.next().delivery)?;
        if rows.is_empty() {
            return Ok(End::Exhausted);
        }
        for mut row in rows {
            let looked = cut.enter(row.delivery);
            let list = spans::decode(&row.records)?;
            let list = list.get(looked..).unwrap_or_default();
            let mut pieces = Pieces::new(journal, row.location);
            for (at, span) in list.iter().enumerate() {
                if looks >= STEP_LOOKS || bytes >= STEP_BYTES || cut.laden() {
                    return Ok(End::Bound);
                }
                if mark.is_some_and(|mark| !mark.is_behind(cut.next().ordinal, row.id(*span))) {
                    return Ok(End::Exhausted);
                }
                looks += 1;
                let Some(record) = row.record(*span, list.get(at + 1..).unwrap_or_default(), &mut pieces)?
                else {
                    cut.withhold();
                    continue;
                };
                bytes += record.bytes.len();
                if cut.look(record) {
                    return Ok(End::Full);
                }
            }
            cut.leave(row.delivery);
            looks += 1;
        }
        if looks >= STEP_LOOKS {
            return Ok(End::Bound);
        }
    }
}

/// A delivery as it stands in the table.
struct Row {
    delivery: u64,
    received_at_ms: i64,
    location: Location,
    records: Vec<u8>,
    fates: HashMap<u32, Fate>,
}

impl Row {
    fn id(&self, span: Span) -> RecordId {
        RecordId { delivery: self.delivery, element: span.element }
    }

    /// None where the hook let it go nowhere.
    fn record(
        &mut self,
        span: Span,
        next: &[Span],
        pieces: &mut Pieces<'_>,
    ) -> Result<Option<Record>, Trouble> {
        let bytes = match self.fates.remove(&span.element) {
            Some(Fate::Withheld) => return Ok(None),
            Some(Fate::Changed(bytes)) => bytes,
            None => pieces.read(span, next)?,
        };
        Ok(Some(Record { id: self.id(span), received_at_ms: self.received_at_ms, bytes }))
    }
}

/// The next deliveries, and how far a destination may go in them.
struct Read {
    mark: Option<Mark>,
    rows: Vec<Row>,
}

/// Reads the next deliveries, in one transaction with what the hook says of them. A few at a
/// time: a query that stays open while a filter works would keep the WAL from being begun anew.
fn read(connection: &Connection, destination: &str, from: u64) -> Result<Read, Trouble> {
    let transaction = connection.unchecked_transaction()?;
    let mark = hook::mark(&transaction, destination)?;
    let mut rows = rows(&transaction, from)?;
    let mut bytes = 0;
    let mut read = 0;
    for row in &mut rows {
        row.fates = hook::fates(&transaction, row.delivery)?;
        read += 1;
        bytes += row.fates.values().map(Fate::bytes).sum::<usize>();
        if bytes >= STEP_BYTES {
            break;
        }
    }
    // Those behind are read in the next step, with their fates.
    rows.truncate(read);
    Ok(Read { mark, rows })
}

fn rows(connection: &Connection, from: u64) -> Result<Vec<Row>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, received_at, segment, offset, length, records FROM delivery \
         WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
    )?;
    let rows = statement.query_map([signed(from), ROWS], |row| {
        let location =
            Location { segment: unsigned(row.get(2)?), offset: unsigned(row.get(3)?), length: row.get(4)? };
        let (delivery, received_at_ms) = (unsigned(row.get(0)?), row.get(1)?);
        Ok(Row { delivery, received_at_ms, location, records: row.get(5)?, fates: HashMap::new() })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a commit puts down.
#[derive(Debug)]
pub(super) struct Commit {
    found: Findings,
    /// That of the page, where there is to be one.
    number: Option<u64>,
    fold: bool,
    now_ms: i64,
}

impl Commit {
    /// Of a cut; `number` is that of the page, where there is to be one.
    pub(super) fn of(cut: &mut Cut, number: Option<u64>, fold: bool, now_ms: i64) -> Self {
        Self { found: cut.findings(), number, fold, now_ms }
    }

    /// Puts it down; false where the cursor does not stand where the cut began.
    pub(super) fn apply(&self, connection: &Connection) -> Result<bool, Trouble> {
        let found = &self.found;
        let records = self.number.map_or(0, |_| found.records.len());
        let moved = connection
            .prepare_cached(
                "UPDATE destination SET cursor_delivery = ?4, cursor_index = ?5, cursor_ordinal = ?6, \
                 ignored = ignored + ?7, page_records = page_records + ?8, withheld = withheld + ?9 \
                 WHERE name = ?1 AND cursor_delivery = ?2 AND cursor_index = ?3 \
                 AND (SELECT mended FROM meta) = ?10",
            )?
            .execute(params![
                found.destination,
                signed(found.start.delivery),
                signed(found.start.index),
                signed(found.next.delivery),
                signed(found.next.index),
                signed(found.next.ordinal),
                signed(found.ignored),
                count(records),
                signed(found.withheld),
                signed(found.start.mended),
            ])?;
        if moved == 0 {
            return Ok(false);
        }
        let place = Place { destination: Some(&found.destination), ..Place::default() };
        errors::insert(connection, place, &found.errors, self.fold)?;
        if let Some(number) = self.number {
            let page = NewPage {
                number,
                destination: &found.destination,
                state: pages::LEASED,
                kind: pages::RECORDS,
                records: &found.records,
                oversized: found.oversized,
                attempts: 0,
                first_attempt_at: None,
                due_at: self.now_ms,
                created_at: self.now_ms,
                parent: None,
            };
            pages::insert(connection, &page)?;
        }
        Ok(true)
    }
}

/// Where a destination stands; none where there is no such destination.
pub(super) fn cursor(connection: &Connection, destination: &str) -> Result<Option<Cursor>, Trouble> {
    Ok(connection
        .prepare_cached(
            "SELECT cursor_delivery, cursor_index, cursor_ordinal, (SELECT mended FROM meta) \
             FROM destination WHERE name = ?1",
        )?
        .query_row([destination], |row| {
            Ok(Cursor {
                delivery: unsigned(row.get(0)?),
                index: unsigned(row.get(1)?),
                ordinal: unsigned(row.get(2)?),
                mended: unsigned(row.get(3)?),
            })
        })
        .optional()?)
}
