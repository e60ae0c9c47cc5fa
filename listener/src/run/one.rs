//! One listener of the process: its store, its way in, its way out.

use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::open::{Opened, follow_url, open};
use super::options::Options;
use super::tidy::tidy;
use crate::admin::Shown;
use crate::config::{ListenerKey, Live, LiveSorter};
use crate::deliver::{Deliverer, Parts};
use crate::metrics::Metrics;
use crate::notice::{self, Noticer};
use crate::receive::Endpoint;
use crate::store::Store;
use crate::store::postgres::Postgres;

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
    postgres: Option<Arc<Postgres>>,
    deliverer: Arc<Deliverer>,
    live: Arc<ArcSwap<Live>>,
    to_deliverer: watch::Sender<Arc<Live>>,
    tidy: JoinHandle<()>,
    noticer: JoinHandle<()>,
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
        let sorter = Arc::new(LiveSorter::new(Arc::clone(&shared), Arc::clone(metrics)));
        let Opened { store, desk, history, memory, postgres, place } =
            open(&key, &live, options, sorter).await?;

        let endpoint = Endpoint::new(Arc::clone(&live), Arc::clone(&store), options.clock.clone(), metrics);
        let (to_deliverer, from_here) = watch::channel(live);
        let delivery = Deliverer::start(Parts {
            live: from_here,
            store: Arc::clone(&store),
            clock: options.clock.clone(),
            metrics: Arc::clone(metrics),
            timing: options.timing.clone(),
        });
        let deliverer = match delivery.await {
            Ok(deliverer) => Arc::new(deliverer),
            Err(error) => {
                // It is opened anew with the next try.
                store.close().await;
                return Err(error.into());
            }
        };
        let states = Arc::clone(&deliverer);
        let paused = Arc::clone(&deliverer);
        let noticer = Noticer::new(notice::Parts {
            live: Arc::clone(&shared),
            desk: Arc::clone(&desk),
            store: Arc::clone(&store),
            memory,
            states: Box::new(move || paused.states()),
            clock: options.clock.clone(),
            metrics: Arc::clone(metrics),
            timing: options.timing.clone(),
        });
        let shown = Shown::new(Arc::clone(&endpoint), Some(desk), Some(history), move || states.states());
        let stop = CancellationToken::new();
        let noticer = tokio::spawn(noticer.run(stop.clone()));
        let tidy = tokio::spawn(tidy(
            key.clone(),
            Arc::clone(&shared),
            Arc::clone(&store),
            options.tidy,
            stop.clone(),
        ));
        info!(listener.key = %key, "listener {key} runs; its data is in {place}");
        Ok(Self {
            key,
            fingerprint,
            endpoint,
            shown,
            store,
            postgres,
            deliverer,
            live: shared,
            to_deliverer,
            tidy,
            noticer,
            stop,
        })
    }

    /// Runs by `live` from now on. Its destinations first: who is answered by it may count on them.
    pub(super) async fn replace(&mut self, live: Live, fingerprint: [u8; 32]) {
        let live = Arc::new(live);
        let url = |live: &Live| live.database.as_ref().map(|url| url.expose_secret().to_owned());
        let moved = url(&live) != url(&self.live.load());
        self.fingerprint = fingerprint;
        self.to_deliverer.send_replace(Arc::clone(&live));
        if !self.deliverer.reaches(&live).await {
            warn!(
                listener.key = %self.key,
                "the store does not know the destinations of {} yet; a new one begins when it does", self.key
            );
        }
        // What judges the elements and what answers change at one moment.
        self.live.store(Arc::clone(&live));
        self.endpoint.replace(live);
        match &self.postgres {
            Some(store) if moved => {
                let (key, live) = (self.key.clone(), Arc::clone(&self.live));
                tokio::spawn(follow_url(key, live, Arc::clone(store), self.stop.clone()));
            }
            None if moved => {
                warn!(listener.key = %self.key, "the store of {} stays embedded until the process starts anew", self.key);
            }
            _ => {}
        }
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
        let _ = self.noticer.await;
        self.store.close().await;
        info!(listener.key = %self.key, "listener {} is closed", self.key);
    }
}
