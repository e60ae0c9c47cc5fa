//! Counters, read without counting: `head`, a row for each destination, the tally of errors, the
//! few pages that are not settled, and the few replays that run. All processes that share the store give the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Inner;
use super::desk::tally;
use super::trouble::{Trouble, unsigned};
use crate::store::{DatabaseStatus, DestinationStatus, HookStatus, PRE_PAGE, Status};

/// Between two looks how large the tables are.
const SIZES: Duration = Duration::from_mins(1);

/// Bytes of the tables, as of the last look.
#[derive(Debug, Default)]
pub(super) struct FileBytes {
    bytes: AtomicU64,
    looked: Mutex<Option<Instant>>,
    looking: AtomicBool,
}

impl FileBytes {
    fn is_due(&self) -> bool {
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.is_none_or(|at| at.elapsed() > SIZES) && !self.looking.swap(true, Ordering::AcqRel)
    }

    fn put(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.bytes.store(bytes, Ordering::Release);
            *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        self.looking.store(false, Ordering::Release);
    }
}

fn database(inner: &Inner) -> DatabaseStatus {
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let (open, allowed, waiting) = inner.pool.size();
    let (commits, took) = inner.contact.commits();
    DatabaseStatus {
        connections: wide(open),
        connections_allowed: wide(allowed),
        connections_awaited: wide(waiting),
        commits,
        commit_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// See [`crate::store::Store::status`].
pub(super) async fn read(inner: &Inner) -> Result<Status, Trouble> {
    let mut connection = inner.pool.connection().await?;
    let tx = connection.look().await?;
    let query = "SELECT head.delivery, head.events, head.records, head.duplicates, head.ignored, head.last_received_at, \
        meta.refused_kept, meta.refused_dropped FROM head, meta";
    let row = tx.query_typed_one(query, &[]).await?;
    let number = |at: usize| row.try_get::<_, i64>(at).map(unsigned);
    let mut status = Status {
        deliveries: number(0)?,
        events: number(1)?,
        records: number(2)?,
        duplicates: number(3)?,
        ignored: number(4)?,
        last_delivery_ms: row.try_get(5)?,
        refused_kept: number(6)?,
        refused_dropped: number(7)?.saturating_add(inner.refused.not_told()),
        database: Some(database(inner)),
        ..Status::default()
    };
    let mut errors = HashMap::new();
    for stand in tally::stands(&tx).await? {
        status.open_errors += stand.open;
        errors.insert(stand.destination, (stand.open, stand.retrying));
    }
    let query = "SELECT name, page_records + (SELECT records FROM head) - cursor_ordinal + \
        (SELECT coalesce(sum(total - done - passed), 0)::bigint FROM bulk \
        WHERE state = 1 AND bulk.destination = name), \
        (SELECT count(*) FROM page WHERE destination = name AND state = 0 AND state < 2), \
        (SELECT count(*) FROM page WHERE destination = name AND state = 1 AND state < 2), \
        delivered, ignored, withheld, changed FROM destination ORDER BY name COLLATE \"C\"";
    for row in tx.query_typed(query, &[]).await? {
        let name: String = row.try_get(0)?;
        let (open, retrying) = errors.get(&name).copied().unwrap_or_default();
        let number = |at: usize| row.try_get::<_, i64>(at).map(unsigned);
        let counts = DestinationStatus {
            name,
            pending_records: number(1)?.saturating_add(retrying),
            waiting_pages: number(2)?,
            leased_pages: number(3)?,
            delivered_records: number(4)?,
            ignored_records: number(5)?,
            withheld_records: number(6)?,
            open_errors: open,
        };
        if counts.name == PRE_PAGE {
            status.hook = Some(HookStatus::of(&counts, number(7)?));
        } else {
            status.destinations.push(counts);
        }
    }
    // What the hook has not settled is pending at each destination already.
    status.pending_records = status.destinations.iter().map(|destination| destination.pending_records).sum();
    if inner.file_bytes.is_due() {
        let query = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";
        let found = tx.query_typed_one(query, &[]).await.and_then(|row| row.try_get::<_, i64>(0));
        inner.file_bytes.put(found.as_ref().ok().copied().map(unsigned));
        found?;
    }
    status.file_bytes = inner.file_bytes.bytes.load(Ordering::Acquire);
    tx.commit().await?;
    Ok(status)
}
