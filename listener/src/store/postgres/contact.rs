//! Whether the database is in reach: what the last ones who tried have found.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After a failed try the next ones are answered with it for so long, without the database.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Failure {
    since: Instant,
    last: Instant,
    reason: String,
}

/// Whether the database is in reach.
#[derive(Debug, Default)]
pub(super) struct Contact {
    failure: Mutex<Option<Failure>>,
    /// Commits of deliveries, and the microseconds that they took.
    commits: AtomicU64,
    commit_us: AtomicU64,
}

impl Contact {
    /// Something was committed, or read.
    pub(super) fn works(&self) {
        let before = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(failure) = before {
            tracing::info!(
                "the database is in reach again, after {} s: {}",
                failure.since.elapsed().as_secs(),
                failure.reason
            );
        }
    }

    /// Something could not be done.
    pub(super) fn fails(&self, reason: &str) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(failure) = &mut *failure {
            failure.last = now;
            reason.clone_into(&mut failure.reason);
        } else {
            tracing::warn!("the database is not in reach; deliveries are answered 503: {reason}");
            *failure = Some(Failure { since: now, last: now, reason: reason.to_owned() });
        }
    }

    /// A failure that is so fresh that the same would come.
    pub(super) fn pause(&self) -> Option<String> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure
            .as_ref()
            .filter(|failure| failure.last.elapsed() < PAUSE)
            .map(|failure| failure.reason.clone())
    }

    /// Whether it is in reach; why not.
    pub(super) fn health(&self) -> Result<(), String> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().map_or(Ok(()), |failure| Err(failure.reason.clone()))
    }

    /// A commit of deliveries took so long.
    pub(super) fn committed(&self, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commit_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Commits, and the time that they took.
    pub(super) fn commits(&self) -> (u64, Duration) {
        let took = Duration::from_micros(self.commit_us.load(Ordering::Relaxed));
        (self.commits.load(Ordering::Relaxed), took)
    }
}
