//! What is too old goes, in small transactions with a pause between, so that
//! indexing and settling come in between.
//!
//! A delivery's row stays as long as its segment in the journal, and a segment as
//! long as a cursor or a page that is not settled may need it, and as its newest
//! delivery is kept. Rows go first, then the file: a crash in between leaves a file
//! that the next call removes. Free pages of the database are given back to the
//! file system beyond a reserve for what comes next.

use std::time::Duration;

use crds::listener::Retention;
use rusqlite::{Connection, OptionalExtension, params};

use super::desk;
use super::errors;
use super::history::{self, minutes};
use super::refused;
use super::trouble::{Trouble, count, unsigned};
use super::writer::Durability;
use super::{Inner, apart};
use crate::store::retaining::Limits;
use crate::store::{Retained, StoreError};

/// Rows in one transaction.
const STEP: i64 = 2_000;
/// Pages of the database that one transaction gives back.
const STEP_PAGES: i64 = 500;
/// Free pages that are kept at least: 4 MiB.
const RESERVE_PAGES: i64 = 1_024;
/// Between two transactions.
const PAUSE: Duration = Duration::from_millis(2);

impl Inner {
    /// See [`crate::store::Store::retain`].
    pub(super) async fn retain(&self, retention: &Retention) -> Result<Retained, StoreError> {
        let _alone = self.retaining.lock().await;
        let limits = Limits::new(retention, self.clock.now_ms());
        let mut retained = Retained::default();
        retained.rows += self.repeat(move |connection| pages(connection, limits.delivered)).await?;
        retained.rows +=
            self.repeat(move |connection| errors::remove(connection, limits.errors, STEP)).await?;
        self.repeat(move |connection| desk::tally::remove_empty(connection, STEP)).await?;
        self.repeat(move |connection| errors::remove_messages(connection, STEP)).await?;
        self.repeat(move |connection| errors::remove_blocks(connection, STEP)).await?;
        self.repeat(move |connection| desk::bulk::remove(connection, limits.errors, STEP)).await?;
        self.repeat(move |connection| desk::remove_audit(connection, limits.audit, STEP)).await?;
        self.repeat(|connection| history::replay::remove_orphans(connection, STEP)).await?;
        let now_ms = self.clock.now_ms();
        self.repeat(move |connection| desk::end_waits(connection, now_ms, STEP)).await?;
        self.repeat(move |connection| minutes::remove(connection, now_ms, STEP)).await?;
        retained.rows +=
            self.repeat(move |connection| refused::remove_oldest(connection, limits.refused, STEP)).await?;
        retained.keys += self.keys(i64::MIN, limits.keys, limits.keys).await?;
        retained.keys += self.keys(limits.future, i64::MAX, limits.keys).await?;
        retained.rows += self.repeat(move |connection| deliveries(connection, limits.delivered)).await?;
        retained.segments = self.segments().await?;
        self.repeat(shrink).await?;
        Ok(retained)
    }

