//! What the API answers, as far as people are shown it. Scripts get it as it came.

use serde::Deserialize;

use crate::cli::remote::shape::Payload;

/// A delivery.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    #[serde(rename = "delivery")]
    pub(super) number: u64,
    pub(super) received_at_ms: i64,
    pub(super) request_id: String,
    pub(super) bytes: u64,
    pub(super) records: u64,
}

/// A list of records.
#[derive(Debug, Deserialize)]
pub(super) struct Records {
    pub(super) items: Vec<Record>,
    pub(super) next: Option<String>,
    pub(super) behind: u64,
}

/// A record in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    #[serde(rename = "record")]
    pub(super) name: String,
    pub(super) received_at_ms: i64,
    pub(super) subscription_type: Option<String>,
    pub(super) object_id: Option<String>,
    pub(super) trace_key: String,
    pub(super) data_uri: String,
}

/// One record, and its way.
#[derive(Debug, Deserialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    pub(super) shown: Record,
    pub(super) payload: Option<Payload>,
    pub(super) changed: Option<Payload>,
    pub(super) withheld: Option<String>,
    pub(super) way: Vec<Step>,
}

/// Something that happened to a record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    pub(super) at_ms: Option<i64>,
    pub(super) destination: Option<String>,
    pub(super) what: String,
    pub(super) page: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) took_ms: Option<u32>,
    pub(super) error: Option<i64>,
    pub(super) bulk: Option<i64>,
}

/// A refused request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refused {
    pub(super) id: String,
    pub(super) at_ms: i64,
    pub(super) status: u16,
    pub(super) cause: String,
    pub(super) diagnosis: Option<String>,
    pub(super) diagnosis_code: Option<String>,
    pub(super) request_line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body_bytes: u64,
    pub(super) peer: Option<String>,
}

/// One of them, whole.
#[derive(Debug, Deserialize)]
pub(super) struct RefusedWhole {
    #[serde(flatten)]
    pub(super) refused: Refused,
    pub(super) body: Option<Payload>,
    pub(super) withheld: Option<String>,
}
