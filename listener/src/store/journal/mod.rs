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
//! CRC of header) and that many deliveries. `format` has every byte. After the
//! last group stand zeros that were written ahead, or nothing.
//!
//! # Invariants
//!
//! 1. Group `n + 1` is written only after the sync of group `n` returned Ok. So a
//!    bad group that a good group with a higher number follows was acknowledged and
//!    has been damaged since: opening refuses, nothing is overwritten. A bad group
//!    at the very end was never acknowledged: it is cut off.
//! 2. After a failed write or sync a segment is never written again: what the page
//!    cache holds is unknown. Its valid length goes into the header of the next one,
//!    and whatever stands after that length is ignored for good.
//! 3. Delivery numbers grow by one and are never given twice. Those of a group that
//!    failed were given to nobody, and the next group gets them.
//! 4. The header of a segment, and its name, are synced before a group is put into
//!    it. So a last segment with a bad header that is longer than a header has been
//!    damaged; one that is not longer was being made, holds nothing, and is removed.
//! 5. Opening writes the last group again in its place and syncs it before anybody
//!    reads it: see `open`.
//! 6. The segment that holds the last group is never removed. So a journal that
//!    ends before the index does has lost something, and is refused.
//! 7. Bytes of a group that is synced change only where its index asks for it ([`erase`]): length,
//!    number and deliveries of the group stay, and its CRC fits again.
//!
//! # What cannot be told
//!
//! A last group that is damaged after it was acknowledged looks like a torn one,
//! and is cut off, unless the index is past it: then the journal ends before the
//! index, or the headers no longer lead to where the index stands, and opening
//! refuses. The same holds for a last segment file that somebody removes. The
//! index follows within moments, so this is about one group, damaged between its
//! sync and its indexing. A failed group that reached the disk whole all the same
//! is kept by the next opening, unless a segment was begun after it: its senders
//! were told 503 and send again, and the dedupe key finds the second.
//!
//! What is indexed is not checked again at opening, and `read` checks no CRC.
//!
//! # Bounds
//!
//! Waiting: `Options::queue` deliveries and 256 MiB, then `Busy`. A group: 4096
//! deliveries, and it is closed at 32 MiB. A body: 64 MiB. Not indexed:
//! `Options::max_unindexed_bytes`, then `Backlog`. While writing fails the disk is
//! tried at once after the first failure, then every 200 ms; in between appends
//! are answered `Write` without it.

mod bodies;
mod disk;
mod erase;
mod fill;
mod format;
mod groups;
mod handle;
mod open;
mod outside;
mod reader;
mod refusal;
mod scan;
mod segment;
mod shared;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

use bytes::Bytes;
use uuid::Uuid;

pub use erase::{Hole, Rewrite, redo};
pub use fill::{Filling, Numbered};
pub use handle::Journal;
pub use outside::{Held, Outside, Place, Visit};
pub use reader::Reader;
pub use segment::{list as segments, path as segment_path, sync_directory};

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
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes after which a new segment is begun.
    pub segment_bytes: u64,
    /// Milliseconds after its first group at which a new segment is begun, by the arrival of
    /// deliveries: the next one goes into the new one.
    pub segment_ms: i64,
    /// Deliveries that may wait for the writer.
    pub queue: usize,
    /// Bytes that may be accepted and not indexed.
    pub max_unindexed_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            segment_ms: 60 * 60 * 1000,
            queue: 4096,
            max_unindexed_bytes: 4 * 1024 * 1024 * 1024,
        }
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