    /// Until a step finds nothing more.
    async fn repeat<F>(&self, step: F) -> Result<u64, StoreError>
    where
        F: Fn(&Connection) -> Result<u64, Trouble> + Clone + Send + 'static,
    {
        let mut all = 0;
        loop {
            // A step that is lost to a power cut is done again by the next call.
            let removed = self.writer.call(Durability::Replayable, step.clone()).await?;
            if removed == 0 {
                return Ok(all);
            }
            all += removed;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Removes keys of events that occurred from `from_ms` to before `to_ms` and were seen before `seen_ms`.
    async fn keys(&self, from_ms: i64, to_ms: i64, seen_ms: i64) -> Result<u64, StoreError> {
        let mut all = 0;
        let mut from = (from_ms, Vec::new());
        loop {
            let start = from.clone();
            let (removed, next) = self
                .writer
                .call(Durability::Replayable, move |connection| keys(connection, &start, to_ms, seen_ms))
                .await?;
            all += removed;
            let Some(next) = next else { return Ok(all) };
            from = next;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Removes files whose deliveries have no rows any more; none while a backup is taken.
    async fn segments(&self) -> Result<u64, StoreError> {
        // Synced, so that no power cut brings back a row or a watermark of a file that is gone.
        let first = self.writer.call(Durability::Synced, first_segment).await?;
        let (journal, database) = (self.journal.clone(), self.database.clone());
        let removed = tokio::task::spawn_blocking(move || match apart::alone(&database)? {
            Some(_apart) => journal.remove_before(first),
            // A backup is taken, which may need them: a later call removes them.
            None => Ok(0),
        });
        let removed =
            removed.await.map_err(|_| StoreError::Failed("removing segments ended early".to_owned()))?;
        removed.map_err(|error| StoreError::Failed(format!("segments cannot be removed: {error}")))
    }
}

fn pages(connection: &Connection, before_ms: i64) -> Result<u64, Trouble> {
    const OLD: &str =
        "SELECT number FROM page WHERE state >= 2 AND settled_at < ?1 ORDER BY settled_at LIMIT ?2";
    connection
        .prepare_cached(&format!("DELETE FROM attempt WHERE page IN ({OLD})"))?
        .execute([before_ms, STEP])?;
    let removed = connection
        .prepare_cached(&format!("DELETE FROM page WHERE number IN ({OLD})"))?
        .execute([before_ms, STEP])?;
    if removed > 0 {
        connection
            .prepare_cached("UPDATE meta SET pages_gone = max(pages_gone, ?1)")?
            .execute([before_ms])?;
    }
    Ok(unsigned(count(removed)))
}

/// The last key that was looked at; further keys are behind it.
type Key = (i64, Vec<u8>);

/// Looks at the next keys behind `from`; how many were removed, and where to go on. Each
/// is looked at once in a call, also those that stay because they came late.
fn keys(
    connection: &Connection,
    from: &Key,
    to_ms: i64,
    seen_ms: i64,
) -> Result<(u64, Option<Key>), Trouble> {
    let last: Option<Key> = connection
        .prepare_cached(
            "SELECT occurred_at, hash FROM dedupe WHERE (occurred_at, hash) > (?1, ?2) AND occurred_at < ?3 \
             ORDER BY occurred_at, hash LIMIT 1 OFFSET ?4",
        )?
        .query_row(params![from.0, from.1, to_ms, STEP - 1], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let removed = match &last {
        Some((occurred_at, hash)) => connection
            .prepare_cached(
                "DELETE FROM dedupe WHERE (occurred_at, hash) > (?1, ?2) AND (occurred_at, hash) <= (?3, ?4) \
                 AND seen_at < ?5",
            )?
            .execute(params![from.0, from.1, occurred_at, hash, seen_ms])?,
        None => connection
            .prepare_cached(
                "DELETE FROM dedupe WHERE (occurred_at, hash) > (?1, ?2) AND occurred_at < ?3 AND seen_at < ?4",
            )?
            .execute(params![from.0, from.1, to_ms, seen_ms])?,
    };
    Ok((unsigned(count(removed)), last))
}

/// Removes rows of deliveries in the first segment, if nothing needs it any more; then that segment's row.
fn deliveries(connection: &Connection, before_ms: i64) -> Result<u64, Trouble> {
    let first: Option<(i64, i64, i64)> = connection
        .prepare_cached("SELECT number, last_delivery, newest_at FROM segment ORDER BY number LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((number, last, newest_at)) = first else { return Ok(0) };
    let (needed, current): (i64, i64) = connection
        .prepare_cached(
            "SELECT min(\
             coalesce((SELECT min(cursor_delivery) FROM destination), 9223372036854775807), \
             coalesce((SELECT min(first_delivery) FROM page WHERE state < 2), 9223372036854775807)), \
             (SELECT segment FROM meta)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if last >= needed || newest_at >= before_ms || number >= current {
        return Ok(0);
    }
    // At the end once more: what follows the indexer may have come in between.
    let found = history::entry::remove(connection, number, STEP)?;
    if found > 0 {
        return Ok(found);
    }
    let mut removed = 0;
    // What the hook gave for their records, and what was erased, goes first: the bound is that of the rows that
    // are there.
    for table in ["hooked WHERE delivery", "erasure WHERE delivery", "delivery WHERE seq"] {
        let bound = "<= min(?1, (SELECT min(seq) FROM delivery) + ?2)";
        removed =
            connection.prepare_cached(&format!("DELETE FROM {table} {bound}"))?.execute([last, STEP - 1])?;
    }
    if removed > 0 {
        return Ok(unsigned(count(removed)));
    }
    connection.prepare_cached("DELETE FROM segment WHERE number = ?1")?.execute([number])?;
    Ok(1)
}

/// The first segment that is still needed; those before it have no rows.
pub(super) fn first_segment(connection: &Connection) -> Result<u64, Trouble> {
    let first: i64 = connection.query_row(
        "SELECT coalesce((SELECT min(number) FROM segment), (SELECT segment FROM meta))",
        [],
        |row| row.get(0),
    )?;
    Ok(unsigned(first))
}

/// Gives free pages back beyond a tenth of the file and the reserve; how many.
fn shrink(connection: &Connection) -> Result<u64, Trouble> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let all: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let spare = free - RESERVE_PAGES.max((all - free) / 10);
    if spare <= 0 {
        return Ok(0);
    }
    let give = spare.min(STEP_PAGES);
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({give})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    let left: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    Ok(unsigned(free - left))
}
