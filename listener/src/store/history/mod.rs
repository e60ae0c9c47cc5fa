//! What every store's history has in common. Nothing here reads or writes.

pub(in crate::store) mod bounds;
pub(in crate::store) mod replay;
pub(in crate::store) mod series;
pub(in crate::store) mod shown;
pub(in crate::store) mod step;
