//! What failed at the hook and passed it now: on to the destinations.
//!
//! The page in which an error goes to the hook again is one of kind 1, so it does not hold the
//! hook's mark back. Its settlement decides for each destination, in one transaction:
//!
//! - the destination's cursor has not come to the record: its row in `hooked` says what it is now
//!   (changed, or gone with the row), and the destination is cut it in its turn;
//! - the cursor has passed it: the record goes there by itself. It stands as an error in the state
//!   retrying at that destination, with the bytes to be sent, and is filtered, paged, settled and
//!   shown as one. So it needs nothing of the delivery, which may be gone by then.
//!
//! The rows of all destinations are held from before their cursors are read, and
//! `destination.mended` is counted up: a cut that passed the record by meanwhile is not put down, so
//! that nothing falls between the two.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::errors;
use super::retry;
use super::sql;
use crate::store::fate::Fates;
use crate::store::packed::spans;
use crate::store::postgres::trouble::{Trouble, count, signed, unsigned};
use crate::store::postgres::tx::Tx;
use crate::store::{NewError, PRE_PAGE, RecordId};

pub(in crate::store::postgres) use super::retry::open_all_of_the_hook as open_all;

/// Code of an error that stands for a record on its way from the hook to one destination.
const CODE: &str = "after_hook";
/// Its message.
const MESSAGE: &str = "on its way again: it failed at the hook, and passed it when it was retried";

/// Where the destinations have come to.
struct Cursor {
    name: String,
    delivery: u64,
    index: u64,
}

/// Keeps what the hook said of errors that went to it again; before [`retry::settle`].
pub(in crate::store::postgres) async fn keep(
    tx: &Tx<'_>,
    page: u64,
    fates: Fates<'_>,
    failed: &[NewError],
    again: &[RecordId],
    now_ms: i64,
) -> Result<(), Trouble> {
    let cursors = cursors(tx).await?;
    let changed: HashMap<RecordId, &Bytes> = fates.changed.iter().map(|(id, bytes)| (*id, bytes)).collect();
    let dropped: HashSet<RecordId> = fates.dropped.iter().copied().collect();
    let left: HashSet<RecordId> =
        failed.iter().map(|error| error.record).chain(again.iter().copied()).collect();
    let (mut passed, mut others) = (false, 0_usize);
    let mut message = None;
    for (record, error) in retry::errors_of(tx, page).await? {
        if left.contains(&record) {
            continue;
        }
        passed = true;
        if dropped.contains(&record) {
            sql::run(
                tx,
                "UPDATE hooked SET fate = 2, payload = NULL WHERE delivery = $1 AND element = $2",
                &[&signed(record.delivery), &i64::from(record.element)],
            )
            .await?;
            continue;
        }
        let sent = sql::one(
            tx,
            "SELECT coalesce(edited, original), edited IS NOT NULL FROM payload WHERE error = $1",
            &[&error],
        )
        .await?;
        let (kept, edited): (Vec<u8>, bool) = (sent.try_get(0)?, sent.try_get(1)?);
        let given = changed.get(&record).map(|bytes| &bytes[..]);
        others += usize::from(given.is_some());
        let bytes = given.unwrap_or(&kept);
        goes_on(tx, record, (edited || given.is_some()).then_some(bytes)).await?;
        for destination in passed_by(tx, &cursors, record).await? {
            let text = match message {
                Some(known) => known,
                None => *message.insert(
                    errors::messages(tx, &[MESSAGE.to_owned()]).await?.first().copied().unwrap_or_default(),
                ),
            };
            on_the_way(tx, error, destination, text, bytes, now_ms).await?;
        }
    }
    if passed {
        sql::run(tx, "UPDATE destination SET mended = mended + 1 WHERE name <> $1", &[&PRE_PAGE]).await?;
    }
    sql::run(
        tx,
        "UPDATE destination SET changed = changed + $2, ignored = ignored + $3 WHERE name = $1",
        &[&PRE_PAGE, &count(others), &count(dropped.len())],
    )
    .await?;
    Ok(())
}

/// Holds the rows of the destinations until the end of the transaction; where their cursors are.
async fn cursors(tx: &Tx<'_>) -> Result<Vec<Cursor>, Trouble> {
    let rows = sql::rows(
        tx,
        "SELECT name, cursor_delivery, cursor_index FROM destination WHERE name <> $1 \
             ORDER BY name FOR UPDATE",
        &[&PRE_PAGE],
    )
    .await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Cursor {
            name: row.try_get(0)?,
            delivery: unsigned(row.try_get(1)?),
            index: unsigned(row.try_get(2)?),
        })
    };
    rows.iter().map(read).collect()
}

/// For who comes to the record later; its row may be gone with its delivery.
async fn goes_on(tx: &Tx<'_>, record: RecordId, changed: Option<&[u8]>) -> Result<(), Trouble> {
    let (delivery, element) = (signed(record.delivery), i64::from(record.element));
    match changed {
        Some(bytes) => {
            sql::run(
                tx,
                "UPDATE hooked SET fate = 1, payload = $3 WHERE delivery = $1 AND element = $2",
                &[&delivery, &element, &bytes],
            )
            .await?
        }
        None => {
            sql::run(tx, "DELETE FROM hooked WHERE delivery = $1 AND element = $2", &[&delivery, &element])
                .await?
        }
    };
    Ok(())
}

/// Destinations whose cursors have passed a record.
async fn passed_by<'a>(
    tx: &Tx<'_>,
    cursors: &'a [Cursor],
    record: RecordId,
) -> Result<Vec<&'a str>, Trouble> {
    let row =
        sql::maybe(tx, "SELECT records FROM delivery WHERE seq = $1", &[&signed(record.delivery)]).await?;
    // A delivery that is gone was passed by everybody.
    let place = match row {
        Some(row) => spans::decode(row.try_get(0)?)?.iter().position(|span| span.element == record.element),
        None => None,
    };
    let passed = |cursor: &&Cursor| {
        let looked = usize::try_from(cursor.index).unwrap_or(usize::MAX);
        let within = cursor.delivery == record.delivery && place.is_none_or(|place| looked > place);
        cursor.delivery > record.delivery || within
    };
    Ok(cursors.iter().filter(passed).map(|cursor| cursor.name.as_str()).collect())
}

/// A record on its way from the hook, where `error` was, to one destination.
async fn on_the_way(
    tx: &Tx<'_>,
    error: i64,
    destination: &str,
    message: i64,
    bytes: &[u8],
    now_ms: i64,
) -> Result<(), Trouble> {
    sql::run(
        tx,
        "WITH made AS (INSERT INTO error(state, destination, class, message, trace_key, first_at, last_at, \
             delivery, element, code, data_uri, attempts, has_payload, retried_by) \
             SELECT 2, $2::text, class, $3::bigint, trace_key, first_at, $4::bigint, delivery, element, \
             $5::text, data_uri, 0, true, retried_by FROM error WHERE id = $1 RETURNING id) \
         INSERT INTO payload(error, original) SELECT id, $6::bytea FROM made",
        &[&error, &destination, &message, &now_ms, &CODE, &bytes],
    )
    .await?;
    sql::run(
        tx,
        "UPDATE destination SET withheld = greatest(withheld - 1, 0) WHERE name = $1",
        &[&destination],
    )
    .await?;
    Ok(())
}
