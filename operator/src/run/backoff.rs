//! How long a listener waits after a failure: growing, with jitter, each listener by itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::Rng;

use super::key::Key;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// Failures in a row of each listener.
#[derive(Debug, Default)]
pub(super) struct Backoff(Mutex<HashMap<Key, u32>>);

impl Backoff {
    /// It failed again: wait this long.
    pub(super) fn failed(&self, key: &Key) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(key.clone()).or_default();
        let wait = wait(*count);
        *count = count.saturating_add(1);
        // Half to whole, so that what failed together does not come back together.
        wait.mul_f64(rand::rng().random_range(0.5..1.0))
    }

    /// It went well.
    pub(super) fn reset(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn wait(failures: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_five_minutes_and_begins_anew_after_success() {
        assert_eq!(wait(0), Duration::from_secs(1));
        assert_eq!(wait(3), Duration::from_secs(8));
        assert_eq!(wait(u32::MAX), LONGEST);
        let backoff = Backoff::default();
        let key = Key::new("a", "b");
        for _ in 0..4 {
            backoff.failed(&key);
        }
        assert!(backoff.failed(&key) >= Duration::from_secs(8));
        backoff.reset(&key);
        assert!(backoff.failed(&key) <= Duration::from_secs(1));
    }
}
