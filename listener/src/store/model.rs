//! What goes in and out of a store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use language::event::DedupeKey;

/// A delivery that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Number of the delivery, from 1, in order of arrival.
    pub delivery: u64,
}

/// What an element of a delivery is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sorted {
    /// A record, unless its key is known: then a duplicate.
    Record {
        /// Its bytes within the body.
        span: Range<usize>,
        /// Its key; none means that it is never a duplicate.
        key: Option<DedupeKey>,
    },
    /// The listener's filter left it out.
    Ignored,
    /// It cannot be used: an open error without a destination.
    Failed {
        /// Its bytes within the body.
        span: Range<usize>,
        /// `parse` or `value`.
        failure: Failure,
    },
}

/// A record's name: delivery and place of the element, from 0. Shown as `1042.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// Number of the delivery.
    pub delivery: u64,
    /// Place in the delivery's array, from 0.
    pub element: u32,
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.delivery, self.element)
    }
}

/// An event as it is stored and handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// Epoch milliseconds of the delivery's arrival.
    pub received_at_ms: i64,
    /// The bytes that came.
    pub bytes: Bytes,
}

/// A page's name: the store's own random name and a number, `5f0c9a7be13d4c28-42`.
/// The same for every attempt, and never given again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageId {
    /// Name of the store, made when it was made.
    pub store: Arc<str>,
    /// Number of the page, from 1.
    pub number: u64,
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.store, self.number)
    }
}

/// Records handed on in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its name.
    pub id: PageId,
    /// Where it goes.
    pub destination: String,
    /// In order of arrival; never empty.
    pub records: Vec<Record>,
    /// Attempts that were made before this lease.
    pub attempts: u32,
    /// Epoch milliseconds of the first attempt.
    pub first_attempt_at_ms: Option<i64>,
    /// One record that is larger than a page may be.
    pub oversized: bool,
    /// The destination has errors that a success of the same trace key closes: the settlement
    /// names the trace keys of what was taken.
    pub heals: bool,
}

/// Where a destination's filter sends a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Into the page.
    Take,
    /// Not here.
    Skip,
    /// The filter failed: an open error at this destination.
    Fail(Box<NewError>),
}

/// Decides on one record; the destination's filter.
pub type Router = Arc<dyn Fn(&Record) -> Route + Send + Sync>;

/// Bytes that one record adds to a page's body as sent, separators included.
pub type Cost = Arc<dyn Fn(&Record) -> usize + Send + Sync>;

/// What a destination asks for.
#[derive(Clone)]
pub struct PageRequest {
    /// The destination.
    pub destination: String,
    /// Records in a page at most.
    pub size: usize,
    /// Bytes of a page's body as sent at most.
    pub max_bytes: usize,
    /// Bytes of the body of an empty page.
    pub envelope_bytes: usize,
    /// Bytes that a record adds.
    pub cost: Cost,
    /// The destination's filter.
    pub route: Router,
    /// Milliseconds that a page waits to fill, from the arrival of its first record.
    pub linger_ms: i64,
    /// false: only pages that are cut already and due (a retry).
    pub cut: bool,
    /// Pages that may wait for a retry before no new one is cut.
    pub max_waiting: usize,
    /// Epoch milliseconds.
    pub now_ms: i64,
}

impl fmt::Debug for PageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRequest")
            .field("destination", &self.destination)
            .field("size", &self.size)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// The answer to a [`PageRequest`].
#[derive(Debug)]
pub enum Lease {
    /// A page, the caller's until it is settled or the process ends.
    Page(Page),
    /// Nothing is due. Ask again at this time, or when the store changes.
    Wait {
        /// Epoch milliseconds of the next page that becomes due by time alone.
        until_ms: Option<i64>,
    },
}

/// What became of a leased page.
#[derive(Debug)]
pub struct Settlement {
    /// The page.
    pub page: PageId,
    /// The attempt, where one was made.
    pub attempt: Option<Attempt>,
    /// What becomes of its records.
    pub outcome: Outcome,
    /// Trace keys of records that were taken, where the page heals.
    pub healed: Vec<(RecordId, String)>,
}

/// One try to hand a page on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Epoch milliseconds of its beginning.
    pub at_ms: i64,
    /// Milliseconds that it took.
    pub took_ms: u32,
    /// Status of the answer, where there was one.
    pub status: Option<u16>,
}

/// What becomes of a page's records.
#[derive(Debug)]
pub enum Outcome {
    /// Every record was taken, but for those that failed.
    Done {
        /// Records that became open errors.
        errors: Vec<NewError>,
        /// Records to send again in a page of their own, with the attempts of this one.
        again: Vec<RecordId>,
        /// Epoch milliseconds when they are due.
        again_at_ms: i64,
    },
    /// The whole page goes again.
    Retry {
        /// Epoch milliseconds when it is due.
        at_ms: i64,
    },
    /// Given back unsent: shutdown, pause. Costs no attempt.
    GivenBack,
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// A request that failed verification or a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Ours; HubSpot does not see it.
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
