//! Cutting a page of a replay: from its cursor on, records that are still there and that the
//! destination's filter takes.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::rows::{self, Delivery};
use crate::store::fate::Fate;
use crate::store::history::replay::making::Making;
use crate::store::index::bodies::Pieces;
use crate::store::index::erase;
use crate::store::index::errors::{self, Place};
use crate::store::index::hook;
use crate::store::index::pages::{self, NewPage};
use crate::store::index::trouble::{Trouble, count, signed, unsigned};
use crate::store::journal::Journal;
use crate::store::{NewError, PageRequest, Record, RecordId};

/// Records that one cut looks at.
const LOOKS: usize = 20_000;
/// Bytes of records that one cut reads.
const BYTES: usize = 64 * 1024 * 1024;
/// Names that one query reads.
const NAMES: i64 = 256;

/// What a cut found. It changes nothing until it is committed.
#[derive(Debug)]
pub(in crate::store::index) struct Replayed {
    bulk: i64,
    making: Making,
    /// Nothing waits behind it.
    is_over: bool,
}

impl Replayed {
    /// Whether it is a page, once it is committed.
    pub(in crate::store::index) fn has_records(&self) -> bool {
        self.making.has_records()
    }

    /// The records, in the page's order.
    pub(in crate::store::index) fn into_page(self) -> (Vec<Record>, bool) {
        self.making.into_page()
    }
}

/// Collects the next records of the oldest replay to a destination; none where there is no replay.
pub(in crate::store::index) fn collect(
    connection: &Connection,
    journal: &Journal,
    request: &PageRequest,
) -> Result<Option<Replayed>, Trouble> {
    let found = connection
        .prepare_cached(
            "SELECT id, cursor, element FROM bulk WHERE state = 1 AND destination = ?1 ORDER BY id LIMIT 1",
        )?
        .query_row([&request.destination], |row| {
            Ok((row.get(0)?, RecordId { delivery: unsigned(row.get(1)?), element: row.get(2)? }))
        })
        .optional()?;
    let Some((bulk, start)) = found else { return Ok(None) };
    let mut cut = Replayed { bulk, making: Making::new(start), is_over: false };
    cut.fill(connection, journal, request)?;
    cut.is_over = names(connection, bulk, cut.making.next, 1)?.is_empty();
    Ok(Some(cut))
}

impl Replayed {
    /// Until the page is full, nothing waits, or the bounds are reached.
    fn fill(
        &mut self,
        connection: &Connection,
        journal: &Journal,
        request: &PageRequest,
    ) -> Result<(), Trouble> {
        let (mut looks, mut bytes) = (0, 0);
        loop {
            let names = names(connection, self.bulk, self.making.next, NAMES)?;
            if names.is_empty() {
                return Ok(());
            }
            for names in names.chunk_by(|left, right| left.delivery == right.delivery) {
                let Some(first) = names.first() else { continue };
                let mut source = Source::read(connection, journal, first.delivery)?;
                for name in names {
                    if looks >= LOOKS || bytes >= BYTES {
                        return Ok(());
                    }
                    looks += 1;
                    let record = match &mut source {
                        Some(source) => source.record(*name)?,
                        None => None,
                    };
                    bytes += record.as_ref().map_or(0, |record| record.bytes.len());
                    if self.making.is_full_after(*name, record, request) {
                        return Ok(());
                    }
                }
            }
        }
    }
}

