//! What the clocks of a connection need to know: whether a request is being
//! served, since when a head is half here, since when nothing happens.
//!
//! The server's own timer would cost an allocation and a timer for each request,
//! and cannot tell a slow head from an idle connection. So the socket and the
//! service note two times in here, and one coarse timer for each connection looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Limits;

/// The notes of one connection. Times are milliseconds since it began, plus one; 0 means none.
#[derive(Debug)]
pub(super) struct Vitals {
    began: Instant,
    serving: AtomicUsize,
    head_since: AtomicU64,
    idle_since: AtomicU64,
}

/// What a look at the notes says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All is well; look again after this long.
    Wait(Duration),
    /// A head takes too long.
    SlowHead,
    /// Nothing has come for too long.
    Idle,
}

/// A request is being served while this lives.
#[derive(Debug)]
pub(super) struct Serving(Arc<Vitals>);

impl Vitals {
    /// Of a connection that has sent its first bytes.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            serving: AtomicUsize::new(0),
            head_since: AtomicU64::new(1),
            idle_since: AtomicU64::new(1),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Bytes came in. They begin a head unless a request is being served.
    pub(super) fn bytes_came(&self) {
        if self.serving.load(Ordering::Relaxed) == 0 && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// A head is complete.
    pub(super) fn serve(self: &Arc<Self>) -> Serving {
        self.serving.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        Serving(Arc::clone(self))
    }

    /// Looks. On HTTP/2 bytes may be anything, so only idleness is judged there.
    pub(super) fn look(&self, limits: &Limits, heads: bool) -> Verdict {
        let tick = (limits.header_time / 4).max(Duration::from_millis(20));
        if self.serving.load(Ordering::Relaxed) > 0 {
            return Verdict::Wait(tick);
        }
        let now = self.now();
        let past = |since: u64| Duration::from_millis(now.saturating_sub(since));
        let head = self.head_since.load(Ordering::Relaxed);
        if heads && head != 0 {
            return match limits.header_time.checked_sub(past(head)) {
                None | Some(Duration::ZERO) => Verdict::SlowHead,
                Some(rest) => Verdict::Wait(rest),
            };
        }
        match limits.idle_time.checked_sub(past(self.idle_since.load(Ordering::Relaxed))) {
            None | Some(Duration::ZERO) => Verdict::Idle,
            Some(rest) => Verdict::Wait(rest.min(tick)),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(header_ms: u64, idle_ms: u64) -> Limits {
        Limits {
            header_time: Duration::from_millis(header_ms),
            idle_time: Duration::from_millis(idle_ms),
            ..Limits::default()
        }
    }

    #[test]
    fn a_head_that_takes_too_long_is_slow_on_http_1_alone() {
        let vitals = Vitals::new();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(vitals.look(&limits(1, 60_000), true), Verdict::SlowHead);
        assert!(matches!(vitals.look(&limits(1, 60_000), false), Verdict::Wait(_)));
    }

    #[test]
    fn a_connection_is_never_idle_while_it_is_served() {
        let vitals = Vitals::new();
        let serving = vitals.serve();
        std::thread::sleep(Duration::from_millis(5));
        assert!(matches!(vitals.look(&limits(1, 1), true), Verdict::Wait(_)));
        drop(serving);
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(vitals.look(&limits(60_000, 1), true), Verdict::Idle);
    }
}
