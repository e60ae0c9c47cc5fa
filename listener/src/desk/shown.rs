//! What the desk shows.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::{AuditEntry, State};
use crate::store::{ErrorClass, RecordId};

/// An error in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorShown {
    /// Number, from 1.
    pub id: i64,
    /// State.
    pub state: State,
    /// Names the record.
    pub trace_key: String,
    /// A link to the record, or a label.
    pub data_uri: String,
    /// Where it failed; none: before any destination.
    pub destination: Option<String>,
    /// Kind of failure.
    pub class: ErrorClass,
    /// Short and stable.
    pub code: String,
    /// For people.
    pub message: String,
    /// Epoch milliseconds of the first failure.
    pub first_at_ms: i64,
    /// Epoch milliseconds of the last failure.
    pub last_at_ms: i64,
    /// Attempts that were made.
    pub attempts: u32,
    /// Whose it is.
    pub assignee: Option<String>,
    /// In alphabetical order.
    pub tags: Vec<String>,
    /// There is an edited payload that was not sent yet.
    pub edited: bool,
    /// There is a payload: it can be edited and retried.
    pub has_payload: bool,
    /// Opens by itself then, epoch milliseconds; where it waits for a time.
    pub waits_until_ms: Option<i64>,
    /// How it was closed.
    pub resolution: Option<Resolution>,
}

/// How an error was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// Who; none: by itself.
    pub by: Option<String>,
    /// `by_hand`, `retried`, `newer_error`, `later_success`.
    pub how: &'static str,
    /// The newer error, where that closed it.
    pub newer_error: Option<i64>,
}

/// One error, whole.
#[derive(Clone, Debug)]
pub struct ErrorDetail {
    /// As in a list.
    pub shown: ErrorShown,
    /// The record.
    pub record: RecordId,
    /// The page it was in last, `store-number`.
    pub page: Option<String>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// The beginning of the answer, at most 4 KiB.
    pub response: Option<String>,
    /// The record's bytes; none where retry data is not stored.
    pub payload: Option<Bytes>,
    /// The edited payload, who edited it and when (epoch milliseconds).
    pub edited: Option<(Bytes, String, i64)>,
    /// Oldest first.
    pub notes: Vec<Note>,
    /// Errors that this one closed by folding, newest first, at most 100.
    pub folded: Vec<i64>,
    /// What was done to it, newest first, at most 100.
    pub audit: Vec<AuditEntry>,
}

/// A note.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// Who.
    pub by: String,
    /// Text.
    pub text: String,
}

/// How far errors are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// About so many errors are looked at, at most: a store looks at more or fewer by what that costs it.
    Look(u64),
    /// All that match, however long it takes.
    Exact,
}

impl Counting {
    /// What is answered at once.
    pub const BOUNDED: Self = Self::Look(10_000);
}

/// How many errors match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All; where the count is not exact, at least so many.
    pub total: u64,
    /// Whether all were counted. Where not, too many would have had to be looked at, and the parts are empty.
    pub exact: bool,
    /// By state.
    pub by_state: Vec<(State, u64)>,
    /// By class.
    pub by_class: Vec<(ErrorClass, u64)>,
    /// By destination, `None` before any, largest first, at most 33.
    pub by_destination: Vec<(Option<String>, u64)>,
}
