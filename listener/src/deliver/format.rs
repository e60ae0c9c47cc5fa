//! The body of a page, by format.
//!
//! A record's bytes stand in the body as they are stored, or as the destination's transform
//! made them. In the formats that are
//! cut into lines (ndjson, the log) a line break within a record becomes a space:
//! in JSON a raw line break is never inside a string, only white space between
//! tokens, so the value and the length stay the same.
//!
//! `envelope_bytes + sum(cost)` is exactly the length of the body, for each page
//! of at least one record. (Of a separator that stands between records each
//! record pays one, and the envelope is one short.)

mod cloudevents;
mod json;
mod lines;

use bytes::Bytes;
use crds::listener::Format;

pub(super) use json::array as json_array;
pub(super) use lines::push_on_one_line;

use super::mapped::Outgoing;
use crate::store::{PageId, Record};

/// Makes the body of pages for one HTTP destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoder {
    /// A JSON array.
    Json,
    /// A record on each line.
    Ndjson,
    /// A JSON array of CloudEvents.
    CloudEventsBatch {
        /// `source` of each event, as JSON.
        source: String,
    },
    /// One of the CloudEvents.
    CloudEventsStructured {
        /// `source` of the event, as JSON.
        source: String,
    },
}

impl Encoder {
    /// For a destination's format and page size; `public_url` becomes the source of CloudEvents.
    pub(super) fn new(format: Format, page_size: usize, public_url: &str) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Ndjson => Self::Ndjson,
            Format::Cloudevents if page_size == 1 => {
                Self::CloudEventsStructured { source: cloudevents::source(public_url) }
            }
            Format::Cloudevents => Self::CloudEventsBatch { source: cloudevents::source(public_url) },
        }
    }

    /// For the `content-type` header.
    pub(super) fn content_type(&self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::CloudEventsBatch { .. } => "application/cloudevents-batch+json; charset=utf-8",
            Self::CloudEventsStructured { .. } => "application/cloudevents+json; charset=utf-8",
        }
    }

    /// Bytes of the body beside what each record costs.
    pub(super) fn envelope_bytes(&self) -> usize {
        match self {
            Self::Json | Self::CloudEventsBatch { .. } => json::ENVELOPE_BYTES,
            Self::Ndjson | Self::CloudEventsStructured { .. } => 0,
        }
    }

    /// Bytes that a record adds of which `data` is sent.
    pub(super) fn cost(&self, record: &Record, data: &[u8]) -> usize {
        match self {
            Self::Json | Self::Ndjson => data.len() + 1,
            Self::CloudEventsBatch { source } => cloudevents::length(source, record, data) + 1,
            Self::CloudEventsStructured { source } => cloudevents::length(source, record, data),
        }
    }

    /// The body of a page.
    pub(super) fn encode(&self, page: &PageId, records: &[Outgoing<'_>]) -> Bytes {
        let mut body = match self {
            Self::Json | Self::Ndjson => {
                let length = records.iter().map(|record| record.data.len() + 1).sum::<usize>();
                Vec::with_capacity(length + 1)
            }
            _ => Vec::new(),
        };
        match self {
            Self::Json => json::array(&mut body, records, |body, record| {
                body.extend_from_slice(record.data);
            }),
            Self::Ndjson => lines::write(&mut body, records),
            Self::CloudEventsBatch { source } => {
                let prefix = cloudevents::id_prefix(&page.store);
                json::array(&mut body, records, |body, record| {
                    cloudevents::write(body, source, &prefix, record);
                });
            }
            // One record: see `for_page`.
            Self::CloudEventsStructured { source } => {
                let prefix = cloudevents::id_prefix(&page.store);
                for record in records {
                    cloudevents::write(&mut body, source, &prefix, record);
                }
            }
        }
        body.into()
    }

    /// The encoder for a page of `records`: one that was cut before the page size
    /// became 1 is sent as a batch.
    pub(super) fn for_page(&self, records: usize) -> std::borrow::Cow<'_, Self> {
        match self {
            Self::CloudEventsStructured { source } if records != 1 => {
                std::borrow::Cow::Owned(Self::CloudEventsBatch { source: source.clone() })
            }
            _ => std::borrow::Cow::Borrowed(self),
        }
    }
}

#[cfg(test)]
mod tests;
