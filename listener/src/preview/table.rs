//! A preview for people: at most [`WIDTH`] characters wide, no colours.

use std::fmt::Write as _;

use crds::listener::Format;

use super::text::{WIDTH, count, fit, pad, ranges, visible, wrap};
use super::{
    Answer, AtDestination, ClosedBy, Destination, Event, IgnoredBy, Outcome, Page, Preview, Reached, Rendered,
};

/// Characters of the column of subscription types at most.
const KIND_WIDTH: usize = 32;
/// Characters of the column of trace keys at most.
const KEY_WIDTH: usize = 36;
/// Lines of one text at most.
const MOST_LINES: usize = 8;
/// Of a line below a heading.
const INDENT: usize = 2;

/// The table of one listener; `records`: with each record as handed on, not only those that a
/// destination transforms.
pub fn table(preview: &Preview, records: bool) -> String {
    let mut out = String::new();
    let Preview { listener, display_name, file: _, public_url, filter, notes, events, destinations, answer } =
        preview;
    line(&mut out, 0, &format!("{listener}: {display_name}"));
    line(&mut out, INDENT, public_url);
    if let Some(filter) = filter {
        line(&mut out, INDENT, &format!("filter: {filter}"));
    }
    for note in notes {
        line(&mut out, INDENT, &format!("note: {note}"));
    }
    out.push('\n');
    if events.is_empty() {
        line(&mut out, 0, "no events");
    } else {
        rows(&mut out, events, records);
    }
    for destination in destinations {
        out.push('\n');
        pages(&mut out, destination);
    }
    out.push('\n');
    answered(&mut out, answer);
    out
}

/// Adds lines, each indented.
fn line(out: &mut String, indent: usize, text: &str) {
    for part in wrap(&visible(text), WIDTH - indent, MOST_LINES) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}{}", " ".repeat(indent), part);
    }
}

/// The widths of the columns of one table.
struct Columns {
    number: usize,
    kind: usize,
    key: usize,
}

impl Columns {
    fn of(events: &[Event]) -> Self {
        let widest = |title: &str, of: fn(&Event) -> String| {
            events.iter().map(|event| of(event).chars().count()).max().unwrap_or(0).max(title.len())
        };
        Self {
            number: events.len().saturating_sub(1).to_string().len(),
            kind: widest("event", kind),
            key: widest("trace key", key),
        }
    }

    /// Where the last column begins.
    fn last(&self) -> usize {
        self.number + self.kind + self.key + 6
    }

    fn row(&self, out: &mut String, number: &str, kind: &str, key: &str, rest: &str) {
        let (width, kind, key) = (self.number, pad(kind, self.kind), pad(key, self.key));
        let begin = format!("{number:>width$}  {kind}  {key}  ");
        for (at, text) in wrap(rest, WIDTH - self.last(), MOST_LINES).into_iter().enumerate() {
            let begin = if at == 0 { begin.clone() } else { " ".repeat(self.last()) };
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{}", format!("{begin}{text}").trim_end());
        }
    }
}

fn kind(event: &Event) -> String {
    fit(&visible(event.subscription_type.as_deref().unwrap_or("(no type)")), KIND_WIDTH)
}

fn key(event: &Event) -> String {
    fit(&visible(&event.trace_key.value), KEY_WIDTH)
}

fn rows(out: &mut String, events: &[Event], records: bool) {
    let columns = Columns::of(events);
    columns.row(out, "#", "event", "trace key", "goes to");
    for event in events {
        columns.row(out, &event.index.to_string(), &kind(event), &key(event), &visible(&goes_to(event)));
        details(out, columns.number + 2, event, records);
    }
}

