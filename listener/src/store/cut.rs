//! A page in the making, from a destination's cursor on: what was looked at, what was found. Pure.
//!
//! The store reads the records, [`Cut`] says what becomes of each, and the store commits it.

use std::sync::Arc;

use super::{Filling, NewError, PageRequest, Record, RecordId, Route};

/// Failures of a filter with which a page is cut though it is not full.
const MOST_ERRORS: usize = 1_000;

/// The first record that was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Cursor {
    /// Its delivery, or one before it without further records.
    pub(in crate::store) delivery: u64,
    /// Its place in the list of the delivery's records.
    pub(in crate::store) index: u64,
    /// Records before it, in all deliveries.
    pub(in crate::store) ordinal: u64,
    /// How often something passed the hook that had failed there: a scan that passed it by is void.
    pub(in crate::store) mended: u64,
}

/// Why a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum End {
    /// The page is full.
    Full,
    /// There is nothing more.
    Exhausted,
    /// There is more to look at.
    Bound,
}

/// A page in the making.
#[derive(Debug)]
pub(in crate::store) struct Cut {
    request: Arc<PageRequest>,
    start: Cursor,
    next: Cursor,
    filling: Filling,
    ignored: u64,
    withheld: u64,
    errors: Vec<NewError>,
}

/// What a commit needs of a cut, without its bodies.
#[derive(Debug)]
pub(in crate::store) struct Findings {
    /// Where it goes.
    pub(in crate::store) destination: String,
    /// Where the scan began.
    pub(in crate::store) start: Cursor,
    /// Where it ended.
    pub(in crate::store) next: Cursor,
    /// Records that the filter left out.
    pub(in crate::store) ignored: u64,
    /// Records that the hook dropped or failed.
    pub(in crate::store) withheld: u64,
    /// Failures of the filter.
    pub(in crate::store) errors: Vec<NewError>,
    /// The page's records.
    pub(in crate::store) records: Vec<RecordId>,
    /// It is one record that is larger than a page may be.
    pub(in crate::store) oversized: bool,
}

impl Cut {
    /// Begins at a destination's cursor.
    pub(in crate::store) fn new(request: Arc<PageRequest>, start: Cursor) -> Self {
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
    pub(in crate::store) fn fits(&self, request: &PageRequest, cursor: Cursor) -> bool {
        let mine = &self.request;
        self.start == cursor
            && Arc::ptr_eq(&mine.route, &request.route)
            && Arc::ptr_eq(&mine.cost, &request.cost)
            && mine.size == request.size
            && mine.max_bytes == request.max_bytes
            && mine.envelope_bytes == request.envelope_bytes
    }

    /// Where it goes.
    pub(in crate::store) fn destination(&self) -> &str {
        &self.request.destination
    }

    /// Records found so far.
    pub(in crate::store) fn taken(&self) -> usize {
        self.filling.records().len()
    }

    /// Records that still have a place in the page.
    pub(in crate::store) fn room(&self) -> usize {
        self.request.size.max(1).saturating_sub(self.taken()).max(1)
    }

    /// When the page is due though it is not full.
    pub(in crate::store) fn due_ms(&self, linger_ms: i64) -> Option<i64> {
        let first = self.filling.records().first()?;
        Some(first.received_at_ms.saturating_add(linger_ms))
    }

    /// The first record that was not looked at.
    pub(in crate::store) fn next(&self) -> Cursor {
        self.next
    }

    /// Comes to a delivery; how many of its records were looked at before.
    pub(in crate::store) fn enter(&mut self, delivery: u64) -> usize {
        if delivery != self.next.delivery {
            self.next = Cursor { delivery, index: 0, ..self.next };
        }
        usize::try_from(self.next.index).unwrap_or(usize::MAX)
    }

    /// Has looked at all of a delivery.
    pub(in crate::store) fn leave(&mut self, delivery: u64) {
        self.next = Cursor { delivery: delivery.saturating_add(1), index: 0, ..self.next };
    }

    /// What a commit puts down; the records themselves stay here.
    pub(in crate::store) fn findings(&mut self) -> Findings {
        Findings {
            destination: self.request.destination.clone(),
            start: self.start,
            next: self.next,
            ignored: self.ignored,
            withheld: self.withheld,
            errors: std::mem::take(&mut self.errors),
            records: self.filling.records().iter().map(|record| record.id).collect(),
            oversized: self.filling.oversized(),
        }
    }

    /// Whether committing it would change anything.
    pub(in crate::store) fn moved(&self) -> bool {
        self.next != self.start
    }

    /// Whether it holds so many failures that they should be put down.
    pub(in crate::store) fn laden(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    /// The records, which are a page once the cut is committed.
    pub(in crate::store) fn into_records(self) -> (Vec<Record>, bool) {
        self.filling.into_records()
    }

    /// Passes a record by that the hook dropped or failed.
    pub(in crate::store) fn withhold(&mut self) {
        self.withheld += 1;
        self.next.index += 1;
        self.next.ordinal += 1;
    }

    /// Decides on one record; true where the page is full, with it or without it.
    pub(in crate::store) fn look(&mut self, record: Record) -> bool {
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
