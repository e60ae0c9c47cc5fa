//! Lists that are kept packed, in the same bytes in each store.

pub(in crate::store) mod spans;
mod varint;

/// Bytes that are no such list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Damaged(pub(in crate::store) &'static str);
