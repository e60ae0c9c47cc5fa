//! The elements of a delivery's body: where each stands, and what makes it known again.
//!
//! An element is never re-serialised: it is a range of the body's bytes.

use std::ops::Range;

/// What the body of a delivery turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Split {
    /// An array of elements, or a lone object, which is one element.
    Elements(Vec<Element>),
    /// Not JSON, or neither array nor object.
    Unusable {
        /// Why, with the byte position where it can be told.
        reason: String,
    },
}

/// One element of the array.
#[derive(Debug, PartialEq, Eq)]
pub struct Element {
    /// Its bytes within the body, without surrounding white space.
    pub span: Range<usize>,
    /// Whether it is a JSON object; anything else becomes an open error of class `parse`.
    pub is_object: bool,
}

/// Splits a body. Linear in its length, without recursion on its depth.
pub fn split(_body: &[u8]) -> Split {
    Split::Elements(Vec::new())
}

/// What makes an event known again: see `product.md`. Ordered by `occurredAt`
/// first, so that a store's index of keys grows at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeKey {
    /// The event's `occurredAt`, epoch milliseconds.
    pub occurred_at: i64,
    /// First 16 bytes of SHA-256 over the key's fields, each with its name and length.
    pub hash: [u8; 16],
}

/// The key of one element; none where the element has no `eventId`.
pub fn dedupe_key(_element: &[u8]) -> Option<DedupeKey> {
    None
}
