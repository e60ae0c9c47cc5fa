//! What the API answers, as far as people are shown it. Scripts get it as it came.

use serde::Deserialize;

use crate::cli::remote::shape::Payload;

/// An error in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    pub(super) id: i64,
    pub(super) state: String,
    pub(super) trace_key: String,
    pub(super) data_uri: String,
    pub(super) destination: Option<String>,
    pub(super) class: String,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) first_at_ms: i64,
    pub(super) last_at_ms: i64,
    pub(super) attempts: u32,
    pub(super) assignee: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) waits_until_ms: Option<i64>,
    pub(super) resolution: Option<Resolution>,
}

/// How an error was closed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resolution {
    pub(super) at_ms: i64,
    pub(super) by: Option<String>,
    pub(super) how: String,
}

/// One error, whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whole {
    #[serde(flatten)]
    pub(super) shown: Shown,
    pub(super) record: String,
    pub(super) page: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) response: Option<String>,
    pub(super) payload: Option<Payload>,
    pub(super) edited_payload: Option<Edited>,
    pub(super) withheld: Option<String>,
    pub(super) notes: Vec<Note>,
    pub(super) folded: Vec<i64>,
}

/// An edited payload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Edited {
    pub(super) text: Option<String>,
    pub(super) by: String,
    pub(super) at_ms: i64,
}

/// A note.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    pub(super) at_ms: i64,
    pub(super) by: String,
    pub(super) text: String,
}

/// How many errors match.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) by_state: Vec<(String, u64)>,
    pub(super) by_class: Vec<(String, u64)>,
    pub(super) by_destination: Vec<(Option<String>, u64)>,
}
