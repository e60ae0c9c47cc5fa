//! The elements of a delivery's body: where each stands, and what makes it known again.
//!
//! An element is never re-serialised: it is a range of the body's bytes.
//!
//! # How a body is read
//!
//! One pass of a hand-written scanner ([`scan`]) checks the whole of RFC 8259 and notes where the
//! elements stand. It was written rather than taken because none of the libraries looked at does
//! the three things together: `serde_json` (also by `RawValue`) stops at 128 levels or recurses,
//! `simd-json` changes the body in place, and both build values that nobody asked for. The scanner
//! keeps one bit for each open bracket, so that 8 MiB of `[` cost 1 MiB and no stack.
//!
//! - UTF-8 is required. A byte order mark at the very beginning is skipped: RFC 8259 lets a reader
//!   do so, and refusing it would only make an open error of a readable body.
//! - White space around and between elements belongs to none of them.
//! - Escapes are checked as the grammar says; a lone surrogate (`"\ud800"`) is legal JSON and passes.
//! - Names may repeat within an object; for [`Fields`] the last one counts, as for `JSON.parse`.
//! - Elements may be nested to any depth: they are bytes.
//! - More than [`MAX_ELEMENTS`] elements make the body unusable (HubSpot sends at most 100).

mod fields;
mod key;
mod scan;
mod split;
mod text;
mod walk;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use fields::string;
pub use fields::{Field, Fields, fields};
pub use key::{DedupeKey, dedupe_key};
pub(crate) use scan::{Scanner, Wrong};
pub use split::{MAX_ELEMENTS, split};
pub(crate) use text::{decode, lossy};
pub(crate) use walk::{elements, members};

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
