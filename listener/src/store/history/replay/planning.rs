//! A plan of a replay in the making: what it found so far, and which records fit. Pure.

use std::collections::HashSet;

use crate::desk::{Act, Effect, Plan, RecordFilter, RecordShown, Selection};
use crate::store::RecordId;

/// Records that a plan shows.
const SAMPLE: usize = 10;
/// Records that one step looks for.
pub(in crate::store) const STEP: usize = 5_000;
/// Deliveries about which pages and errors are asked in one.
const NEAR: u64 = 256;

/// A plan in the making.
#[derive(Debug)]
pub(in crate::store) struct Planning {
    /// Its number.
    pub(in crate::store) plan: i64,
    /// Which records.
    pub(in crate::store) filter: RecordFilter,
    /// Where to.
    pub(in crate::store) to: String,
    /// The newest delivery when it began.
    pub(in crate::store) newest: u64,
    /// Everything from here on was looked at; none: all was.
    pub(in crate::store) before: Option<RecordId>,
    /// What it would do, so far.
    pub(in crate::store) effect: Effect,
    sample: Vec<RecordShown>,
    found: Vec<RecordId>,
}

impl Planning {
    /// Begins a plan of the records up to the delivery `newest`.
    pub(in crate::store) fn new(plan: i64, filter: RecordFilter, to: String, newest: u64) -> Self {
        Self {
            plan,
            filter,
            to,
            newest,
            before: Some(RecordId { delivery: newest, element: u32::MAX }),
            effect: Effect::default(),
            sample: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Whether there is more to look at.
    pub(in crate::store) fn goes_on(&self) -> bool {
        self.before.is_some()
    }

    /// Counts records that match, and keeps those that fit, to be put down.
    pub(in crate::store) fn note(&mut self, fitting: Fitting) {
        let Fitting { records, left, without_payload } = fitting;
        let changed = records.len() as u64;
        self.effect.matched += changed + left + without_payload;
        self.effect.changed += changed;
        self.effect.left += left;
        self.effect.without_payload += without_payload;
        self.found.extend(records);
    }

    /// Those of the last step that are to be shown.
    pub(in crate::store) fn sampled(&self) -> Vec<RecordId> {
        self.found.iter().take(SAMPLE.saturating_sub(self.sample.len())).copied().collect()
    }

    /// Ends a step.
    pub(in crate::store) fn stepped(&mut self, shown: Vec<RecordShown>, next: Option<RecordId>) {
        self.sample.extend(shown);
        self.before = next;
    }

    /// What the last step found, to be put down.
    pub(in crate::store) fn take_found(&mut self) -> Vec<RecordId> {
        std::mem::take(&mut self.found)
    }

    /// The plan, whole.
    pub(in crate::store) fn whole(self, expires_at_ms: i64) -> Plan {
        let Self { plan, filter, to, newest: _, before: _, effect, sample, found: _ } = self;
        Plan {
            id: plan,
            selection: Selection::Records(filter),
            act: Act::Replay { to },
            effect,
            sample: Vec::new(),
            records: sample,
            expires_at_ms,
        }
    }
}

/// Of records, newest first, those of near deliveries, and the rest.
pub(in crate::store) fn near(records: &[RecordId]) -> (&[RecordId], &[RecordId]) {
    let Some(first) = records.first() else { return (records, &[]) };
    let near = records.iter().take_while(|id| first.delivery.saturating_sub(id.delivery) < NEAR).count();
    records.split_at(near)
}

/// How a destination stands.
#[derive(Debug)]
pub(in crate::store) struct Standing {
    /// Up to which delivery it has come.
    pub(in crate::store) delivery: u64,
    /// Records of that delivery that it has not passed.
    pub(in crate::store) still_to_come: HashSet<RecordId>,
    /// Records of its pages that are not settled.
    pub(in crate::store) on_the_way: HashSet<RecordId>,
}

/// What is known of the records of near deliveries.
#[derive(Debug, Default)]
pub(in crate::store) struct Known {
    /// Those that some destination took; none: all of them.
    pub(in crate::store) taken: Option<HashSet<RecordId>>,
    /// Those that the hook let go nowhere, that are errors at the destination, or that wait in another
    /// replay to it.
    pub(in crate::store) held: HashSet<RecordId>,
    /// Those whose payload was erased.
    pub(in crate::store) erased: HashSet<RecordId>,
}

/// Records that match, sorted by what a replay would do with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Fitting {
    /// It would hand these on.
    pub(in crate::store) records: Vec<RecordId>,
    /// It would leave so many.
    pub(in crate::store) left: u64,
    /// It would hand on so many more, if their payloads were kept.
    pub(in crate::store) without_payload: u64,
}

impl Standing {
    /// Sorts records of near deliveries.
    pub(in crate::store) fn sort(&self, records: &[RecordId], known: &Known) -> Fitting {
        let mut fitting = Fitting::default();
        for record in records {
            let fits = known.taken.as_ref().is_none_or(|taken| taken.contains(record))
                && record.delivery <= self.delivery
                && !self.still_to_come.contains(record)
                && !self.on_the_way.contains(record)
                && !known.held.contains(record);
            if !fits {
                fitting.left += 1;
            } else if known.erased.contains(record) {
                fitting.without_payload += 1;
            } else {
                fitting.records.push(*record);
            }
        }
        fitting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(delivery: u64, element: u32) -> RecordId {
        RecordId { delivery, element }
    }

    #[test]
    fn records_are_sorted_by_what_stands_in_their_way() {
        let standing =
            Standing { delivery: 3, still_to_come: [id(3, 1)].into(), on_the_way: [id(2, 0)].into() };
        let all: Vec<_> =
            (0..2).flat_map(|element| (1..5).map(move |delivery| id(delivery, element))).collect();
        let known = Known {
            taken: Some(all.iter().copied().filter(|record| *record != id(3, 0)).collect()),
            held: [id(2, 1)].into(),
            erased: [id(1, 1), id(2, 1)].into(),
        };
        let fitting = standing.sort(&all, &known);
        assert_eq!(fitting, Fitting { records: vec![id(1, 0)], left: 6, without_payload: 1 });
        let known = Known { taken: None, ..known };
        assert_eq!(standing.sort(&all, &known).records, [id(1, 0), id(3, 0)]);
    }

    #[test]
    fn near_deliveries_are_asked_about_together() {
        let records = [id(900, 0), id(899, 1), id(645, 0), id(644, 9), id(1, 0)];
        assert_eq!(near(&records), (&records[..3], &records[3..]));
        assert_eq!(near(&[]), (&[][..], &[][..]));
    }
}
