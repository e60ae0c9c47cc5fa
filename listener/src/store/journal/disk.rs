//! The file that groups are written to, and what happens when that fails.
//!
//! After a failure the segment is sealed: what the page cache holds and what the
//! disk holds may differ, and a second sync can answer Ok for bytes that are
//! lost. It is cut to its last good length where that works, and the next group
//! begins a new segment, whose header says how long this one is. A segment that
//! was sealed before it got a group is made anew under its own number, so that a
//! full disk does not fill up with empty segments.
//!
//! A segment is full by its bytes, or by the time since its first group: so on a quiet listener
//! too a segment can go by its age once a later one has a group.
//!
//! The first failure is followed by a try at once, the next ones by one in
//! `RETRY`: requests in between are answered without the disk.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::format::{FIRST_GROUP, GROUP_HEADER, GroupHeader, Seal, SegmentHeader};
use super::shared::Segment;
use super::{Indexed, Position, segment};

const RETRY: Duration = Duration::from_millis(200);

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    file: File,
    seal: Seal,
    /// Bytes of the file; zeros from the end of the last group on.
    written: u64,
    /// Zeros can be written ahead.
    room: bool,
    /// Bytes of a group, on a moving average.
    usual: u64,
}

/// When a segment is full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes.
    pub(super) bytes: u64,
    /// Milliseconds since its first group.
    pub(super) ms: i64,
}

/// Where groups go. One per journal, in the hands of its writer.
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    store: String,
    bounds: Bounds,
    /// Arrival of the last delivery of the newest segment's first group; none without a group.
    begun_at_ms: Option<i64>,
    /// Number and valid length of the newest segment.
    segment: u64,
    end: u64,
    /// Valid length of the one before it.
    previous_length: u64,
    /// What the journal ends with: in the newest segment, or before it while that has no group.
    last: Indexed,
    /// None: sealed, or never made.
    active: Option<Active>,
    /// Failures since the last success, and the last reason.
    failures: u32,
    reason: String,
    retry_at: Instant,
}

impl Disk {
    /// Goes on in `file`, which is `newest`.
    pub(super) fn new(
        directory: PathBuf,
        store: &str,
        bounds: Bounds,
        newest: (File, Segment, u64),
        last: Indexed,
    ) -> Self {
        let (file, Segment { number, end, file_bytes, .. }, previous_length) = newest;
        let seal = Seal::new(store, number);
        let begun_at_ms = first_group(&file, &seal, end);
        let active = Active { file, seal, written: file_bytes, room: true, usual: 0 };
        Self {
            directory,
            store: store.to_owned(),
            bounds,
            begun_at_ms,
            segment: number,
            end,
            previous_length,
            last,
            active: Some(active),
            failures: 0,
            reason: String::new(),
            retry_at: Instant::now(),
        }
    }

    /// What the journal ends with.
    pub(super) fn last(&self) -> Indexed {
        self.last
    }

    /// Writes the next group and syncs it; where it begins, and its header. `group`: room for the header,
    /// then the payload, which holds `count` deliveries of which the last came at `last_received_at_ms`.
    pub(super) fn write(
        &mut self,
        group: &mut [u8],
        count: usize,
        last_received_at_ms: i64,
    ) -> Result<(Position, GroupHeader), String> {
        let (head, payload) = group.split_at_mut_checked(GROUP_HEADER).ok_or("a group without a header")?;
        let number = |length: usize| u32::try_from(length).map_err(|error| error.to_string());
        let length = (head.len() + payload.len()) as u64;
        let (position, seal) = self.place(length, last_received_at_ms)?;
        let header = GroupHeader {
            group: self.last.last_group + 1,
            first_delivery: self.last.last_delivery + 1,
            last_received_at_ms,
            count: number(count)?,
            payload_crc: crc32fast::hash(payload),
            payload_length: number(payload.len())?,
        };
        head.copy_from_slice(&header.encode(&seal, position.offset));
        self.put(group, &header)?;
        Ok((position, header))
    }

    /// Begins a new segment, which goes on with another delivery: those before it are gone.
    pub(super) fn pass_to(&mut self, delivery: u64) -> Result<(), String> {
        self.leave();
        self.last.last_delivery = delivery.saturating_sub(1);
        self.begin_segment()?;
        self.last.position = Position { segment: self.segment, offset: self.end };
        Ok(())
    }

    /// The place where a group of `length` bytes that came at `at_ms` will be put; makes a new segment
    /// where one is needed.
    fn place(&mut self, length: u64, at_ms: i64) -> Result<(Position, Seal), String> {
        let full = self.end.saturating_add(length) > self.bounds.bytes;
        let old = self.begun_at_ms.is_some_and(|begun| at_ms.saturating_sub(begun) >= self.bounds.ms);
        if self.end > FIRST_GROUP && (full || old) {
            self.leave();
        }
        if self.active.is_none() {
            if self.failures > 1 && Instant::now() < self.retry_at {
                return Err(self.reason.clone());
            }
            self.begin_segment()?;
        }
        let position = Position { segment: self.segment, offset: self.end };
        let active = self.active.as_ref().ok_or("no segment")?;
        Ok((position, active.seal.clone()))
    }

