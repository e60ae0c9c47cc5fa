//! Accepted deliveries.

use rusqlite::{Connection, OptionalExtension, Row};

use super::cursor;
use super::segments;
use crate::desk::{Cursor, DeliveryFilter, DeliveryShown, Listing, MAX_LIMIT, Query};
use crate::store::history::bounds::Bounds;
use crate::store::index::desk::fail::Fail;
use crate::store::index::trouble::{Trouble, signed, unsigned};

/// Deliveries that one call looks at.
const LOOKS: i64 = 50_000;

/// `first_ordinal` counts the records of all deliveries before; the next one's says how many this has.
const COLUMNS: &str = "seq, received_at, request, length, \
     coalesce((SELECT first_ordinal FROM delivery AS later WHERE later.seq = delivery.seq + 1), \
     (SELECT records FROM meta)) - first_ordinal";

/// A part of the list, newest first.
pub(super) fn list(
    connection: &Connection,
    query: &Query<DeliveryFilter>,
) -> Result<Listing<DeliveryShown>, Fail> {
    let before = query.cursor.as_ref().map(cursor::number).transpose()?.unwrap_or(u64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let DeliveryFilter { from_ms, until_ms } = query.filter;
    let bounds = Bounds { from_ms, until_ms, first: 0, last: before.saturating_sub(1) };
    let (items, next) = newest(connection, bounds, limit)?;
    Ok(Listing { items, next: next.map(|number| Cursor::new(number.to_string())) })
}

fn newest(
    connection: &Connection,
    bounds: Bounds,
    limit: usize,
) -> Result<(Vec<DeliveryShown>, Option<u64>), Trouble> {
    // One look: the counts are those of the rows.
    let transaction = connection.unchecked_transaction()?;
    let (mut items, mut looks) = (Vec::new(), 0);
    for segment in segments::within(&transaction, &bounds)? {
        let sql =
            format!("SELECT {COLUMNS} FROM delivery WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq DESC LIMIT ?3");
        let mut statement = transaction.prepare_cached(&sql)?;
        let mut rows = statement.query([signed(segment.first), signed(segment.last), LOOKS - looks])?;
        while let Some(row) = rows.next()? {
            looks += 1;
            let (number, received_at_ms) = (unsigned(row.get(0)?), row.get(1)?);
            if bounds.holds(received_at_ms) {
                if items.len() == limit {
                    return Ok((items, Some(number.saturating_add(1))));
                }
                items.push(read(row)?);
            }
            if looks >= LOOKS {
                return Ok((items, Some(number)));
            }
        }
    }
    Ok((items, None))
}

/// One delivery; none where it is gone.
pub(super) fn one(connection: &Connection, number: u64) -> Result<Option<DeliveryShown>, Trouble> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE seq = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([signed(number)], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<DeliveryShown> {
    Ok(DeliveryShown {
        delivery: unsigned(row.get(0)?),
        received_at_ms: row.get(1)?,
        request_id: uuid::Uuid::from_bytes(row.get(2)?).to_string(),
        bytes: unsigned(row.get(3)?),
        records: unsigned(row.get(4)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::index::trouble::count;

    #[test]
    fn the_bound_of_looks_holds_a_list() {
        assert!(LOOKS > count(MAX_LIMIT));
    }
}
