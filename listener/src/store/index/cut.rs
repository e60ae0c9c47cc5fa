//! Cutting a page: from the destination's cursor on, records that its filter takes.
//!
//! A scan goes in steps, each bounded in records and bytes, and holds what it has
//! found in a [`Cut`]. It changes nothing; `commit` moves the cursor, keeps the
//! filter's failures and makes the page, all or nothing, and only if the cursor
//! still stands where the scan began.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::bodies::Pieces;
use super::errors::{self, Place};
use super::pages::{self, NewPage};
use super::spans::{self, Span};
use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::journal::{Journal, Location};
use crate::store::{NewError, PageRequest, Record, RecordId, Route};

/// Records and deliveries that one step looks at.
const STEP_LOOKS: usize = 20_000;
/// Deliveries that one query reads.
const ROWS: i64 = 128;
/// Bytes of records that one step reads.
const STEP_BYTES: usize = 64 * 1024 * 1024;
/// Failures of a filter with which a page is cut though it is not full.
const MOST_ERRORS: usize = 1_000;

/// The first record that was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Its delivery, or one before it without further records.
    pub(super) delivery: u64,
    /// Its place in the list of the delivery's records.
    pub(super) index: u64,
    /// Records before it, in all deliveries.
    pub(super) ordinal: u64,
}

/// Why a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The page is full.
    Full,
    /// There is nothing more.
    Exhausted,
    /// There is more to look at.
    Bound,
}

/// A page in the making.
#[derive(Debug)]
pub(super) struct Cut {
    request: Arc<PageRequest>,
    start: Cursor,
    next: Cursor,
    taken: Vec<Record>,
    bytes: usize,
    ignored: u64,
    errors: Vec<NewError>,
    oversized: bool,
}

impl Cut {
    /// Begins at a destination's cursor.
    pub(super) fn new(request: Arc<PageRequest>, start: Cursor) -> Self {
        Self {
            request,
            start,
            next: start,
            taken: Vec::new(),
            bytes: 0,
            ignored: 0,
            errors: Vec::new(),
            oversized: false,
        }
    }

    /// Whether what was found holds for another request: same cursor, filter and bounds.
    pub(super) fn fits(&self, request: &PageRequest, cursor: Cursor) -> bool {
        let mine = &self.request;
        self.start == cursor
            && Arc::ptr_eq(&mine.route, &request.route)
            && Arc::ptr_eq(&mine.cost, &request.cost)
            && mine.size == request.size
            && mine.max_bytes == request.max_bytes
            && mine.envelope_bytes == request.envelope_bytes
    }

    /// Where it goes.
    pub(super) fn destination(&self) -> &str {
        &self.request.destination
    }

    /// Records found so far.
    pub(super) fn taken(&self) -> usize {
        self.taken.len()
    }

    /// When the page is due though it is not full.
    pub(super) fn due_ms(&self, linger_ms: i64) -> Option<i64> {
        let first = self.taken.first()?;
        Some(first.received_at_ms.saturating_add(linger_ms))
    }

    /// Whether committing it would change anything.
    pub(super) fn moved(&self) -> bool {
        self.next != self.start
    }

