//! Bytes of records, out of the bodies in the table: only those that are asked for.

use std::collections::HashMap;

use bytes::Bytes;
use tokio_postgres::Client;

use super::sql::{flags, ints};
use super::trouble::{Trouble, signed, unsigned};
use crate::store::fate::CHANGED;
use crate::store::packed::spans::{self, Span};
use crate::store::{Record, RecordId};

/// A record whose bytes are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) id: RecordId,
    pub(super) span: Span,
    /// The hook gave other bytes.
    pub(super) changed: bool,
}

/// Bytes of records, in the order given.
pub(super) async fn bytes(client: &Client, wanted: &[Wanted]) -> Result<Vec<Bytes>, Trouble> {
    let found: Option<Vec<Bytes>> = bytes_there(client, wanted).await?.into_iter().collect();
    found.ok_or(Trouble::Damaged("a delivery is gone that is still needed"))
}

/// The same, none where they are gone.
async fn bytes_there(client: &Client, wanted: &[Wanted]) -> Result<Vec<Option<Bytes>>, Trouble> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let deliveries: Vec<i64> = wanted.iter().map(|one| signed(one.id.delivery)).collect();
    let elements: Vec<i64> = wanted.iter().map(|one| one.id.element.into()).collect();
    let starts: Vec<i64> = wanted.iter().map(|one| i64::from(one.span.start) + 1).collect();
    let lengths: Vec<i64> = wanted.iter().map(|one| one.span.length.into()).collect();
    let changed: Vec<bool> = wanted.iter().map(|one| one.changed).collect();
    // A look-up for each, never a scan: what the planner thinks of young tables does not matter then.
    let query = "SELECT CASE WHEN w.changed \
        THEN (SELECT payload FROM hooked WHERE hooked.delivery = w.delivery AND hooked.element = w.element) \
        ELSE (SELECT substring(body FROM w.start::int FOR w.length::int) FROM delivery WHERE seq = w.delivery) END \
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[]) WITH ORDINALITY \
        AS w(delivery, element, start, length, changed, place) ORDER BY w.place";
    let values = [ints(&deliveries), ints(&elements), ints(&starts), ints(&lengths), flags(&changed)];
    let rows = client.query_typed(query, &values).await?;
    let read = |row: &tokio_postgres::Row| Ok(row.try_get::<_, Option<Vec<u8>>>(0)?.map(Bytes::from));
    rows.iter().map(read).collect()
}

/// Reads records by name; names of one delivery stand together, in order.
pub(super) async fn records_of(client: &Client, names: &[RecordId]) -> Result<Vec<Record>, Trouble> {
    let records: Option<Vec<Record>> = there(client, names).await?.into_iter().collect();
    records.ok_or(Trouble::Damaged("a page names a record that is gone"))
}

/// The same, none where one is gone. What is erased is read as it is now.
pub(super) async fn there(client: &Client, names: &[RecordId]) -> Result<Vec<Option<Record>>, Trouble> {
    let mut deliveries: Vec<i64> = names.iter().map(|name| signed(name.delivery)).collect();
    deliveries.dedup();
    let query = "SELECT w.seq, d.received_at, d.records FROM unnest($1::bigint[]) AS w(seq), \
        LATERAL (SELECT received_at, records FROM delivery WHERE delivery.seq = w.seq) AS d";
    let changed = "SELECT delivery, element FROM hooked WHERE delivery = ANY($1::bigint[]) AND fate = 1";
    debug_assert_eq!(CHANGED, 1);
    let values = [ints(&deliveries)];
    let (rows, changed) =
        futures_util::future::join(client.query_typed(query, &values), client.query_typed(changed, &values))
            .await;
    let mut lists = HashMap::new();
    for row in rows? {
        let list = spans::decode(row.try_get(2)?)?;
        lists.insert(unsigned(row.try_get(0)?), (row.try_get::<_, i64>(1)?, list));
    }
    let mut others = std::collections::HashSet::new();
    for row in changed? {
        others.insert((unsigned(row.try_get(0)?), row.try_get::<_, i64>(1)?));
    }
    let (mut wanted, mut places) = (Vec::with_capacity(names.len()), Vec::with_capacity(names.len()));
    for (place, name) in names.iter().enumerate() {
        let Some((received_at_ms, list)) = lists.get(&name.delivery) else { continue };
        let at = list.binary_search_by_key(&name.element, |span| span.element).ok();
        let Some(span) = at.and_then(|at| list.get(at)) else { continue };
        let changed = others.contains(&(name.delivery, name.element.into()));
        wanted.push(Wanted { id: *name, span: *span, changed });
        places.push((place, *received_at_ms));
    }
    let mut records = vec![None; names.len()];
    let found = wanted.iter().zip(places).zip(bytes_there(client, &wanted).await?);
    for ((one, (place, received_at_ms)), bytes) in found {
        if let (Some(record), Some(bytes)) = (records.get_mut(place), bytes) {
            *record = Some(Record { id: one.id, received_at_ms, bytes });
        }
    }
    Ok(records)
}
