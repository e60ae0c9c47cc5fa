//! What was accepted and what became of it; what was refused and why; and how it went over time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeskError, Listing, Query};
use crate::store::{RecordId, Refused};
use uuid::Uuid;

/// What people see of a listener beside its errors. Lists obey the rules of [`Desk`](super::Desk).
#[async_trait]
pub trait History: Send + Sync + std::fmt::Debug {
    /// Accepted deliveries, newest first.
    async fn deliveries(&self, query: Query<DeliveryFilter>) -> Result<Listing<DeliveryShown>, DeskError>;

    /// One accepted delivery.
    async fn delivery(&self, delivery: u64) -> Result<DeliveryShown, DeskError>;

    /// Records, newest first, without payloads. Any list of [`History`] may end before its limit, even
    /// empty, with a cursor to go on by: it looks at a bounded number of rows a call.
    async fn records(&self, query: Query<RecordFilter>) -> Result<Records, DeskError>;

    /// One record, and its way.
    async fn record(&self, id: RecordId) -> Result<RecordDetail, DeskError>;

    /// Refused requests, newest first, with the beginning of their bodies.
    async fn refusals(&self, query: Query<RefusedFilter>) -> Result<Listing<Refused>, DeskError>;

    /// One refused request, by its [`Refused::id`].
    async fn refusal(&self, id: Uuid) -> Result<Refused, DeskError>;

    /// Points of time in steps; at most [`MAX_POINTS`] of them, oldest first.
    async fn series(&self, range: Range) -> Result<Series, DeskError>;
}

/// Points in one answer of [`History::series`] at most.
pub const MAX_POINTS: usize = 1_000;

/// Which deliveries. The default matches all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeliveryFilter {
    /// Arrived at or after, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// Arrived before, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// An accepted delivery in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryShown {
    /// Its number, from 1.
    pub delivery: u64,
    /// Epoch milliseconds of its arrival.
    pub received_at_ms: i64,
    /// The request's id, as answers may carry it.
    pub request_id: String,
    /// Bytes of its body.
    pub bytes: u64,
    /// Records that it gave; duplicates, ignored and failed elements are not among them.
    pub records: u64,
}

/// Which records. The default matches all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RecordFilter {
    /// Of this delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<u64>,
    /// The trace key, whole, as the template in force gave it when the record was put into the search
    /// index, soon after it arrived; over the record as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_key: Option<String>,
    /// `objectId` of the event, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Delivered to this destination: cut from the deliveries, retried or replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_to: Option<String>,
    /// Arrived at or after, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// Arrived before, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// A part of a list of records.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Records {
    /// The list.
    #[serde(flatten)]
    pub list: Listing<RecordShown>,
    /// Where the search index is used: deliveries that it does not hold yet. They are looked at one by
    /// one, so nothing is missed, and the search takes longer. 0 where it is not behind.
    pub behind: u64,
}

/// A record in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordShown {
    /// Delivery and place in it, `1042.3`.
    pub record: String,
    /// Epoch milliseconds of its arrival.
    pub received_at_ms: i64,
    /// `subscriptionType` of the event, where it has one.
    pub subscription_type: Option<String>,
    /// `objectId` of the event, where it has one.
    pub object_id: Option<String>,
    /// Names the record: the key that was searched for, else by the template in force.
    pub trace_key: String,
    /// A link to the record, or a label, by the template in force, without an error.
    pub data_uri: String,
}

/// One record, and its way.
#[derive(Clone, Debug)]
pub struct RecordDetail {
    /// As in a list.
    pub shown: RecordShown,
    /// Its bytes as they came; none where they are gone.
    pub payload: Option<Bytes>,
    /// The bytes that the hook gave for them, which are handed on; none where it changed nothing.
    pub changed: Option<Bytes>,
    /// In order of time.
    pub way: Vec<Step>,
}

/// Something that happened to a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Epoch milliseconds; none where it was not noted, or is still to come.
    pub at_ms: Option<i64>,
    /// Where; none: before any destination.
    pub destination: Option<String>,
    /// What happened.
    pub what: StepKind,
    /// The page, `store-number`.
    pub page: Option<String>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Milliseconds that the attempt took.
    pub took_ms: Option<u32>,
    /// The error that came of it.
    pub error: Option<i64>,
    /// The bulk act that replayed it.
    pub bulk: Option<i64>,
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// It came.
    Received,
    /// The hook let it go on as it came.
    Passed,
    /// The hook gave other bytes.
    Changed,
    /// The hook dropped it.
    Dropped,
    /// It waits to be cut into a page.
    Pending,
    /// The destination's filter left it out.
    Filtered,
    /// It was cut into a page.
    Paged,
    /// The page was sent.
    Attempted,
    /// The destination took it.
    Delivered,
    /// It became an error.
    Failed,
    /// It was put into a page of a replay; what became of that follows.
    Replayed,
}

/// Which refused requests. The default matches all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RefusedFilter {
    /// With this cause code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// With this code of a diagnosis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<String>,
    /// Came at or after, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// Came before, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// A span of time in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// From, epoch milliseconds.
    pub from_ms: i64,
    /// Until, epoch milliseconds.
    pub until_ms: i64,
    /// Milliseconds of a step; whole minutes, and at most [`MAX_POINTS`] steps, or more is taken.
    pub step_ms: i64,
}

/// How it went over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// Milliseconds of a step, as it was taken.
    pub step_ms: i64,
    /// Oldest first, one for each step, also where nothing happened.
    pub points: Vec<Point>,
}

/// One step of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Epoch milliseconds of its beginning.
    pub at_ms: i64,
    /// Events that came.
    pub events: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Errors that arose.
    pub errors: u64,
    /// Records that were not settled at its end, where it was noted.
    pub backlog: Option<u64>,
    /// Milliseconds that attempts took in the mean, by destination; those with attempts only.
    pub latency_ms: BTreeMap<String, f64>,
}
