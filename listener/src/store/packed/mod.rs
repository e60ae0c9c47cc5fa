//! Lists that are kept packed, in the same bytes in each store.

pub(in crate::store) mod blank;
pub(in crate::store) mod spans;
pub(in crate::store) mod varint;

/// Bytes that are no such list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Damaged(pub(in crate::store) &'static str);
