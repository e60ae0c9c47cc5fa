//! From the journal into the tables.
//!
//! Each delivery is judged once ([`prepare`], no database), then put down in one
//! transaction with its dedupe keys, the counters and the watermark ([`apply`]).
//! A crash before the commit leaves nothing, and the journal is read again from the
//! watermark; deliveries up to it are passed over, so that each counts once.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::desk::resend;
use super::erase;
use super::errors::{self, Place};
use super::history::minutes;
use super::segment::Segments;
use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::journal::{Batch, Entry, Indexed, Location};
use crate::store::judge::{Judged, judge};
use crate::store::packed::spans::{self, Span};
use crate::store::{NewError, Sort};
use language::event::DedupeKey;

/// A delivery that was judged.
#[derive(Debug)]
pub(super) struct Prepared {
    delivery: u64,
    request: Uuid,
    received_at_ms: i64,
    location: Location,
    events: usize,
    ignored: usize,
    candidates: Vec<(Span, Option<DedupeKey>)>,
    failed: Vec<NewError>,
    /// Elements that failed and are not to be kept.
    erase: Vec<Span>,
}

impl Prepared {
    fn of(entry: &Entry, sorter: &dyn Sort) -> Self {
        let Judged { events, ignored, candidates, failed, unusable } =
            judge(entry.delivery, entry.received_at_ms, &entry.body, sorter);
        let erase = if sorter.keeps_payload() { Vec::new() } else { unusable };
        Self {
            delivery: entry.delivery,
            request: entry.request,
            received_at_ms: entry.received_at_ms,
            location: entry.location,
            events,
            ignored,
            candidates,
            failed,
            erase,
        }
    }
}

/// Groups of the journal, judged.
#[derive(Debug)]
pub(super) struct PreparedBatch {
    deliveries: Vec<Prepared>,
    /// Whether errors of one trace key fold.
    fold: bool,
    /// Whether what fails is kept.
    keep: bool,
    /// The watermark once they are in the tables.
    pub(super) end: Indexed,
}

/// Judges every element of a batch.
pub(super) fn prepare(batch: Batch, sorter: &dyn Sort) -> PreparedBatch {
    let deliveries = batch.entries.into_iter().map(|entry| Prepared::of(&entry, sorter)).collect();
    PreparedBatch { deliveries, fold: sorter.folds(), keep: sorter.keeps_payload(), end: batch.end }
}

#[derive(Default)]
struct Moved {
    events: i64,
    duplicates: i64,
    ignored: i64,
    last_received_at: Option<i64>,
    /// Events by minute.
    minutes: BTreeMap<i64, i64>,
}

/// Puts a batch into the tables; the caller's transaction makes it one step.
pub(super) fn apply(connection: &Connection, batch: &PreparedBatch) -> Result<(), Trouble> {
    let (mut ordinal, done): (i64, i64) = connection
        .prepare_cached("SELECT records, last_delivery FROM meta")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut moved = Moved::default();
    let mut segments = Segments::default();
    let mut spans = Vec::new();
    let mut delivery_row = connection.prepare_cached(
        "INSERT INTO delivery(seq, received_at, request, segment, offset, length, first_ordinal, records) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for delivery in &batch.deliveries {
        if signed(delivery.delivery) <= done {
            continue;
        }
        spans.clear();
        let again = resend::error_of(delivery.request);
        // Nothing of it counts where the error was sent again before.
        let fresh = match again {
            Some(error) => resend::arrive(connection, error, delivery.received_at_ms)?,
            None => true,
        };
        for (span, key) in delivery.candidates.iter().filter(|_| fresh) {
            // Its first try may have left its key; that is no reason to drop it now.
            if is_known(connection, key.as_ref(), delivery.received_at_ms)? && again.is_none() {
                moved.duplicates += 1;
                // The first of them may fail; nobody ever needs this one.
                if !batch.keep {
                    erase::rows::ask_element(connection, delivery.delivery, *span)?;
                }
            } else {
                spans.push(*span);
            }
        }
        delivery_row.execute(params![
            signed(delivery.delivery),
            delivery.received_at_ms,
            delivery.request.as_bytes(),
            signed(delivery.location.segment),
            signed(delivery.location.offset),
            delivery.location.length,
            ordinal,
            spans::encode(&spans),
        ])?;
        if fresh {
            for span in &delivery.erase {
                erase::rows::ask_element(connection, delivery.delivery, *span)?;
            }
            errors::insert(connection, Place::default(), &delivery.failed, batch.fold)?;
            if let Some(error) = again.filter(|_| !delivery.failed.is_empty()) {
                resend::failed_again(connection, error)?;
                if delivery.failed.iter().any(|failed| failed.payload.is_none()) {
                    erase::rows::forget(connection, error)?;
                }
            }
        }
        ordinal += count(spans.len());
        moved.ignored += if fresh { count(delivery.ignored) } else { 0 };
        if again.is_none() {
            moved.events += count(delivery.events);
            *moved.minutes.entry(minutes::of(delivery.received_at_ms)).or_default() += count(delivery.events);
            moved.last_received_at = Some(delivery.received_at_ms);
        }
        segments.add(delivery.location.segment, delivery.delivery, delivery.received_at_ms);
    }
    segments.put(connection)?;
    for (minute, events) in &moved.minutes {
        minutes::add_events(connection, *minute, *events)?;
    }
    let Indexed { position, last_delivery, last_group } = batch.end;
    connection
        .prepare_cached(
            "UPDATE meta SET segment = ?1, offset = ?2, last_delivery = ?3, last_group = ?4, \
             last_received_at = coalesce(?5, last_received_at), events = events + ?6, records = ?7, \
             duplicates = duplicates + ?8, ignored = ignored + ?9",
        )?
        .execute(params![
            signed(position.segment),
            signed(position.offset),
            signed(last_delivery),
            signed(last_group),
            moved.last_received_at,
            moved.events,
            ordinal,
            moved.duplicates,
            moved.ignored,
        ])?;
    Ok(())
}

/// Whether the key was there; it is from now on.
fn is_known(connection: &Connection, key: Option<&DedupeKey>, seen_at_ms: i64) -> Result<bool, Trouble> {
    let Some(DedupeKey { occurred_at, hash }) = key else { return Ok(false) };
    let new = connection
        .prepare_cached("INSERT OR IGNORE INTO dedupe(occurred_at, hash, seen_at) VALUES (?1, ?2, ?3)")?
        .execute(params![occurred_at, hash, seen_at_ms])?;
    Ok(new == 0)
}

/// The watermark; none before anything was indexed.
pub(super) fn watermark(connection: &Connection) -> Result<Option<Indexed>, Trouble> {
    let found = connection
        .query_row(
            "SELECT segment, offset, last_delivery, last_group FROM meta WHERE segment > 0",
            [],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, i64>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            },
        )
        .optional()?;
    Ok(found.map(|(segment, offset, last_delivery, last_group)| Indexed {
        position: crate::store::journal::Position { segment: unsigned(segment), offset: unsigned(offset) },
        last_delivery: unsigned(last_delivery),
        last_group: unsigned(last_group),
    }))
}
