//! One listener behind the door: its running state, its store, its counters.

use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use super::answer::{Failed, Prepared};
use crate::config::Live;
use crate::metrics::{CauseLabels, ListenerLabels, Metrics};
use crate::store::Store;
use language::clock::Clock;

/// One listener behind the door.
#[derive(Debug)]
pub struct Endpoint {
    current: ArcSwap<Current>,
    store: Arc<dyn Store>,
    clock: Clock,
    labels: ListenerLabels,
    refused: Family<CauseLabels, Counter>,
    template_errors: Family<CauseLabels, Counter>,
    pub(super) accepted: Counter,
    pub(super) accepted_bytes: Counter,
    pub(super) answer_seconds: Histogram,
}

/// A live configuration and the answer made ready from it.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) live: Arc<Live>,
    pub(super) answer: Prepared,
}

impl Endpoint {
    /// A listener that runs by `live`. The metrics are looked up here, once.
    pub fn new(live: Arc<Live>, store: Arc<dyn Store>, clock: Clock, metrics: &Metrics) -> Arc<Self> {
        let labels = ListenerLabels {
            namespace: live.configuration.namespace.clone(),
            listener: live.configuration.name.clone(),
        };
        let template_errors = metrics.template_errors.clone();
        let current = Current::new(live, &labels, &template_errors);
        Arc::new(Self {
            current: ArcSwap::from_pointee(current),
            store,
            clock,
            refused: metrics.refused.clone(),
            template_errors,
            accepted: metrics.accepted.get_or_create_owned(&labels),
            accepted_bytes: metrics.accepted_bytes.get_or_create_owned(&labels),
            answer_seconds: metrics.answer_seconds.get_or_create_owned(&labels),
            labels,
        })
    }

    /// Runs by `live` from the next request on. Requests in flight keep what they
    /// began with. Where the path changed, the door must be set again.
    pub fn replace(&self, live: Arc<Live>) {
        self.current.store(Arc::new(Current::new(live, &self.labels, &self.template_errors)));
    }

    /// What it runs by.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.current.load().live)
    }

    /// Where its deliveries go.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// `namespace/name`, as its metrics name it.
    pub fn labels(&self) -> &ListenerLabels {
        &self.labels
    }

    pub(super) fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// The time, epoch milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    pub(super) fn count_refused(&self, cause: &'static str) {
        self.refused.get_or_create(&self.cause_labels(cause)).inc();
    }

    pub(super) fn count_template_error(&self, live: &Live, failed: &Failed) {
        live.faults.note(failed.place, &live.full_name(), &failed.reason);
        self.template_errors.get_or_create(&self.cause_labels(failed.place)).inc();
    }

    pub(super) fn cause_labels(&self, cause: &'static str) -> CauseLabels {
        cause_labels(&self.labels, cause)
    }
}

impl Current {
    fn new(live: Arc<Live>, labels: &ListenerLabels, errors: &Family<CauseLabels, Counter>) -> Self {
        let answer = Prepared::new(&live, &mut |failed| {
            live.faults.note(failed.place, &live.full_name(), &failed.reason);
            errors.get_or_create(&cause_labels(labels, failed.place)).inc();
        });
        Self { live, answer }
    }
}

fn cause_labels(labels: &ListenerLabels, cause: &'static str) -> CauseLabels {
    CauseLabels { namespace: labels.namespace.clone(), listener: labels.listener.clone(), cause }
}
