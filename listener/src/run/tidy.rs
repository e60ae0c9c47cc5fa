//! Retention: now and then, what is old goes.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::config::{ListenerKey, Live};
use crate::store::Store;

/// Until `stop`.
pub(super) async fn tidy(
    key: ListenerKey,
    live: Arc<ArcSwap<Live>>,
    store: Arc<dyn Store>,
    every: Duration,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => return,
        }
        let retention = live.load().configuration.spec.storage.retention.clone();
        match store.retain(&retention).await {
            Ok(retained) => debug!(
                listener.key = %key,
                retained.segments = retained.segments,
                retained.rows = retained.rows,
                retained.keys = retained.keys,
                "retention of {key} done"
            ),
            Err(error) => {
                warn!(listener.key = %key, "retention of {key} failed, tried again in {every:?}: {error}");
            }
        }
    }
}
