//! Counters of a store.

use serde::Serialize;

/// Counters of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Deliveries accepted since the store was made.
    pub deliveries: u64,
    /// Events in them that are indexed.
    pub events: u64,
    /// Of those: became records.
    pub records: u64,
    /// Of those: were known already.
    pub duplicates: u64,
    /// Of those: left out by the listener's filter.
    pub ignored: u64,
    /// Bytes that are accepted and not indexed yet.
    pub unindexed_bytes: u64,
    /// Deliveries that are accepted and not indexed yet.
    pub unindexed_deliveries: u64,
    /// Records that some destination has not settled.
    pub pending_records: u64,
    /// Open errors.
    pub open_errors: u64,
    /// Refused requests that are kept.
    pub refused_kept: u64,
    /// Refused requests that were counted only.
    pub refused_dropped: u64,
    /// Epoch milliseconds of the last delivery.
    pub last_delivery_ms: Option<i64>,
    /// Bytes of all files.
    pub file_bytes: u64,
    /// By destination.
    pub destinations: Vec<DestinationStatus>,
    /// Of the hook, where there is one.
    pub hook: Option<HookStatus>,
    /// Of this process's way to the database, where the store is in one.
    #[serde(skip)]
    pub database: Option<DatabaseStatus>,
}

/// The way of one process to the database, since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseStatus {
    /// Connections that are there.
    pub connections: u64,
    /// Connections that are allowed.
    pub connections_allowed: u64,
    /// Who waits for a connection.
    pub connections_awaited: u64,
    /// Transactions that put deliveries down.
    pub commits: u64,
    /// Milliseconds that they took in all.
    pub commit_ms: u64,
}

/// Counters of the hook, since it was added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HookStatus {
    /// Records that it has not settled; the destinations wait for them.
    pub pending_records: u64,
    /// Pages that wait for a retry.
    pub waiting_pages: u64,
    /// Pages that are leased.
    pub leased_pages: u64,
    /// Records that went on, changed or not.
    pub passed_records: u64,
    /// Of those: went on with other bytes.
    pub changed_records: u64,
    /// Records that it dropped.
    pub dropped_records: u64,
    /// Open errors.
    pub open_errors: u64,
}

impl HookStatus {
    /// The hook's counters as those of a destination, by its own words.
    pub(in crate::store) fn of(counts: &DestinationStatus, changed_records: u64) -> Self {
        let DestinationStatus {
            name: _,
            pending_records,
            waiting_pages,
            leased_pages,
            delivered_records,
            ignored_records,
            withheld_records: _,
            open_errors,
        } = *counts;
        Self {
            pending_records,
            waiting_pages,
            leased_pages,
            passed_records: delivered_records,
            changed_records,
            dropped_records: ignored_records,
            open_errors,
        }
    }
}

/// Counters of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationStatus {
    /// Its name.
    pub name: String,
    /// Records not settled: in pages, or not yet cut.
    pub pending_records: u64,
    /// Pages that wait for a retry.
    pub waiting_pages: u64,
    /// Pages that are leased.
    pub leased_pages: u64,
    /// Records delivered.
    pub delivered_records: u64,
    /// Records left out by its filter.
    pub ignored_records: u64,
    /// Records that the hook dropped or failed, so that they did not come here.
    pub withheld_records: u64,
    /// Open errors.
    pub open_errors: u64,
}

/// What retention removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Journal segments.
    pub segments: u64,
    /// Deliveries, pages, errors and refused requests.
    pub rows: u64,
    /// Dedupe keys.
    pub keys: u64,
}
