//! A request that failed verification or a limit.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A request that failed verification or a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Ours; HubSpot does not see it.
    #[schemars(with = "String")]
    pub id: Uuid,
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// Status that was answered.
    pub status: u16,
    /// Cause code that was answered.
    pub cause: &'static str,
    /// What is really wrong, where it can be told, with the remedy; for people.
    pub diagnosis: Option<String>,
    /// Code of the diagnosis, for programs and metrics.
    pub diagnosis_code: Option<&'static str>,
    /// `POST /sales/contacts HTTP/1.1`
    pub request_line: String,
    /// Names and values, credentials left out.
    pub headers: Vec<(String, String)>,
    /// The first 4 KiB.
    #[serde(skip)]
    pub body: Bytes,
    /// Length of the whole, where it was read.
    pub body_bytes: u64,
    /// Where it came from.
    pub peer: Option<String>,
}
