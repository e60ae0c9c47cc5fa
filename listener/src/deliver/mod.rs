//! From the store to the destinations and back: leases pages, sends them, says
//! what became of them.
//!
//! [`Deliverer`] is started once for a listener. It keeps a loop for each
//! destination ([`destination`](self), at most `concurrency` pages in flight);
//! each page takes the same way:
//!
//! ```text
//! lease -> rate limit -> map ----> encode -> send -> classify -> decide -> settle
//! store    rate          mapped   format    http    classify    outcome   store
//!                                           log                 retry
//! ```
//!
//! The hook before pages are cut ([`crate::store::PRE_PAGE`]) takes the same way, with a body
//! and an answer of its own (`hook`); it is the store that cuts the destinations' pages
//! behind it.
//!
//! A destination gets each page at least once, its records in order of arrival
//! within the page, each record byte for byte, or what its transform makes of it. What makes a repeated page known
//! is `x-hubspot-listener-page-id`. Whether a destination is sent to at all is for the
//! gate to say (`gate`): 429 with `Retry-After`, and pause and probe. Which
//! addresses it may have is for the [`guard`].

mod classify;
mod client;
mod context;
mod delivery;
mod destination;
mod facts;
mod format;
mod gate;
pub mod guard;
mod hook;
mod http;
mod label;
mod leave;
mod log;
mod mapped;
mod outcome;
mod plan;
mod post;
mod rate;
mod rehearse;
mod resolver;
mod retry;
mod supervisor;
mod timing;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::client::ClientError;
pub(crate) use self::client::install_provider;
pub use self::gate::{PauseReason, Paused};
pub use self::guard::{AddressPolicy, Barred, BlockError};
pub use self::http::{ATTEMPT, PAGE_ID, RECORDS};
pub(crate) use self::label::{bounded, try_data_uri, try_trace_key};
pub use self::label::{data_uri, trace_key};
pub use self::log::{Sink, standard_output};
pub(crate) use self::post::Poster;
pub(crate) use self::rehearse::{Closed, Routed, rehearse};
pub(crate) use self::resolver::resolve;
pub use self::timing::Timing;
use crate::config::Live;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use context::{Board, Context};
use language::clock::Clock;
use supervisor::Supervisor;

/// How long what is given back at the end may take.
const GIVE_BACK: Duration = Duration::from_secs(5);
/// How long a new configuration waits until the store knows its destinations.
const TELLING: Duration = Duration::from_secs(3);

/// What a deliverer works with.
#[derive(Debug)]
pub struct Parts {
    /// The newest configuration; its `allowedAddresses` are the address policy.
    pub live: watch::Receiver<Arc<Live>>,
    /// Where pages come from.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Clock,
    /// Where attempts are counted.
    pub metrics: Arc<Metrics>,
    /// Waits and bounds.
    pub timing: Timing,
}

/// How one destination stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationState {
    /// Its name.
    pub name: String,
    /// That it is paused, and why.
    pub paused: Option<Paused>,
}

/// Delivery cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No client for the destinations.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The store does not take the names of the destinations.
    #[error("the store cannot be told the destinations: {0}")]
    Store(#[from] StoreError),
}

/// Hands on the pages of one listener until it is stopped or dropped.
pub struct Deliverer {
    context: Arc<Context>,
    stop: CancellationToken,
    abandon: CancellationToken,
    reached: watch::Receiver<Arc<Live>>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Deliverer {
    /// Starts delivery; `log` destinations write to standard output. What is appended to the store before
    /// this has returned is handed to no new destination.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        Self::start_with_sink(parts, standard_output()).await
    }

    /// Starts delivery; `log` destinations write to `sink`.
    pub async fn start_with_sink(parts: Parts, sink: Sink) -> Result<Self, StartError> {
        let Parts { live, store, clock, metrics, timing } = parts;
        let client = client::Client::build(supervisor::policy_of(&live.borrow()), &timing)?;
        let context = Arc::new(Context {
            store,
            clock,
            metrics,
            timing,
            sink,
            client: ArcSwap::from_pointee(client),
            board: Board::default(),
        });
        let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
        let mut supervisor = Supervisor::new(Arc::clone(&context), live, stop.clone(), abandon.clone());
        supervisor.reconcile().await?;
        let reached = supervisor.reached();
        let supervisor = Mutex::new(Some(tokio::spawn(supervisor.run())));
        Ok(Self { context, stop, abandon, reached, supervisor })
    }

    /// Waits until `live`, which was sent on the channel of the configurations, is in force and the store knows
    /// its destinations; some seconds at most. False where it is not yet.
    pub async fn reaches(&self, live: &Arc<Live>) -> bool {
        let mut reached = self.reached.clone();
        let known = reached.wait_for(|reached| Arc::ptr_eq(reached, live));
        tokio::time::timeout(TELLING, known).await.is_ok_and(|known| known.is_ok())
    }

    /// How each destination stands, by name.
    pub fn states(&self) -> Vec<DestinationState> {
        self.context.board.states()
    }

    /// Sends nothing more. What is in flight may finish within `grace`; the rest is given back.
    pub async fn stop(&self, grace: Duration) {
        self.stop.cancel();
        let Some(mut supervisor) = self.supervisor.lock().await.take() else { return };
        if tokio::time::timeout(grace, &mut supervisor).await.is_ok() {
            return;
        }
        self.abandon.cancel();
        if tokio::time::timeout(GIVE_BACK, &mut supervisor).await.is_err() {
            tracing::warn!("the store takes no pages back; they will be sent again");
            supervisor.abort();
        }
    }
}

impl Drop for Deliverer {
    fn drop(&mut self) {
        self.stop.cancel();
        self.abandon.cancel();
    }
}

impl std::fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deliverer").field("states", &self.states()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
