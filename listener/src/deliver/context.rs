//! What all destinations of a listener share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::DestinationState;
use super::client::Client;
use super::gate::Paused;
use super::log::Sink;
use super::timing::Timing;
use crate::metrics::Metrics;
use crate::store::Store;
use language::clock::Clock;

/// What all destinations of a listener share.
pub(super) struct Context {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) timing: Timing,
    pub(super) sink: Sink,
    /// Exchanged when the allowed addresses change.
    pub(super) client: ArcSwap<Client>,
    pub(super) board: Board,
}

/// Which destinations there are, and which are paused; for the admin port.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<BTreeMap<String, Option<Paused>>>);

impl Board {
    pub(super) fn show(&self, name: &str, paused: Option<Paused>) {
        self.lock().insert(name.to_owned(), paused);
    }

    pub(super) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    pub(super) fn states(&self) -> Vec<DestinationState> {
        self.lock()
            .iter()
            .map(|(name, paused)| DestinationState { name: name.clone(), paused: *paused })
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Paused>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
