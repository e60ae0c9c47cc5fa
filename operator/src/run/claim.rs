//! Whether this process leads, by a clock that nobody can set.
//!
//! Invariant: a claim ends before anybody else may take the lease. It runs for two thirds of
//! the lease's duration from the moment *before* the renewal was sent; another process waits
//! the whole duration from the moment *after* it saw that renewal. A process that was stopped
//! or starved meanwhile finds its claim ended, too, since the clock went on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whether this process leads. All copies are one.
#[derive(Clone, Debug)]
pub(super) struct Claim(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    /// Milliseconds since `began` until which the claim holds; 0 for none.
    until: AtomicU64,
}

impl Default for Claim {
    fn default() -> Self {
        Self(Arc::new(Inner { began: Instant::now(), until: AtomicU64::new(0) }))
    }
}

impl Claim {
    /// How long a renewal is good for.
    pub(super) fn length(lease: Duration) -> Duration {
        lease * 2 / 3
    }

    /// Claims until `end`.
    pub(super) fn extend(&self, end: Instant) {
        let until = end.saturating_duration_since(self.0.began).as_millis();
        self.0.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Gives the claim up.
    pub(super) fn end(&self) {
        self.0.until.store(0, Ordering::Release);
    }

    /// Whether it holds now.
    pub(super) fn holds(&self) -> bool {
        self.holds_at(Instant::now())
    }

    /// Whether it holds at `now`.
    pub(super) fn holds_at(&self, now: Instant) -> bool {
        !self.left_at(now).is_zero()
    }

    /// How long it holds from `now` on.
    pub(super) fn left_at(&self, now: Instant) -> Duration {
        let until = Duration::from_millis(self.0.until.load(Ordering::Acquire));
        until.saturating_sub(now.saturating_duration_since(self.0.began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_ends_by_itself_and_at_once_when_it_is_given_up() {
        let claim = Claim::default();
        let now = Instant::now();
        assert!(!claim.holds_at(now));
        claim.extend(now + Duration::from_secs(10));
        assert!(claim.holds_at(now + Duration::from_secs(9)));
        assert!(!claim.holds_at(now + Duration::from_secs(10)));
        claim.end();
        assert!(!claim.holds_at(now));
    }
}
