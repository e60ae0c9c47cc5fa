//! An event as it is stored and handed on.

use std::fmt;

use bytes::Bytes;

/// A record's name: delivery and place of the element, from 0. Shown as `1042.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// Number of the delivery.
    pub delivery: u64,
    /// Place in the delivery's array, from 0.
    pub element: u32,
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.delivery, self.element)
    }
}

/// The name under which the hook before pages are cut stands among the destinations. A
/// destination's own name has no capital letter.
pub const PRE_PAGE: &str = "prePage";

/// An event as it is stored and handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// Epoch milliseconds of the delivery's arrival.
    pub received_at_ms: i64,
    /// The bytes that came, or those that the hook gave for them.
    pub bytes: Bytes,
}
