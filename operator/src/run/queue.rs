//! Listeners that wait for a reconcile: a set, so it never holds more than there are
//! listeners, and whoever adds to it never waits.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{Stream, stream};
use tokio::sync::Notify;

use super::key::Key;

/// Listeners that wait for a reconcile.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Mutex<HashSet<Key>>,
    more: Notify,
}

impl Queue {
    /// Adds listeners.
    pub(super) fn add(&self, keys: impl IntoIterator<Item = Key>) {
        let added = {
            let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let before = waiting.len();
            waiting.extend(keys);
            waiting.len() > before
        };
        if added {
            self.0.more.notify_one();
        }
    }

    /// Takes one.
    fn take(&self) -> Option<Key> {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let key = waiting.iter().next().cloned()?;
        waiting.take(&key)
    }

    /// One after the other, as they come; never ends.
    pub(super) fn stream(&self) -> impl Stream<Item = Key> + Send + use<> {
        stream::unfold(self.clone(), async |queue| {
            loop {
                if let Some(key) = queue.take() {
                    return Some((key, queue));
                }
                queue.0.more.notified().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_listener_that_waits_already_waits_once_and_none_is_lost() {
        let queue = Queue::default();
        let mut stream = std::pin::pin!(queue.stream());
        queue.add([Key::new("a", "x"), Key::new("a", "x"), Key::new("b", "x")]);
        let mut seen = vec![stream.next().await.unwrap(), stream.next().await.unwrap()];
        seen.sort();
        assert_eq!(seen, [Key::new("a", "x"), Key::new("b", "x")]);
        let nothing = tokio::time::timeout(Duration::from_millis(20), stream.next()).await;
        assert!(nothing.is_err());
        queue.add([Key::new("c", "x")]);
        let next = tokio::time::timeout(Duration::from_secs(5), stream.next()).await.unwrap();
        assert_eq!(next, Some(Key::new("c", "x")));
    }
}
