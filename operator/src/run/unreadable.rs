//! Objects that are no `HubSpotListener` although they say so: told once for each version.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::key::Key;
use super::metrics::Metrics;

/// Those that there are, with the version that was told of.
#[derive(Debug, Default)]
pub(super) struct Unreadable(Mutex<HashMap<Key, String>>);

impl Unreadable {
    /// Notes one; gives whether it is news.
    pub(super) fn note(&self, key: &Key, version: &str, metrics: &Metrics) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = all.insert(key.clone(), version.to_owned());
        metrics.unreadable.set(i64::try_from(all.len()).unwrap_or(i64::MAX));
        old.as_deref() != Some(version)
    }

    /// It can be read now, or is gone.
    pub(super) fn clear(&self, key: &Key, metrics: &Metrics) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.remove(key).is_some() {
            metrics.unreadable.set(i64::try_from(all.len()).unwrap_or(i64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_news_once() {
        let (unreadable, metrics, key) = (Unreadable::default(), Metrics::default(), Key::new("a", "b"));
        assert!(unreadable.note(&key, "1", &metrics));
        assert!(!unreadable.note(&key, "1", &metrics));
        assert!(unreadable.note(&key, "2", &metrics));
        assert_eq!(metrics.unreadable.get(), 1);
        unreadable.clear(&key, &metrics);
        assert_eq!(metrics.unreadable.get(), 0);
    }
}
