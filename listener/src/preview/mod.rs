//! What a listener would make of events, before anything is live.
//!
//! Nothing is sent, stored or verified. What the running listener does is done by the same code:
//! [`crate::config::LiveSorter`] judges the elements, `deliver` routes and cuts, `receive` makes the
//! answer. The events count as one delivery to an empty store.
//!
//! # JSON
//!
//! [`Report`] is printed as it stands here, names in camelCase; `docs/preview.md` describes it for
//! users. `version` grows when a member changes its meaning or goes; members may be added at any time.
//! Events and records stand in it byte for byte as they came or as they are handed on.

mod events;
mod inputs;
mod table;
mod text;

use serde::Serialize;
use serde_json::value::RawValue;

pub use events::preview;
pub use inputs::{Ready, ready};
pub use table::table;

/// Version of the JSON.
const VERSION: u32 = 1;

/// What is printed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    version: u32,
    listeners: Vec<Preview>,
}

impl Report {
    /// Of these listeners.
    pub fn new(listeners: Vec<Preview>) -> Self {
        Self { version: VERSION, listeners }
    }

    /// Of each listener.
    pub fn listeners(&self) -> &[Preview] {
        &self.listeners
    }
}

/// What one listener would make of the events.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// `namespace/name`
    listener: String,
    display_name: String,
    /// The file that it stands in.
    file: String,
    public_url: String,
    /// The listener's own filter.
    filter: Option<String>,
    /// What is other than it would be where it runs.
    notes: Vec<String>,
    events: Vec<Event>,
    destinations: Vec<Destination>,
    answer: Answer,
}

/// One event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// Place in the array, from 0.
    index: usize,
    subscription_type: Option<String>,
    outcome: Outcome,
    /// Whose filter left it out, where `outcome` is `ignored`.
    ignored_by: Option<IgnoredBy>,
    /// The event that it repeats, where `outcome` is `duplicate`.
    duplicate_of: Option<usize>,
    /// Where `outcome` is `error`.
    error: Option<OpenError>,
    trace_key: Rendered,
    data_uri: Rendered,
    /// Of each destination, in the order of the manifest; none where it is no record.
    destinations: Vec<AtDestination>,
    /// As it came; none where the body is not JSON.
    #[serde(rename = "event")]
    bytes: Option<Box<RawValue>>,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Record,
    Duplicate,
    Ignored,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum IgnoredBy {
    Listener,
    /// Each destination left it out.
    Destinations,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OpenError {
    class: &'static str,
    code: String,
    message: String,
}

/// What a template gave.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rendered {
    /// Empty where it failed.
    value: String,
    error: Option<String>,
}

/// One record at one destination.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AtDestination {
    name: String,
    outcome: Reached,
    /// Number of its page, from 1.
    page: Option<usize>,
    /// Whether the record is another than the event.
    transformed: bool,
    /// As handed on.
    record: Option<Box<RawValue>>,
    error: Option<OpenError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Reached {
    Page,
    Skipped,
    Error,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Destination {
    name: String,
    /// None where pages go to standard output.
    url: Option<String>,
    /// `json`, `ndjson` or `cloudevents`; none where pages go to standard output.
    format: Option<crds::listener::Format>,
    filter: Option<String>,
    page_size: usize,
    linger_milliseconds: u64,
    pages: Vec<Page>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    /// From 1.
    number: usize,
    /// Places of its events.
    events: Vec<usize>,
    /// Of its body as sent.
    bytes: usize,
    closed_by: ClosedBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum ClosedBy {
    Size,
    Bytes,
    Oversized,
    Linger,
}

/// What HubSpot would get.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: u16,
    media_type: Option<String>,
    headers: Vec<Header>,
    body: String,
    errors: Vec<AnswerError>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerError {
    /// `body` or `header`.
    place: &'static str,
    header: Option<String>,
    reason: String,
}

#[cfg(test)]
mod tests;
