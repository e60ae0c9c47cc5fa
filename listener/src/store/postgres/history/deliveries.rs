//! Accepted deliveries.

use tokio_postgres::Row;

use super::cursor;
use super::rows;
use crate::desk::{Cursor, DeliveryFilter, DeliveryShown, DeskError, Listing, MAX_LIMIT, Query};
use crate::store::history::bounds::Bounds;
use crate::store::packed::spans;
use crate::store::postgres::desk::sql;
use crate::store::postgres::trouble::{Trouble, count, signed, unsigned};
use crate::store::postgres::tx::Tx;

/// Deliveries that one call looks at.
const LOOKS: u64 = 50_000;

const COLUMNS: &str = "SELECT seq, received_at, request, length, records FROM delivery";

/// A part of the list, newest first.
pub(super) async fn list(
    tx: &Tx<'_>,
    query: &Query<DeliveryFilter>,
) -> Result<Listing<DeliveryShown>, DeskError> {
    let before = query.cursor.as_ref().map(cursor::number).transpose()?.unwrap_or(u64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let DeliveryFilter { from_ms, until_ms } = query.filter;
    let bounds = Bounds { from_ms, until_ms, first: 0, last: before.saturating_sub(1) };
    let bounds = rows::there(tx, bounds).await?;
    if bounds.first > bounds.last {
        return Ok(Listing { items: Vec::new(), next: None });
    }
    let low = bounds.first.max(bounds.last.saturating_sub(LOOKS - 1));
    let newest = format!(
        "{COLUMNS} WHERE seq BETWEEN $1 AND $2 AND received_at >= $3 AND received_at < $4 \
         ORDER BY seq DESC LIMIT $5"
    );
    let (from, until) = (from_ms.unwrap_or(i64::MIN), until_ms.unwrap_or(i64::MAX));
    let most = count(limit + 1);
    let rows = sql::rows(tx, &newest, &[&signed(low), &signed(bounds.last), &from, &until, &most]).await?;
    let mut items = rows.iter().map(read).collect::<Result<Vec<_>, Trouble>>()?;
    let next = if items.len() > limit {
        items.truncate(limit);
        items.last().map(|item| item.delivery)
    } else {
        (low > bounds.first).then_some(low)
    };
    Ok(Listing { items, next: next.map(|number| Cursor::new(number.to_string())) })
}

/// One delivery; none where it is gone.
pub(super) async fn one(tx: &Tx<'_>, number: u64) -> Result<Option<DeliveryShown>, Trouble> {
    let row = sql::maybe(tx, &format!("{COLUMNS} WHERE seq = $1"), &[&signed(number)]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<DeliveryShown, Trouble> {
    Ok(DeliveryShown {
        delivery: unsigned(row.try_get(0)?),
        received_at_ms: row.try_get(1)?,
        request_id: row.try_get::<_, uuid::Uuid>(2)?.to_string(),
        bytes: unsigned(row.try_get(3)?),
        records: spans::decode(row.try_get(4)?)?.len() as u64,
    })
}
