//! Bytes that are not to be kept, within a body whose other bytes are.

use super::spans::Span;

/// Overwrites an element within a body: an element that is read again is then a number, and its
/// neighbours stay whole. What lies in `records` and is not the element itself stays.
pub(in crate::store) fn blank(body: &mut [u8], span: Span, records: &[Span]) {
    let mut at = span.start;
    let inside = |other: &&Span| other.start < span.end() && other.end() > span.start;
    for record in records.iter().filter(inside).filter(|record| record.element != span.element) {
        overwrite(body, at, record.start);
        at = at.max(record.end());
    }
    overwrite(body, at, span.end());
}

fn overwrite(body: &mut [u8], from: u32, to: u32) {
    let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
    let (from, to) = (place(from), place(to));
    if let Some(bytes) = body.get_mut(from..to) {
        bytes.fill(b' ');
        if let Some(first) = bytes.first_mut() {
            *first = b'0';
        }
    }
}
