//! What was accepted and what became of it, on the index. What it promises: [`crate::desk::History`].
//! Its tables: `tables.sql`.
//!
//! [`search`] finds records, by the index that [`follow`] fills behind the indexer, and [`shown`] shows
//! them; [`way`] tells what became of one. [`delivered`] says which records a destination took.
//! [`minutes`] counts over time. [`replay`] hands delivered records on once more.

mod cursor;
mod delivered;
mod deliveries;
pub(super) mod entry;
mod follow;
pub(super) mod minutes;
mod refusals;
pub(super) mod replay;
mod rows;
mod search;
mod segments;
mod shown;
mod trail;
mod way;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

pub(super) use self::follow::Follower;
use self::follow::Work;
use self::search::{Found, Search};
use super::Embedded;
use super::desk::fail::Fail;
use super::names::Names;
use super::trouble::signed;
use crate::desk::{
    Cursor, DeliveryFilter, DeliveryShown, DeskError, History, Listing, MAX_LIMIT, Query, Range,
    RecordDetail, RecordFilter, Records, RefusedFilter, Series,
};
use crate::store::history::bounds::END;
use crate::store::journal::Journal;
use crate::store::{RecordId, Refused, Sort, StoreError};

impl Embedded {
    /// Starts what follows the indexer.
    pub(super) fn follow(&self) -> Result<(), StoreError> {
        let work = Work {
            database: self.inner.database.clone(),
            journal: self.inner.journal.clone(),
            writer: self.inner.writer.clone(),
            sorter: Arc::clone(&self.inner.sorter),
            clock: self.inner.clock.clone(),
        };
        self.follower
            .start(work)
            .map_err(|error| StoreError::Open(format!("the store's search index cannot be started: {error}")))
    }
}

#[async_trait]
impl History for Embedded {
    async fn deliveries(&self, query: Query<DeliveryFilter>) -> Result<Listing<DeliveryShown>, DeskError> {
        self.read(move |connection| deliveries::list(connection, &query)).await
    }

    async fn delivery(&self, delivery: u64) -> Result<DeliveryShown, DeskError> {
        self.read(move |connection| {
            deliveries::one(connection, delivery)?.ok_or_else(|| Fail::gone("delivery", delivery))
        })
        .await
    }

    async fn records(&self, query: Query<RecordFilter>) -> Result<Records, DeskError> {
        let (journal, sorter) = (self.inner.journal.clone(), Arc::clone(&self.inner.sorter));
        self.read(move |connection| list(connection, &journal, sorter.as_ref(), &query)).await
    }

    async fn record(&self, id: RecordId) -> Result<RecordDetail, DeskError> {
        let (journal, sorter) = (self.inner.journal.clone(), Arc::clone(&self.inner.sorter));
        let names = self.inner.names.clone();
        self.read(move |connection| detail(connection, &journal, sorter.as_ref(), &names, id)).await
    }

    async fn refusals(&self, query: Query<RefusedFilter>) -> Result<Listing<Refused>, DeskError> {
        self.read(move |connection| refusals::list(connection, &query)).await
    }

    async fn refusal(&self, id: Uuid) -> Result<Refused, DeskError> {
        self.read(move |connection| {
            refusals::one(connection, id)?.ok_or_else(|| Fail::gone("refused request", id))
        })
        .await
    }

    async fn series(&self, range: Range) -> Result<Series, DeskError> {
        self.read(move |connection| Ok(minutes::series(connection, range)?)).await
    }
}

/// A part of the list of records.
fn list(
    connection: &Connection,
    journal: &Journal,
    sorter: &dyn Sort,
    query: &Query<RecordFilter>,
) -> Result<Records, Fail> {
    let before = query.cursor.as_ref().map(cursor::record).transpose()?.unwrap_or(END);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let search = Search { connection, journal, sorter, filter: &query.filter };
    // One more says whether there is one.
    let Found { mut records, mut next, behind } = search.step(before, u64::MAX, limit + 1)?;
    if records.len() > limit {
        records.truncate(limit);
        next = records.last().copied();
    }
    let searched = query.filter.trace_key.as_deref();
    let items = shown::all(connection, journal, sorter, &records, searched)?;
    let next = next.map(|id| Cursor::new(id.to_string()));
    Ok(Records { list: Listing { items, next }, behind })
}

/// One record, and its way.
fn detail(
    connection: &Connection,
    journal: &Journal,
    sorter: &dyn Sort,
    names: &Names,
    id: RecordId,
) -> Result<RecordDetail, Fail> {
    // One look: pages, errors and cursors change together.
    let transaction = connection.unchecked_transaction()?;
    let gone = || Fail::gone("record", id);
    let delivery = rows::one(&transaction, id.delivery)?.ok_or_else(gone)?;
    if !delivery.has(id.element)? {
        return Err(gone());
    }
    let changed: Option<Vec<u8>> = transaction
        .prepare_cached("SELECT payload FROM hooked WHERE delivery = ?1 AND element = ?2")?
        .query_row(params![signed(id.delivery), id.element], |row| row.get(0))
        .optional()?
        .flatten();
    let way = way::of(&transaction, names, &delivery, id)?;
    drop(transaction);
    // Behind the look, so that it knows of an erasure that was begun meanwhile.
    let payload = delivery.bytes(connection, journal, id.element)?;
    Ok(RecordDetail {
        shown: shown::of(id, delivery.received_at_ms, payload.as_deref(), sorter, None),
        way,
        changed: payload.as_ref().and(changed).map(Bytes::from),
        payload,
    })
}
