//! The rate limit of a destination: `requests` in each span, every attempt counts.
//!
//! Attempts are spread evenly over the span. A burst at its beginning would put
//! up to twice as many into some span that the destination measures, and bring
//! the 429 that the limit is there to avoid.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Says when the next attempt may begin.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: (NonZeroU32, Duration),
    inner: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl Limiter {
    /// None where the rate sets no limit.
    pub(super) fn new(rate: (NonZeroU32, Duration)) -> Option<Self> {
        let quota = Quota::with_period(rate.1 / rate.0.get())?;
        let clock = DefaultClock::default();
        Some(Self { rate, inner: RateLimiter::direct_with_clock(quota, clock.clone()), clock })
    }

    /// The rate it was made for.
    pub(super) fn rate(&self) -> (NonZeroU32, Duration) {
        self.rate
    }

    /// Takes the next place, or says how long it is until there is one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.inner.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_over_the_span() {
        let limiter = Limiter::new((NonZeroU32::new(4).unwrap(), Duration::from_secs(2))).unwrap();
        assert_eq!(limiter.take(), Ok(()));
        let wait = limiter.take().unwrap_err();
        assert!(wait > Duration::from_millis(400) && wait <= Duration::from_millis(500), "{wait:?}");
    }

    #[test]
    fn a_span_of_nothing_is_no_limit() {
        assert!(Limiter::new((NonZeroU32::MIN, Duration::ZERO)).is_none());
    }
}
