//! A span of time as points.

use std::collections::BTreeMap;

use crate::desk::{MAX_POINTS, Point, Range, Series};

/// Milliseconds of a minute.
pub(in crate::store) const MINUTE_MS: i64 = 60_000;
/// The times that a calendar has, epoch milliseconds: the years 1970 to 9999.
const TIMES: std::ops::Range<i64> = 0..253_402_300_800_000;

/// The minute of a time.
pub(in crate::store) fn minute_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(MINUTE_MS)
}

/// The points of a range, to be filled. Steps begin at whole multiples of a step.
#[derive(Debug)]
pub(in crate::store) struct Frame {
    series: Series,
    begin: i64,
    /// The first minute, and the one after the last.
    pub(in crate::store) minutes: [i64; 2],
    taken: BTreeMap<(usize, String), (f64, f64)>,
}

impl Frame {
    /// Of a range, whatever it is.
    pub(in crate::store) fn new(range: Range) -> Self {
        let (from, until) = (bounded(range.from_ms), bounded(range.until_ms));
        let most = i64::try_from(MAX_POINTS).unwrap_or(i64::MAX) - 1;
        // One less, because the first step may begin before the range.
        let least = until.saturating_sub(from).max(0) / most + 1;
        let step = range.step_ms.clamp(MINUTE_MS, TIMES.end).max(least);
        let step = (step + MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS;
        let begin = from.div_euclid(step) * step;
        let end = if from < until { (until + step - 1).div_euclid(step) * step } else { begin };
        let points = usize::try_from((end - begin) / step).unwrap_or(0).min(MAX_POINTS);
        let at = |place: usize| begin + i64::try_from(place).unwrap_or(0) * step;
        let points = (0..points).map(|place| Point { at_ms: at(place), ..Point::default() }).collect();
        Self {
            series: Series { step_ms: step, points },
            begin,
            minutes: [minute_of(begin), minute_of(end)],
            taken: BTreeMap::new(),
        }
    }

    fn place(&self, minute: i64) -> usize {
        usize::try_from((minute * MINUTE_MS - self.begin) / self.series.step_ms).unwrap_or(usize::MAX)
    }

    /// The point that a minute belongs to.
    pub(in crate::store) fn point(&mut self, minute: i64) -> Option<&mut Point> {
        let place = self.place(minute);
        self.series.points.get_mut(place)
    }

    /// Adds attempts at a destination, and the milliseconds that they took.
    pub(in crate::store) fn add_attempts(
        &mut self,
        minute: i64,
        destination: String,
        attempts: f64,
        took_ms: f64,
    ) {
        let sum = self.taken.entry((self.place(minute), destination)).or_default();
        sum.0 += attempts;
        sum.1 += took_ms;
    }

    /// What it came to.
    pub(in crate::store) fn filled(self) -> Series {
        let Self { mut series, begin: _, minutes: _, taken } = self;
        for ((place, destination), (attempts, took_ms)) in taken {
            if let Some(point) = series.points.get_mut(place) {
                point.latency_ms.insert(destination, took_ms / attempts.max(1.0));
            }
        }
        series
    }
}

fn bounded(at_ms: i64) -> i64 {
    at_ms.clamp(TIMES.start, TIMES.end)
}
