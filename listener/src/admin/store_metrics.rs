//! The stores' counters as metrics. The stores count by themselves, durably, so
//! these are made anew for each scrape rather than kept twice.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::metrics::{DestinationLabels, ListenerLabels};
use crate::store::{DatabaseStatus, DestinationStatus, HookStatus, Status};

/// Name, help, and the number in a status.
type Row<S> = (&'static str, &'static str, fn(&S) -> u64);

const COUNTERS: [Row<Status>; 6] = [
    ("stored_deliveries", "Deliveries accepted since the store was made", |s| s.deliveries),
    ("events", "Events of accepted deliveries that are indexed", |s| s.events),
    ("records", "Events that became records", |s| s.records),
    ("duplicates", "Events that were known already", |s| s.duplicates),
    ("ignored_events", "Events that the listener's filter left out", |s| s.ignored),
    ("refused_dropped", "Refused requests that were counted and not kept", |s| s.refused_dropped),
];

const GAUGES: [Row<Status>; 6] = [
    ("pending_records", "Records that some destination has not settled", |s| s.pending_records),
    ("open_errors", "Open errors", |s| s.open_errors),
    ("unindexed_bytes", "Bytes that are accepted and not indexed yet", |s| s.unindexed_bytes),
    ("unindexed_deliveries", "Deliveries that are accepted and not indexed yet", |s| s.unindexed_deliveries),
    ("file_bytes", "Bytes of all files of the store", |s| s.file_bytes),
    ("refused_kept", "Refused requests that are kept", |s| s.refused_kept),
];

/// Of this process, not of all that share the store.
const DATABASE_COUNTERS: [Row<DatabaseStatus>; 2] = [
    ("database_commits", "Transactions of this process that put deliveries down", |d| d.commits),
    ("database_commit_milliseconds", "Milliseconds that those transactions took in all", |d| d.commit_ms),
];

const DATABASE_GAUGES: [Row<DatabaseStatus>; 3] = [
    ("database_connections", "Connections of this process to the database", |d| d.connections),
    ("database_connections_allowed", "Connections that this process may have", |d| d.connections_allowed),
    ("database_connections_awaited", "Who waits for a connection", |d| d.connections_awaited),
];

const DESTINATION_COUNTERS: [Row<DestinationStatus>; 3] = [
    ("destination_delivered_records", "Records delivered since the store was made", |d| d.delivered_records),
    ("destination_ignored_records", "Records that the destination's filter left out", |d| d.ignored_records),
    (
        "destination_withheld_records",
        "Records that the hook dropped or failed before they came to the destination",
        |d| d.withheld_records,
    ),
];

const HOOK_COUNTERS: [Row<HookStatus>; 3] = [
    ("hook_passed_records", "Records that went on behind the hook", |h| h.passed_records),
    ("hook_changed_records", "Of those: records that the hook changed", |h| h.changed_records),
    ("hook_dropped_records", "Records that the hook dropped", |h| h.dropped_records),
];

const HOOK_GAUGES: [Row<HookStatus>; 4] = [
    ("hook_pending_records", "Records that the hook has not settled", |h| h.pending_records),
    ("hook_waiting_pages", "Pages of the hook that wait for a retry", |h| h.waiting_pages),
    ("hook_leased_pages", "Pages that are at the hook", |h| h.leased_pages),
    ("hook_open_errors", "Open errors of the hook", |h| h.open_errors),
];

const DESTINATION_GAUGES: [Row<DestinationStatus>; 4] = [
    ("destination_pending_records", "Records not settled", |d| d.pending_records),
    ("destination_waiting_pages", "Pages that wait for a retry", |d| d.waiting_pages),
    ("destination_leased_pages", "Pages that are on their way", |d| d.leased_pages),
    ("destination_open_errors", "Open errors of the destination", |d| d.open_errors),
];

/// What `/metrics` prints of the stores.
pub(super) fn registry(counted: &[(ListenerLabels, Status)]) -> Registry {
    let mut registry = Registry::with_prefix("hubspot_listener");
    let destinations: Vec<_> = counted
        .iter()
        .flat_map(|(labels, status)| status.destinations.iter().map(move |counts| (labels, counts)))
        .map(|(labels, counts)| (of_destination(labels, counts), counts))
        .collect();
    for (name, help, number) in COUNTERS {
        let family = Family::<ListenerLabels, Counter>::default();
        for (labels, status) in counted {
            family.get_or_create(labels).inc_by(number(status));
        }
        registry.register(name, help, family);
    }
    for (name, help, number) in GAUGES {
        let family = Family::<ListenerLabels, Gauge>::default();
        for (labels, status) in counted {
            family.get_or_create(labels).set(gauge(number(status)));
        }
        registry.register(name, help, family);
    }
    for (name, help, number) in DESTINATION_COUNTERS {
        let family = Family::<DestinationLabels, Counter>::default();
        for (labels, counts) in &destinations {
            family.get_or_create(labels).inc_by(number(counts));
        }
        registry.register(name, help, family);
    }
    for (name, help, number) in DESTINATION_GAUGES {
        let family = Family::<DestinationLabels, Gauge>::default();
        for (labels, counts) in &destinations {
            family.get_or_create(labels).set(gauge(number(counts)));
        }
        registry.register(name, help, family);
    }
    hooks(&mut registry, counted);
    databases(&mut registry, counted);
    last_delivery(&mut registry, counted);
    registry
}

fn hooks(registry: &mut Registry, counted: &[(ListenerLabels, Status)]) {
    let hooks: Vec<_> =
        counted.iter().filter_map(|(labels, status)| Some((labels, status.hook.as_ref()?))).collect();
    for (name, help, number) in HOOK_COUNTERS {
        let family = Family::<ListenerLabels, Counter>::default();
        for (labels, hook) in &hooks {
            family.get_or_create(labels).inc_by(number(hook));
        }
        registry.register(name, help, family);
    }
    for (name, help, number) in HOOK_GAUGES {
        let family = Family::<ListenerLabels, Gauge>::default();
        for (labels, hook) in &hooks {
            family.get_or_create(labels).set(gauge(number(hook)));
        }
        registry.register(name, help, family);
    }
}

fn databases(registry: &mut Registry, counted: &[(ListenerLabels, Status)]) {
    let databases: Vec<_> =
        counted.iter().filter_map(|(labels, status)| Some((labels, status.database.as_ref()?))).collect();
    if databases.is_empty() {
        return;
    }
    for (name, help, number) in DATABASE_COUNTERS {
        let family = Family::<ListenerLabels, Counter>::default();
        for (labels, database) in &databases {
            family.get_or_create(labels).inc_by(number(database));
        }
        registry.register(name, help, family);
    }
    for (name, help, number) in DATABASE_GAUGES {
        let family = Family::<ListenerLabels, Gauge>::default();
        for (labels, database) in &databases {
            family.get_or_create(labels).set(gauge(number(database)));
        }
        registry.register(name, help, family);
    }
}

fn last_delivery(registry: &mut Registry, counted: &[(ListenerLabels, Status)]) {
    let family = Family::<ListenerLabels, Gauge>::default();
    for (labels, status) in counted {
        if let Some(at_ms) = status.last_delivery_ms {
            family.get_or_create(labels).set(at_ms / 1000);
        }
    }
    registry.register("last_delivery_timestamp_seconds", "When the last delivery was accepted", family);
}

fn of_destination(labels: &ListenerLabels, counts: &DestinationStatus) -> DestinationLabels {
    DestinationLabels {
        namespace: labels.namespace.clone(),
        listener: labels.listener.clone(),
        destination: counts.name.clone(),
    }
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
