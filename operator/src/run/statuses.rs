//! The last step's memory: which status was written, when, and how listeners stand in the metrics.
//!
//! A status is written when it differs from the one that stands. Where only counters differ
//! (records pending, open errors, the time of the last delivery) it is written at most once in
//! [`COUNTERS`] for each listener; the wait that is left is given back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crds::condition::{Reason, Type};
use crds::listener::HubSpotListenerStatus;

use super::key::Key;
use super::metrics::{ConditionLabels, Metrics};
use crate::apply::memory::older;

/// Least time between two writes of counters.
const COUNTERS: Duration = Duration::from_secs(15);

/// What was written for each listener.
#[derive(Debug, Default)]
pub(super) struct Statuses(Mutex<HashMap<Key, Written>>);

#[derive(Clone, Debug)]
struct Written {
    status: HubSpotListenerStatus,
    version: String,
    at: Instant,
    shown: Vec<ConditionLabels>,
}

/// What to do about a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stands already.
    Stands,
    /// Write it.
    Write,
    /// Only counters differ, and they were written lately.
    Wait(Duration),
}

impl Statuses {
    /// The status that stands: the cache's, or ours where the cache is behind.
    pub(super) fn current(
        &self,
        key: &Key,
        cached: Option<&HubSpotListenerStatus>,
        version: &str,
    ) -> Option<HubSpotListenerStatus> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(key) {
            Some(written) if older(version, &written.version) => Some(written.status.clone()),
            _ => cached.cloned(),
        }
    }

    /// What to do about `new`, where `current` stands.
    pub(super) fn judge(
        &self,
        key: &Key,
        current: Option<&HubSpotListenerStatus>,
        new: &HubSpotListenerStatus,
        now: Instant,
    ) -> Verdict {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).map(|written| written.at);
        judge(current, new, last.map(|at| now.saturating_duration_since(at)))
    }

    /// Notes a write.
    pub(super) fn written(&self, key: &Key, status: HubSpotListenerStatus, version: String, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = all.remove(key).map(|old| old.shown).unwrap_or_default();
        all.insert(key.clone(), Written { status, version, at: now, shown });
    }

    /// Counts the listener in the metrics, once for each condition.
    pub(super) fn show(&self, key: &Key, status: &HubSpotListenerStatus, metrics: &Metrics) {
        let now = labels(status);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(written) = all.get_mut(key) else {
            count(metrics, &now, 1);
            // Nothing was written by this process, and nothing is known of a version.
            let begin =
                Written { status: status.clone(), version: String::new(), at: long_ago(), shown: now };
            all.insert(key.clone(), begin);
            return;
        };
        if written.shown != now {
            count(metrics, &written.shown, -1);
            count(metrics, &now, 1);
            written.shown = now;
        }
    }

    /// Forgets a listener.
    pub(super) fn forget(&self, key: &Key, metrics: &Metrics) {
        if let Some(written) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key) {
            count(metrics, &written.shown, -1);
        }
    }
}

fn long_ago() -> Instant {
    let now = Instant::now();
    now.checked_sub(COUNTERS).unwrap_or(now)
}

fn judge(
    current: Option<&HubSpotListenerStatus>,
    new: &HubSpotListenerStatus,
    since: Option<Duration>,
) -> Verdict {
    let Some(current) = current else { return Verdict::Write };
    if current == new {
        return Verdict::Stands;
    }
    let counted = HubSpotListenerStatus {
        pending_records: new.pending_records,
        open_errors: new.open_errors,
        last_delivery_time: new.last_delivery_time.clone(),
        ..current.clone()
    };
    match since.and_then(|since| COUNTERS.checked_sub(since)) {
        Some(rest) if counted == *new && !rest.is_zero() => Verdict::Wait(rest),
        _ => Verdict::Write,
    }
}

fn labels(status: &HubSpotListenerStatus) -> Vec<ConditionLabels> {
    let one = |condition: Type| {
        let found = status.conditions.iter().find(|one| one.type_ == condition.as_str())?;
        let word = ["True", "False"].into_iter().find(|word| *word == found.status).unwrap_or("Unknown");
        let reason = Reason::ALL.iter().map(|reason| reason.as_str()).find(|reason| *reason == found.reason);
        Some(ConditionLabels {
            condition: condition.as_str(),
            status: word,
            reason: reason.unwrap_or_default(),
        })
    };
    Type::ALL.into_iter().filter_map(one).collect()
}

fn count(metrics: &Metrics, labels: &[ConditionLabels], by: i64) {
    for label in labels {
        metrics.listeners.get_or_create(label).inc_by(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(pending: i64, url: &str) -> HubSpotListenerStatus {
        HubSpotListenerStatus {
            url: Some(url.to_owned()),
            pending_records: Some(pending),
            ..HubSpotListenerStatus::default()
        }
    }

    #[test]
    fn what_stands_is_not_written_and_counters_wait_while_all_else_does_not() {
        let second = Duration::from_secs(1);
        let (old, counted, moved) = (status(1, "u"), status(2, "u"), status(2, "v"));
        assert_eq!(judge(None, &old, Some(second)), Verdict::Write);
        assert_eq!(judge(Some(&old), &old, None), Verdict::Stands);
        assert_eq!(judge(Some(&old), &counted, Some(second)), Verdict::Wait(Duration::from_secs(14)));
        assert_eq!(judge(Some(&old), &counted, Some(COUNTERS)), Verdict::Write);
        assert_eq!(judge(Some(&old), &counted, None), Verdict::Write);
        assert_eq!(judge(Some(&old), &moved, Some(second)), Verdict::Write);
    }

    #[test]
    fn the_cache_is_believed_unless_it_is_behind_what_was_written() {
        let statuses = Statuses::default();
        let key = Key::new("a", "b");
        let (old, new) = (status(1, "u"), status(2, "u"));
        assert_eq!(statuses.current(&key, Some(&old), "5"), Some(old.clone()));
        statuses.written(&key, new.clone(), "9".to_owned(), Instant::now());
        assert_eq!(statuses.current(&key, Some(&old), "8"), Some(new));
        assert_eq!(statuses.current(&key, Some(&old), "10"), Some(old));
    }
}
