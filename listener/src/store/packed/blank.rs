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

#[cfg(test)]
mod tests {
    use super::*;

    fn span(element: u32, start: u32, length: u32) -> Span {
        Span { element, start, length }
    }

    #[test]
    fn a_record_goes_whole_and_its_neighbours_stay() {
        let mut body = br#"[{"a":1},{"b":2},{"c":3}]"#.to_vec();
        let records = [span(0, 1, 7), span(1, 9, 7), span(2, 17, 7)];
        blank(&mut body, records[1], &records);
        assert_eq!(body, br#"[{"a":1},0      ,{"c":3}]"#);
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    }

    #[test]
    fn an_element_that_is_the_whole_body_leaves_the_records_in_it() {
        let mut body = b"0123456789".to_vec();
        blank(&mut body, span(1, 0, 10), &[span(0, 2, 3), span(2, 7, 1)]);
        assert_eq!(body, b"0 2340 70 ");
        blank(&mut body, span(1, 4, 500), &[]);
        assert_eq!(body, b"0 230     ");
        blank(&mut body, span(1, 400, 5), &[]);
        assert_eq!(body, b"0 230     ");
    }
}
