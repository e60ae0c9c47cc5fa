//! Which records match a filter, newest first, in bounded steps.
//!
//! A trace key or an object's id is looked up in the search index, segment by segment; deliveries that
//! are not in it yet are looked at one by one before. Without either, deliveries are walked through,
//! and of them only those of segments whose times fit.

use std::collections::HashSet;

use rusqlite::Connection;

use super::rows::{self, Delivery};
use super::segments;
use super::{delivered, entry, shown};
use crate::desk::RecordFilter;
use crate::store::history::bounds::Bounds;
use crate::store::index::trouble::Trouble;
use crate::store::journal::Journal;
use crate::store::packed::spans::Span;
use crate::store::{RecordId, Sort};

/// Records, deliveries and segments that one step looks at.
const LOOKS: usize = 20_000;
/// Bytes of records that one step reads.
const BYTES: usize = 16 * 1024 * 1024;
/// Deliveries that one query reads.
const ROWS: i64 = 64;
/// Hits that one query reads.
const HITS: usize = 256;

/// What a step found.
#[derive(Debug)]
pub(super) struct Found {
    /// Newest first.
    pub(super) records: Vec<RecordId>,
    /// Before what to go on; none: this is the end.
    pub(super) next: Option<RecordId>,
    /// Deliveries that the search index lacks, where it was asked.
    pub(super) behind: u64,
}

/// What a search works with.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) connection: &'a Connection,
    pub(super) journal: &'a Journal,
    pub(super) sorter: &'a dyn Sort,
    pub(super) filter: &'a RecordFilter,
}

impl Search<'_> {
    /// At most `want` records before `before`, of deliveries up to `newest`.
    pub(super) fn step(&self, before: RecordId, newest: u64, want: usize) -> Result<Found, Trouble> {
        let RecordFilter { delivery, trace_key, object_id, delivered_to: _, from_ms, until_ms } = self.filter;
        let (searched, last) = entry::reach(self.connection)?;
        let newest = newest.min(last).min(before.delivery);
        let bounds = Bounds {
            from_ms: *from_ms,
            until_ms: *until_ms,
            first: delivery.unwrap_or(0),
            last: delivery.map_or(newest, |delivery| delivery.min(newest)),
        };
        let key = match (trace_key, object_id) {
            (Some(trace_key), _) => Some(entry::of_trace_key(trace_key)),
            (None, Some(id)) => Some(entry::of_object_id(id)),
            (None, None) => None,
        };
        let mut step = Step { search: *self, cursor: before, want, looks: 0, bytes: 0, records: Vec::new() };
        let is_over = match key {
            None => step.walk(bounds)?,
            Some(key) => {
                let tail = Bounds { first: bounds.first.max(searched.saturating_add(1)), ..bounds };
                step.walk(tail)? && step.look_up(key, Bounds { last: bounds.last.min(searched), ..bounds })?
            }
        };
        Ok(Found {
            next: (!is_over).then_some(step.cursor),
            records: step.records,
            behind: if key.is_some() { last.saturating_sub(searched) } else { 0 },
        })
    }
}

struct Step<'a> {
    search: Search<'a>,
    /// Everything from here on was looked at.
    cursor: RecordId,
    want: usize,
    looks: usize,
    bytes: usize,
    records: Vec<RecordId>,
}

