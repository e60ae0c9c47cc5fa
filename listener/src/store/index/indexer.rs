//! The thread that brings the journal into the tables.
//!
//! With little to do it commits what comes at once. Under load it leaves the disk to
//! the journal: it rests for [`PACE`] after a commit and then takes what has gathered. What fails
//! is tried again, with growing waits, until it works; meanwhile the journal's
//! bound on what is not indexed protects the disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::history::Follower;
use super::ingest::{self, PreparedBatch};
use super::writer::{Durability, Writer};
use crate::store::journal::{Journal, Reader};
use crate::store::{Sorter, StoreError};

/// Bytes of bodies in one transaction, about.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// A batch of this many deliveries is large enough not to wait for more.
const LARGE: usize = 256;
/// Rest after a commit under load.
const PACE: Duration = Duration::from_millis(15);
/// Two commits within this time are load.
const BUSY: Duration = Duration::from_millis(40);
/// How long a look at an empty journal lasts; also how soon `stop` is seen.
const LOOK: Duration = Duration::from_millis(100);
/// The longest wait before a failed batch is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// After this long without success the store is not healthy; closing waits for no longer either.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the indexing goes, for everybody to see.
#[derive(Debug, Default)]
pub(super) struct Progress {
    stop: AtomicBool,
    deadline: OnceLock<Instant>,
    failing: Mutex<Option<(Instant, String)>>,
}

impl Progress {
    /// Tells the thread to end after what it is doing.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Tells the thread to end when the journal is read to its end, or after [`PATIENCE`].
    pub(super) fn finish(&self) {
        self.deadline.get_or_init(|| Instant::now() + PATIENCE);
    }

    fn stopped(&self) -> bool {
        let late = self.deadline.get().is_some_and(|deadline| Instant::now() >= *deadline);
        late || self.stop.load(Ordering::SeqCst)
    }

    fn failed(&self, reason: &str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, last)) = failing.as_mut() {
            reason.clone_into(last);
        } else {
            tracing::error!(reason, "deliveries cannot be indexed; tried again until they can");
            *failing = Some((Instant::now(), reason.to_owned()));
        }
    }

    fn succeeded(&self) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, _)) = failing.take() {
            tracing::info!(seconds = since.elapsed().as_secs(), "deliveries are indexed again");
        }
    }

    /// The reason where indexing has failed for a while.
    pub(super) fn health(&self) -> Result<(), String> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match failing.as_ref() {
            Some((since, reason)) if since.elapsed() >= PATIENCE => {
                Err(format!("deliveries cannot be indexed: {reason}"))
            }
            _ => Ok(()),
        }
    }
}

/// What the thread works with.
pub(super) struct Indexer {
    /// Where deliveries come from.
    pub(super) reader: Reader,
    /// Told what is indexed.
    pub(super) journal: Journal,
    /// Where they go.
    pub(super) writer: Writer,
    /// Judges them.
    pub(super) sorter: Sorter,
    /// How it goes.
    pub(super) progress: Arc<Progress>,
    /// Told when there is something new.
    pub(super) changes: Arc<watch::Sender<u64>>,
    /// Told the same.
    pub(super) follower: Arc<Follower>,
}

impl Indexer {
    /// Until it is stopped or the store is closed.
    pub(super) fn run(mut self) {
        super::priority::lower(10);
        let mut wait = Wait::new();
        let mut last: Option<Instant> = None;
        while !self.progress.stopped() {
            let batch = match self.reader.next(BATCH_BYTES, LOOK) {
                Ok(Some(batch)) => batch,
                Ok(None) => continue,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    self.progress.failed(&error.to_string());
                    wait.pass(&self.progress);
                    continue;
                }
            };
            let large = batch.entries.len() >= LARGE;
            let prepared = Arc::new(ingest::prepare(batch, self.sorter.as_ref()));
            if !self.put(&prepared, &mut wait) {
                return;
            }
            let now = Instant::now();
            let busy = last.replace(now).is_some_and(|last| now.duration_since(last) < BUSY);
            if busy && !large {
                std::thread::sleep(PACE);
            }
        }
    }

    /// Until it is in the tables; false where the store was closed before.
    fn put(&self, batch: &Arc<PreparedBatch>, wait: &mut Wait) -> bool {
        loop {
            let work = Arc::clone(batch);
            let outcome = self
                .writer
                .call_blocking(Durability::Replayable, move |connection| ingest::apply(connection, &work));
            match outcome {
                Ok(()) => break,
                Err(StoreError::Closed) => return false,
                Err(error) => {
                    self.progress.failed(&error.to_string());
                    wait.pass(&self.progress);
                    if self.progress.stopped() {
                        return false;
                    }
                }
            }
        }
        wait.reset();
        self.progress.succeeded();
        self.journal.set_indexed(batch.end);
        self.changes.send_modify(|number| *number = number.wrapping_add(1));
        self.follower.wake();
        true
    }
}

/// Growing waits.
struct Wait(Duration);

impl Wait {
    fn new() -> Self {
        Self(Duration::from_millis(50))
    }

    fn reset(&mut self) {
        *self = Self::new();
    }

    fn pass(&mut self, progress: &Progress) {
        let until = Instant::now() + self.0;
        while !progress.stopped() && Instant::now() < until {
            std::thread::sleep(self.0.min(Duration::from_millis(50)));
        }
        self.0 = (self.0 * 2).min(LONGEST_WAIT);
    }
}