fn names(connection: &Connection, bulk: i64, after: RecordId, limit: i64) -> Result<Vec<RecordId>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT delivery, element FROM replay WHERE bulk = ?1 AND (delivery, element) > (?2, ?3) \
         ORDER BY delivery, element LIMIT ?4",
    )?;
    let rows = statement.query_map(params![bulk, signed(after.delivery), after.element, limit], |row| {
        Ok(RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The records of a delivery.
struct Source<'a> {
    delivery: Delivery,
    spans: Vec<crate::store::packed::spans::Span>,
    fates: std::collections::HashMap<u32, Fate>,
    pieces: Pieces<'a>,
}

impl<'a> Source<'a> {
    /// None where it is gone.
    fn read(connection: &Connection, journal: &'a Journal, number: u64) -> Result<Option<Self>, Trouble> {
        let Some(delivery) = rows::one(connection, number)? else { return Ok(None) };
        let spans = delivery.spans()?;
        let fates = hook::fates(connection, number)?;
        let pieces = Pieces::new(journal, delivery.location);
        Ok(Some(Self { delivery, spans, fates, pieces }))
    }

    /// None where it is gone or erased, or where the hook let it go nowhere.
    fn record(&mut self, id: RecordId) -> Result<Option<Record>, Trouble> {
        let fate = self.fates.remove(&id.element);
        let bytes = if let Some(Fate::Changed(bytes)) = fate {
            bytes
        } else if fate.is_some() {
            return Ok(None);
        } else {
            let Ok(at) = self.spans.binary_search_by_key(&id.element, |span| span.element) else {
                return Ok(None);
            };
            let Some((span, next)) = self.spans.get(at..).and_then(<[_]>::split_first) else {
                return Ok(None);
            };
            self.pieces.read(*span, next)?
        };
        Ok(Some(Record { id, received_at_ms: self.delivery.received_at_ms, bytes }))
    }
}

/// What a commit needs, without the bodies.
#[derive(Debug)]
pub(in crate::store::index) struct Commit {
    bulk: i64,
    destination: String,
    start: RecordId,
    next: RecordId,
    number: u64,
    records: Vec<RecordId>,
    oversized: bool,
    left: u64,
    errors: Vec<NewError>,
    is_over: bool,
    fold: bool,
    now_ms: i64,
}

impl Commit {
    /// Of a cut; `number` is that of its page.
    pub(in crate::store::index) fn of(
        cut: &mut Replayed,
        request: &Arc<PageRequest>,
        number: u64,
        fold: bool,
    ) -> Self {
        Self {
            bulk: cut.bulk,
            destination: request.destination.clone(),
            start: cut.making.start,
            next: cut.making.next,
            number,
            records: cut.making.names(),
            oversized: cut.making.oversized(),
            left: cut.making.left,
            errors: std::mem::take(&mut cut.making.errors),
            is_over: cut.is_over,
            fold,
            now_ms: request.now_ms,
        }
    }

    /// Puts it down; false where the replay was cancelled or has gone on meanwhile, or where a record was
    /// erased since it was read.
    pub(in crate::store::index) fn apply(&self, connection: &Connection) -> Result<bool, Trouble> {
        for record in self.records.iter().copied().chain(self.errors.iter().map(|error| error.record)) {
            if erase::rows::is_gone(connection, record)? {
                return Ok(false);
            }
        }
        let moved = connection
            .prepare_cached(
                "UPDATE bulk SET cursor = ?4, element = ?5, done = done + ?6, passed = passed + ?7, \
                 state = CASE WHEN ?8 THEN 2 ELSE 1 END, ended_at = CASE WHEN ?8 THEN ?9 END \
                 WHERE id = ?1 AND state = 1 AND cursor = ?2 AND element = ?3",
            )?
            .execute(params![
                self.bulk,
                signed(self.start.delivery),
                self.start.element,
                signed(self.next.delivery),
                self.next.element,
                count(self.records.len() + self.errors.len()),
                signed(self.left),
                self.is_over,
                self.now_ms,
            ])?;
        if moved == 0 {
            return Ok(false);
        }
        let place = Place { destination: Some(&self.destination), ..Place::default() };
        errors::insert(connection, place, &self.errors, self.fold)?;
        if self.records.is_empty() {
            return Ok(true);
        }
        let page = NewPage {
            number: self.number,
            destination: &self.destination,
            state: pages::LEASED,
            kind: pages::REPLAYED,
            records: &self.records,
            oversized: self.oversized,
            attempts: 0,
            first_attempt_at: None,
            due_at: self.now_ms,
            created_at: self.now_ms,
            parent: None,
        };
        pages::insert(connection, &page)?;
        let mut name = connection.prepare_cached(
            "UPDATE replay SET page = ?4 WHERE bulk = ?1 AND delivery = ?2 AND element = ?3",
        )?;
        for record in &self.records {
            name.execute(params![self.bulk, signed(record.delivery), record.element, signed(self.number)])?;
        }
        connection
            .prepare_cached("UPDATE destination SET page_records = page_records + ?2 WHERE name = ?1")?
            .execute(params![self.destination, count(self.records.len())])?;
        Ok(true)
    }
}