/// What becomes of an event, in a few words.
fn goes_to(event: &Event) -> String {
    match (event.outcome, event.ignored_by) {
        (Outcome::Ignored, Some(IgnoredBy::Destinations)) => {
            "ignored by each destination's filter".to_owned()
        }
        (Outcome::Ignored, _) => "ignored by the listener's filter".to_owned(),
        (Outcome::Duplicate, _) => {
            event.duplicate_of.map_or_else(String::new, |first| format!("duplicate of {first}"))
        }
        (Outcome::Error, _) => {
            event.error.as_ref().map_or_else(String::new, |error| format!("open error: {}", error.class))
        }
        (Outcome::Record, _) => {
            let places = event.destinations.iter().filter_map(|at| {
                let AtDestination { name, outcome, page, error, .. } = at;
                match (outcome, page, error) {
                    (Reached::Page, Some(page), _) => Some(format!("{name} page {page}")),
                    (Reached::Error, _, Some(error)) => Some(format!("{name}: open error: {}", error.class)),
                    _ => None,
                }
            });
            places.collect::<Vec<_>>().join(", ")
        }
    }
}

/// What is to be said of an event below its row.
fn details(out: &mut String, indent: usize, event: &Event, records: bool) {
    let Event { trace_key, data_uri, error, destinations, .. } = event;
    if let Some(error) = error {
        line(out, indent, &error.message);
    }
    if let Some(reason) = &trace_key.error {
        line(out, indent, &format!("the trace key failed and is empty: {reason}"));
    }
    let Rendered { value, error } = data_uri;
    if !value.is_empty() {
        line(out, indent, value);
    }
    if let Some(reason) = error {
        line(out, indent, &format!("the data URI failed and is empty: {reason}"));
    }
    for AtDestination { name, transformed, record, error, .. } in destinations {
        if let Some(error) = error {
            line(out, indent, &format!("{name}: {}", error.message));
        }
        if let Some(record) = record.as_ref().filter(|_| records || *transformed) {
            line(out, indent, &format!("{name} gets {}", record.get()));
        }
    }
}

fn pages(out: &mut String, destination: &Destination) {
    let Destination { name, url, format: _, filter, page_size, linger_milliseconds, pages } = destination;
    let to = match url {
        Some(url) => format!("{} to {url}", format_of(destination)),
        None => "a line on standard output for each page".to_owned(),
    };
    line(out, 0, &format!("{name}: {to}"));
    if let Some(filter) = filter {
        line(out, INDENT, &format!("filter: {filter}"));
    }
    if pages.is_empty() {
        line(out, INDENT, "no page: nothing goes here");
        return;
    }
    let linger = format!("one that is not full leaves {linger_milliseconds} ms after its first record came");
    line(out, INDENT, &format!("a page holds at most {} and 5 MB; {linger}", count(*page_size, "record")));
    for Page { number, events, bytes, closed_by } in pages {
        let why = match closed_by {
            ClosedBy::Size => "full",
            ClosedBy::Bytes => "full: the next record would make it larger than 5 MB",
            ClosedBy::Oversized => "one record larger than 5 MB, which goes alone and is marked",
            ClosedBy::Linger => "not full, leaves by time",
        };
        let held =
            format!("{} ({}), {}", count(events.len(), "record"), ranges(events), count(*bytes, "byte"));
        line(out, INDENT, &format!("page {number}: {held}, {why}"));
    }
}

fn format_of(destination: &Destination) -> &'static str {
    match destination.format {
        Some(Format::Ndjson) => "ndjson",
        Some(Format::Cloudevents) => "cloudevents",
        _ => "json",
    }
}

fn answered(out: &mut String, answer: &Answer) {
    let Answer { status, media_type, headers, body, errors } = answer;
    let kind = media_type.as_deref().unwrap_or("no body");
    line(out, 0, &format!("answer to HubSpot: {status}, {kind}"));
    for header in headers.iter().filter(|header| header.name != "content-type") {
        line(out, INDENT, &format!("{}: {}", header.name, header.value));
    }
    if !body.is_empty() {
        line(out, INDENT, body);
    }
    for error in errors {
        let place = match &error.header {
            Some(header) => format!("header {header}"),
            None => "body".to_owned(),
        };
        line(out, INDENT, &format!("the {place} failed: {}", error.reason));
    }
}
