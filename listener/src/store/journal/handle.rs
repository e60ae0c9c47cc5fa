//! What others hold of the journal.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use super::bodies::Bodies;
use super::format::{ENTRY_HEADER, MAX_BODY};
use super::shared::Shared;
use super::writer::{Command, Pending, Waiting};
use super::{Indexed, Location, NewEntry, segment};
use crate::store::AppendError;

/// Bytes of deliveries that may wait for the writer.
const MAX_WAITING_BYTES: u64 = 256 * 1024 * 1024;

/// A probe looks at the disk at most this often.
const PROBE: Duration = Duration::from_secs(1);

/// The journal of one store. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) directory: PathBuf,
    pub(super) store: String,
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Sender<Command>,
    /// Gone when the writer has ended.
    pub(super) ending: watch::Receiver<()>,
    pub(super) bodies: Bodies,
    pub(super) max_unindexed_bytes: u64,
}

impl Journal {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    #[cfg(test)]
    pub(super) fn end(&self) -> Indexed {
        self.inner.shared.state().end
    }

    /// Puts a delivery on disk; its number. Where the caller stops waiting it may be on disk all the same.
    pub async fn append(&self, entry: NewEntry) -> Result<u64, AppendError> {
        let Inner { shared, commands, max_unindexed_bytes, .. } = &*self.inner;
        if shared.closing.load(Ordering::Acquire) {
            return Err(AppendError::Closed);
        }
        let length = entry.body.len();
        if length > MAX_BODY {
            return Err(AppendError::Write(format!("a body of {length} bytes is over {MAX_BODY}")));
        }
        let unindexed_bytes = shared.not_indexed();
        if unindexed_bytes >= *max_unindexed_bytes {
            return Err(AppendError::Backlog { unindexed_bytes });
        }
        let bytes = (length + ENTRY_HEADER) as u64;
        let waiting = Waiting::take(shared, bytes, MAX_WAITING_BYTES).ok_or(AppendError::Busy)?;
        let (stored, answer) = oneshot::channel();
        let pending = Pending { entry, stored, waiting };
        commands.try_send(Command::Append(pending)).map_err(|error| match error {
            TrySendError::Full(_) => AppendError::Busy,
            TrySendError::Closed(_) => AppendError::Closed,
        })?;
        answer.await.unwrap_or(Err(AppendError::Closed))
    }

    /// Part of a body: `range` within `location`.
    pub fn read(&self, location: Location, range: Range<u32>) -> io::Result<Bytes> {
        self.inner.bodies.read(&self.inner.shared, location, range)
    }

    /// Directory and name of the store, and the valid length of a segment.
    pub(super) fn place_of(&self, number: u64) -> io::Result<(&Path, &str, u64)> {
        let known = self.inner.shared.state().segment(number);
        let end = known.ok_or(io::ErrorKind::NotFound)?.end;
        Ok((&self.inner.directory, &self.inner.store, end))
    }

    /// Everything before here is indexed: frees the backlog bound.
    pub fn set_indexed(&self, indexed: Indexed) {
        self.inner.shared.change(|state| {
            if indexed.position > state.indexed.position {
                state.indexed = indexed;
            }
        });
    }

    /// Removes whole segments with a lower number, but never one that is not indexed, nor the one that
    /// holds the last group; how many. Blocks.
    pub fn remove_before(&self, segment: u64) -> io::Result<u64> {
        let Inner { directory, shared, bodies, .. } = &*self.inner;
        let mut removed = 0;
        let outcome = loop {
            let Some(number) = shared.state().removable(segment) else { break Ok(()) };
            match std::fs::remove_file(segment::path(directory, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => break Err(error),
                // Another call may have been faster.
                Err(_) => {}
                Ok(()) => removed += 1,
            }
            shared.change(|state| {
                if state.segments.front().is_some_and(|first| first.number == number) {
                    state.segments.pop_front();
                }
            });
            bodies.forget(number);
        };
        if removed > 0 {
            segment::sync_directory(directory)?;
        }
        outcome.map(|()| removed)
    }

    /// Bytes and deliveries that are accepted and not indexed.
    pub fn unindexed(&self) -> (u64, u64) {
        let state = self.inner.shared.state();
        let deliveries = state.end.last_delivery.saturating_sub(state.indexed.last_delivery);
        (state.unindexed_bytes(), deliveries)
    }

    /// Number of the last delivery on disk, and when it came; none in a new journal.
    pub fn last(&self) -> (u64, Option<i64>) {
        let state = self.inner.shared.state();
        (state.end.last_delivery, state.last_received_at_ms)
    }

    /// Bytes of all segments.
    pub fn file_bytes(&self) -> u64 {
        self.inner.shared.state().segments.iter().map(|segment| segment.file_bytes).sum()
    }

    /// Whether an append would work. Where writing failed it tries again by itself, at most once a
    /// second, so that a probe sees the recovery: this call starts the try, a later one tells its outcome.
    pub fn health(&self) -> Result<(), String> {
        let Inner { shared, commands, max_unindexed_bytes, .. } = &*self.inner;
        if shared.closing.load(Ordering::Acquire) {
            return Err(AppendError::Closed.to_string());
        }
        let failure = shared.state().failure.clone();
        if let Some(reason) = failure {
            if shared.may_probe(PROBE) {
                // A full queue means that the writer is trying right now.
                let _ = commands.try_send(Command::Probe);
            }
            return Err(AppendError::Write(reason).to_string());
        }
        let unindexed_bytes = shared.not_indexed();
        if unindexed_bytes >= *max_unindexed_bytes {
            return Err(AppendError::Backlog { unindexed_bytes }.to_string());
        }
        Ok(())
    }

    /// Takes no more, writes what waits, ends the writer.
    pub async fn close(&self) {
        let Inner { shared, commands, ending, .. } = &*self.inner;
        shared.closing.store(true, Ordering::Release);
        // An error of either means that the writer has ended.
        let _ = commands.send(Command::Close).await;
        let _ = ending.clone().changed().await;
    }
}
