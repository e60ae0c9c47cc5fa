//! Counters, from what the pods tell.

use crds::listener::HubSpotListenerStatus;
use crds::report::Report;
use jiff::Timestamp;

use super::ready;
use crate::observed::Observed;

/// Of all pods together.
pub(super) struct Counted {
    pub(super) pending: Option<i64>,
    pub(super) open_errors: Option<i64>,
    /// RFC 3339, whole seconds.
    pub(super) last_delivery: Option<String>,
}

/// What the pods tell; what none of them tells is as it was.
pub(super) fn count(previous: &HubSpotListenerStatus, observed: &Observed) -> Counted {
    let reports: Vec<&Report> = ready::reports(observed).map(|(_, report)| report).collect();
    let shared = observed.listener.spec.storage.postgres.is_some();
    let last = reports.iter().filter_map(|report| report.last_delivery_ms).max();
    Counted {
        pending: together(shared, reports.iter().filter_map(|report| report.pending_records))
            .or(previous.pending_records),
        open_errors: together(shared, reports.iter().filter_map(|report| report.open_errors))
            .or(previous.open_errors),
        last_delivery: last.and_then(moment).or_else(|| previous.last_delivery_time.clone()),
    }
}

/// Pods with stores of their own are summed; of pods that share a database each counts all of it.
fn together(shared: bool, counts: impl Iterator<Item = u64>) -> Option<i64> {
    let all = counts.reduce(|a, b| if shared { a.max(b) } else { a.saturating_add(b) })?;
    Some(i64::try_from(all).unwrap_or(i64::MAX))
}

fn moment(ms: i64) -> Option<String> {
    Timestamp::from_second(ms.div_euclid(1_000)).ok().map(|moment| moment.to_string())
}
