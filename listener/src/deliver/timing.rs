//! How long things take and wait; tests make them short.

use std::time::Duration;

/// Waits and bounds of delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Upper end of the wait after the first failed attempt; it doubles with each further one.
    pub base_wait: Duration,
    /// Upper end of any wait that we choose.
    pub longest_wait: Duration,
    /// Longest `Retry-After` that is obeyed.
    pub longest_retry_after: Duration,
    /// Attempts without an answer in a row after which a destination is paused.
    pub failures_before_pause: u32,
    /// Until the first probe of a paused destination; doubles with each failed probe.
    pub first_probe: Duration,
    /// Upper end of the time between probes.
    pub longest_probe: Duration,
    /// To make a connection, TLS included.
    pub connect: Duration,
    /// Until a store that failed is asked again; doubles.
    pub store_wait: Duration,
    /// Upper end of that.
    pub longest_store_wait: Duration,
    /// How long a destination that was removed may finish what is in flight.
    pub drain: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            base_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(15),
            longest_retry_after: Duration::from_hours(1),
            failures_before_pause: 5,
            first_probe: Duration::from_secs(1),
            longest_probe: Duration::from_mins(5),
            connect: Duration::from_secs(5),
            store_wait: Duration::from_millis(100),
            longest_store_wait: Duration::from_secs(5),
            drain: Duration::from_mins(1),
        }
    }
}

/// `base` doubled `times` times, at most `longest`.
pub(super) fn doubled(base: Duration, times: u32, longest: Duration) -> Duration {
    1_u32
        .checked_shl(times)
        .and_then(|factor| base.checked_mul(factor))
        .map_or(longest, |wait| wait.min(longest))
}

/// Whole milliseconds, as the store counts them.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_stops_at_the_longest_and_never_overflows() {
        let second = Duration::from_secs(1);
        let longest = Duration::from_mins(15);
        assert_eq!(doubled(second, 0, longest), second);
        assert_eq!(doubled(second, 3, longest), Duration::from_secs(8));
        for times in [10, 31, 32, 63, 64, u32::MAX] {
            assert_eq!(doubled(second, times, longest), longest, "{times}");
        }
        assert_eq!(doubled(Duration::MAX, 1, longest), longest);
    }
}
