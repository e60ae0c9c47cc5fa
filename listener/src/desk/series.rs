//! Counters over time, for plots.

use serde::Serialize;

/// A stretch of time in equal steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Epoch milliseconds.
    pub from_ms: i64,
    /// Epoch milliseconds, after `from_ms`.
    pub until_ms: i64,
    /// Milliseconds of a step: at least a minute, whole minutes.
    pub step_ms: i64,
}

/// What happened in one step; levels are those at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Beginning of the step, epoch milliseconds.
    pub at_ms: i64,
    /// Events that were indexed.
    pub events: u64,
    /// Requests that were refused.
    pub refusals: u64,
    /// Errors that arose.
    pub errors: u64,
    /// Records that were delivered.
    pub delivered: u64,
    /// Records not settled.
    pub backlog: u64,
    /// Milliseconds of an attempt at the median, where there was one.
    pub latency_p50_ms: Option<u32>,
    /// Milliseconds of an attempt at the 99th percentile, where there was one.
    pub latency_p99_ms: Option<u32>,
}
