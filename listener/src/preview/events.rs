//! From a delivery's body to a [`Preview`].

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::inputs::Ready;
use super::{
    Answer, AnswerError, AtDestination, ClosedBy, Destination, Event, Header, IgnoredBy, OpenError, Outcome,
    Page, Preview, Reached, Rendered,
};
use crate::config::{Live, LiveDestination, LiveSorter, Target};
use crate::deliver::{self, Closed, Routed};
use crate::metrics::Metrics;
use crate::receive::{self, Answered, Failed, Made};
use crate::store::{Failure, Record, RecordId, Sort, Sorted};
use language::clock::Clock;
use language::event::{self, DedupeKey, Field, Split};
use language::filter::Filter;
use language::template::RenderError;

/// `request.id` of the answer: always the same, so that two previews are.
const REQUEST: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000);
/// The first delivery of a store.
const DELIVERY: u64 = 1;

/// What `ready` would make of a delivery with this body.
pub fn preview(ready: &Ready, body: &Bytes, clock: &Clock) -> Preview {
    let Ready { live, file, notes } = ready;
    let metrics = Arc::new(Metrics::default());
    let mut judged = Judged { live, body, known: HashMap::new(), records: Vec::new() };
    let sorted = LiveSorter::new(Arc::new(ArcSwap::from(Arc::clone(live))), Arc::clone(&metrics)).sort(body);
    let mut events: Vec<Event> = (0..)
        .zip(sorted)
        .zip(spans(body))
        .map(|((index, sorted), span)| judged.event(index, sorted, span))
        .collect();
    let records = judged.records;
    let mut destinations = Vec::with_capacity(live.destinations.len());
    for destination in &live.destinations {
        let handed =
            deliver::rehearse(live, &destination.name, &records, clock, &metrics).unwrap_or_default();
        for (record, routed) in records.iter().zip(handed.routes) {
            if let Some(event) = events.get_mut(place(record.id)) {
                event.destinations.push(at_destination(&destination.name, record, routed));
            }
        }
        let pages = (1..).zip(handed.pages).map(|(number, page)| Page {
            number,
            events: page.records.into_iter().map(place).collect(),
            bytes: page.bytes,
            closed_by: closed_by(page.closed),
        });
        destinations.push(describe(destination, pages.collect()));
    }
    for event in &mut events {
        let skipped = |at: &AtDestination| at.outcome == Reached::Skipped;
        if event.outcome == Outcome::Record && event.destinations.iter().all(skipped) {
            event.outcome = Outcome::Ignored;
            event.ignored_by = Some(IgnoredBy::Destinations);
        }
    }
    Preview {
        listener: format!("{}/{}", live.configuration.namespace, live.configuration.name),
        display_name: live.configuration.spec.display_name.clone(),
        file: file.clone(),
        public_url: live.configuration.public_url.clone(),
        filter: text(live.filter.as_ref()),
        notes: notes.clone(),
        events,
        destinations,
        answer: answer(live, body),
    }
}

/// Where the elements stand; the whole body where it has none.
fn spans(body: &[u8]) -> Vec<Range<usize>> {
    match event::split(body) {
        Split::Elements(elements) => elements.into_iter().map(|element| element.span).collect(),
        Split::Unusable { .. } => std::iter::once(0..body.len()).collect(),
    }
}

/// The place in the array of a record of the only delivery.
fn place(id: RecordId) -> usize {
    usize::try_from(id.element).unwrap_or(usize::MAX)
}

/// A delivery while its events are judged.
struct Judged<'a> {
    live: &'a Arc<Live>,
    body: &'a Bytes,
    known: HashMap<DedupeKey, usize>,
    records: Vec<Record>,
}

