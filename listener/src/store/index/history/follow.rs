//! The thread that follows the indexer: puts records into the search index, and notes the backlog at
//! the end of each minute.
//!
//! It has the lowest priority of the store's threads. While deliveries wait to be indexed it takes
//! small steps with long rests, so that neither acceptance nor indexing is slowed by it; searches look
//! at what it has not come to. What it did not do is found by [`entry::reach`] after the next opening;
//! a step that a power cut undid is done again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use rusqlite::Connection;

use super::entry::{self, Entry};
use super::{minutes, rows};
use crate::store::index::bodies::Pieces;
use crate::store::index::trouble::Trouble;
use crate::store::index::writer::{Durability, Writer};
use crate::store::index::{connect, erase, priority, status};
use crate::store::journal::Journal;
use crate::store::{Sort, Sorter, StoreError};
use language::clock::Clock;

/// Records in one step.
const STEP: usize = 1_000;
/// The same while deliveries wait to be indexed.
const SMALL_STEP: usize = 200;
/// Bytes of records in one step, about.
const STEP_BYTES: usize = 2 * 1024 * 1024;
/// Deliveries that one query reads.
const ROWS: i64 = 64;
/// Between two steps.
const PAUSE: Duration = Duration::from_millis(2);
/// The same while deliveries wait to be indexed.
const REST: Duration = Duration::from_millis(200);
/// Until it looks again though nobody woke it.
const LOOK: Duration = Duration::from_secs(1);
/// After a step that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// The way to the thread.
#[derive(Debug, Default)]
pub(in crate::store::index) struct Follower {
    stop: AtomicBool,
    thread: OnceLock<Thread>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Follower {
    /// There may be something to do.
    pub(in crate::store::index) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Ends the thread after the step that it is in.
    pub(in crate::store::index) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// The same, and waits for it. Blocks.
    pub(in crate::store::index) fn join(&self) {
        self.stop();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if handle.is_some_and(|handle| handle.join().is_err()) {
            tracing::error!("the thread that fills the search index ended with a panic");
        }
    }

    /// Starts it.
    pub(in crate::store::index) fn start(self: &Arc<Self>, work: Work) -> std::io::Result<()> {
        let follower = Arc::clone(self);
        let handle =
            std::thread::Builder::new().name("store-search".to_owned()).spawn(move || work.run(&follower))?;
        // Set once: a store is started once.
        let _ = self.thread.set(handle.thread().clone());
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Ok(())
    }
}

/// What the thread works with.
pub(in crate::store::index) struct Work {
    pub(in crate::store::index) database: PathBuf,
    pub(in crate::store::index) journal: Journal,
    pub(in crate::store::index) writer: Writer,
    pub(in crate::store::index) sorter: Sorter,
    pub(in crate::store::index) clock: Clock,
}

/// How far it has come; more than the table knows within a delivery of many records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The last whole delivery.
    delivery: u64,
    /// Records of the next one that are done.
    records: usize,
}

impl Work {
    fn run(self, follower: &Follower) {
        priority::lower(15);
        let mut at = At::default();
        let mut connection = None;
        let mut failing = false;
        while !follower.stop.load(Ordering::SeqCst) {
            let pause = match self.round(&mut connection, &mut at) {
                Ok(pause) => pause,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    connection = None;
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "the search index cannot go on; it is tried again: {error}");
                    }
                    std::thread::park_timeout(AFTER_FAILURE);
                    continue;
                }
            };
            failing = false;
            std::thread::park_timeout(pause);
        }
    }

    /// One look at everything; how long to wait.
    fn round(&self, connection: &mut Option<Connection>, at: &mut At) -> Result<Duration, StoreError> {
        let open = match connection.take() {
            Some(open) => open,
            None => connect::reader(&self.database)?,
        };
        let open = connection.insert(open);
        self.note_backlog(open, &mut at.minute)?;
        let is_busy = self.journal.unindexed().1 > 0;
        let (limit, pause) = if is_busy { (SMALL_STEP, REST) } else { (STEP, PAUSE) };
        let Some((entries, next)) = read(open, &self.journal, self.sorter.as_ref(), at.place, limit)? else {
            return Ok(LOOK);
        };
        self.writer.call_blocking(Durability::Replayable, move |connection| {
            entry::put(connection, &entries, next.delivery)
        })?;
        at.place = Some(next);
        Ok(pause)
    }

    fn note_backlog(&self, connection: &Connection, last: &mut Option<i64>) -> Result<(), StoreError> {
        let minute = minutes::of(self.clock.now_ms());
        let before = last.replace(minute);
        if before.is_none_or(|before| before >= minute) {
            return Ok(());
        }
        let backlog = status::read(connection)?.pending_records;
        self.writer.call_blocking(Durability::Replayable, move |connection| {
            minutes::note_backlog(connection, minute.saturating_sub(1), backlog)
        })
    }
}

#[derive(Default)]
struct At {
    place: Option<Place>,
    minute: Option<i64>,
}

/// Entries of the next records, sorted, and how far that is; none where there is nothing more.
pub(super) fn read(
    connection: &Connection,
    journal: &Journal,
    sorter: &dyn Sort,
    at: Option<Place>,
    limit: usize,
) -> Result<Option<(Vec<Entry>, Place)>, Trouble> {
    let (searched, last) = entry::reach(connection)?;
    let begin = at.unwrap_or(Place { delivery: searched, records: 0 });
    if begin.delivery >= last {
        return Ok(None);
    }
    let mut place = begin;
    let (mut entries, mut looks, mut bytes) = (Vec::new(), 0, 0);
    for delivery in rows::behind(connection, begin.delivery, ROWS)? {
        let spans = delivery.spans()?;
        let mut pieces = Pieces::new(journal, delivery.location);
        // The rest of a delivery whose beginning is done; it may be gone meanwhile.
        let done = if delivery.number == begin.delivery.saturating_add(1) { begin.records } else { 0 };
        let mut rest = None;
        for (at, span) in spans.iter().enumerate().skip(done) {
            if looks >= limit || bytes >= STEP_BYTES {
                rest = Some(at);
                break;
            }
            let record = pieces.read(*span, spans.get(at + 1..).unwrap_or_default())?;
            entry::of(&mut entries, delivery.location.segment, delivery.id(*span), &record, sorter);
            looks += 1;
            bytes += record.len();
        }
        // Asked once they are read: what is erased is not found.
        let gone = erase::rows::gone(connection, delivery.number, delivery.number)?;
        if !gone.is_empty() {
            entries.retain(|entry: &Entry| !gone.contains(&entry.record()));
        }
        if let Some(records) = rest {
            place = Place { delivery: delivery.number.saturating_sub(1), records };
            break;
        }
        looks += 1;
        place = Place { delivery: delivery.number, records: 0 };
    }
    if place == begin {
        // Everything behind it is gone.
        place = Place { delivery: last, records: 0 };
    }
    entries.sort_unstable();
    Ok(Some((entries, place)))
}
