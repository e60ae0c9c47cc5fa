//! Which deliveries may match: by the journal's segments, each of which knows its times.

use rusqlite::Connection;

use crate::store::history::bounds::Bounds;
use crate::store::index::trouble::{Trouble, signed, unsigned};

/// The deliveries of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Its first delivery, or one before it that is gone.
    pub(super) first: u64,
    pub(super) last: u64,
}

/// Segments that may hold deliveries within the bounds, newest first, cut to the bounds.
pub(super) fn within(connection: &Connection, bounds: &Bounds) -> Result<Vec<Segment>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT number, first, last_delivery FROM (SELECT number, last_delivery, newest_at, oldest_at, \
         lag(last_delivery, 1, 0) OVER (ORDER BY number) + 1 AS first FROM segment) \
         WHERE last_delivery >= ?1 AND first <= ?2 AND newest_at >= ?3 AND oldest_at < ?4 ORDER BY number DESC",
    )?;
    let rows = statement.query_map(
        [
            signed(bounds.first),
            signed(bounds.last),
            bounds.from_ms.unwrap_or(i64::MIN),
            bounds.until_ms.unwrap_or(i64::MAX),
        ],
        |row| {
            Ok(Segment {
                number: unsigned(row.get(0)?),
                first: unsigned(row.get(1)?).max(bounds.first),
                last: unsigned(row.get(2)?).min(bounds.last),
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
