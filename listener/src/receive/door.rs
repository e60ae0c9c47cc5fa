//! Which listener has a path.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus_client::metrics::gauge::Gauge;

use super::Endpoint;
use super::listen::Counters;
use super::refuse::Diagnoser;
use crate::metrics::Metrics;

/// Two listeners with one path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two listeners have the path {path}")]
pub struct SamePath {
    /// The path.
    pub path: String,
}

/// The paths that answer. They can be changed while requests are in flight: a
/// request keeps the endpoint that it found.
#[derive(Debug)]
pub struct Door {
    routes: ArcSwap<HashMap<String, Arc<Endpoint>>>,
    diagnoser: Diagnoser,
    counters: Counters,
    in_flight: Gauge,
}

impl Door {
    /// A door without a listener. Must be made inside a tokio runtime: what is
    /// wrong with refused requests is found out in a task of its own.
    pub fn new(metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self {
            routes: ArcSwap::default(),
            diagnoser: Diagnoser::start(metrics.diagnoses.clone()),
            counters: Counters {
                connections: metrics.connections.clone(),
                turned_away: metrics.turned_away.clone(),
            },
            in_flight: metrics.in_flight.clone(),
        })
    }

    /// Makes exactly these listeners answer, each on the path of its live
    /// configuration. Call it again when one of them has another path.
    /// On an error nothing is changed.
    pub fn set(&self, endpoints: impl IntoIterator<Item = Arc<Endpoint>>) -> Result<(), SamePath> {
        let mut routes = HashMap::new();
        for endpoint in endpoints {
            let path = endpoint.live().path.clone();
            if routes.insert(path.clone(), endpoint).is_some() {
                return Err(SamePath { path });
            }
        }
        self.routes.store(Arc::new(routes));
        Ok(())
    }

    /// The listener with exactly this path.
    pub(super) fn find(&self, path: &str) -> Option<Arc<Endpoint>> {
        self.routes.load().get(path).cloned()
    }

    /// Waits until every refused request that was waiting for its diagnosis is
    /// with its store. For the shutdown, before the stores close.
    pub async fn settle(&self) {
        self.diagnoser.settle().await;
    }

    pub(super) fn diagnoser(&self) -> &Diagnoser {
        &self.diagnoser
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn in_flight(&self) -> &Gauge {
        &self.in_flight
    }
}
