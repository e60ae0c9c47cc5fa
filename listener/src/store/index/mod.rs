//! The index: what became of each delivery, in SQLite (WAL).
//!
//! [`Embedded`] is the store made of journal and index. An append goes into the
//! journal only. The thread of [`indexer`] brings it into the tables ([`ingest`]);
//! the thread of [`writer`] is the only one that writes them. A destination has a
//! cursor over the deliveries, like the reader of a log; a page is cut from there
//! ([`cut`]), leased ([`lease`]) and settled ([`settle`]). What people see of it, and
//! what they may do, is in [`desk`] and [`history`].
//!
//! # Files
//!
//! In a directory of its own: `store.db` with `store.db-wal` and `store.db-shm`
//! (tables and invariants: [`schema`]), `journal/`, and `lock`.
//!
//! # Invariants
//!
//! 1. The watermark moves in the transaction that indexes what lies before it.
//! 2. A page number is given once: the page is in the table, synced, before the
//!    caller sees it.
//! 3. A cursor moves in the transaction that makes the page of what it passes,
//!    counts what a filter left out, and keeps what a filter failed on.
//! 4. A lease is not kept: whoever opens the store takes all pages back, due at once.

mod apart;
pub mod backup;
mod begin;
mod bodies;
mod connect;
pub(in crate::store) mod copy;
mod cut;
mod desk;
mod destinations;
mod erase;
mod errors;
mod history;
mod hook;
mod indexer;
mod ingest;
mod lease;
mod lock;
mod names;
mod open;
mod pages;
mod priority;
mod readers;
mod refused;
mod retention;
mod schema;
mod segment;
mod settle;
mod status;
mod told;
mod trouble;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use crds::listener::Retention;
use tokio::sync::watch;

use self::desk::{Runner, Work};
use self::erase::Eraser;
use self::history::Follower;
use self::indexer::Progress;
use self::lease::Destinations;
use self::names::Names;
use self::readers::Readers;
use self::settle::{Left, Settle};
use self::writer::{Durability, Writer};
use super::journal::{Journal, NewEntry};
use super::refusals::{Bounds, Place};
use super::{
    AppendError, Appended, Lease, OpenError, PageRequest, Refused, Retained, Settlement, Sorter, Status,
    Store, StoreError,
};
use crate::verify::{Request, Verified};
use language::clock::Clock;

/// How an embedded store is opened.
#[derive(Debug)]
pub struct Options {
    /// Its own directory: `store.db`, `journal/`, `lock`.
    pub directory: PathBuf,
    /// Judges the elements of each delivery.
    pub sorter: Sorter,
    /// The clock.
    pub clock: Clock,
    /// Bounds of the journal.
    pub journal: super::journal::Options,
    /// Refused requests that are kept at most.
    pub max_refused: usize,
    /// Bytes of bodies of refused requests that are kept at most.
    pub max_refused_bytes: usize,
    /// How often it is looked for payloads that can be erased.
    pub erase_every: Duration,
}

impl Options {
    /// The usual bounds.
    pub fn new(directory: &Path, sorter: Sorter, clock: Clock) -> Self {
        Self {
            directory: directory.to_owned(),
            sorter,
            clock,
            journal: super::journal::Options::default(),
            max_refused: 1_000,
            max_refused_bytes: 8 * 1024 * 1024,
            erase_every: erase::EVERY,
        }
    }
}

/// Journal and index, but for the thread that leads from one to the other.
struct Inner {
    names: Names,
    database: PathBuf,
    writer: Writer,
    readers: Readers,
    journal: Journal,
    sorter: Sorter,
    clock: Clock,
    destinations: Destinations,
    changes: Arc<watch::Sender<u64>>,
    last_page: AtomicU64,
    refused_bounds: Bounds,
    refused_waiting: Arc<AtomicUsize>,
    refused_dropped: Arc<AtomicU64>,
    retaining: tokio::sync::Mutex<()>,
}

