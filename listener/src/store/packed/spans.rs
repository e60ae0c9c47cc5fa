//! Two lists as they stand in the tables of each store.
//!
//! `delivery.records`: for each element that became a record, in order: places
//! skipped since the last one, bytes skipped since its end, length in bytes.
//! `page.records`: for each record, in order: deliveries further than the last
//! one, then its element. All numbers as in [`super::varint`].

use super::{Damaged, varint};
use crate::store::RecordId;

/// An element of a delivery that is a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Span {
    /// Place in the delivery, from 0.
    pub(in crate::store) element: u32,
    /// First byte within the body.
    pub(in crate::store) start: u32,
    /// Bytes.
    pub(in crate::store) length: u32,
}

impl Span {
    /// The byte after its last.
    pub(in crate::store) fn end(self) -> u32 {
        self.start.saturating_add(self.length)
    }
}

/// Writes spans, which must be in order.
pub(in crate::store) fn encode(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 4);
    let (mut element, mut byte) = (0, 0);
    for span in spans {
        varint::put(&mut out, u64::from(span.element.saturating_sub(element)));
        varint::put(&mut out, u64::from(span.start.saturating_sub(byte)));
        varint::put(&mut out, u64::from(span.length));
        element = span.element.saturating_add(1);
        byte = span.end();
    }
    out
}

/// Reads spans.
pub(in crate::store) fn decode(mut input: &[u8]) -> Result<Vec<Span>, Damaged> {
    let mut spans = Vec::new();
    let (mut element, mut byte) = (0_u32, 0_u32);
    while !input.is_empty() {
        let span = Span {
            element: add(element, varint::take_u32(&mut input)?)?,
            start: add(byte, varint::take_u32(&mut input)?)?,
            length: varint::take_u32(&mut input)?,
        };
        byte = add(span.start, span.length)?;
        element = add(span.element, 1)?;
        spans.push(span);
    }
    Ok(spans)
}

/// Writes names of records, which must be in order of delivery.
pub(in crate::store) fn encode_records(records: impl IntoIterator<Item = RecordId>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut delivery = 0;
    for record in records {
        varint::put(&mut out, record.delivery.saturating_sub(delivery));
        varint::put(&mut out, u64::from(record.element));
        delivery = record.delivery;
    }
    out
}

/// Reads names of records.
pub(in crate::store) fn decode_records(mut input: &[u8]) -> Result<Vec<RecordId>, Damaged> {
    let mut records = Vec::new();
    let mut delivery = 0_u64;
    while !input.is_empty() {
        delivery = delivery
            .checked_add(varint::take(&mut input)?)
            .ok_or(Damaged("a delivery number is too large"))?;
        records.push(RecordId { delivery, element: varint::take_u32(&mut input)? });
    }
    Ok(records)
}

/// The first of a list of names of records.
pub(in crate::store) fn first_record(mut input: &[u8]) -> Result<RecordId, Damaged> {
    Ok(RecordId { delivery: varint::take(&mut input)?, element: varint::take_u32(&mut input)? })
}

fn add(left: u32, right: u32) -> Result<u32, Damaged> {
    left.checked_add(right).ok_or(Damaged("a place in a body is too large"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_come_back_as_they_went(steps in prop::collection::vec((0_u32..5, 0_u32..900, 0_u32..9000), 0..60)) {
            let (mut element, mut byte) = (0, 0);
            let spans: Vec<Span> = steps.into_iter().map(|(skip, gap, length)| {
                let span = Span { element: element + skip, start: byte + gap, length };
                element = span.element + 1;
                byte = span.end();
                span
            }).collect();
            prop_assert_eq!(decode(&encode(&spans)).unwrap(), spans);
        }

        #[test]
        fn record_names_come_back_as_they_went(mut records in prop::collection::vec((1_u64..1_000_000, any::<u32>()), 0..60)) {
            records.sort_unstable();
            let records: Vec<RecordId> = records.into_iter().map(|(delivery, element)| RecordId { delivery, element }).collect();
            prop_assert_eq!(decode_records(&encode_records(records.iter().copied())).unwrap(), records);
        }

        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
            let _ = decode_records(&bytes);
        }
    }
}