impl Judged<'_> {
    fn event(&mut self, index: usize, sorted: Sorted, span: Range<usize>) -> Event {
        let bytes = self.body.get(span.clone()).map(|_| self.body.slice(span)).unwrap_or_default();
        let fields = event::fields(&bytes);
        let kind = fields.text(Field::SubscriptionType).or_else(|| fields.text(Field::EventType));
        let mut event = Event {
            index,
            subscription_type: kind.map(std::borrow::Cow::into_owned),
            outcome: Outcome::Record,
            ignored_by: None,
            duplicate_of: None,
            error: None,
            trace_key: Rendered::default(),
            data_uri: Rendered::default(),
            destinations: Vec::new(),
            bytes: raw(&bytes),
        };
        match sorted {
            Sorted::Failed { failure, .. } => {
                event.trace_key = rendered(deliver::try_trace_key(self.live, &bytes));
                event.data_uri = rendered(deliver::try_data_uri(self.live, &bytes, Some(&failure)));
                event.outcome = Outcome::Error;
                event.error = Some(open_error(failure));
                return event;
            }
            Sorted::Ignored => {
                event.outcome = Outcome::Ignored;
                event.ignored_by = Some(IgnoredBy::Listener);
            }
            Sorted::Record { key, .. } => match key.and_then(|key| self.first(key, index)) {
                Some(first) => {
                    event.outcome = Outcome::Duplicate;
                    event.duplicate_of = Some(first);
                }
                None => self.records.push(Record {
                    id: RecordId { delivery: DELIVERY, element: u32::try_from(index).unwrap_or(u32::MAX) },
                    received_at_ms: 0,
                    bytes: bytes.clone(),
                }),
            },
        }
        event.trace_key = rendered(deliver::try_trace_key(self.live, &bytes));
        event.data_uri = rendered(deliver::try_data_uri(self.live, &bytes, None));
        event
    }

    /// The event that had this key before; from now on this one has it, where none had.
    fn first(&mut self, key: DedupeKey, index: usize) -> Option<usize> {
        match self.known.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => Some(*known.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(index);
                None
            }
        }
    }
}

fn at_destination(name: &str, event: &Record, routed: Routed) -> AtDestination {
    let mut at = AtDestination {
        name: name.to_owned(),
        outcome: Reached::Skipped,
        page: None,
        transformed: false,
        record: None,
        error: None,
    };
    match routed {
        Routed::Skipped => {}
        Routed::Page { number, bytes } => {
            at.outcome = Reached::Page;
            at.page = Some(number);
            at.transformed = bytes != event.bytes;
            at.record = raw(&bytes);
        }
        Routed::Failed(failure) => {
            at.outcome = Reached::Error;
            at.error = Some(open_error(failure));
        }
    }
    at
}

fn describe(destination: &LiveDestination, pages: Vec<Page>) -> Destination {
    let (url, format) = match &destination.target {
        Target::Http { url, format, .. } => {
            let mut shown = url.clone();
            // What stands before the host may be a password.
            let _cannot_have_one = (shown.set_password(None), shown.set_username(""));
            (Some(shown.to_string()), Some(*format))
        }
        Target::Log => (None, None),
    };
    Destination {
        name: destination.name.clone(),
        url,
        format,
        filter: text(destination.filter.as_ref()),
        page_size: destination.page_size,
        linger_milliseconds: u64::try_from(destination.linger.as_millis()).unwrap_or(u64::MAX),
        pages,
    }
}

fn answer(live: &Live, body: &Bytes) -> Answer {
    let delivery = Answered { id: REQUEST, target: live.path.clone(), body: body.clone() };
    let (Made { status, headers, body }, errors) = receive::rehearse(live, &delivery);
    let shown = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let errors = errors.into_iter().map(|Failed { place, header, reason }| AnswerError {
        place,
        header: header.map(|name| name.to_string()),
        reason,
    });
    Answer {
        status: status.as_u16(),
        media_type: headers.get(CONTENT_TYPE).map(shown),
        headers: headers
            .iter()
            .map(|(name, value)| Header { name: name.to_string(), value: shown(value) })
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
        errors: errors.collect(),
    }
}

fn open_error(failure: Failure) -> OpenError {
    OpenError { class: failure.class.as_str(), code: failure.code, message: failure.message }
}

fn rendered(result: Result<String, RenderError>) -> Rendered {
    match result {
        Ok(value) => Rendered { value, error: None },
        Err(error) => Rendered { value: String::new(), error: Some(error.reason) },
    }
}

fn text(filter: Option<&Filter>) -> Option<String> {
    filter.map(|filter| filter.text().trim().to_owned())
}

fn raw(bytes: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(bytes).ok()
}

fn closed_by(closed: Closed) -> ClosedBy {
    match closed {
        Closed::Size => ClosedBy::Size,
        Closed::Bytes => ClosedBy::Bytes,
        Closed::Oversized => ClosedBy::Oversized,
        Closed::Linger => ClosedBy::Linger,
    }
}
