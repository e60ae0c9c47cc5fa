//! The journal: accepted deliveries, in order of arrival, in files that are only appended to.
//!
//! A request is answered 2xx when its delivery is in here and synced; everything
//! else (splitting, filters, dedupe, pages) happens afterwards, from the journal.
//!
//! # Files
//!
//! `segment-00000000000000000001.journal` and so on; one writer. A segment begins
//! with a header (magic, format version, store name, its number, number of its
//! first group and of its first delivery, valid length of the segment before it)
//! and holds groups. A group is what one `write` and one `fdatasync` put down:
//! a header (magic, group number, first delivery, count, length, CRC of payload,
//! CRC of header) and that many deliveries.
//!
//! # Invariants
//!
//! 1. Group `n + 1` is written only after the sync of group `n` returned Ok. So a
//!    bad group that a good group with a higher number follows was acknowledged and
//!    has been damaged since: opening refuses, nothing is overwritten. A bad group
//!    at the very end was never acknowledged: it is cut off.
//! 2. After a failed write or sync a segment is never written again: what the page
//!    cache holds is unknown. Its valid length goes into the header of the next one.
//! 3. Delivery numbers grow by one and are never given twice.

use std::path::Path;

use bytes::Bytes;
use uuid::Uuid;

use super::{AppendError, StoreError};

/// A place between two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the segment, from 1.
    pub segment: u64,
    /// Bytes from the beginning of the segment.
    pub offset: u64,
}

/// Where the body of a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Number of the segment.
    pub segment: u64,
    /// Bytes from the beginning of the segment.
    pub offset: u64,
    /// Bytes.
    pub length: u32,
}

/// A delivery on its way into the journal.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Id of the request.
    pub request: Uuid,
    /// Epoch milliseconds of its arrival.
    pub received_at_ms: i64,
    /// Body, as it came.
    pub body: Bytes,
}

/// A delivery in the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number, from 1.
    pub delivery: u64,
    /// Id of the request.
    pub request: Uuid,
    /// Epoch milliseconds of its arrival.
    pub received_at_ms: i64,
    /// Where its body stands.
    pub location: Location,
    /// Body, as it came.
    pub body: Bytes,
}

/// Bounds of a journal.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes after which a new segment is begun.
    pub segment_bytes: u64,
    /// Deliveries that may wait for the writer.
    pub queue: usize,
    /// Bytes that may be accepted and not indexed.
    pub max_unindexed_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 * 1024 * 1024, queue: 4096, max_unindexed_bytes: 4 * 1024 * 1024 * 1024 }
    }
}

/// What the index knows when the journal is opened.
#[derive(Clone, Copy, Debug)]
pub struct Indexed {
    /// Up to here everything is indexed; it is not read again, and may have been removed.
    pub position: Position,
    /// Number of the last delivery before it; 0 for none.
    pub last_delivery: u64,
    /// Number of the last group before it; 0 for none.
    pub last_group: u64,
}

/// Groups read by the index: what they held, and where the next one begins.
#[derive(Debug)]
pub struct Batch {
    /// In order; never empty.
    pub entries: Vec<Entry>,
    /// What `Indexed` becomes once they are indexed.
    pub end: Indexed,
}

/// The journal of one store. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {}

/// Reads the journal in order, for the index. There is one.
#[derive(Debug)]
pub struct Reader {}

impl Journal {
    /// Opens or makes the journal in `directory` and starts its writer thread.
    /// Refuses (without touching a byte) a journal of another store, of a newer
    /// format, a damaged one, or one whose `indexed` part is missing without reason.
    pub fn open(
        _directory: &Path,
        _store: &str,
        _indexed: Option<Indexed>,
        _options: Options,
    ) -> Result<(Self, Reader), StoreError> {
        Err(StoreError::Closed)
    }

    /// Puts a delivery on disk; its number.
    pub async fn append(&self, _entry: NewEntry) -> Result<u64, AppendError> {
        Err(AppendError::Closed)
    }

    /// Part of a body: `range` within `location`.
    pub fn read(&self, _location: Location, _range: std::ops::Range<u32>) -> std::io::Result<Bytes> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    /// Everything before here is indexed: frees the backlog bound.
    pub fn set_indexed(&self, _indexed: Indexed) {}

    /// Removes whole segments with a lower number, but never one that is not indexed; how many.
    pub fn remove_before(&self, _segment: u64) -> std::io::Result<u64> {
        Ok(0)
    }

    /// Bytes and deliveries that are accepted and not indexed.
    pub fn unindexed(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Number of the last delivery on disk, and when it came; none in a new journal (or after all was removed, until one comes).
    pub fn last(&self) -> (u64, Option<i64>) {
        (0, None)
    }

    /// Bytes of all segments.
    pub fn file_bytes(&self) -> u64 {
        0
    }

    /// Whether an append would work. Where writing failed it tries again by itself, at most once a second, so that a probe sees the recovery.
    pub fn health(&self) -> Result<(), String> {
        Ok(())
    }

    /// Takes no more, writes what waits, ends the writer.
    pub async fn close(&self) {}
}

impl Reader {
    /// The next groups, at most about `max_bytes` of bodies but at least one group; waits up to `wait` for one. None: nothing came.
    pub fn next(
        &mut self,
        _max_bytes: usize,
        _wait: std::time::Duration,
    ) -> Result<Option<Batch>, StoreError> {
        Ok(None)
    }
}
