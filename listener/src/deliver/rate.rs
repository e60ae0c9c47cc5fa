//! The rate limit of a destination: `requests` in each span, every attempt counts, over all
//! processes that share the store.
//!
//! Attempts are spread evenly over the span. A burst at its beginning would put
//! up to twice as many into some span that the destination measures, and bring
//! the 429 that the limit is there to avoid.
//!
//! # Several processes
//!
//! The store gives out places in time, each to one process. Several are taken at once where the rate is
//! high, as many as were used of the ones before (so that a slow process keeps no place from the
//! others), and at most for a short while: a fiftieth of the span and a tenth of a second. A place may be used
//! so much late, and is lost then. So no span sees more than its `requests` and a fiftieth of them.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

use crate::store::{Places, PlacesWanted, Store, StoreError};

/// A window is this part of the span at most.
const PARTS: u32 = 50;
/// A window is this long at most.
const LONGEST_WINDOW: Duration = Duration::from_millis(100);
/// Places in a window at most.
const MOST: u32 = 1_000;

/// Says when the next attempt may begin.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: (NonZeroU32, Duration),
    /// For a store that no other process has.
    inner: DefaultDirectRateLimiter,
    clock: DefaultClock,
    given: Option<Given>,
    /// Places that are asked for next.
    ask: u32,
}

/// Places that are this process's.
#[derive(Debug)]
struct Given {
    from: Instant,
    number: u32,
    /// The next one.
    next: u32,
    used: u32,
}

impl Limiter {
    /// None where the rate sets no limit.
    pub(super) fn new(rate: (NonZeroU32, Duration)) -> Option<Self> {
        let quota = Quota::with_period(rate.1 / rate.0.get())?;
        let clock = DefaultClock::default();
        let inner = RateLimiter::direct_with_clock(quota, clock.clone());
        Some(Self { rate, inner, clock, given: None, ask: 1 })
    }

    /// The rate it was made for.
    pub(super) fn rate(&self) -> (NonZeroU32, Duration) {
        self.rate
    }

    /// Takes the next place, or says how long it is until there is one.
    pub(super) async fn take(
        &mut self,
        store: &dyn Store,
        destination: &str,
    ) -> Result<Result<(), Duration>, StoreError> {
        if let Some(taken) = self.take_given(Instant::now()) {
            return Ok(taken);
        }
        let wanted = PlacesWanted { spacing: self.spacing(), number: self.ask };
        match store.places(destination, wanted).await? {
            Places::Alone => {
                let taken = self.inner.check();
                Ok(taken.map_err(|not_until| not_until.wait_time_from(self.clock.now())))
            }
            Places::Given { after } => {
                let now = Instant::now();
                self.given = Some(Given { from: now + after, number: wanted.number, next: 0, used: 0 });
                Ok(self.take_given(now).unwrap_or(Err(self.spacing())))
            }
        }
    }

    fn spacing(&self) -> Duration {
        self.rate.1 / self.rate.0.get()
    }

    /// How late a place may be used, and how long the places that are taken at once may last.
    fn window(&self) -> Duration {
        (self.rate.1 / PARTS).min(LONGEST_WINDOW)
    }

    /// Of the places that are given; none where they are used up.
    fn take_given(&mut self, now: Instant) -> Option<Result<(), Duration>> {
        let (spacing, window) = (self.spacing(), self.window());
        let given = self.given.as_mut()?;
        while given.next < given.number {
            let at = given.from + spacing * given.next;
            if now < at {
                return Some(Err(at - now));
            }
            given.next += 1;
            if now <= at + window {
                given.used += 1;
                return Some(Ok(()));
            }
        }
        let most =
            u32::try_from(window.as_nanos() / spacing.as_nanos().max(1)).unwrap_or(MOST).clamp(1, MOST);
        let all_used = given.used == given.number;
        self.ask = if all_used { given.number.saturating_mul(2) } else { given.used }.clamp(1, most);
        self.given = None;
        None
    }
}

#[cfg(test)]
mod tests;
