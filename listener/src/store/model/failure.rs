//! Why a record failed, and the error that waits for somebody.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PageId, RecordId};

/// Why a record failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Kind of failure.
    pub class: ErrorClass,
    /// Short and stable, for programs: `http_400`, `not_json`, or the destination's own.
    pub code: String,
    /// For people.
    pub message: String,
    /// Status of the answer, where there was one.
    pub status: Option<u16>,
    /// The beginning of the answer, at most 4 KiB.
    pub response: Option<String>,
}

/// Kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// No connection, or no answer in time.
    Connection,
    /// Too many requests.
    RateLimit,
    /// The destination is unwell: 5xx.
    Intermittent,
    /// The record's content was refused, or a filter failed on it.
    Value,
    /// What it should go to is not there: 404, 410, a destination that was removed.
    Missing,
    /// The destination has it already: 409.
    Duplicate,
    /// Larger than the destination takes: 413.
    TooLarge,
    /// Not JSON, or not an object.
    Parse,
}

impl ErrorClass {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Connection,
        Self::RateLimit,
        Self::Intermittent,
        Self::Value,
        Self::Missing,
        Self::Duplicate,
        Self::TooLarge,
        Self::Parse,
    ];

    /// As it stands in the store, the API and the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::RateLimit => "rate_limit",
            Self::Intermittent => "intermittent",
            Self::Value => "value",
            Self::Missing => "missing",
            Self::Duplicate => "duplicate",
            Self::TooLarge => "too_large",
            Self::Parse => "parse",
        }
    }

    /// The class that is written `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}

/// An open error to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewError {
    /// The record.
    pub record: RecordId,
    /// Why.
    pub failure: Failure,
    /// Names the record.
    pub trace_key: String,
    /// A link to the record.
    pub data_uri: String,
    /// The record's bytes, unless retry data is not to be stored.
    pub payload: Option<Bytes>,
    /// Epoch milliseconds.
    pub at_ms: i64,
}

/// A record that a destination did not take and that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// Number, from 1.
    pub id: i64,
    /// Where it failed; none where it failed before any destination.
    pub destination: Option<String>,
    /// The page it was in last.
    pub page: Option<PageId>,
    /// Attempts that were made.
    pub attempts: u32,
    /// The rest.
    pub error: NewError,
}
