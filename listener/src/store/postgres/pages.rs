//! Pages as they stand in the table, and their records as they are handed out.

use super::desk::retry;
use super::read;
use super::sql::{bytes, flag, int, text};
use super::trouble::{Trouble, count, signed, unsigned};
use super::tx::Tx;
use crate::store::packed::spans;
use crate::store::{Record, RecordId};

/// Waits to be leased.
pub(in crate::store::postgres) const WAITING: i64 = 0;
/// Somebody has it.
pub(in crate::store::postgres) const LEASED: i64 = 1;
/// Settled, delivered at least in part.
pub(in crate::store::postgres) const DELIVERED: i64 = 2;
/// Settled, nothing of it delivered.
pub(in crate::store::postgres) const FAILED: i64 = 3;

/// Kind of a page of errors that are sent again, see [`super::desk::retry`]; one that is cut from the
/// deliveries is of kind 0.
pub(in crate::store::postgres) const ERRORS: i64 = 1;
/// Records that are replayed; see [`super::history::replay`].
pub(in crate::store::postgres) const REPLAYED: i64 = 2;

/// A page to be put into the table. One that is leased gets its lease in the same transaction.
#[derive(Debug)]
pub(in crate::store::postgres) struct NewPage<'a> {
    pub(in crate::store::postgres) number: u64,
    pub(in crate::store::postgres) destination: &'a str,
    pub(in crate::store::postgres) state: i64,
    pub(in crate::store::postgres) kind: i64,
    pub(in crate::store::postgres) records: &'a [RecordId],
    pub(in crate::store::postgres) oversized: bool,
    pub(in crate::store::postgres) attempts: u32,
    pub(in crate::store::postgres) first_attempt_at: Option<i64>,
    pub(in crate::store::postgres) due_at: i64,
    pub(in crate::store::postgres) created_at: i64,
    pub(in crate::store::postgres) parent: Option<u64>,
}

/// Puts a page into the table.
pub(in crate::store::postgres) async fn insert(tx: &Tx<'_>, page: &NewPage<'_>) -> Result<(), Trouble> {
    let first = page.records.first().ok_or(Trouble::Damaged("a page without records"))?;
    let insert = "INSERT INTO page(number, destination, state, kind, first_delivery, first_element, records, \
        record_count, oversized, attempts, first_attempt_at, due_at, created_at, parent) \
        VALUES ($1, $2, $3::bigint, $4::bigint, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let (number, parent) = (signed(page.number), page.parent.map(signed));
    let (delivery, element) = (signed(first.delivery), i64::from(first.element));
    let (records, size) = (spans::encode_records(page.records.iter().copied()), count(page.records.len()));
    let attempts = i64::from(page.attempts);
    let values = [
        int(&number),
        text(&page.destination),
        int(&page.state),
        int(&page.kind),
        int(&delivery),
        int(&element),
        bytes(&records),
        int(&size),
        flag(&page.oversized),
        int(&attempts),
        int(&page.first_attempt_at),
        int(&page.due_at),
        int(&page.created_at),
        int(&parent),
    ];
    tx.query_typed(insert, &values).await?;
    Ok(())
}

/// A number for a new page.
pub(in crate::store::postgres) async fn next_number(tx: &Tx<'_>) -> Result<u64, Trouble> {
    let row = tx.query_typed_one("SELECT nextval('page_number')", &[]).await?;
    Ok(unsigned(row.try_get(0)?))
}

/// Reads the records of a page, wherever its kind keeps them.
pub(in crate::store::postgres) async fn records(
    tx: &Tx<'_>,
    kind: i64,
    number: u64,
    names: &[RecordId],
) -> Result<Vec<Record>, Trouble> {
    match kind {
        ERRORS => retry::records_of(tx, number, names).await,
        _ => read::records_of(tx.client(), names).await,
    }
}
