//! Accepts connections, within the cap, until the shutdown.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::connection::{Handler, Shared};
use super::handle::Front;
use super::{Door, Limits};
use crate::metrics::ReasonLabels;

/// What a port counts about its connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// Connections open.
    pub(crate) connections: Gauge,
    /// Connections and requests that were turned away.
    pub(crate) turned_away: Family<ReasonLabels, Counter>,
}

impl Counters {
    pub(super) fn turned_away(&self, reason: &'static str) {
        self.turned_away.get_or_create(&ReasonLabels { reason }).inc();
    }
}

/// Serves the public port on `socket` until `shutdown`, and then until the requests
/// in flight are answered, at most `limits.grace` longer.
pub async fn serve(socket: TcpListener, door: Arc<Door>, limits: Limits, shutdown: CancellationToken) {
    let counters = door.counters().clone();
    let front = Arc::new(Front::new(door, limits.clone()));
    serve_handler(socket, front, limits, counters, shutdown).await;
}

/// Serves any port.
pub(crate) async fn serve_handler<H: Handler>(
    socket: TcpListener,
    handler: Arc<H>,
    limits: Limits,
    counters: Counters,
    shutdown: CancellationToken,
) {
    let shared = Arc::new(Shared::new(handler, limits, counters));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {
                shared.counters().connections.dec();
                continue;
            }
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                refused_by_system(&error).await;
                continue;
            }
        };
        if connections.len() >= shared.limits().connections {
            shared.counters().turned_away("connection_limit");
            continue;
        }
        shared.counters().connections.inc();
        // A token of its own, so that connections do not meet on one lock at each wake.
        connections.spawn(Arc::clone(&shared).run(stream, peer, shutdown.child_token()));
    }
    drop(socket);
    let open = connections.len();
    debug!(open, "no new connections; finishing what is in flight");
    let finished = timeout(shared.limits().grace, async {
        while connections.join_next().await.is_some() {
            shared.counters().connections.dec();
        }
    });
    if finished.await.is_err() {
        info!(left = connections.len(), "the grace is over; cutting the connections that are left");
        connections.abort_all();
        while connections.join_next().await.is_some() {
            shared.counters().connections.dec();
        }
    }
}

/// A failed accept is either the connection's own end, or the process has no
/// more file handles: then waiting a little lets others close.
async fn refused_by_system(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        debug!(%error, "a connection ended before it was accepted");
        return;
    }
    warn!(%error, "cannot accept connections; trying again in 100 ms");
    sleep(Duration::from_millis(100)).await;
}
