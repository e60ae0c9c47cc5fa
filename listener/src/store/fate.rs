//! How far the hook has come, and what became of a record there. Pure.

use bytes::Bytes;

use super::RecordId;
use super::packed::Damaged;

/// A record that has other bytes, as a number in the tables.
pub(in crate::store) const CHANGED: i64 = 1;
/// One that was dropped.
pub(in crate::store) const DROPPED: i64 = 2;
/// One that failed.
pub(in crate::store) const FAILED: i64 = 3;

/// Before what records the hook has settled everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Mark {
    /// Its cursor, as records before it in all deliveries.
    pub(in crate::store) ordinal: u64,
    /// The first record of the pages that are not settled.
    pub(in crate::store) record: Option<RecordId>,
}

impl Mark {
    /// Whether a record at this place lies before it.
    pub(in crate::store) fn is_behind(self, ordinal: u64, record: RecordId) -> bool {
        ordinal < self.ordinal && self.record.is_none_or(|first| record < first)
    }
}

/// What became of a record at the hook, where it did not go on as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Fate {
    /// It has other bytes.
    Changed(Bytes),
    /// It was dropped, or failed: it goes nowhere.
    Withheld,
}

impl Fate {
    /// As it stands in the tables.
    pub(in crate::store) fn read(number: i64, payload: Option<Vec<u8>>) -> Result<Self, Damaged> {
        match (number, payload) {
            (CHANGED, Some(payload)) => Ok(Self::Changed(payload.into())),
            (DROPPED | FAILED, _) => Ok(Self::Withheld),
            _ => Err(Damaged("a record has an unknown fate at the hook")),
        }
    }

    /// Bytes that it holds.
    pub(in crate::store) fn bytes(&self) -> usize {
        match self {
            Self::Changed(bytes) => bytes.len(),
            Self::Withheld => 0,
        }
    }
}

/// What is put down with a settlement of one of the hook's pages.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct Fates<'a> {
    /// Records that have other bytes.
    pub(in crate::store) changed: &'a [(RecordId, Bytes)],
    /// Records that go nowhere.
    pub(in crate::store) dropped: &'a [RecordId],
}
