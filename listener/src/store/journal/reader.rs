//! Reads what is synced, in order.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::format::{self, ENTRY_HEADER, GROUP_HEADER, GroupHeader, Seal};
use super::shared::Shared;
use super::{Batch, Entry, Indexed, Location, Position, refusal, segment};
use crate::store::StoreError;

/// Reads the journal in order, for the index. There is one.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    store: String,
    shared: Arc<Shared>,
    /// Up to here everything has been read.
    read: Indexed,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    file: File,
    seal: Seal,
}

impl Reader {
    pub(super) fn new(directory: PathBuf, store: &str, shared: Arc<Shared>, read: Indexed) -> Self {
        Self { directory, store: store.to_owned(), shared, read, open: None }
    }

    /// The next groups, at most about `max_bytes` of the file but at least one group; waits up to
    /// `wait` for one. None: nothing came. `Closed`: the journal is closed and everything has been read.
    /// After another error the same groups come again.
    pub fn next(&mut self, max_bytes: usize, wait: Duration) -> Result<Option<Batch>, StoreError> {
        let (position, end) = {
            let state = self.shared.wait_beyond(self.read.position, wait);
            let position = state.next_after(self.read.position);
            if position >= state.end.position {
                return if state.closed { Err(StoreError::Closed) } else { Ok(None) };
            }
            (position, state.segment(position.segment).map_or(0, |segment| segment.end))
        };
        self.open_segment(position.segment)?;
        let batch = self.read_batch(position, end, max_bytes)?;
        self.read = batch.end;
        Ok(Some(batch))
    }

    fn path(&self, number: u64) -> PathBuf {
        segment::path(&self.directory, number)
    }

    fn open_segment(&mut self, number: u64) -> Result<(), StoreError> {
        if self.open.as_ref().is_none_or(|open| open.number != number) {
            let file = segment::open(&self.directory, number)
                .map_err(|error| refusal::failed(&self.path(number), &error))?;
            self.open = Some(Open { number, file, seal: Seal::new(&self.store, number) });
        }
        Ok(())
    }

    fn read_batch(&self, from: Position, end: u64, max_bytes: usize) -> Result<Batch, StoreError> {
        let path = self.path(from.segment);
        let failed = |error: std::io::Error| refusal::failed(&path, &error);
        let Some(Open { file, seal, .. }) = &self.open else { return Err(StoreError::Closed) };
        let bad = |offset| refusal::unreadable(&path, offset);

        let mut head = [0; GROUP_HEADER];
        file.read_exact_at(&mut head, from.offset).map_err(failed)?;
        let first = GroupHeader::decode(&head, seal, from.offset).ok_or_else(|| bad(from.offset))?;
        let available = end.saturating_sub(from.offset);
        if first.length() > available {
            return Err(bad(from.offset));
        }
        let wanted = available.min(first.length().max(max_bytes as u64));
        let mut buffer = vec![0; usize::try_from(wanted).map_err(|_| bad(from.offset))?];
        file.read_exact_at(&mut buffer, from.offset).map_err(failed)?;
        let buffer = Bytes::from(buffer);

        let mut batch = Batch { entries: Vec::new(), end: Indexed { position: from, ..self.read } };
        let mut at = 0;
        // A group that is only partly in the buffer is left to the next batch.
        while buffer.len() - at >= GROUP_HEADER {
            let offset = from.offset + at as u64;
            let header = GroupHeader::decode(&buffer[at..], seal, offset).ok_or_else(|| bad(offset))?;
            let payload_at = at + GROUP_HEADER;
            let payload_end = payload_at + header.payload_length as usize;
            if payload_end > buffer.len() {
                break;
            }
            let payload = buffer.slice(payload_at..payload_end);
            let follows = header.group == batch.end.last_group + 1
                && header.first_delivery == batch.end.last_delivery + 1;
            if !follows || crc32fast::hash(&payload) != header.payload_crc {
                return Err(bad(offset));
            }
            let place = Position { segment: from.segment, offset: offset + GROUP_HEADER as u64 };
            take_entries(&mut batch.entries, &header, &payload, place).ok_or_else(|| bad(offset))?;
            at = payload_end;
            batch.end = Indexed {
                position: Position { segment: from.segment, offset: from.offset + at as u64 },
                last_delivery: header.last_delivery(),
                last_group: header.group,
            };
        }
        Ok(batch)
    }
}

/// Takes all deliveries of a payload that stands at `place`; None where they do not fill it exactly.
fn take_entries(
    entries: &mut Vec<Entry>,
    header: &GroupHeader,
    payload: &Bytes,
    place: Position,
) -> Option<()> {
    let mut at = 0;
    for number in 0..header.count {
        let taken = format::take_entry(payload, at)?;
        let length = taken.body.len();
        let offset = place.offset + (at + ENTRY_HEADER) as u64;
        entries.push(Entry {
            delivery: header.first_delivery + u64::from(number),
            request: taken.request,
            received_at_ms: taken.received_at_ms,
            location: Location { segment: place.segment, offset, length: u32::try_from(length).ok()? },
            body: taken.body,
        });
        at += ENTRY_HEADER + length;
    }
    (at == payload.len()).then_some(())
}
