//! The one writer: takes all that waits, writes it in one go, syncs once, and
//! only then lets each of the group answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot, watch};

use super::NewEntry;
use super::disk::Disk;
use super::format::{self, GROUP_BYTES, GROUP_DELIVERIES, GROUP_HEADER};
use super::shared::{Segment, Shared};
use crate::store::AppendError;

/// The buffer that is kept between groups.
const KEPT_BUFFER: usize = 16 * 1024 * 1024;

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Command {
    Append(Pending),
    /// Look whether writing works again.
    Probe,
    /// Write what waits, then end.
    Close,
}

/// A delivery that waits to be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) entry: NewEntry,
    pub(super) stored: oneshot::Sender<Result<u64, AppendError>>,
    pub(super) waiting: Waiting,
}

/// Holds a share of the bytes that may wait.
#[derive(Debug)]
pub(super) struct Waiting {
    shared: Arc<Shared>,
    bytes: u64,
}

impl Waiting {
    /// None: so many bytes wait that this one cannot. One alone always can.
    pub(super) fn take(shared: &Arc<Shared>, bytes: u64, limit: u64) -> Option<Self> {
        let before = shared.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        let waiting = Self { shared: Arc::clone(shared), bytes };
        (before == 0 || before.saturating_add(bytes) <= limit).then_some(waiting)
    }
}

impl Waiting {
    /// Takes over the share of another.
    fn join(&mut self, mut other: Self) {
        self.bytes = self.bytes.saturating_add(std::mem::take(&mut other.bytes));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.waiting_bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Says that the writer has ended, also when it panics.
struct Ending {
    shared: Arc<Shared>,
    _ended: watch::Sender<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.change(|state| state.closed = true);
    }
}

/// A thread's worth of writing.
pub(super) struct Writer {
    disk: Disk,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    buffer: Vec<u8>,
    group: Vec<oneshot::Sender<Result<u64, AppendError>>>,
    /// When the last one of the group came.
    received_at_ms: i64,
    /// Share of the whole group.
    waiting: Option<Waiting>,
}

impl Writer {
    pub(super) fn new(disk: Disk, shared: Arc<Shared>, commands: mpsc::Receiver<Command>) -> Self {
        Self {
            disk,
            shared,
            commands,
            buffer: Vec::new(),
            group: Vec::new(),
            received_at_ms: 0,
            waiting: None,
        }
    }

    /// Until it is told to close, or everybody who could append is gone.
    pub(super) fn run(mut self, ended: watch::Sender<()>) {
        let _ending = Ending { shared: Arc::clone(&self.shared), _ended: ended };
        while let Some(first) = self.commands.blocking_recv() {
            let mut next = Some(first);
            self.buffer.resize(GROUP_HEADER, 0);
            while let Some(command) = next.take() {
                match command {
                    Command::Append(pending) => self.take(pending),
                    Command::Probe => self.probe(),
                    // What is in the queue already is still given out.
                    Command::Close => self.commands.close(),
                }
                if self.group.len() < GROUP_DELIVERIES && self.buffer.len() < GROUP_BYTES {
                    next = self.commands.try_recv().ok();
                }
            }
            if !self.group.is_empty() {
                self.write();
            }
            self.buffer.clear();
            if self.buffer.capacity() > KEPT_BUFFER {
                self.buffer.shrink_to(GROUP_HEADER);
            }
        }
        // The file is closed before anybody hears that it is.
        drop(self);
    }

    fn take(&mut self, pending: Pending) {
        let Pending { entry: NewEntry { request, received_at_ms, body }, stored, waiting } = pending;
        format::put_entry(&mut self.buffer, request, received_at_ms, &body);
        self.received_at_ms = received_at_ms;
        self.group.push(stored);
        match &mut self.waiting {
            Some(group) => group.join(waiting),
            none => *none = Some(waiting),
        }
    }

    fn probe(&mut self) {
        if let Err(reason) = self.disk.probe() {
            self.shared.change(|state| state.failure = Some(reason));
        } else {
            let segment = self.disk.lengths();
            self.shared.change(|state| {
                state.failure = None;
                note(&mut state.segments, segment);
            });
        }
    }

    fn write(&mut self) {
        let outcome = self.put();
        // Given back before the answers: who hears one can append again.
        self.waiting = None;
        match outcome {
            Ok(first_delivery) => {
                for (number, stored) in (first_delivery..).zip(self.group.drain(..)) {
                    // Nobody waits any more: it is on disk all the same.
                    let _ = stored.send(Ok(number));
                }
            }
            Err(reason) => {
                let known = self.shared.state().failure.is_some();
                if !known {
                    tracing::error!("the journal cannot write: {reason}");
                }
                let segment = self.disk.lengths();
                let failure = reason.clone();
                self.shared.change(|state| {
                    state.failure = Some(failure);
                    note(&mut state.segments, segment);
                });
                for stored in self.group.drain(..) {
                    let _ = stored.send(Err(AppendError::Write(reason.clone())));
                }
            }
        }
    }

    /// Number of the first delivery, once the group is on disk.
    fn put(&mut self) -> Result<u64, String> {
        let received_at_ms = self.received_at_ms;
        let (_, header) = self.disk.write(&mut self.buffer, self.group.len(), received_at_ms)?;
        let (last, segment) = (self.disk.last(), self.disk.lengths());
        self.shared.change(|state| {
            note(&mut state.segments, segment);
            state.end = last;
            state.last_received_at_ms = Some(received_at_ms);
            if state.failure.take().is_some() {
                tracing::info!("the journal writes again");
            }
        });
        Ok(header.first_delivery)
    }
}

/// Brings the newest segment up to date, or adds it.
fn note(segments: &mut std::collections::VecDeque<Segment>, newest: (u64, u64, u64)) {
    let (number, end, file_bytes) = newest;
    match segments.back_mut() {
        Some(last) if last.number == number => {
            last.end = end;
            last.file_bytes = file_bytes;
        }
        last => {
            let base = last.map_or(0, |last| {
                last.file_bytes = last.end;
                last.base.saturating_add(last.end)
            });
            segments.push_back(Segment { number, base, end, file_bytes });
        }
    }
}