    /// Writes a group at its place and syncs it. An error means that it is not in the journal.
    /// `header` is that of the group.
    fn put(&mut self, group: &[u8], header: &GroupHeader) -> Result<(), String> {
        let Some(active) = self.active.as_mut() else { return Err(self.reason.clone()) };
        let room = self.bounds.bytes.saturating_sub(self.end);
        match active.put(self.end, group, room) {
            Ok(()) => {
                self.end += group.len() as u64;
                self.failures = 0;
                self.begun_at_ms = self.begun_at_ms.or(Some(header.last_received_at_ms));
                self.last = Indexed {
                    position: Position { segment: self.segment, offset: self.end },
                    last_delivery: header.last_delivery(),
                    last_group: header.group,
                };
                Ok(())
            }
            Err(error) => {
                self.seal();
                Err(self.failed(&format!("segment {}", self.segment), &error))
            }
        }
    }

    /// Makes a new segment where the last attempt failed, to see whether writing works again.
    pub(super) fn probe(&mut self) -> Result<(), String> {
        if self.active.is_some() { Ok(()) } else { self.begin_segment() }
    }

    /// Number of the newest segment, its valid length and its length with zeros.
    pub(super) fn lengths(&self) -> (u64, u64, u64) {
        let written = self.active.as_ref().map_or(self.end, |active| active.written);
        (self.segment, self.end, written)
    }

    /// Writes nothing more to the newest segment.
    fn leave(&mut self) {
        if let Some(Active { file, .. }) = self.active.take() {
            // Gives back what was written ahead. The next header says how long it is, so this may fail.
            let _ = file.set_len(self.end);
        }
    }

    fn begin_segment(&mut self) -> Result<(), String> {
        let (number, previous_length) = if self.can_be_made_anew() {
            (self.segment, self.previous_length)
        } else {
            (self.segment.saturating_add(1), self.end)
        };
        let header = SegmentHeader {
            store: self.store.clone(),
            segment: number,
            first_group: self.last.last_group.saturating_add(1),
            first_delivery: self.last.last_delivery.saturating_add(1),
            previous_length,
        };
        // After a failure a header alone would prove little about the space there is.
        let room = if self.failures > 0 { segment::PROVEN_ROOM.min(self.bounds.bytes) } else { 0 };
        match segment::create(&self.directory, &header, room) {
            Ok(file) => {
                let seal = Seal::new(&self.store, number);
                self.active = Some(Active { file, seal, written: FIRST_GROUP + room, room: true, usual: 0 });
                self.segment = number;
                self.end = FIRST_GROUP;
                self.begun_at_ms = None;
                self.previous_length = previous_length;
                Ok(())
            }
            Err(error) => Err(self.failed(&format!("new segment {number}"), &error)),
        }
    }

    /// The newest segment has no group, and the journal is whole without it.
    fn can_be_made_anew(&self) -> bool {
        self.end == FIRST_GROUP && (self.last.position.segment < self.segment || self.last.last_group == 0)
    }

    fn seal(&mut self) {
        let Some(Active { file, .. }) = self.active.take() else { return };
        let done = if self.can_be_made_anew() {
            fs::remove_file(segment::path(&self.directory, self.segment))
        } else {
            file.set_len(self.end)
        };
        if let Err(error) = done {
            tracing::warn!(
                journal.segment = self.segment,
                %error,
                "segment {} could not be cut to its good length; its bytes after that are ignored",
                self.segment
            );
        }
    }

    fn failed(&mut self, what: &str, error: &io::Error) -> String {
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Instant::now() + RETRY;
        self.reason = format!("{what}: {error}");
        self.reason.clone()
    }
}

/// When the first group of a segment came.
fn first_group(file: &File, seal: &Seal, end: u64) -> Option<i64> {
    let mut bytes = [0; GROUP_HEADER];
    if end <= FIRST_GROUP || file.read_exact_at(&mut bytes, FIRST_GROUP).is_err() {
        return None;
    }
    GroupHeader::decode(&bytes, seal, FIRST_GROUP).map(|header| header.last_received_at_ms)
}

impl Active {
    fn put(&mut self, at: u64, group: &[u8], room: u64) -> io::Result<()> {
        self.file.write_all_at(group, at)?;
        let end = at + group.len() as u64;
        self.usual = (7 * self.usual + group.len() as u64) / 8;
        if end > self.written {
            self.written = end;
            let ahead = segment::ROOM.min(room.saturating_sub(group.len() as u64));
            // Large groups gain less than the zeros cost. Small and large ones take turns
            // under load (who comes during a sync waits for the next), so the average counts.
            if self.room && ahead > 0 && self.usual < segment::ROOM / 8 {
                match segment::write_zeros(&self.file, end, ahead) {
                    Ok(()) => self.written = end + ahead,
                    // The group itself was taken; without room the next ones are only slower.
                    Err(_) => self.room = false,
                }
            }
        }
        self.file.sync_data()
    }
}
