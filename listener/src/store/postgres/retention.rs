//! What is too old goes: slices by dropping them, the rest in small transactions with a pause between.
//!
//! One process at a time has the duty. A delivery stays with its slice, and a slice as long as a
//! cursor or a page that is not settled may need it, and until all of it is older than it is to be kept: so up
//! to six hours longer. Keys likewise, where they are to be kept for longer than a few slices;
//! else, and those of odd times, one by one.

use std::time::Duration;

use crds::listener::Retention;
use futures_util::future::BoxFuture;

use super::desk;
use super::history;
use super::holding;
use super::slices::{self, SLICE_MS, Table};
use super::sql::int;
use super::trouble::{Trouble, unsigned};
use super::tx::Tx;
use super::{Inner, duty, refused};
use crate::store::Retained;
use crate::store::retaining::Limits;

/// Rows in one transaction.
const STEP: i64 = 2_000;
/// Between two transactions.
const PAUSE: Duration = Duration::from_millis(2);
/// How long a process has the duty without renewing it.
const DUTY: Duration = Duration::from_mins(5);
/// Its name.
const NAME: &str = "retention";
/// Where keys are kept for shorter than this they go one by one.
const KEYS_IN_SLICES_MS: i64 = 4 * SLICE_MS;

/// See [`crate::store::Store::retain`].
pub(super) async fn retain(inner: &Inner, retention: &Retention) -> Result<Retained, Trouble> {
    if !duty::hold(inner, NAME, DUTY).await? {
        return Ok(Retained::default());
    }
    let retained = all(inner, retention).await;
    duty::release(inner, NAME).await?;
    retained
}

async fn all(inner: &Inner, retention: &Retention) -> Result<Retained, Trouble> {
    let limits = Limits::new(retention, inner.clock.now_ms());
    let mut retained = Retained::default();
    let now_ms = inner.clock.now_ms();
    retained.rows += repeat(inner, |tx| Box::pin(pages(tx, limits.delivered))).await?;
    retained.rows += repeat(inner, |tx| Box::pin(desk::errors::remove(tx, limits.errors, STEP))).await?;
    repeat(inner, |tx| Box::pin(desk::tally::remove_empty(tx, STEP))).await?;
    repeat(inner, |tx| Box::pin(desk::errors::remove_messages(tx, STEP))).await?;
    repeat(inner, |tx| Box::pin(desk::errors::remove_blocks(tx, STEP))).await?;
    repeat(inner, |tx| Box::pin(desk::bulk::remove(tx, limits.errors, STEP))).await?;
    repeat(inner, |tx| Box::pin(history::replay::remove_orphans(tx, STEP))).await?;
    repeat(inner, |tx| Box::pin(desk::remove_audit(tx, limits.audit, STEP))).await?;
    repeat(inner, |tx| Box::pin(desk::end_waits(tx, now_ms, STEP))).await?;
    repeat(inner, |tx| Box::pin(history::minutes::remove(tx, now_ms, STEP))).await?;
    retained.rows += repeat(inner, |tx| Box::pin(refused::remove(tx, limits.refused, STEP))).await?;
    retained.keys += keys(inner, &limits, now_ms).await?;
    retained.rows += deliveries(inner, limits.delivered).await?;
    Ok(retained)
}

