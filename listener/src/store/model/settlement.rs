//! What became of a leased page.

use bytes::Bytes;

use super::{NewError, PageId, RecordId};

/// What became of a leased page.
#[derive(Debug)]
pub struct Settlement {
    /// The page.
    pub page: PageId,
    /// The attempt, where one was made.
    pub attempt: Option<Attempt>,
    /// What becomes of its records.
    pub outcome: Outcome,
    /// Trace keys of records that were taken, where the page heals.
    pub healed: Vec<(RecordId, String)>,
}

/// One try to hand a page on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Epoch milliseconds of its beginning.
    pub at_ms: i64,
    /// Milliseconds that it took.
    pub took_ms: u32,
    /// Status of the answer, where there was one.
    pub status: Option<u16>,
}

/// What becomes of a page's records.
#[derive(Debug)]
pub enum Outcome {
    /// Every record was taken, but for those that failed.
    Done {
        /// Records that became open errors.
        errors: Vec<NewError>,
        /// Records to send again in a page of their own, with the attempts of this one.
        again: Vec<RecordId>,
        /// Epoch milliseconds when they are due.
        again_at_ms: i64,
    },
    /// The whole page goes again.
    Retry {
        /// Epoch milliseconds when it is due.
        at_ms: i64,
    },
    /// Given back unsent: shutdown, pause. Costs no attempt.
    GivenBack,
    /// Of the hook's pages only: every record goes on to the destinations, but for those that
    /// were dropped or failed. What is named nowhere goes on unchanged.
    Hooked {
        /// Records that go on with other bytes, a JSON object.
        changed: Vec<(RecordId, Bytes)>,
        /// Records that go nowhere.
        dropped: Vec<RecordId>,
        /// Records that became open errors.
        errors: Vec<NewError>,
        /// Records to send to the hook again in a page of their own.
        again: Vec<RecordId>,
        /// Epoch milliseconds when they are due.
        again_at_ms: i64,
    },
}