impl Step<'_> {
    fn is_full(&self) -> bool {
        self.records.len() >= self.want || self.looks >= LOOKS || self.bytes >= BYTES
    }

    /// Looks at deliveries one by one; false where there is more to look at.
    fn walk(&mut self, bounds: Bounds) -> Result<bool, Trouble> {
        let Search { connection, filter, .. } = self.search;
        for segment in segments::within(connection, &bounds)? {
            self.looks += 1;
            let mut last = segment.last;
            while last >= segment.first {
                if self.is_full() {
                    return Ok(false);
                }
                let rows = rows::between(connection, segment.first, last, ROWS)?;
                let (Some(newest), Some(oldest)) = (rows.first(), rows.last()) else { break };
                let taken = match &filter.delivered_to {
                    Some(name) => Some(delivered::within(connection, name, oldest.number, newest.number)?),
                    None => None,
                };
                last = oldest.number.saturating_sub(1);
                for delivery in &rows {
                    self.looks += 1;
                    if bounds.holds(delivery.received_at_ms) && !self.look_at(delivery, taken.as_ref())? {
                        return Ok(false);
                    }
                    self.cursor = RecordId { delivery: delivery.number, element: 0 };
                }
            }
        }
        Ok(true)
    }

    /// Looks at the records of a delivery; false where there is more to look at.
    fn look_at(&mut self, delivery: &Delivery, taken: Option<&HashSet<RecordId>>) -> Result<bool, Trouble> {
        for span in delivery.spans()?.iter().rev() {
            let id = delivery.id(*span);
            if id >= self.cursor {
                continue;
            }
            if self.is_full() {
                return Ok(false);
            }
            self.looks += 1;
            self.cursor = id;
            if taken.is_none_or(|taken| taken.contains(&id)) && self.fits(delivery, *span)? {
                self.records.push(id);
            }
        }
        Ok(true)
    }

    /// Whether a record has the trace key and the object's id that are asked for.
    fn fits(&mut self, delivery: &Delivery, span: Span) -> Result<bool, Trouble> {
        let Search { sorter, filter, .. } = self.search;
        if filter.trace_key.is_none() && filter.object_id.is_none() {
            return Ok(true);
        }
        let Some(bytes) = self.read(delivery, span.element)? else { return Ok(false) };
        // What has no trace key is not in the index either.
        let trace_key = filter.trace_key.as_ref();
        Ok(trace_key.is_none_or(|wanted| !wanted.is_empty() && sorter.name(&bytes).trace_key == *wanted)
            && self.has_object(&bytes))
    }

    fn has_object(&self, bytes: &[u8]) -> bool {
        let wanted = self.search.filter.object_id.as_ref();
        wanted.is_none_or(|wanted| shown::object_id(bytes).as_ref() == Some(wanted))
    }

    fn read(&mut self, delivery: &Delivery, element: u32) -> Result<Option<bytes::Bytes>, Trouble> {
        let Search { connection, journal, .. } = self.search;
        let bytes = delivery.bytes(connection, journal, element)?;
        self.bytes += bytes.as_ref().map_or(0, bytes::Bytes::len);
        Ok(bytes)
    }

    /// Looks up what is in the search index; false where there is more to look at.
    fn look_up(&mut self, key: entry::Key, bounds: Bounds) -> Result<bool, Trouble> {
        let Search { connection, filter, .. } = self.search;
        let mut delivery: Option<Delivery> = None;
        let mut taken: Option<HashSet<RecordId>> = None;
        for segment in segments::within(connection, &bounds)? {
            self.looks += 1;
            loop {
                if self.is_full() {
                    return Ok(false);
                }
                // Nothing behind the bounds: there the deliveries themselves were looked at.
                let end = RecordId { delivery: segment.last, element: u32::MAX };
                let hits = entry::hits(connection, segment.number, key, self.cursor.min(end), HITS)?;
                for id in &hits {
                    if self.is_full() {
                        return Ok(false);
                    }
                    self.looks += 1;
                    self.cursor = *id;
                    if id.delivery < segment.first {
                        break;
                    }
                    if delivery.as_ref().is_none_or(|delivery| delivery.number != id.delivery) {
                        delivery = rows::one(connection, id.delivery)?;
                        taken = match &filter.delivered_to {
                            Some(name) => {
                                Some(delivered::within(connection, name, id.delivery, id.delivery)?)
                            }
                            None => None,
                        };
                    }
                    let Some(delivery) = &delivery else { continue };
                    let fits = bounds.holds(delivery.received_at_ms)
                        && taken.as_ref().is_none_or(|taken| taken.contains(id));
                    if !fits {
                        continue;
                    }
                    // A hit is right (`entry`); only a second condition needs the bytes.
                    if filter.trace_key.is_some() && filter.object_id.is_some() {
                        let bytes = self.read(delivery, id.element)?;
                        if !bytes.is_some_and(|bytes| self.has_object(&bytes)) {
                            continue;
                        }
                    }
                    self.records.push(*id);
                }
                if hits.len() < HITS {
                    break;
                }
            }
        }
        Ok(true)
    }
}
