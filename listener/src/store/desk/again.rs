//! A page of errors in the making: what fits one page of what waits to be sent again.
//!
//! A record stands in such a page once: a second error of one record waits for the next page.

use std::collections::BTreeMap;

use crate::store::{NewError, PageRequest, Record, RecordId, Route};

/// Bytes that one cut reads at most beyond a page's own bound.
const READ_AHEAD: usize = 1024 * 1024;

/// An error that waits to be sent again.
#[derive(Debug)]
pub(in crate::store) struct Waiting {
    /// Its number.
    pub(in crate::store) error: i64,
    /// What is sent: the edited payload where there is one.
    pub(in crate::store) record: Record,
    /// It was in no page yet: the failed step is the filter.
    pub(in crate::store) never_sent: bool,
}

/// A page of errors in the making.
#[derive(Debug, Default)]
pub(in crate::store) struct Again {
    records: BTreeMap<RecordId, (i64, Record)>,
    bytes: usize,
    read: usize,
    /// One record that is larger than a page may be.
    pub(in crate::store) oversized: bool,
    /// The destination's filter leaves them out now.
    pub(in crate::store) left_out: Vec<i64>,
    /// The destination's filter failed on them again.
    pub(in crate::store) failed: Vec<(i64, NewError)>,
}

impl Again {
    /// Whether a record stands in it already.
    pub(in crate::store) fn has(&self, record: RecordId) -> bool {
        self.records.contains_key(&record)
    }

    /// Takes one more; false where the page takes no further ones.
    pub(in crate::store) fn offer(&mut self, waiting: Waiting, request: &PageRequest) -> bool {
        let Waiting { error, record, never_sent } = waiting;
        if self.has(record.id) {
            return true;
        }
        self.read += record.bytes.len();
        if never_sent {
            match (request.route)(&record) {
                Route::Take => {}
                Route::Skip => {
                    self.left_out.push(error);
                    return true;
                }
                Route::Fail(failure) => {
                    self.failed.push((error, *failure));
                    return true;
                }
            }
        }
        let bytes = self.bytes.saturating_add((request.cost)(&record));
        let too_large = request.envelope_bytes.saturating_add(bytes) > request.max_bytes;
        if too_large && !self.records.is_empty() {
            return false;
        }
        self.records.insert(record.id, (error, record));
        self.bytes = bytes;
        self.oversized = too_large;
        !too_large && self.read <= request.max_bytes.saturating_add(READ_AHEAD)
    }

    /// Nothing to put down.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.left_out.is_empty() && self.failed.is_empty()
    }

    /// Its records and their errors, in the page's order.
    pub(in crate::store) fn names(&self) -> Vec<(RecordId, i64)> {
        self.records.iter().map(|(id, (error, _))| (*id, *error)).collect()
    }

    /// The records, in the page's order.
    pub(in crate::store) fn into_page(self) -> (Vec<Record>, bool) {
        (self.records.into_values().map(|(_, record)| record).collect(), self.oversized)
    }
}
