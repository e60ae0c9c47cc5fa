//! A future that is finished even where nobody waits for it any more.
//!
//! The HTTP server drops a request's future when the sender goes away. What has
//! begun to go to the store must not be cut off half-way, so on drop the rest of
//! the work moves to a task of its own. That costs a spawn only in this rare case.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Work that is finished in any case. It must hold whatever bounds it (a place
/// among the requests in flight), so that the tasks it may leave are bounded too.
pub(super) struct Completing<T: Send + 'static>(Option<Work<T>>);

impl<T: Send + 'static> Completing<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: Send + 'static> fmt::Debug for Completing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Completing").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Future for Completing<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // Taken out while it is polled: work that panics is not picked up again by `drop`.
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Completing<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_goes_on_after_its_future_is_dropped() {
        let (go, wait) = oneshot::channel::<()>();
        let (done, seen) = oneshot::channel::<()>();
        let mut work = Completing::new(async move {
            let _ = wait.await;
            let _ = done.send(());
        });
        assert!(futures_util::poll!(&mut work).is_pending());
        drop(work);
        go.send(()).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(5), seen).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn finished_work_gives_its_output() {
        assert_eq!(Completing::new(async { 7 }).await, 7);
    }
}
