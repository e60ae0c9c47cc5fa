//! Cutting a page of a replay: from its cursor on, records that are still there and that the
//! destination's filter takes. All of it in the transaction that commits the page.

use std::collections::HashSet;

use crate::store::history::replay::making::Making;
use crate::store::postgres::desk::errors::{self, Place};
use crate::store::postgres::desk::fold::names;
use crate::store::postgres::desk::{sql, state};
use crate::store::postgres::holding;
use crate::store::postgres::pages::{self, NewPage};
use crate::store::postgres::read;
use crate::store::postgres::trouble::{Trouble, count, signed};
use crate::store::postgres::tx::Tx;
use crate::store::{NewError, PageRequest, Record, RecordId};

/// Records that one cut looks at.
const LOOKS: usize = 20_000;
/// Bytes of records that one cut reads.
const BYTES: usize = 64 * 1024 * 1024;
/// Records that one query reads.
const NAMES: i64 = 256;

/// What a cut found.
#[derive(Debug)]
pub(in crate::store::postgres) enum Found {
    /// There is no replay to the destination.
    Nothing,
    /// Another process has it in hand just now.
    Busy,
    /// The next records.
    Cut(Replayed),
}

/// The next records of a replay. It changes nothing until it is committed.
#[derive(Debug)]
pub(in crate::store::postgres) struct Replayed {
    bulk: i64,
    making: Making,
    /// Nothing waits behind it.
    is_over: bool,
}

impl Replayed {
    /// Whether it is a page, once it is committed.
    pub(in crate::store::postgres) fn has_records(&self) -> bool {
        self.making.has_records()
    }

    /// The records, in the page's order.
    pub(in crate::store::postgres) fn into_page(self) -> (Vec<Record>, bool) {
        self.making.into_page()
    }
}

/// Collects the next records of the oldest replay to a destination that no other process has in hand.
pub(in crate::store::postgres) async fn collect(
    tx: &Tx<'_>,
    request: &PageRequest,
) -> Result<Found, Trouble> {
    if !super::waits(tx, &request.destination).await? {
        return Ok(Found::Nothing);
    }
    // Before anything of a record is read.
    if !holding::share(tx).await? {
        return Ok(Found::Busy);
    }
    let oldest = "SELECT id, cursor, element FROM bulk WHERE state = 1 AND destination = $1 \
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let Some(row) = sql::maybe(tx, oldest, &[&request.destination]).await? else { return Ok(Found::Busy) };
    let bulk: i64 = row.try_get(0)?;
    let mut cut = Replayed { bulk, making: Making::new(state::record(&row, 1)?), is_over: false };
    cut.fill(tx, request).await?;
    cut.is_over = waiting(tx, bulk, cut.making.next, 1).await?.is_empty();
    Ok(Found::Cut(cut))
}

