//! Deliveries as they stand in the table, for those who only read.

use bytes::Bytes;
use tokio_postgres::Row;

use crate::store::RecordId;
use crate::store::history::bounds::Bounds;
use crate::store::packed::spans::{self, Span};
use crate::store::postgres::desk::sql;
use crate::store::postgres::trouble::{Trouble, signed, unsigned};
use crate::store::postgres::tx::Tx;

/// A delivery, without its body.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) received_at_ms: i64,
    /// The elements that are records, in order.
    pub(super) spans: Vec<Span>,
}

impl Delivery {
    /// The name of one of its records.
    pub(super) fn id(&self, span: Span) -> RecordId {
        RecordId { delivery: self.number, element: span.element }
    }

    /// The place of a record among its records.
    pub(super) fn place(&self, element: u32) -> Option<usize> {
        self.spans.binary_search_by_key(&element, |span| span.element).ok()
    }
}

const COLUMNS: &str = "SELECT seq, received_at, records FROM delivery";

fn read(row: &Row) -> Result<Delivery, Trouble> {
    Ok(Delivery {
        number: unsigned(row.try_get(0)?),
        received_at_ms: row.try_get(1)?,
        spans: spans::decode(row.try_get(2)?)?,
    })
}

/// One delivery; none where it is gone.
pub(super) async fn one(tx: &Tx<'_>, number: u64) -> Result<Option<Delivery>, Trouble> {
    let row = sql::maybe(tx, &format!("{COLUMNS} WHERE seq = $1"), &[&signed(number)]).await?;
    row.as_ref().map(read).transpose()
}

/// Deliveries from `first` to `last`, newest first.
pub(super) async fn between(
    tx: &Tx<'_>,
    first: u64,
    last: u64,
    limit: i64,
) -> Result<Vec<Delivery>, Trouble> {
    let newest = format!("{COLUMNS} WHERE seq BETWEEN $1 AND $2 ORDER BY seq DESC LIMIT $3");
    let rows = sql::rows(tx, &newest, &[&signed(first), &signed(last), &limit]).await?;
    rows.iter().map(read).collect()
}

/// The bytes of records as they came, in the order given; none of what is erased.
pub(super) async fn bytes(tx: &Tx<'_>, wanted: &[(RecordId, Span)]) -> Result<Vec<Option<Bytes>>, Trouble> {
    let deliveries: Vec<i64> = wanted.iter().map(|(id, _)| signed(id.delivery)).collect();
    let elements: Vec<i64> = wanted.iter().map(|(id, _)| id.element.into()).collect();
    let starts: Vec<i64> = wanted.iter().map(|(_, span)| i64::from(span.start) + 1).collect();
    let lengths: Vec<i64> = wanted.iter().map(|(_, span)| span.length.into()).collect();
    // A look-up for each: only what is asked for is read of a body.
    let parts = "SELECT (SELECT substring(body FROM w.start::int FOR w.length::int) FROM delivery \
             WHERE seq = w.delivery AND NOT EXISTS (SELECT 1 FROM erasure \
             WHERE erasure.delivery = w.delivery AND erasure.element = w.element)) \
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY \
             AS w(delivery, element, start, length, place) ORDER BY w.place";
    let rows = sql::rows(tx, parts, &[&deliveries, &elements, &starts, &lengths]).await?;
    let read = |row: &Row| Ok(row.try_get::<_, Option<Vec<u8>>>(0)?.map(Bytes::from));
    rows.iter().map(read).collect()
}

/// Bounds, cut to the deliveries that are there and whose slices fit the times.
pub(super) async fn there(tx: &Tx<'_>, bounds: Bounds) -> Result<Bounds, Trouble> {
    let slice = crate::store::postgres::slices::slice;
    let ends = "SELECT (SELECT min(seq) FROM delivery WHERE slice >= $1), \
         (SELECT max(seq) FROM delivery WHERE slice <= $2)";
    let (from, until) = (bounds.from_ms.map_or(i64::MIN, slice), bounds.until_ms.map_or(i64::MAX, slice));
    let row = sql::one(tx, ends, &[&from, &until]).await?;
    let (first, last): (Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let first = first.map_or(u64::MAX, unsigned);
    Ok(Bounds { first: bounds.first.max(first), last: bounds.last.min(last.map_or(0, unsigned)), ..bounds })
}
