//! A page of a replay in the making: what is taken, left and failed of the records that it passes. Pure.

use crate::store::{Filling, NewError, PageRequest, Record, RecordId, Route};

/// A page in the making. It changes nothing until it is committed.
#[derive(Debug)]
pub(in crate::store) struct Making {
    /// Behind which record it began.
    pub(in crate::store) start: RecordId,
    /// The last record that it passed.
    pub(in crate::store) next: RecordId,
    /// Records that are gone, or that the destination's filter does not take.
    pub(in crate::store) left: u64,
    /// What the destination's filter failed on.
    pub(in crate::store) errors: Vec<NewError>,
    filling: Filling,
}

impl Making {
    /// Begins behind a record.
    pub(in crate::store) fn new(start: RecordId) -> Self {
        Self { start, next: start, left: 0, errors: Vec::new(), filling: Filling::default() }
    }

    /// Decides on one record, none where it is gone; true where the page is full, with it or without it.
    pub(in crate::store) fn is_full_after(
        &mut self,
        name: RecordId,
        record: Option<Record>,
        request: &PageRequest,
    ) -> bool {
        match record.map(|record| ((request.route)(&record), record)) {
            None | Some((Route::Skip, _)) => self.left += 1,
            Some((Route::Fail(error), _)) => self.errors.push(*error),
            Some((Route::Take, record)) => {
                // It stays for the next page.
                if self.filling.offer(record, request).is_err() {
                    return true;
                }
            }
        }
        self.next = name;
        self.filling.is_full(request)
    }

    /// Whether it is a page, once it is committed.
    pub(in crate::store) fn has_records(&self) -> bool {
        !self.filling.records().is_empty()
    }

    /// The names of its records, in order.
    pub(in crate::store) fn names(&self) -> Vec<RecordId> {
        self.filling.records().iter().map(|record| record.id).collect()
    }

    /// Whether it is one record that is larger than a page may be.
    pub(in crate::store) fn oversized(&self) -> bool {
        self.filling.oversized()
    }

    /// The records, and whether it is one that is larger than a page may be.
    pub(in crate::store) fn into_page(self) -> (Vec<Record>, bool) {
        self.filling.into_records()
    }
}
