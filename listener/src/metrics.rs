//! Every metric, once. Labels come from enums and from names in the manifest,
//! never from what a request says.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// `namespace/name` of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ListenerLabels {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub listener: String,
}

/// A listener and the cause of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CauseLabels {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub listener: String,
    /// A cause code.
    pub cause: &'static str,
}

/// Why a connection or a request reached no listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// A cause code, or what happened to the connection.
    pub reason: &'static str,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DestinationLabels {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub listener: String,
    /// Name of the destination.
    pub destination: String,
}

/// A destination and what became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub listener: String,
    /// Name of the destination.
    pub destination: String,
    /// `delivered`, `partly`, or an error class.
    pub outcome: &'static str,
}

/// A listener and what its hook made of records.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HookLabels {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub listener: String,
    /// `unchanged`, `changed`, `dropped` or `failed`.
    pub outcome: &'static str,
}

/// A notice and whether it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NoticeLabels {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub listener: String,
    /// Name of the notice.
    pub notice: String,
    /// `sent` or `failed`.
    pub outcome: &'static str,
}

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    /// What `/metrics` prints.
    pub registry: Registry,
    /// Deliveries answered 2xx.
    pub accepted: Family<ListenerLabels, Counter>,
    /// Requests refused: verification, limits, store.
    pub refused: Family<CauseLabels, Counter>,
    /// Connections and requests that reached no listener: no such path, too many, unreadable.
    pub turned_away: Family<ReasonLabels, Counter>,
    /// What refused requests turned out to be; `skipped` where nobody had time to look.
    pub diagnoses: Family<CauseLabels, Counter>,
    /// Seconds from the last byte of a request to its answer.
    pub answer_seconds: Family<ListenerLabels, Histogram>,
    /// Bodies of accepted deliveries.
    pub accepted_bytes: Family<ListenerLabels, Counter>,
    /// Templates that gave nothing because of an error.
    pub template_errors: Family<CauseLabels, Counter>,
    /// Times that a destination's transform failed on a record.
    pub transform_errors: Family<DestinationLabels, Counter>,
    /// Connections open on the public port.
    pub connections: Gauge,
    /// Requests in flight on the public port.
    pub in_flight: Gauge,
    /// 1 while the newest configuration is the one that runs.
    pub configuration_valid: Family<ListenerLabels, Gauge>,
    /// Attempts to hand a page on.
    pub attempts: Family<AttemptLabels, Counter>,
    /// Records handed on.
    pub delivered_records: Family<DestinationLabels, Counter>,
    /// Records that the hook settled.
    pub hook_records: Family<HookLabels, Counter>,
    /// Seconds that an attempt took.
    pub attempt_seconds: Family<DestinationLabels, Histogram>,
    /// 1 while a destination is paused after connection failures.
    pub destination_paused: Family<DestinationLabels, Gauge>,
    /// Requests that tell somebody of something.
    pub notices: Family<NoticeLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hubspot_listener");
        let seconds = || Histogram::new(exponential_buckets(0.000_25, 2.0, 18));
        let metrics = Self {
            accepted: Family::default(),
            refused: Family::default(),
            turned_away: Family::default(),
            diagnoses: Family::default(),
            answer_seconds: Family::new_with_constructor(seconds),
            accepted_bytes: Family::default(),
            template_errors: Family::default(),
            transform_errors: Family::default(),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            configuration_valid: Family::default(),
            attempts: Family::default(),
            delivered_records: Family::default(),
            hook_records: Family::default(),
            attempt_seconds: Family::new_with_constructor(seconds),
            destination_paused: Family::default(),
            notices: Family::default(),
            registry: Registry::default(),
        };
        registry.register("deliveries_accepted", "Deliveries answered 2xx", metrics.accepted.clone());
        registry.register("requests_refused", "Requests refused, by cause", metrics.refused.clone());
        registry.register(
            "turned_away",
            "Connections and requests that reached no listener, by reason",
            metrics.turned_away.clone(),
        );
        registry.register(
            "refusal_diagnoses",
            "What refused requests turned out to be",
            metrics.diagnoses.clone(),
        );
        registry.register(
            "answer_seconds",
            "From the last byte of a request to its answer",
            metrics.answer_seconds.clone(),
        );
        registry.register("accepted_bytes", "Bodies of accepted deliveries", metrics.accepted_bytes.clone());
        registry.register(
            "template_errors",
            "Templates that gave nothing because of an error",
            metrics.template_errors.clone(),
        );
        registry.register(
            "transform_errors",
            "Times that a destination's transform failed on a record",
            metrics.transform_errors.clone(),
        );
        registry.register("connections", "Connections open on the public port", metrics.connections.clone());
        registry.register(
            "requests_in_flight",
            "Requests in flight on the public port",
            metrics.in_flight.clone(),
        );
        registry.register(
            "configuration_valid",
            "1 while the newest configuration runs",
            metrics.configuration_valid.clone(),
        );
        registry.register("attempts", "Attempts to hand a page on, by outcome", metrics.attempts.clone());
        registry.register("delivered_records", "Records handed on", metrics.delivered_records.clone());
        registry.register(
            "hook_records",
            "Records that the hook settled, by outcome",
            metrics.hook_records.clone(),
        );
        registry.register("attempt_seconds", "Seconds that an attempt took", metrics.attempt_seconds.clone());
        registry.register(
            "destination_paused",
            "1 while paused after connection failures",
            metrics.destination_paused.clone(),
        );
        registry.register(
            "notices",
            "Requests that tell somebody of something, by outcome",
            metrics.notices.clone(),
        );
        Self { registry, ..metrics }
    }
}
