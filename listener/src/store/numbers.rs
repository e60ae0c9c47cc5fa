//! Numbers as tables keep them: signed, of 64 bits.

/// A number as a table keeps it.
pub(in crate::store) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A count as a table keeps it.
pub(in crate::store) fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number as it was before a table kept it; nothing negative is ever written.
pub(in crate::store) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
