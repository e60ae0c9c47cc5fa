//! What the elements of one delivery are, before a store puts them down. Pure.

use std::ops::Range;

use bytes::Bytes;
use language::event::DedupeKey;

use super::packed::spans::Span;
use super::{ErrorClass, Failure, Label, NewError, RecordId, Sort, Sorted};

/// A delivery that was judged.
#[derive(Debug)]
pub(in crate::store) struct Judged {
    /// Elements.
    pub(in crate::store) events: usize,
    /// Those that the listener's filter left out.
    pub(in crate::store) ignored: usize,
    /// Those that are records unless their key is known, in order.
    pub(in crate::store) candidates: Vec<(Span, Option<DedupeKey>)>,
    /// Those that cannot be used.
    pub(in crate::store) failed: Vec<NewError>,
    /// Where those are.
    pub(in crate::store) unusable: Vec<Span>,
}

struct Entry<'a> {
    delivery: u64,
    at_ms: i64,
    body: &'a Bytes,
}

/// Judges every element of a body.
pub(in crate::store) fn judge(delivery: u64, at_ms: i64, body: &Bytes, sorter: &dyn Sort) -> Judged {
    let entry = Entry { delivery, at_ms, body };
    let judged = sorter.sort(body);
    let mut prepared = Judged {
        events: judged.len(),
        ignored: 0,
        candidates: Vec::with_capacity(judged.len()),
        failed: Vec::new(),
        unusable: Vec::new(),
    };
    for (element, sorted) in (0_u32..).zip(judged) {
        let floor = prepared.candidates.last().map_or(0, |(span, _)| span.end());
        match sorted {
            Sorted::Ignored => prepared.ignored += 1,
            Sorted::Failed { span, failure } => {
                let error = failed(&entry, element, &span, failure, sorter);
                prepared.unusable.extend(within(body, &span, element, 0));
                prepared.failed.push(error);
            }
            Sorted::Record { span, key } => {
                if let Some(place) = within(body, &span, element, floor) {
                    prepared.candidates.push((place, key));
                } else {
                    let whole = 0..body.len();
                    let error = failed(&entry, element, &whole, not_found(), sorter);
                    prepared.failed.push(error);
                }
            }
        }
    }
    prepared
}

/// A sorter that names bytes which are not there: kept as an error rather than lost.
fn not_found() -> Failure {
    Failure {
        class: ErrorClass::Parse,
        code: "no_such_bytes".to_owned(),
        message: "the element was not found in the body".to_owned(),
        status: None,
        response: None,
    }
}

/// The span as the index keeps it; none where it is not in the body or not behind `floor`.
fn within(body: &Bytes, span: &Range<usize>, element: u32, floor: u32) -> Option<Span> {
    let bytes = body.get(span.clone())?;
    let start = u32::try_from(span.start).ok().filter(|start| *start >= floor)?;
    let length = u32::try_from(bytes.len()).ok()?;
    start.checked_add(length)?;
    Some(Span { element, start, length })
}

fn failed(
    entry: &Entry<'_>,
    element: u32,
    span: &Range<usize>,
    failure: Failure,
    sorter: &dyn Sort,
) -> NewError {
    let bytes = entry.body.get(span.clone()).unwrap_or(entry.body);
    let Label { trace_key, data_uri } = sorter.label(bytes, &failure);
    NewError {
        record: RecordId { delivery: entry.delivery, element },
        failure,
        trace_key,
        data_uri,
        payload: sorter.keeps_payload().then(|| Bytes::copy_from_slice(bytes)),
        at_ms: entry.at_ms,
    }
}
