//! `[`, the records with `,` between them, `]`.

/// Two brackets, less the comma that the first record pays and does not need.
pub(super) const ENVELOPE_BYTES: usize = 1;

/// Appends an array, each element written by `element`.
pub(in super::super) fn array<R>(
    body: &mut Vec<u8>,
    records: &[R],
    mut element: impl FnMut(&mut Vec<u8>, &R),
) {
    body.push(b'[');
    for (place, record) in records.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        element(body, record);
    }
    body.push(b']');
}