    /// Whether it holds so many failures that they should be put down.
    pub(super) fn laden(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    /// The records, which are a page once the cut is committed.
    pub(super) fn into_records(self) -> (Vec<Record>, bool) {
        (self.taken, self.oversized)
    }

    /// Looks at the next records.
    pub(super) fn step(&mut self, connection: &Connection, journal: &Journal) -> Result<End, Trouble> {
        let (mut looks, mut bytes) = (0, 0);
        loop {
            let rows = rows(connection, self.next.delivery)?;
            if rows.is_empty() {
                return Ok(End::Exhausted);
            }
            for row in rows {
                if row.delivery != self.next.delivery {
                    self.next = Cursor { delivery: row.delivery, index: 0, ..self.next };
                }
                let list = spans::decode(&row.records)?;
                let looked = usize::try_from(self.next.index).unwrap_or(usize::MAX);
                let list = list.get(looked..).unwrap_or_default();
                let mut pieces = Pieces::new(journal, row.location);
                for (at, span) in list.iter().enumerate() {
                    if looks >= STEP_LOOKS || bytes >= STEP_BYTES || self.laden() {
                        return Ok(End::Bound);
                    }
                    let record = row.record(*span, list.get(at + 1..).unwrap_or_default(), &mut pieces)?;
                    looks += 1;
                    bytes += record.bytes.len();
                    if self.look(record) {
                        return Ok(End::Full);
                    }
                }
                self.next = Cursor { delivery: row.delivery.saturating_add(1), index: 0, ..self.next };
                looks += 1;
            }
            if looks >= STEP_LOOKS {
                return Ok(End::Bound);
            }
        }
    }

    /// Decides on one record; true where the page is full, with it or without it.
    fn look(&mut self, record: Record) -> bool {
        match (self.request.route)(&record) {
            Route::Skip => self.ignored += 1,
            Route::Fail(error) => self.errors.push(*error),
            Route::Take => {
                let bytes = self.bytes.saturating_add((self.request.cost)(&record));
                let too_large = self.request.envelope_bytes.saturating_add(bytes) > self.request.max_bytes;
                if too_large && !self.taken.is_empty() {
                    return true;
                }
                self.taken.push(record);
                self.bytes = bytes;
                self.oversized = too_large;
            }
        }
        self.next.index += 1;
        self.next.ordinal += 1;
        self.oversized || self.taken.len() >= self.request.size.max(1)
    }
}

/// A delivery as it stands in the table.
struct Row {
    delivery: u64,
    received_at_ms: i64,
    location: Location,
    records: Vec<u8>,
}

impl Row {
    fn record(&self, span: Span, next: &[Span], pieces: &mut Pieces<'_>) -> Result<Record, Trouble> {
        let id = RecordId { delivery: self.delivery, element: span.element };
        Ok(Record { id, received_at_ms: self.received_at_ms, bytes: pieces.read(span, next)? })
    }
}

/// The next deliveries. A few at a time: a query that stays open while a filter works would
/// keep the WAL from being begun anew.
fn rows(connection: &Connection, from: u64) -> Result<Vec<Row>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, received_at, segment, offset, length, records FROM delivery \
         WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
    )?;
    let rows = statement.query_map([signed(from), ROWS], |row| {
        let location =
            Location { segment: unsigned(row.get(2)?), offset: unsigned(row.get(3)?), length: row.get(4)? };
        let (delivery, received_at_ms) = (unsigned(row.get(0)?), row.get(1)?);
        Ok(Row { delivery, received_at_ms, location, records: row.get(5)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a commit needs of a cut, without its bodies.
#[derive(Debug)]
pub(super) struct Commit {
    destination: String,
    start: Cursor,
    next: Cursor,
    ignored: u64,
    errors: Vec<NewError>,
    page: Option<(u64, Vec<RecordId>)>,
    oversized: bool,
    fold: bool,
    now_ms: i64,
}

impl Commit {
    /// Of a cut; `number` is that of the page, where there is to be one.
    pub(super) fn of(cut: &mut Cut, number: Option<u64>, fold: bool, now_ms: i64) -> Self {
        Self {
            destination: cut.request.destination.clone(),
            start: cut.start,
            next: cut.next,
            ignored: cut.ignored,
            errors: std::mem::take(&mut cut.errors),
            page: number.map(|number| (number, cut.taken.iter().map(|record| record.id).collect())),
            oversized: cut.oversized,
            fold,
            now_ms,
        }
    }

    /// Puts it down; false where the cursor does not stand where the cut began.
    pub(super) fn apply(&self, connection: &Connection) -> Result<bool, Trouble> {
        let records = self.page.as_ref().map_or(0, |(_, records)| records.len());
        let moved = connection
            .prepare_cached(
                "UPDATE destination SET cursor_delivery = ?4, cursor_index = ?5, cursor_ordinal = ?6, \
                 ignored = ignored + ?7, page_records = page_records + ?8 \
                 WHERE name = ?1 AND cursor_delivery = ?2 AND cursor_index = ?3",
            )?
            .execute(params![
                self.destination,
                signed(self.start.delivery),
                signed(self.start.index),
                signed(self.next.delivery),
                signed(self.next.index),
                signed(self.next.ordinal),
                signed(self.ignored),
                count(records),
            ])?;
        if moved == 0 {
            return Ok(false);
        }
        let place = Place { destination: Some(&self.destination), ..Place::default() };
        errors::insert(connection, place, &self.errors, self.fold)?;
        if let Some((number, records)) = &self.page {
            let page = NewPage {
                number: *number,
                destination: &self.destination,
                state: pages::LEASED,
                kind: pages::RECORDS,
                records,
                oversized: self.oversized,
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
            "SELECT cursor_delivery, cursor_index, cursor_ordinal FROM destination WHERE name = ?1",
        )?
        .query_row([destination], |row| {
            Ok(Cursor {
                delivery: unsigned(row.get(0)?),
                index: unsigned(row.get(1)?),
                ordinal: unsigned(row.get(2)?),
            })
        })
        .optional()?)
}
