//! A limit of attempts to sign in, so that nobody tries tokens one after the other.
//!
//! It counts failures over the whole process: through a port-forward everybody has the same address. Whoever
//! is signed in stays so while it is exhausted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that are free.
const BURST: u32 = 20;
/// One more each.
const EACH: Duration = Duration::from_secs(2);

/// Failures that are left.
#[derive(Debug)]
pub(super) struct Attempts(Mutex<Left>);

#[derive(Debug)]
struct Left {
    count: u32,
    since: Instant,
}

impl Attempts {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Left { count: BURST, since: now }))
    }

    /// Makes an attempt, unless there were too many; then none. One at a time, so that attempts beside each
    /// other are counted, too.
    pub(super) fn attempt<T>(&self, now: Instant, look: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = now.saturating_duration_since(left.since).as_millis() / EACH.as_millis();
        let more = u32::try_from(more).unwrap_or(BURST);
        left.count = left.count.saturating_add(more).min(BURST);
        left.since = if left.count == BURST { now } else { left.since + EACH * more };
        if left.count == 0 {
            return None;
        }
        let found = look();
        if found.is_none() {
            left.count -= 1;
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_count_and_time_gives_them_back() {
        let begin = Instant::now();
        let attempts = Attempts::new(begin);
        for _ in 0..100 {
            assert_eq!(attempts.attempt(begin, || Some(1)), Some(Some(1)));
        }
        for _ in 0..BURST {
            assert_eq!(attempts.attempt(begin, || None::<u8>), Some(None));
        }
        // Now not even the right one, or each guess would be answered.
        assert_eq!(attempts.attempt(begin, || Some(1)), None);
        assert_eq!(attempts.attempt(begin + EACH / 2, || Some(1)), None);
        assert_eq!(attempts.attempt(begin + EACH, || None::<u8>), Some(None));
        assert_eq!(attempts.attempt(begin + EACH, || Some(1)), None);
        assert_eq!(attempts.attempt(begin + EACH * 1_000, || Some(1)), Some(Some(1)));
    }
}
