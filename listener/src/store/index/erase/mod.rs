//! Erasing the payload of records that failed for good where retry data is not to be stored.
//!
//! # How
//!
//! 1. The transaction that makes an error without a payload asks for the erasure of its record
//!    ([`rows::ask`]); so does the one that opens an error again without, and that of a duplicate. Nothing
//!    is overwritten yet: other destinations may need the record.
//! 2. The task below looks every [`EVERY`] for those that nobody needs any more ([`needs`]): every
//!    destination, and the hook, has passed the record, and no page that is not settled names it.
//! 3. One synced transaction looks at the needs once more, notes the erasure as begun, with all
//!    that is to be written over the journal, and overwrites what the hook gave for the record.
//!    From here on nobody reads the record ([`crate::store::fate::Fate::Erased`]).
//! 4. The journal is overwritten and synced ([`crate::store::journal::Rewrite`]).
//! 5. A synced transaction notes it as gone, and the note of step 4 goes.
//! 6. The database is copied out of its write-ahead log, which is cut to nothing: what stood
//!    there before step 3 goes with it.
//!
//! # Invariants
//!
//! - A record is overwritten only when nobody can need it again: cursors only go forward, a page is
//!   cut at a cursor or is the child of one, and an error without a payload is not sent again. Whoever
//!   makes pages of older records ([`super::history::replay`]) looks at step 3's note in the
//!   transaction that makes them.
//! - Who shows records, or puts them into the search index, asks for step 3's note once it has read
//!   them ([`rows::is_gone`]): what was being overwritten meanwhile is shown as gone.
//! - A kill between any two steps leaves a store that opens: before 3 nothing was written; from
//!   then on [`redo`] writes the same bytes once more before the journal is looked at. The
//!   argument for the journal: `journal/erase.rs`.
//! - The delivery was indexed in a transaction that step 3 syncs, so the journal never gives its
//!   elements out again; if it did, the hole is an element of its own that is no object.
//!
//! # Backups
//!
//! While a backup is taken nothing is erased: the two keep apart ([`super::apart`]), and what is to go
//! goes with the first pass afterwards. So the journal and the index of a backup agree. What was begun
//! before, and left by a kill or a failure, is noted: [`super::backup`] reads it as it will be.
//!
//! # Bounds
//!
//! [`rows::BATCH`] records in one round of steps 3 to 5, [`ROUNDS`] of them in one pass, which is how long a
//! backup waits; a task that finds nothing asks one index.

mod holes;
mod needs;
pub(super) mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use self::rows::{Candidate, Looked};
use super::readers::Readers;
use super::trouble::Trouble;
use super::writer::{Durability, Writer};
use super::{apart, connect};
use crate::store::journal::{self, Journal, Rewrite};
use crate::store::{RecordId, StoreError};

/// How often the task looks.
pub(super) const EVERY: Duration = Duration::from_secs(2);
/// Rounds that erase in one pass.
const ROUNDS: usize = 8;
/// How long the copying out of the log waits for a read to end; meanwhile nobody writes.
const PATIENCE: Duration = Duration::from_millis(200);

/// Where an erasure stands; told to whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is noted what will be written.
    Begun,
    /// One group of the journal is written.
    Written,
    /// All of them are, and that is noted.
    Noted,
    /// Nothing is left in the log.
    Clean,
}

/// Told of each stage.
pub(super) type Watch<'a> = &'a (dyn Fn(Stage) + Send + Sync);

/// The task that erases.
pub(super) struct Eraser {
    writer: Writer,
    readers: Readers,
    journal: Journal,
    database: PathBuf,
    stop: CancellationToken,
    /// The write-ahead log may hold what was erased; also after an opening, as long as it is not known.
    unclean: AtomicBool,
    alone: tokio::sync::Mutex<()>,
}

impl Eraser {
    pub(super) fn new(writer: Writer, readers: Readers, journal: Journal, database: PathBuf) -> Self {
        Self {
            writer,
            readers,
            journal,
            database,
            stop: CancellationToken::new(),
            unclean: AtomicBool::new(true),
            alone: tokio::sync::Mutex::default(),
        }
    }

