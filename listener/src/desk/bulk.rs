//! Acts on many errors at once: a plan, then a run that survives a restart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Act, ErrorFilter, ErrorShown, RecordFilter, RecordShown};

/// What a bulk act is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Selection {
    /// Errors.
    Errors(ErrorFilter),
    /// Records that were delivered; for [`Act::Replay`] alone.
    Records(RecordFilter),
}

/// What a bulk act would do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Number to start it by.
    pub id: i64,
    /// What it is about.
    pub selection: Selection,
    /// What it does.
    pub act: Act,
    /// What it would do, in numbers.
    pub effect: Effect,
    /// The first of the errors that would be touched, at most 10.
    pub sample: Vec<ErrorShown>,
    /// The first of the records that would be replayed, at most 10.
    pub records: Vec<RecordShown>,
    /// Epoch milliseconds when it is forgotten.
    pub expires_at_ms: i64,
}

/// What a bulk act would do, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// Match the filter.
    pub matched: u64,
    /// Of those: would be changed.
    pub changed: u64,
    /// Of those: left, because their state does not allow it.
    pub left: u64,
    /// Of those: left, because their payload is not kept.
    pub without_payload: u64,
}

/// How far a bulk act is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkState {
    /// It runs, or will go on after a restart.
    Running,
    /// Everything is done.
    Done,
    /// Somebody stopped it.
    Cancelled,
}

/// A bulk act.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    /// Its number: that of the plan.
    pub id: i64,
    /// Who started it.
    pub actor: String,
    /// What it is about.
    pub selection: Selection,
    /// What it does.
    pub act: Act,
    /// How far.
    pub state: BulkState,
    /// To do in all.
    pub total: u64,
    /// Done.
    pub done: u64,
    /// Left, because their state changed meanwhile or does not allow it.
    pub left: u64,
    /// Epoch milliseconds.
    pub started_at_ms: i64,
    /// Epoch milliseconds.
    pub ended_at_ms: Option<i64>,
}
