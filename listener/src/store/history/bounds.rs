//! Deliveries that a filter leaves.

use crate::store::RecordId;

/// Behind every record.
pub(in crate::store) const END: RecordId = RecordId { delivery: u64::MAX, element: u32::MAX };

/// Bounds that a filter sets.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Bounds {
    pub(in crate::store) from_ms: Option<i64>,
    pub(in crate::store) until_ms: Option<i64>,
    /// Deliveries, both ends included; none where they are the wrong way round.
    pub(in crate::store) first: u64,
    pub(in crate::store) last: u64,
}

impl Bounds {
    /// Whether something that arrived then is within them.
    pub(in crate::store) fn holds(&self, received_at_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| received_at_ms >= from)
            && self.until_ms.is_none_or(|until| received_at_ms < until)
    }
}
