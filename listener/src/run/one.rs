//! One listener of the process: its store, its way in, its way out.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::options::Options;
use super::tidy::tidy;
use crate::admin::Shown;
use crate::config::{ListenerKey, Live, LiveSorter};
use crate::deliver::{Deliverer, Parts};
use crate::desk::{Desk, History};
use crate::metrics::Metrics;
use crate::receive::Endpoint;
use crate::store::Store;
use crate::store::index::{self, Embedded};

/// Where a listener is reached.
#[derive(Clone, Debug)]
pub struct Address {
    /// What it is called.
    pub key: ListenerKey,
    /// For people.
    pub display_name: String,
    /// What one pastes into HubSpot.
    pub public_url: String,
    /// Its path on the public port.
    pub path: String,
}

/// A listener that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) key: ListenerKey,
    pub(super) fingerprint: [u8; 32],
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) shown: Arc<Shown>,
    store: Arc<dyn Store>,
    deliverer: Arc<Deliverer>,
    live: Arc<ArcSwap<Live>>,
    to_deliverer: watch::Sender<Arc<Live>>,
    tidy: JoinHandle<()>,
    stop: CancellationToken,
}

impl Running {
    pub(super) async fn start(
        live: Live,
        fingerprint: [u8; 32],
        options: &Options,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let key = ListenerKey {
            namespace: live.configuration.namespace.clone(),
            name: live.configuration.name.clone(),
        };
        let live = Arc::new(live);
        let shared = Arc::new(ArcSwap::new(Arc::clone(&live)));
        let directory = options.data.join(&key.namespace).join(&key.name);
        let sorter = Arc::new(LiveSorter::new(Arc::clone(&shared), Arc::clone(metrics)));
        let mut store_options = index::Options::new(&directory, sorter, options.clock.clone());
        store_options.journal = options.journal;
        let embedded = Arc::new(Embedded::open(store_options).await?);
        let store: Arc<dyn Store> = Arc::clone(&embedded) as _;

        let endpoint = Endpoint::new(Arc::clone(&live), Arc::clone(&store), options.clock.clone(), metrics);
        let (to_deliverer, from_here) = watch::channel(live);
        let deliverer = Arc::new(Deliverer::start(Parts {
            live: from_here,
            store: Arc::clone(&store),
            clock: options.clock.clone(),
            metrics: Arc::clone(metrics),
            timing: options.timing.clone(),
        })?);
        let states = Arc::clone(&deliverer);
        let desk: Arc<dyn Desk> = Arc::clone(&embedded) as _;
        let history: Arc<dyn History> = embedded;
        let shown = Shown::new(Arc::clone(&endpoint), Some(desk), Some(history), move || states.states());
        let stop = CancellationToken::new();
        let tidy = tokio::spawn(tidy(
            key.clone(),
            Arc::clone(&shared),
            Arc::clone(&store),
            options.tidy,
            stop.clone(),
        ));
        info!(listener.key = %key, "listener {key} runs; its data is in {}", directory.display());
        Ok(Self {
            key,
            fingerprint,
            endpoint,
            shown,
            store,
            deliverer,
            live: shared,
            to_deliverer,
            tidy,
            stop,
        })
    }

    /// Runs by `live` from now on.
    pub(super) fn replace(&mut self, live: Live, fingerprint: [u8; 32]) {
        let live = Arc::new(live);
        self.fingerprint = fingerprint;
        self.live.store(Arc::clone(&live));
        self.endpoint.replace(Arc::clone(&live));
        self.to_deliverer.send_replace(live);
        info!(listener.key = %self.key, "listener {} runs by its new configuration", self.key);
    }

    pub(super) fn address(&self) -> Address {
        let live = self.live.load();
        Address {
            key: self.key.clone(),
            display_name: live.configuration.spec.display_name.clone(),
            public_url: live.configuration.public_url.clone(),
            path: live.path.clone(),
        }
    }

    /// Finishes or gives back what is in flight, then closes the store.
    pub(super) async fn stop(self, grace: std::time::Duration) {
        self.stop.cancel();
        self.deliverer.stop(grace).await;
        // A retention step is small; the store waits for it anyway.
        let _ = self.tidy.await;
        self.store.close().await;
        info!(listener.key = %self.key, "listener {} is closed", self.key);
    }
}