/// Until a step finds nothing more.
async fn repeat(
    inner: &Inner,
    step: impl for<'t> Fn(&'t Tx<'t>) -> BoxFuture<'t, Result<u64, Trouble>> + Sync,
) -> Result<u64, Trouble> {
    let mut all = 0;
    loop {
        let mut connection = inner.pool.connection().await?;
        let tx = connection.begin().await?;
        let removed = step(&tx).await?;
        tx.commit().await?;
        drop(connection);
        if removed == 0 || inner.stop.is_cancelled() {
            return Ok(all);
        }
        all += removed;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn pages(tx: &Tx<'_>, before_ms: i64) -> Result<u64, Trouble> {
    let statement = "WITH old AS (SELECT number FROM page WHERE state >= 2 AND settled_at < $1 ORDER BY settled_at LIMIT $2), \
        attempts AS (DELETE FROM attempt WHERE page IN (SELECT number FROM old)), \
        gone AS (DELETE FROM page WHERE number IN (SELECT number FROM old) RETURNING 1) \
        SELECT count(*) FROM gone";
    let row = tx.query_typed_one(statement, &[int(&before_ms), int(&STEP)]).await?;
    Ok(unsigned(row.try_get(0)?))
}

/// Keys of what occurred before `to_ms`, or from `from_ms` on, in the whole table or in the part for odd times.
async fn single_keys(
    tx: &Tx<'_>,
    table: &str,
    before_ms: i64,
    future_ms: i64,
    seen_ms: i64,
) -> Result<u64, Trouble> {
    let statement = format!(
        "WITH gone AS (DELETE FROM {table} WHERE (occurred_at, hash) IN (SELECT occurred_at, hash FROM {table} \
         WHERE (occurred_at < $1 OR occurred_at >= $2) AND seen_at < $3 LIMIT $4) RETURNING 1) SELECT count(*) FROM gone"
    );
    let values = [int(&before_ms), int(&future_ms), int(&seen_ms), int(&STEP)];
    let row = tx.query_typed_one(&statement, &values).await?;
    Ok(unsigned(row.try_get(0)?))
}

async fn keys(inner: &Inner, limits: &Limits, now_ms: i64) -> Result<u64, Trouble> {
    let in_slices = now_ms.saturating_sub(limits.keys) >= KEYS_IN_SLICES_MS;
    let table = if in_slices { "dedupe_default" } else { "dedupe" };
    let mut gone =
        repeat(inner, |tx| Box::pin(single_keys(tx, table, limits.keys, limits.future, limits.keys))).await?;
    let mut connection = inner.pool.connection().await?;
    let alone = connection.alone()?;
    for slice in slices::list(&alone, Table::Dedupe).await? {
        // One more slice, so that no clock that is a little behind makes it anew.
        if slice.saturating_add(2).saturating_mul(SLICE_MS) > limits.keys {
            break;
        }
        let from = slice.saturating_mul(SLICE_MS);
        let to = from.saturating_add(SLICE_MS);
        let query = "SELECT count(*), coalesce(max(seen_at), 0) FROM dedupe WHERE occurred_at >= $1 AND occurred_at < $2";
        let row = alone.query_typed_one(query, &[int(&from), int(&to)]).await?;
        // Some may have come late.
        if row.try_get::<_, i64>(1)? < limits.keys {
            slices::remove(&alone, Table::Dedupe, slice).await?;
            gone += unsigned(row.try_get(0)?);
        }
    }
    alone.end();
    inner.slices.forget();
    Ok(gone)
}

/// Removes slices of deliveries that nothing needs any more, oldest first.
async fn deliveries(inner: &Inner, before_ms: i64) -> Result<u64, Trouble> {
    let mut gone = 0;
    let mut connection = inner.pool.connection().await?;
    let alone = connection.alone()?;
    slices::finish(&alone).await?;
    let mut last = None;
    for slice in slices::list(&alone, Table::Delivery).await? {
        if slice.saturating_add(1).saturating_mul(SLICE_MS) > before_ms {
            break;
        }
        // Until the slice is gone nobody makes a page of it.
        holding::begin(&alone).await?;
        let query = "SELECT count(*), coalesce(max(seq), 0), least(\
            coalesce((SELECT min(cursor_delivery) FROM destination), 9223372036854775807), \
            coalesce((SELECT min(first_delivery) FROM page WHERE state < 2), 9223372036854775807)) \
            FROM delivery WHERE slice = $1";
        let row = alone.query_typed_one(query, &[int(&slice)]).await?;
        let (number, newest, needed): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let is_needed = number > 0 && newest >= needed;
        if !is_needed {
            slices::remove(&alone, Table::Delivery, slice).await?;
        }
        holding::end(&alone).await?;
        if is_needed {
            break;
        }
        gone += unsigned(number);
        last = last.max(Some(newest).filter(|_| number > 0));
    }
    alone.end();
    drop(connection);
    if let Some(last) = last {
        repeat(inner, |tx| Box::pin(hooked(tx, last))).await?;
    }
    repeat(inner, |tx| Box::pin(desk::erase::remove(tx, STEP))).await?;
    inner.slices.forget();
    Ok(gone)
}

/// What the hook gave goes with its deliveries.
async fn hooked(tx: &Tx<'_>, last: i64) -> Result<u64, Trouble> {
    let statement = "WITH gone AS (DELETE FROM hooked WHERE (delivery, element) IN (SELECT delivery, element FROM hooked \
        WHERE delivery <= $1 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.seq = hooked.delivery) LIMIT $2) RETURNING 1) \
        SELECT count(*) FROM gone";
    let row = tx.query_typed_one(statement, &[int(&last), int(&STEP)]).await?;
    Ok(unsigned(row.try_get(0)?))
}