impl Inner {
    fn next_page_number(&self) -> u64 {
        self.last_page.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn changed(&self) {
        self.changes.send_modify(|number| *number = number.wrapping_add(1));
    }

    fn refuse(&self, refused: Refused) {
        let (dropped, bounds) = (Arc::clone(&self.refused_dropped), self.refused_bounds);
        let Some(mut place) = Place::take(&self.refused_waiting, &self.refused_dropped) else {
            return;
        };
        self.writer.offer(move |connection| {
            refused::insert(connection, &refused, bounds, dropped.load(Ordering::SeqCst))?;
            place.kept();
            Ok(())
        });
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        let Settlement { page, attempt, outcome, healed } = settlement;
        if !self.names.has(&page) {
            return Err(StoreError::Failed(format!("page {page} belongs to another store")));
        }
        let settle = Settle {
            number: page.number,
            attempt,
            outcome,
            fold: self.sorter.folds(),
            healed,
            child: self.next_page_number(),
            now_ms: self.clock.now_ms(),
        };
        match self.writer.call(Durability::Synced, move |connection| settle.apply(connection)).await? {
            Left::Nothing => {}
            // A page, or records that the destinations may have now.
            Left::Page | Left::Passed => self.changed(),
            Left::Orphan => self.fail_orphans().await?,
        }
        Ok(())
    }

    async fn status(&self) -> Result<Status, StoreError> {
        let mut status = self.readers.run(status::read).await?;
        status.refused_dropped = status.refused_dropped.max(self.refused_dropped.load(Ordering::SeqCst));
        status.file_bytes = status::file_bytes(&self.database);
        Ok(status)
    }

    /// Does what waits and closes the files. Afterwards everything answers `Closed`.
    async fn close(&self) {
        self.readers.close().await;
        if let Err(error) = self.writer.call(Durability::Synced, open::mark_clean).await
            && !matches!(error, StoreError::Closed)
        {
            tracing::warn!(%error, "the store could not be marked as closed; it will be checked when it is opened");
        }
        let writer = self.writer.clone();
        let _ = tokio::task::spawn_blocking(move || writer.close()).await;
    }
}

/// The embedded store.
pub struct Embedded {
    inner: Inner,
    progress: Arc<Progress>,
    indexer: Mutex<Option<JoinHandle<()>>>,
    follower: Arc<Follower>,
    runner: Runner,
    eraser: Arc<Eraser>,
    erasing: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("name", self.inner.names.newest()).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens or makes the store. Waits for no lock: a store that another process has open is refused.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        let every = options.erase_every;
        let opening = tokio::task::spawn_blocking(move || Self::begin(options));
        let store = opening.await.map_err(|_| StoreError::Open("opening ended early".to_owned()))??;
        let work = Work {
            writer: store.inner.writer.clone(),
            readers: store.inner.readers.clone(),
            journal: store.inner.journal.clone(),
            clock: store.inner.clock.clone(),
            changes: Arc::clone(&store.inner.changes),
        };
        tokio::spawn(store.runner.clone().run(work));
        let erasing = tokio::spawn(Arc::clone(&store.eraser).run(every));
        *store.erasing.lock().unwrap_or_else(PoisonError::into_inner) = Some(erasing);
        Ok(store)
    }
}

#[async_trait]
impl Store for Embedded {
    async fn append(&self, delivery: Request<Verified>) -> Result<Appended, AppendError> {
        let received = delivery.into_received();
        let entry = NewEntry { request: received.id, received_at_ms: received.at_ms, body: received.body };
        Ok(Appended { delivery: self.inner.journal.append(entry).await? })
    }

    fn refuse(&self, refused: Refused) {
        self.inner.refuse(refused);
    }

    async fn set_destinations(&self, names: &[String]) -> Result<(), StoreError> {
        self.inner.set_destinations(names).await
    }

    async fn fail_orphans(&self) -> Result<(), StoreError> {
        self.inner.fail_orphans().await
    }

    async fn lease(&self, request: PageRequest) -> Result<Lease, StoreError> {
        self.inner.lease(request).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        self.inner.settle(settlement).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    async fn open_errors(&self, limit: usize) -> Result<Vec<OpenError>, StoreError> {
        let names = self.inner.names.clone();
        self.inner.readers.run(move |connection| errors::list(connection, &names, limit)).await
    }

    async fn refused(&self, limit: usize) -> Result<Vec<Refused>, StoreError> {
        self.inner.readers.run(move |connection| refused::list(connection, limit)).await
    }

    async fn status(&self) -> Result<Status, StoreError> {
        let mut status = self.inner.status().await?;
        (status.unindexed_bytes, status.unindexed_deliveries) = self.inner.journal.unindexed();
        let (last, last_ms) = self.inner.journal.last();
        status.deliveries = status.deliveries.max(last);
        status.last_delivery_ms = status.last_delivery_ms.max(last_ms);
        status.file_bytes += self.inner.journal.file_bytes();
        Ok(status)
    }

    async fn retain(&self, retention: &Retention) -> Result<Retained, StoreError> {
        self.inner.retain(retention).await
    }

    fn health(&self) -> Result<(), String> {
        self.inner.journal.health()?;
        self.progress.health()?;
        let indexer = self.indexer.lock().unwrap_or_else(PoisonError::into_inner);
        if indexer.as_ref().is_some_and(JoinHandle::is_finished) {
            return Err("deliveries are not indexed any more; only a restart helps".to_owned());
        }
        Ok(())
    }

    async fn close(&self) {
        self.runner.stop();
        self.eraser.stop();
        let erasing = self.erasing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(erasing) = erasing {
            let _ = erasing.await;
        }
        self.inner.journal.close().await;
        // What is acknowledged is indexed before the end, where that works.
        self.progress.finish();
        let indexer = self.indexer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(indexer) = indexer {
            let _ = tokio::task::spawn_blocking(move || indexer.join()).await;
        }
        let follower = Arc::clone(&self.follower);
        let _ = tokio::task::spawn_blocking(move || follower.join()).await;
        self.inner.close().await;
    }
}

impl Drop for Embedded {
    /// A store that was not closed lets go of its files all the same, as a killed process does.
    fn drop(&mut self) {
        self.progress.stop();
        self.follower.stop();
        self.runner.stop();
        self.eraser.stop();
    }
}
