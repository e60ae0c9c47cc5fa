//! Deliveries that wait to be put down: bounded in number and in bytes, refused beyond.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::store::AppendError;

/// Deliveries that may wait.
const PLACES: usize = 8_192;
/// Bytes of bodies that may wait.
const BYTES: u64 = 256 * 1024 * 1024;

/// A delivery on its way.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Id of the request.
    pub(super) request: Uuid,
    /// Epoch milliseconds of its arrival.
    pub(super) received_at_ms: i64,
    /// Body, as it came.
    pub(super) body: Bytes,
}

/// A delivery that waits, with who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) entry: Entry,
    answer: oneshot::Sender<Result<u64, AppendError>>,
    bytes: Arc<AtomicU64>,
}

impl Waiting {
    /// Tells who waits.
    pub(super) fn answer(self, outcome: Result<u64, AppendError>) {
        self.bytes.fetch_sub(self.entry.body.len() as u64, Ordering::AcqRel);
        // Nobody waits any more where this fails.
        let _ = self.answer.send(outcome);
    }
}

/// The way to those who put deliveries down.
#[derive(Debug)]
pub(super) struct Queue {
    sender: Mutex<Option<mpsc::Sender<Waiting>>>,
    bytes: Arc<AtomicU64>,
}

impl Queue {
    pub(super) fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (sender, receiver) = mpsc::channel(PLACES);
        (Self { sender: Mutex::new(Some(sender)), bytes: Arc::default() }, receiver)
    }

    /// Waits until it is put down, or refused.
    pub(super) async fn append(&self, entry: Entry) -> Result<u64, AppendError> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sender = sender.ok_or(AppendError::Closed)?;
        let place = sender.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => AppendError::Busy,
            mpsc::error::TrySendError::Closed(()) => AppendError::Closed,
        })?;
        let length = entry.body.len() as u64;
        if self.bytes.fetch_add(length, Ordering::AcqRel) > BYTES {
            self.bytes.fetch_sub(length, Ordering::AcqRel);
            return Err(AppendError::Busy);
        }
        let (answer, answered) = oneshot::channel();
        place.send(Waiting { entry, answer, bytes: Arc::clone(&self.bytes) });
        drop(sender);
        answered.await.map_err(|_| AppendError::Closed)?
    }

    /// Takes no more; what waits is put down.
    pub(super) fn close(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
