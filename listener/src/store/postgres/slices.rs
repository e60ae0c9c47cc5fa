//! Parts of the large tables, by time: a slice of six hours each, so that what is old goes by dropping
//! a table.
//!
//! A slice of `delivery` is made before anything is put into it, one of `dedupe` where it can be:
//! what occurred at odd times is kept in `dedupe_default`. Making one blocks nobody: the table is made
//! apart and attached. So does removing one of `delivery`: it is detached while others work, then dropped.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::Client;

use super::connect::Pool;
use super::sql::text;
use super::trouble::Trouble;

/// Milliseconds of a slice.
pub(super) const SLICE_MS: i64 = 6 * 3_600_000;
/// Slices of keys that are made ahead, and behind: senders repeat what failed for three days.
const AHEAD: i64 = 4;
const BEHIND: i64 = 12;

/// The slice of a time.
pub(super) fn slice(at_ms: i64) -> i64 {
    at_ms.div_euclid(SLICE_MS)
}

/// A table that is parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    /// By number of the slice.
    Delivery,
    /// By time.
    Dedupe,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Dedupe => "dedupe",
        }
    }

    fn bounds(self, slice: i64) -> (i64, i64) {
        match self {
            Self::Delivery => (slice, slice.saturating_add(1)),
            Self::Dedupe => {
                (slice.saturating_mul(SLICE_MS), slice.saturating_add(1).saturating_mul(SLICE_MS))
            }
        }
    }
}

/// Slices that are known to be there.
#[derive(Debug, Default)]
pub(super) struct Slices(Mutex<BTreeSet<(Table, i64)>>);

impl Slices {
    /// Makes what deliveries need that come at these times.
    pub(super) async fn ensure(
        &self,
        pool: &Pool,
        times_ms: impl Iterator<Item = i64>,
    ) -> Result<(), Trouble> {
        let wanted: BTreeSet<i64> = times_ms.map(slice).collect();
        for slice in wanted {
            if !self.knows(Table::Delivery, slice) {
                make(pool, Table::Delivery, slice).await?;
                self.learn(Table::Delivery, slice);
            }
            for near in slice - BEHIND..=slice + AHEAD {
                if self.knows(Table::Dedupe, near) {
                    continue;
                }
                if let Err(trouble) = make(pool, Table::Dedupe, near).await {
                    // Its keys are kept with the others of odd times.
                    tracing::debug!(%trouble, "a slice of keys was not made: {trouble}");
                }
                self.learn(Table::Dedupe, near);
            }
        }
        Ok(())
    }

    /// Another process may have removed some.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn knows(&self, table: Table, slice: i64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(table, slice))
    }

    fn learn(&self, table: Table, slice: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Slices are never removed one by one; a process that runs for years begins anew.
        if known.len() > 10_000 {
            known.clear();
        }
        known.insert((table, slice));
    }
}

async fn make(pool: &Pool, table: Table, slice: i64) -> Result<(), Trouble> {
    let mut connection = pool.connection().await?;
    let tx = connection.begin().await?;
    let parent = table.name();
    // One at a time; who comes second finds it made.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || $1, 7230))";
    tx.query_typed(lock, &[text(&parent)]).await?;
    let name = format!("{parent}_{slice}");
    let query = "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = $1";
    if !tx.query_typed(query, &[text(&name)]).await?.is_empty() {
        return tx.commit().await;
    }
    let (from, to) = table.bounds(slice);
    let name = super::connect::quoted(&name);
    tx.batch_execute(&format!(
        "SET LOCAL lock_timeout = '1s'; CREATE TABLE {name} (LIKE {parent} INCLUDING ALL); \
         ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"
    ))
    .await?;
    tx.commit().await
}

/// The slices of a table that are there, oldest first.
pub(super) async fn list(client: &Client, table: Table) -> Result<Vec<i64>, Trouble> {
    let parent = table.name();
    let query = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
        WHERE i.inhparent = $1::text::regclass AND NOT i.inhdetachpending";
    let mut slices = Vec::new();
    for row in client.query_typed(query, &[text(&parent)]).await? {
        let name: String = row.try_get(0)?;
        slices.extend(number(table, &name));
    }
    slices.sort_unstable();
    Ok(slices)
}

fn number(table: Table, name: &str) -> Option<i64> {
    name.strip_prefix(table.name())?.strip_prefix('_')?.parse().ok()
}

/// Removes a slice. Of `delivery` without making anybody wait; of `dedupe`, which has a part for
/// the rest, only where nobody makes us wait.
pub(super) async fn remove(client: &Client, table: Table, slice: i64) -> Result<(), Trouble> {
    let (parent, name) = (table.name(), super::connect::quoted(&format!("{}_{slice}", table.name())));
    match table {
        Table::Delivery => {
            client
                .batch_execute(&format!("ALTER TABLE {parent} DETACH PARTITION {name} CONCURRENTLY"))
                .await?;
            client.batch_execute(&format!("DROP TABLE {name}")).await?;
        }
        Table::Dedupe => {
            client.batch_execute("SET lock_timeout = '500ms'").await?;
            let dropped = client.batch_execute(&format!("DROP TABLE {name}")).await;
            client.batch_execute("SET lock_timeout = '5s'").await?;
            dropped?;
        }
    }
    Ok(())
}

/// Ends what a process that was killed had begun to remove.
pub(super) async fn finish(client: &Client) -> Result<(), Trouble> {
    let parent = Table::Delivery.name();
    let pending = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
        WHERE i.inhparent = $1::text::regclass AND i.inhdetachpending";
    for row in client.query_typed(pending, &[text(&parent)]).await? {
        let name: String = row.try_get(0)?;
        let name = super::connect::quoted(&name);
        client.batch_execute(&format!("ALTER TABLE {parent} DETACH PARTITION {name} FINALIZE")).await?;
    }
    let lost = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace \
        AND c.relkind = 'r' AND NOT c.relispartition AND c.relname LIKE $1";
    let like = format!("{parent}\\_%");
    for row in client.query_typed(lost, &[text(&like)]).await? {
        let name: String = row.try_get(0)?;
        if number(Table::Delivery, &name).is_some() {
            client.batch_execute(&format!("DROP TABLE {}", super::connect::quoted(&name))).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_holds_its_times_and_no_others() {
        for at_ms in [0, 1, SLICE_MS - 1, SLICE_MS, -1, 1_790_000_000_000] {
            let (from, to) = Table::Dedupe.bounds(slice(at_ms));
            assert!((from..to).contains(&at_ms));
        }
        assert_eq!(number(Table::Dedupe, "dedupe_default"), None);
        assert_eq!(number(Table::Delivery, "delivery_-3"), Some(-3));
    }
}
