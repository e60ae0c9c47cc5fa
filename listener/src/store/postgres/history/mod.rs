//! What was accepted and what became of it, on PostgreSQL. What it promises: [`crate::desk::History`].
//! Its tables: `history.sql`.
//!
//! [`search`] finds records, [`way`] tells what became of one, [`delivered`] says which records a
//! destination took. [`minutes`] counts over time. [`replay`] hands delivered records on once more.

mod cursor;
mod delivered;
mod deliveries;
pub(super) mod minutes;
mod refusals;
pub(super) mod replay;
mod rows;
mod search;
mod way;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

use self::search::Found;
use super::Postgres;
use super::desk::{reading, sql};
use super::trouble::{Trouble, signed};
use super::tx::Tx;
use crate::desk::{
    Cursor, DeliveryFilter, DeliveryShown, DeskError, History, Listing, MAX_LIMIT, Query, Range,
    RecordDetail, RecordFilter, RecordShown, Records, RefusedFilter, Series,
};
use crate::store::history::bounds::END;
use crate::store::history::shown;
use crate::store::names::Names;
use crate::store::{RecordId, Refused, Sort};

#[async_trait]
impl History for Postgres {
    async fn deliveries(&self, query: Query<DeliveryFilter>) -> Result<Listing<DeliveryShown>, DeskError> {
        reading!(self.inner, |tx| deliveries::list(tx, &query))
    }

    async fn delivery(&self, delivery: u64) -> Result<DeliveryShown, DeskError> {
        let found: Result<_, DeskError> = reading!(self.inner, |tx| deliveries::one(tx, delivery));
        found?.ok_or_else(|| gone("delivery", delivery))
    }

    async fn records(&self, query: Query<RecordFilter>) -> Result<Records, DeskError> {
        let sorter = self.inner.sorter.as_ref();
        reading!(self.inner, |tx| list(tx, sorter, &query))
    }

    async fn record(&self, id: RecordId) -> Result<RecordDetail, DeskError> {
        let (sorter, names) = (self.inner.sorter.as_ref(), &self.inner.names);
        reading!(self.inner, |tx| detail(tx, sorter, names, id))
    }

    async fn refusals(&self, query: Query<RefusedFilter>) -> Result<Listing<Refused>, DeskError> {
        reading!(self.inner, |tx| refusals::list(tx, &query))
    }

    async fn refusal(&self, id: Uuid) -> Result<Refused, DeskError> {
        let found: Result<_, DeskError> = reading!(self.inner, |tx| refusals::one(tx, id));
        found?.ok_or_else(|| gone("refused request", id))
    }

    async fn series(&self, range: Range) -> Result<Series, DeskError> {
        reading!(self.inner, |tx| minutes::series(tx, range))
    }
}

fn gone(what: &'static str, id: impl std::fmt::Display) -> DeskError {
    DeskError::NotFound { what, id: id.to_string() }
}

/// A part of the list of records.
async fn list(tx: &Tx<'_>, sorter: &dyn Sort, query: &Query<RecordFilter>) -> Result<Records, DeskError> {
    let before = query.cursor.as_ref().map(cursor::record).transpose()?.unwrap_or(END);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    // One more says whether there is one.
    let Found { mut records, mut next } = search::step(tx, sorter, &query.filter, before, limit + 1).await?;
    if records.len() > limit {
        records.truncate(limit);
        next = records.last().copied();
    }
    let searched = query.filter.trace_key.as_deref();
    let items = shown_all(tx, sorter, &records, searched).await?;
    let next = next.map(|id| Cursor::new(id.to_string()));
    Ok(Records { list: Listing { items, next }, behind: 0 })
}

/// Records by name, in the order of the names; those that are gone meanwhile are left out.
async fn shown_all(
    tx: &Tx<'_>,
    sorter: &dyn Sort,
    records: &[RecordId],
    searched: Option<&str>,
) -> Result<Vec<RecordShown>, Trouble> {
    let mut items = Vec::with_capacity(records.len());
    let (mut wanted, mut times) = (Vec::new(), Vec::new());
    for ids in records.chunk_by(|left, right| left.delivery == right.delivery) {
        let Some(first) = ids.first() else { continue };
        let Some(delivery) = rows::one(tx, first.delivery).await? else { continue };
        for id in ids {
            if let Some(span) = delivery.place(id.element).and_then(|place| delivery.spans.get(place)) {
                wanted.push((*id, *span));
                times.push(delivery.received_at_ms);
            }
        }
    }
    for (((id, _), at_ms), bytes) in wanted.iter().zip(times).zip(rows::bytes(tx, &wanted).await?) {
        items.push(shown::of(*id, at_ms, bytes.as_deref(), sorter, searched));
    }
    Ok(items)
}

/// One record, and its way.
async fn detail(
    tx: &Tx<'_>,
    sorter: &dyn Sort,
    names: &Names,
    id: RecordId,
) -> Result<RecordDetail, DeskError> {
    let delivery = rows::one(tx, id.delivery).await?.ok_or_else(|| gone("record", id))?;
    let span = delivery.place(id.element).and_then(|place| delivery.spans.get(place));
    let span = *span.ok_or_else(|| gone("record", id))?;
    let payload = rows::bytes(tx, &[(id, span)]).await?.pop().flatten();
    let given = "SELECT payload FROM hooked WHERE delivery = $1 AND element = $2 AND payload <> ''";
    let given = sql::maybe(tx, given, &[&signed(id.delivery), &i64::from(id.element)]).await?;
    let changed = match given {
        Some(row) => row.try_get::<_, Option<Vec<u8>>>(0).map_err(Trouble::from)?,
        None => None,
    };
    Ok(RecordDetail {
        shown: shown::of(id, delivery.received_at_ms, payload.as_deref(), sorter, None),
        way: way::of(tx, names, &delivery, id).await?,
        payload,
        changed: changed.map(Bytes::from),
    })
}
