//! Cutting a page: from the destination's cursor on, records that its filter takes.
//!
//! A scan goes in steps, each bounded in records and bytes, and holds what it has
//! found in a [`Cut`]. It changes nothing; `commit` moves the cursor, keeps the
//! filter's failures and makes the page, all or nothing, and only if the cursor
//! still stands where the scan began. Where there is a hook, a scan ends at its mark, takes
//! what it changed as it is now, and passes by what it dropped or failed ([`hook`]).

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::bodies::Pieces;
use super::errors::{self, Place};
use super::hook::{self, Fate, Mark};
use super::pages::{self, NewPage};
use super::spans::{self, Span};
use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::journal::{Journal, Location};
use crate::store::{Filling, NewError, PageRequest, Record, RecordId, Route};

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
    /// How often something passed the hook that had failed there: a scan that passed it by is void.
    pub(super) mended: u64,
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
    filling: Filling,
    ignored: u64,
    withheld: u64,
    errors: Vec<NewError>,
}

impl Cut {
    /// Begins at a destination's cursor.
    pub(super) fn new(request: Arc<PageRequest>, start: Cursor) -> Self {
        Self {
            request,
            start,
            next: start,
            filling: Filling::default(),
            ignored: 0,
            withheld: 0,
            errors: Vec::new(),
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
        self.filling.records().len()
    }

    /// When the page is due though it is not full.
    pub(super) fn due_ms(&self, linger_ms: i64) -> Option<i64> {
        let first = self.filling.records().first()?;
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
        self.filling.into_records()
    }

    /// Looks at the next records.
    pub(super) fn step(&mut self, connection: &Connection, journal: &Journal) -> Result<End, Trouble> {
        let (mut looks, mut bytes) = (0, 0);
        loop {
            let Read { mark, rows } = read(connection, &self.request.destination, self.next.delivery)?;
            if rows.is_empty() {
                return Ok(End::Exhausted);
            }
            for mut row in rows {
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
                    if mark.is_some_and(|mark| !mark.is_behind(self.next.ordinal, row.id(*span))) {
                        return Ok(End::Exhausted);
                    }
                    looks += 1;
                    let Some(record) =
                        row.record(*span, list.get(at + 1..).unwrap_or_default(), &mut pieces)?
                    else {
                        self.withhold();
                        continue;
                    };
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

    /// Passes a record by that the hook dropped or failed.
    fn withhold(&mut self) {
        self.withheld += 1;
        self.next.index += 1;
        self.next.ordinal += 1;
    }

    /// Decides on one record; true where the page is full, with it or without it.
    fn look(&mut self, record: Record) -> bool {
        match (self.request.route)(&record) {
            Route::Skip => self.ignored += 1,
            Route::Fail(error) => self.errors.push(*error),
            // It stays for the next page.
            Route::Take => {
                if self.filling.offer(record, &self.request).is_err() {
                    return true;
                }
            }
        }
        self.next.index += 1;
        self.next.ordinal += 1;
        self.filling.is_full(&self.request)
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
            Some(Fate::Withheld | Fate::Erased) => return Ok(None),
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

/// What a commit needs of a cut, without its bodies.
#[derive(Debug)]
pub(super) struct Commit {
    destination: String,
    start: Cursor,
    next: Cursor,
    ignored: u64,
    withheld: u64,
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
            withheld: cut.withheld,
            errors: std::mem::take(&mut cut.errors),
            page: number
                .map(|number| (number, cut.filling.records().iter().map(|record| record.id).collect())),
            oversized: cut.filling.oversized(),
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
                 ignored = ignored + ?7, page_records = page_records + ?8, withheld = withheld + ?9 \
                 WHERE name = ?1 AND cursor_delivery = ?2 AND cursor_index = ?3 \
                 AND (SELECT mended FROM meta) = ?10",
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
                signed(self.withheld),
                signed(self.start.mended),
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
