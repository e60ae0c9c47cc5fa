//! What a page that is over leaves, checked against its records. Pure.

use std::collections::HashSet;

use super::fate::Fates;
use super::{NewError, Outcome, RecordId};

/// What a page that is over leaves.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Done<'a> {
    /// Records that became open errors.
    pub(in crate::store) errors: &'a [NewError],
    /// Records that go again in a page of their own.
    pub(in crate::store) again: &'a [RecordId],
    /// Epoch milliseconds when they are due.
    pub(in crate::store) again_at: i64,
    /// What the hook gave.
    pub(in crate::store) fates: Fates<'a>,
    /// Only a page of the hook may be settled so.
    pub(in crate::store) hooked: bool,
}

impl<'a> Done<'a> {
    /// Of an outcome; none where the page waits.
    pub(in crate::store) fn of(outcome: &'a Outcome) -> Option<Self> {
        match outcome {
            Outcome::Done { errors, again, again_at_ms } => {
                Some(Self { errors, again, again_at: *again_at_ms, fates: Fates::default(), hooked: false })
            }
            Outcome::Hooked { changed, dropped, errors, again, again_at_ms } => {
                let fates = Fates { changed, dropped };
                Some(Self { errors, again, again_at: *again_at_ms, fates, hooked: true })
            }
            Outcome::Retry { .. } | Outcome::GivenBack => None,
        }
    }

    /// The records to send again, in the page's order; each of the page's records may be named once.
    pub(in crate::store) fn checked(&self, records: &[RecordId]) -> Result<Vec<RecordId>, String> {
        let Self { errors, again, fates, .. } = self;
        let mut left: HashSet<RecordId> = records.iter().copied().collect();
        let failed = errors.iter().map(|error| error.record).chain(again.iter().copied());
        let hooked = fates.changed.iter().map(|(record, _)| *record).chain(fates.dropped.iter().copied());
        for record in failed.chain(hooked) {
            if !left.remove(&record) {
                return Err(format!("record {record} is not in the page, or named twice"));
            }
        }
        let again: HashSet<&RecordId> = again.iter().collect();
        Ok(records.iter().filter(|record| again.contains(record)).copied().collect())
    }

    /// Of so many records, with so many that go again: how many went on.
    pub(in crate::store) fn delivered(&self, records: usize, again: usize) -> usize {
        records.saturating_sub(self.errors.len() + again + self.fates.dropped.len())
    }
}