    /// Ends the task after the round that it is in.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Looks every so often, until it is stopped or the store is closed.
    pub(super) async fn run(self: Arc<Self>, every: Duration) {
        let mut failing = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = self.stop.cancelled() => return,
            }
            match self.pass(&|_| {}).await {
                Ok(()) => failing = false,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "payloads that are not to be kept cannot be erased; it is tried again: {error}");
                    }
                }
            }
        }
    }

    /// Erases what nobody needs any more; nothing while a backup is taken.
    pub(super) async fn pass(&self, watch: Watch<'_>) -> Result<(), StoreError> {
        let _alone = self.alone.lock().await;
        let database = self.database.clone();
        let apart = blocking(move || Ok(apart::alone(&database)?)).await?;
        let Some(_apart) = apart else { return Ok(()) };
        // Those of a round that failed, or of the process before.
        let left = self.readers.run(rows::rewrites).await?;
        if !left.is_empty() || self.readers.run(rows::any_begun).await? {
            self.unclean.store(true, Ordering::Relaxed);
            self.write(left, watch).await?;
        }
        let mut from = RecordId { delivery: 0, element: 0 };
        let mut rounds = 0;
        while rounds < ROUNDS && !self.stop.is_cancelled() {
            let looked = self.readers.run(move |connection| rows::look(connection, from)).await?;
            let Some(Looked { next, free }) = looked else { break };
            from = next;
            if !free.is_empty() {
                rounds += 1;
                self.erase(free, watch).await?;
            }
        }
        self.clean(watch).await
    }

    async fn erase(&self, free: Vec<Candidate>, watch: Watch<'_>) -> Result<(), StoreError> {
        let journal = self.journal.clone();
        let (free, rewrites) = blocking(move || {
            let rewrites = holes::rewrites(&journal, &free)?;
            Ok((free, rewrites))
        })
        .await?;
        self.unclean.store(true, Ordering::Relaxed);
        let noted = rewrites.clone();
        let begun = self
            .writer
            .call(Durability::Synced, move |connection| rows::begin(connection, &free, &noted))
            .await?;
        if begun {
            watch(Stage::Begun);
            self.write(rewrites, watch).await?;
        }
        Ok(())
    }

    async fn write(&self, rewrites: Vec<Rewrite>, watch: Watch<'_>) -> Result<(), StoreError> {
        for rewrite in rewrites {
            let journal = self.journal.clone();
            blocking(move || match journal.rewrite(&rewrite) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                // The segment went by its age, and they with it.
                _ => Ok(()),
            })
            .await?;
            watch(Stage::Written);
        }
        self.writer.call(Durability::Synced, rows::end).await?;
        watch(Stage::Noted);
        Ok(())
    }

    /// Cuts the write-ahead log to nothing, where it may hold what was erased.
    async fn clean(&self, watch: Watch<'_>) -> Result<(), StoreError> {
        if !self.unclean.load(Ordering::Relaxed) {
            return Ok(());
        }
        let any = self.readers.run(rows::any).await?;
        let database = self.database.clone();
        let clean = !any || blocking(move || truncate(&database)).await?;
        // A read that is under way keeps it; the next look tries again.
        self.unclean.store(!clean, Ordering::Relaxed);
        if clean {
            watch(Stage::Clean);
        }
        Ok(())
    }
}

/// On a connection of its own, since the writer's is always in a transaction when it works.
fn truncate(database: &Path) -> Result<bool, Trouble> {
    let connection = connect::writer(database, connect::Missing::Refuse)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(!busy)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| StoreError::Failed("an erasure ended early".to_owned()))??)
}

/// When the store is opened, before its journal is: writes what was begun once more.
pub(super) fn redo(connection: &Connection, directory: &Path, store: &str) -> Result<(), StoreError> {
    for rewrite in rows::rewrites(connection)? {
        journal::redo(directory, store, &rewrite)?;
    }
    Ok(())
}
