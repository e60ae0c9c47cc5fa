//! A delivery, and what its elements are to be.

use std::ops::Range;

use language::event::DedupeKey;

use super::Failure;

/// A delivery that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Number of the delivery, from 1, in order of arrival.
    pub delivery: u64,
}

/// What an element of a delivery is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sorted {
    /// A record, unless its key is known: then a duplicate.
    Record {
        /// Its bytes within the body.
        span: Range<usize>,
        /// Its key; none means that it is never a duplicate.
        key: Option<DedupeKey>,
    },
    /// The listener's filter left it out.
    Ignored,
    /// It cannot be used: an open error without a destination.
    Failed {
        /// Its bytes within the body.
        span: Range<usize>,
        /// `parse` or `value`.
        failure: Failure,
    },
}
