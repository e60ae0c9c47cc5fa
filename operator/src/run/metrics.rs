//! Every metric of the operator, once. Labels come from enums and from lists in here, never
//! from what an answer says.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What a reconcile came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResultLabels {
    /// `done` or `failed`; of reports, how they came.
    pub result: &'static str,
}

/// Why a reconcile failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// See [`super::reconcile::ReconcileError::reason`].
    pub reason: &'static str,
}

/// A request to the API server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// As RBAC names it: get, list, watch, create, update, patch, delete.
    pub verb: &'static str,
    /// Plural of the kind, with the subresource; `discovery`; `other`.
    pub resource: &'static str,
    /// Status code; 0 where no answer came.
    pub code: u16,
}

/// A kind of object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResourceLabels {
    /// Plural of the kind.
    pub resource: &'static str,
}

/// A condition and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConditionLabels {
    /// Type of the condition.
    pub condition: &'static str,
    /// True, False or Unknown.
    pub status: &'static str,
    /// Its reason; empty where it is not one of ours.
    pub reason: &'static str,
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    /// What `/metrics` prints.
    pub registry: Registry,
    /// 1 while this process leads.
    pub leader: Gauge,
    /// Times that this process took the lease.
    pub lease_taken: Counter,
    /// Attempts to renew the lease that failed.
    pub lease_failures: Counter,
    /// Reconciles, by what they came to.
    pub reconciles: Family<ResultLabels, Counter>,
    /// Seconds that a reconcile took.
    pub reconcile_seconds: Histogram,
    /// Reconciles that failed, by reason.
    pub errors: Family<ReasonLabels, Counter>,
    /// Requests to the API server.
    pub requests: Family<RequestLabels, Counter>,
    /// Children and statuses written.
    pub writes: Family<ResourceLabels, Counter>,
    /// Listeners by condition.
    pub listeners: Family<ConditionLabels, Gauge>,
    /// Objects that are no `HubSpotListener` although they say so.
    pub unreadable: Gauge,
    /// Watches that failed and began again.
    pub watch_restarts: Family<ResourceLabels, Counter>,
    /// 0 while the process waits for the resource's definition.
    pub definition_served: Gauge,
    /// Reports asked for, by result.
    pub reports: Family<ResultLabels, Counter>,
    /// Events that could not be published.
    pub events_lost: Counter,
    /// Bytes of memory that the process holds.
    pub resident_memory: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("hubspot_listener_operator"),
            leader: Gauge::default(),
            lease_taken: Counter::default(),
            lease_failures: Counter::default(),
            reconciles: Family::default(),
            reconcile_seconds: Histogram::new(exponential_buckets(0.000_5, 2.0, 18)),
            errors: Family::default(),
            requests: Family::default(),
            writes: Family::default(),
            listeners: Family::default(),
            unreadable: Gauge::default(),
            watch_restarts: Family::default(),
            definition_served: Gauge::default(),
            reports: Family::default(),
            events_lost: Counter::default(),
            resident_memory: Gauge::default(),
        };
        all.register();
        all
    }
}

impl Metrics {
    fn register(&mut self) {
        let Self {
            registry,
            leader,
            lease_taken,
            lease_failures,
            reconciles,
            reconcile_seconds,
            errors,
            requests,
            writes,
            listeners,
            unreadable,
            watch_restarts,
            definition_served,
            reports,
            events_lost,
            resident_memory,
        } = self;
        registry.register("leader", "1 while this process leads", leader.clone());
        registry.register("lease_taken", "Times that this process took the lease", lease_taken.clone());
        registry.register("lease_failures", "Attempts at the lease that failed", lease_failures.clone());
        registry.register("reconciles", "Reconciles, by what they came to", reconciles.clone());
        registry.register_with_unit(
            "reconcile",
            "How long a reconcile took",
            Unit::Seconds,
            reconcile_seconds.clone(),
        );
        registry.register("errors", "Reconciles that failed, by reason", errors.clone());
        registry.register("api_requests", "Requests to the API server", requests.clone());
        registry.register("writes", "Children, statuses and events written", writes.clone());
        registry.register("listeners", "Listeners, by condition", listeners.clone());
        registry.register(
            "unreadable_listeners",
            "Objects that are no HubSpotListener although they say so",
            unreadable.clone(),
        );
        registry.register("watch_restarts", "Watches that failed and began again", watch_restarts.clone());
        registry.register(
            "definition_served",
            "0 while the process waits for the definition of HubSpotListener",
            definition_served.clone(),
        );
        registry.register("reports", "Pods asked for their report, by result", reports.clone());
        registry.register("events_lost", "Events that could not be published", events_lost.clone());
        registry.register_with_unit(
            "resident_memory",
            "Memory that the process holds",
            Unit::Bytes,
            resident_memory.clone(),
        );
    }
}
