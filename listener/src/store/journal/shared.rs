//! What the writer, the reader and everybody who asks share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Indexed, Position};

/// A segment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Valid bytes of the segments before it that this process knows.
    pub(super) base: u64,
    /// Its own valid bytes: where its last synced group ends.
    pub(super) end: u64,
    /// Bytes of the file, zeros ahead included.
    pub(super) file_bytes: u64,
}

/// What is known of the journal; behind one lock that is held for moments.
#[derive(Debug)]
pub(super) struct State {
    /// Ascending; the last one is the newest. Never empty.
    pub(super) segments: VecDeque<Segment>,
    /// Up to here everything is synced.
    pub(super) end: Indexed,
    pub(super) last_received_at_ms: Option<i64>,
    /// Up to here everything is indexed.
    pub(super) indexed: Indexed,
    /// Why the last attempt to write failed.
    pub(super) failure: Option<String>,
    /// The writer has ended.
    pub(super) closed: bool,
}

impl State {
    /// Bytes before a position, counted over segments; one in a removed segment counts as the begin of the next.
    pub(super) fn bytes_before(&self, position: Position) -> u64 {
        let place = self.segments.partition_point(|segment| segment.number < position.segment);
        self.segments.get(place).map_or(0, |segment| {
            let within =
                if segment.number == position.segment { position.offset.min(segment.end) } else { 0 };
            segment.base.saturating_add(within)
        })
    }

    /// Bytes that are synced and not indexed.
    pub(super) fn unindexed_bytes(&self) -> u64 {
        self.bytes_before(self.end.position).saturating_sub(self.bytes_before(self.indexed.position))
    }

    /// The first segment, where it is before `limit`, indexed to its end, and not the last with a group.
    pub(super) fn removable(&self, limit: u64) -> Option<u64> {
        let Segment { number, end, .. } = *self.segments.front()?;
        let Position { segment, offset } = self.indexed.position;
        let indexed = number < segment || (number == segment && offset >= end);
        (number < limit && number < self.end.position.segment && indexed).then_some(number)
    }

    pub(super) fn segment(&self, number: u64) -> Option<Segment> {
        let place = self.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.segments.get(place).copied()
    }

    /// Where a reader at `position` goes on: the next segment, once this one is read.
    pub(super) fn next_after(&self, position: Position) -> Position {
        let read = self.segment(position.segment).is_none_or(|segment| position.offset >= segment.end);
        if read && position.segment < self.end.position.segment {
            Position { segment: position.segment + 1, offset: super::format::FIRST_GROUP }
        } else {
            position
        }
    }
}

/// Shared by the clones of a journal, its reader and its writer.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    grown: Condvar,
    /// Bytes of bodies that wait for the writer.
    pub(super) waiting_bytes: AtomicU64,
    /// Bytes on disk that are not indexed.
    pub(super) unindexed_bytes: AtomicU64,
    /// Nothing more is taken.
    pub(super) closing: AtomicBool,
    probed: Mutex<Option<Instant>>,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        let unindexed = state.unindexed_bytes();
        Self {
            state: Mutex::new(state),
            grown: Condvar::new(),
            waiting_bytes: AtomicU64::new(0),
            unindexed_bytes: AtomicU64::new(unindexed),
            closing: AtomicBool::new(false),
            probed: Mutex::new(None),
        }
    }

    /// A panic elsewhere does not make the state wrong: each change is whole.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes the reader.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        self.unindexed_bytes.store(state.unindexed_bytes(), Ordering::Release);
        drop(state);
        self.grown.notify_all();
    }

    /// Waits until there is something after `position`, the writer has ended, or the time is over.
    pub(super) fn wait_beyond(&self, position: Position, wait: Duration) -> MutexGuard<'_, State> {
        let waited = self.grown.wait_timeout_while(self.state(), wait, |state| {
            !state.closed && state.end.position <= state.next_after(position)
        });
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Bytes that are taken, synced or not, and not indexed.
    pub(super) fn not_indexed(&self) -> u64 {
        let waiting = self.waiting_bytes.load(Ordering::Acquire);
        self.unindexed_bytes.load(Ordering::Acquire).saturating_add(waiting)
    }

    /// True at most once in `every`.
    pub(super) fn may_probe(&self, every: Duration) -> bool {
        let mut probed = self.probed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = probed.is_none_or(|last| last.elapsed() >= every);
        if due {
            *probed = Some(Instant::now());
        }
        due
    }
}
