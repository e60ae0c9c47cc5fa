//! How counts are put together from rows of a tally.

use crate::desk::{Counts, State};
use crate::store::ErrorClass;

/// Destinations that a count names at most.
const MAX_DESTINATIONS: usize = 33;
/// Milliseconds of the hours that errors are counted by.
pub(in crate::store) const HOUR_MS: i64 = 3_600_000;

/// A row of the tally.
#[derive(Debug)]
pub(in crate::store) struct Tally {
    /// Empty: before any.
    pub(in crate::store) destination: String,
    pub(in crate::store) class: ErrorClass,
    pub(in crate::store) state: State,
    pub(in crate::store) number: u64,
}

/// What a count found.
#[derive(Debug)]
pub(in crate::store) struct Found {
    pub(in crate::store) all: Vec<Tally>,
    /// Whether nothing was left that it did not look at.
    pub(in crate::store) whole: bool,
}

impl Found {
    /// All of it.
    pub(in crate::store) fn whole(all: Vec<Tally>) -> Self {
        Self { all, whole: true }
    }

    /// Both together.
    pub(in crate::store) fn and(mut self, other: Self) -> Self {
        self.all.extend(other.all);
        Self { all: self.all, whole: self.whole && other.whole }
    }

    /// As it is told: the parts of what was not counted whole would mislead.
    pub(in crate::store) fn told(self) -> Counts {
        if self.whole {
            return sum(self.all);
        }
        Counts { total: self.all.iter().map(|tally| tally.number).sum(), ..Counts::default() }
    }
}

/// All but those that are counted elsewhere.
pub(in crate::store) fn less(mut all: Vec<Tally>, others: &[Tally]) -> Vec<Tally> {
    for other in others {
        let place = all.iter_mut().find(|tally| {
            (&tally.destination, tally.class, tally.state) == (&other.destination, other.class, other.state)
        });
        if let Some(place) = place {
            place.number = place.number.saturating_sub(other.number);
        }
    }
    all.retain(|tally| tally.number > 0);
    all
}

/// The sum, by state, class and destination.
fn sum(all: Vec<Tally>) -> Counts {
    let mut counts = Counts { exact: true, ..Counts::default() };
    for Tally { destination, class, state, number } in all {
        counts.total += number;
        add(&mut counts.by_state, state, number);
        add(&mut counts.by_class, class, number);
        add(&mut counts.by_destination, Some(destination).filter(|name| !name.is_empty()), number);
    }
    counts.by_destination.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    counts.by_destination.truncate(MAX_DESTINATIONS);
    counts
}

fn add<K: PartialEq>(all: &mut Vec<(K, u64)>, key: K, number: u64) {
    match all.iter_mut().find(|(known, _)| *known == key) {
        Some((_, sum)) => *sum += number,
        None => all.push((key, number)),
    }
}

/// A span of time as whole hours, which are counted, and what is left at both ends, which is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Hours {
    /// The first whole hour, in epoch hours.
    pub(in crate::store) first: i64,
    /// The hour after the last.
    pub(in crate::store) last: i64,
    /// From and until, epoch milliseconds.
    pub(in crate::store) ends: Vec<(i64, i64)>,
}

/// The whole hours of a span; none where there is none in it.
pub(in crate::store) fn hours(from_ms: Option<i64>, until_ms: Option<i64>) -> Option<Hours> {
    // An open end lies in no hour that has an end.
    let first =
        from_ms.map_or(i64::MIN, |from| from.div_euclid(HOUR_MS) + i64::from(from.rem_euclid(HOUR_MS) > 0));
    let last = until_ms.map_or(i64::MAX, |until| until.div_euclid(HOUR_MS));
    if first >= last {
        return None;
    }
    let ends = [
        from_ms.map(|from| (from, first.saturating_mul(HOUR_MS))),
        until_ms.map(|until| (last.saturating_mul(HOUR_MS), until)),
    ];
    let ends = ends.into_iter().flatten().filter(|(from, until)| from < until).collect();
    Some(Hours { first, last, ends })
}