impl Replayed {
    /// Until the page is full, nothing waits, or the bounds are reached.
    async fn fill(&mut self, tx: &Tx<'_>, request: &PageRequest) -> Result<(), Trouble> {
        let (mut looks, mut bytes) = (0, 0);
        while looks < LOOKS && bytes < BYTES {
            let names = waiting(tx, self.bulk, self.making.next, NAMES).await?;
            if names.is_empty() {
                return Ok(());
            }
            looks += names.len();
            let records = there(tx, &names).await?;
            for (name, record) in names.iter().zip(records) {
                bytes += record.as_ref().map_or(0, |record| record.bytes.len());
                if self.making.is_full_after(*name, record, request) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Records of a replay that wait, behind one.
async fn waiting(tx: &Tx<'_>, bulk: i64, after: RecordId, limit: i64) -> Result<Vec<RecordId>, Trouble> {
    let names = "SELECT delivery, element FROM replay WHERE bulk = $1 AND (delivery, element) > ($2, $3) \
         ORDER BY delivery, element LIMIT $4";
    let (delivery, element) = (signed(after.delivery), i64::from(after.element));
    let rows = sql::rows(tx, names, &[&bulk, &delivery, &element, &limit]).await?;
    rows.iter().map(|row| state::record(row, 0)).collect()
}

/// Records by name, in order; none for one that is gone or erased, or that the hook let go nowhere.
async fn there(tx: &Tx<'_>, names: &[RecordId]) -> Result<Vec<Option<Record>>, Trouble> {
    let mut deliveries: Vec<i64> = names.iter().map(|name| signed(name.delivery)).collect();
    deliveries.dedup();
    let left = "SELECT delivery, element FROM hooked WHERE delivery = ANY($1::bigint[]) AND fate <> 1 \
         UNION ALL SELECT delivery, element FROM erasure WHERE delivery = ANY($1::bigint[])";
    let rows = sql::rows(tx, left, &[&deliveries]).await?;
    let left = rows.iter().map(|row| state::record(row, 0)).collect::<Result<HashSet<_>, _>>()?;
    let mut records = read::there(tx.client(), names).await?;
    for (name, record) in names.iter().zip(&mut records) {
        if left.contains(name) {
            *record = None;
        }
    }
    Ok(records)
}

/// What a commit needs, without the bodies.
#[derive(Debug)]
pub(in crate::store::postgres) struct Commit {
    bulk: i64,
    destination: String,
    number: u64,
    next: RecordId,
    records: Vec<RecordId>,
    oversized: bool,
    left: u64,
    errors: Vec<NewError>,
    is_over: bool,
    now_ms: i64,
}

impl Commit {
    /// Of a cut; `number` is that of its page.
    pub(in crate::store::postgres) fn of(cut: &mut Replayed, request: &PageRequest, number: u64) -> Self {
        Self {
            bulk: cut.bulk,
            destination: request.destination.clone(),
            number,
            next: cut.making.next,
            records: cut.making.names(),
            oversized: cut.making.oversized(),
            left: cut.making.left,
            errors: std::mem::take(&mut cut.making.errors),
            is_over: cut.is_over,
            now_ms: request.now_ms,
        }
    }

    /// Keeps what the destination's filter failed on; before the destination is locked.
    pub(in crate::store::postgres) async fn fail(&self, tx: &Tx<'_>, fold: bool) -> Result<(), Trouble> {
        let place = Place { destination: Some(&self.destination), ..Place::default() };
        errors::insert(tx, place, &self.errors, fold).await?;
        Ok(())
    }

    /// Puts the rest down; the transaction holds the replay's row since it was read.
    pub(in crate::store::postgres) async fn apply(&self, tx: &Tx<'_>) -> Result<(), Trouble> {
        let moved = "UPDATE bulk SET cursor = $2, element = $3, done = done + $4, passed = passed + $5, \
             state = CASE WHEN $6 THEN 2 ELSE 1 END, ended_at = CASE WHEN $6 THEN $7 END WHERE id = $1";
        let (delivery, element) = (signed(self.next.delivery), i64::from(self.next.element));
        let done = count(self.records.len() + self.errors.len());
        let values: sql::Params<'_> =
            &[&self.bulk, &delivery, &element, &done, &signed(self.left), &self.is_over, &self.now_ms];
        sql::run(tx, moved, values).await?;
        if self.records.is_empty() {
            return Ok(());
        }
        let page = NewPage {
            number: self.number,
            destination: &self.destination,
            state: pages::LEASED,
            kind: pages::REPLAYED,
            records: &self.records,
            oversized: self.oversized,
            attempts: 0,
            first_attempt_at: None,
            due_at: self.now_ms,
            created_at: self.now_ms,
            parent: None,
        };
        pages::insert(tx, &page).await?;
        let (deliveries, elements) = names(self.records.iter().copied());
        let named = "UPDATE replay SET page = $2 FROM unnest($3::bigint[], $4::bigint[]) AS n(delivery, element) \
             WHERE replay.bulk = $1 AND replay.delivery = n.delivery AND replay.element = n.element";
        sql::run(tx, named, &[&self.bulk, &signed(self.number), &deliveries, &elements]).await?;
        let counted = "UPDATE destination SET page_records = page_records + $2 WHERE name = $1";
        sql::run(tx, counted, &[&self.destination, &count(self.records.len())]).await?;
        Ok(())
    }
}
