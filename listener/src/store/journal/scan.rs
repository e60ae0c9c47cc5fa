//! What is on disk, found out without changing a byte.
//!
//! A segment that another follows ends where the next header says: whatever is
//! bad before that was acknowledged and has been damaged since. Only the last
//! segment can have a torn tail, and only its file can be half made: one that is
//! no longer than a header, which is synced before anything follows it.
//!
//! From the indexed position on everything is read and checked. What stands
//! before it is not read, but for the headers of groups in the one segment where
//! the position has to prove itself.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;

use super::format::{BadHeader, FIRST_GROUP, GroupHeader, SEGMENT_HEADER, Seal, SegmentHeader};
use super::groups::{self, At};
use super::shared::Segment;
use super::tail::{self, Tail};
use super::{Indexed, Position, Rewrite, refusal, segment};
use crate::store::StoreError;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Ascending, without the half-made one; empty for a new journal.
    pub(super) segments: VecDeque<Segment>,
    /// Where reading begins.
    pub(super) start: Indexed,
    /// Where the last good group ends.
    pub(super) end: Indexed,
    pub(super) last_received_at_ms: Option<i64>,
    /// The segment whose making was cut short.
    pub(super) half_made: Option<u64>,
    /// Bytes of a torn group after the end.
    pub(super) torn_bytes: u64,
    /// Of the last segment: where its last group begins; 0, where its header does, when it has none.
    pub(super) last_piece: u64,
    /// Of the last segment: what its header says of the one before.
    pub(super) previous_length: u64,
}

/// Nothing before the first group of the first segment.
const BEGIN: Indexed =
    Indexed { position: Position { segment: 1, offset: FIRST_GROUP }, last_delivery: 0, last_group: 0 };

/// Looks through `directory`; `noted` are rewrites that may be half there.
pub(super) fn scan(
    directory: &Path,
    store: &str,
    indexed: Option<Indexed>,
    noted: &[Rewrite],
) -> Result<Found, StoreError> {
    let mut numbers = segment::list(directory).map_err(|error| refusal::failed(directory, &error))?;
    let half_made = match numbers.last() {
        Some(&last) if is_half_made(directory, last)? => numbers.pop(),
        _ => None,
    };
    let known = indexed.unwrap_or(BEGIN);
    let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else {
        if known.last_group > 0 || known.last_delivery > 0 || known.position.segment > 1 {
            return Err(refusal::lost(directory, known.position));
        }
        return Ok(Found {
            segments: VecDeque::new(),
            start: BEGIN,
            end: BEGIN,
            last_received_at_ms: None,
            half_made,
            torn_bytes: 0,
            last_piece: 0,
            previous_length: 0,
        });
    };
    let start = begin(directory, known, first, last)?;
    let from = start.position.segment;
    let mut scan = Scan {
        directory,
        store,
        noted,
        end: start,
        last_received_at_ms: None,
        last_piece: None,
        previous_length: 0,
        torn_bytes: 0,
        segments: VecDeque::new(),
        base: 0,
        buffer: Vec::new(),
    };
    for &number in numbers.iter().filter(|number| **number < from) {
        let length = length(directory, number)?;
        scan.push(number, length, length);
    }
    scan.run(known, from, last)?;
    let Scan { segments, end, last_received_at_ms, last_piece, previous_length, torn_bytes, .. } = scan;
    let last_piece = last_piece.unwrap_or(0);
    Ok(Found {
        segments,
        start,
        end,
        last_received_at_ms,
        half_made,
        torn_bytes,
        last_piece,
        previous_length,
    })
}

fn first_position(segment: u64) -> Position {
    Position { segment, offset: FIRST_GROUP }
}

/// The position to scan from, once the segments that are there allow it.
fn begin(directory: &Path, known: Indexed, first: u64, last: u64) -> Result<Indexed, StoreError> {
    let Position { segment, offset } = known.position;
    if segment > last {
        return Err(refusal::lost(directory, known.position));
    }
    if segment >= first {
        let inside = offset >= FIRST_GROUP || offset == 0;
        let position = Position { segment, offset: offset.max(FIRST_GROUP) };
        let begun = Indexed { position, ..known };
        return if inside { Ok(begun) } else { Err(refusal::no_boundary(directory, known.position)) };
    }
    // The indexed segment itself may have been removed, when it was indexed to its end.
    if segment + 1 == first && known.last_group > 0 {
        return Ok(Indexed { position: first_position(first), ..known });
    }
    Err(refusal::gap(directory, known.position, first))
}

fn is_half_made(directory: &Path, number: u64) -> Result<bool, StoreError> {
    let failed = |error| refusal::failed(&segment::path(directory, number), &error);
    let file = segment::open(directory, number).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = [0; SEGMENT_HEADER];
    let read = groups::read_up_to(&file, 0, &mut bytes).map_err(failed)?;
    let damaged = SegmentHeader::decode(&bytes[..read]) == Err(BadHeader::Damaged);
    Ok(damaged && length <= SEGMENT_HEADER as u64)
}

fn length(directory: &Path, number: u64) -> Result<u64, StoreError> {
    let path = segment::path(directory, number);
    let metadata = std::fs::metadata(&path).map_err(|error| refusal::failed(&path, &error))?;
    Ok(metadata.len())
}

/// A segment that is open for scanning.
struct Opened {
    number: u64,
    file: File,
    length: u64,
    header: SegmentHeader,
    seal: Seal,
}

struct Scan<'a> {
    directory: &'a Path,
    store: &'a str,
    noted: &'a [Rewrite],
    /// Up to here everything is good.
    end: Indexed,
    last_received_at_ms: Option<i64>,
    /// Within the segment at hand.
    last_piece: Option<u64>,
    previous_length: u64,
    torn_bytes: u64,
    segments: VecDeque<Segment>,
    base: u64,
    buffer: Vec<u8>,
}

impl Scan<'_> {
    fn push(&mut self, number: u64, end: u64, file_bytes: u64) {
        self.segments.push_back(Segment { number, base: self.base, end, file_bytes });
        self.base = self.base.saturating_add(end);
    }

    fn run(&mut self, known: Indexed, from: u64, last: u64) -> Result<(), StoreError> {
        let mut opened = self.open(from)?;
        if known.position.segment < from && opened.header.previous_length != known.position.offset {
            return Err(refusal::gap(self.directory, known.position, from));
        }
        loop {
            let next = if opened.number < last { Some(self.open(opened.number + 1)?) } else { None };
            self.last_piece = None;
            self.prove_begin(&opened)?;
            match next {
                Some(next) => {
                    let end = next.header.previous_length;
                    if self.end.position.offset > end || end > opened.length {
                        return Err(refusal::too_short(&self.path(&opened), end, opened.length));
                    }
                    self.scan_groups(&opened, end)?;
                    if self.end.position.offset < end {
                        return Err(refusal::damaged(&self.path(&opened), self.end.position.offset, None));
                    }
                    self.push(opened.number, end, opened.length);
                    self.end.position = first_position(next.number);
                    opened = next;
                }
                None => return self.finish(&opened, known, from),
            }
        }
    }

    fn path(&self, opened: &Opened) -> std::path::PathBuf {
        segment::path(self.directory, opened.number)
    }

    fn open(&self, number: u64) -> Result<Opened, StoreError> {
        let path = segment::path(self.directory, number);
        let failed = |error| match error {
            error if std::io::Error::kind(&error) == std::io::ErrorKind::NotFound => refusal::missing(&path),
            error => refusal::failed(&path, &error),
        };
        let file = segment::open(self.directory, number).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut bytes = [0; SEGMENT_HEADER];
        let read = groups::read_up_to(&file, 0, &mut bytes).map_err(failed)?;
        let header = match SegmentHeader::decode(&bytes[..read]) {
            Ok(header) if header.store != self.store => {
                return Err(refusal::other_store(&path, &header.store, self.store));
            }
            Ok(header) if header.segment != number => {
                return Err(refusal::other_number(&path, header.segment));
            }
            Ok(header) => header,
            Err(BadHeader::Newer(version)) => return Err(refusal::newer(&path, version)),
            Err(BadHeader::Damaged) => return Err(refusal::damaged(&path, 0, None)),
        };
        let seal = Seal::new(self.store, number);
        Ok(Opened { number, file, length, header, seal })
    }

    /// The header of a segment, or the groups before the position in it, agree with what is known.
    fn prove_begin(&mut self, opened: &Opened) -> Result<(), StoreError> {
        let path = self.path(opened);
        let Indexed { position, last_delivery, last_group } = self.end;
        if position.offset == FIRST_GROUP {
            let SegmentHeader { first_group, first_delivery, .. } = opened.header;
            let follows = Some(first_group) == last_group.checked_add(1)
                && Some(first_delivery) == last_delivery.checked_add(1);
            return if follows { Ok(()) } else { Err(refusal::does_not_follow(&path, 0, last_group)) };
        }
        if position.offset > opened.length {
            return Err(refusal::lost(self.directory, position));
        }
        let failed = |error| refusal::failed(&path, &error);
        let at = groups::check(&opened.file, &opened.seal, position.offset, opened.length, &mut self.buffer);
        if let At::Good(header) = at.map_err(failed)?
            && self.follows(&header)
        {
            return Ok(());
        }
        // Nothing good comes after the position: the groups before must lead to it.
        let noted = |offset| self.noted(opened.number, offset);
        let last = groups::last_before(&opened.file, &opened.seal, position.offset, noted);
        match last.map_err(failed)? {
            Some((offset, header))
                if header.group == last_group && header.last_delivery() == last_delivery =>
            {
                self.last_piece = Some(offset);
                self.last_received_at_ms = Some(header.last_received_at_ms);
                Ok(())
            }
            _ => Err(refusal::no_boundary(self.directory, position)),
        }
    }

    fn follows(&self, header: &GroupHeader) -> bool {
        Some(header.group) == self.end.last_group.checked_add(1)
            && Some(header.first_delivery) == self.end.last_delivery.checked_add(1)
    }

    /// Goes on to the last good group that ends at or before `end`.
    fn scan_groups(&mut self, opened: &Opened, end: u64) -> Result<(), StoreError> {
        loop {
            let offset = self.end.position.offset;
            let at = groups::check(&opened.file, &opened.seal, offset, end, &mut self.buffer)
                .map_err(|error| refusal::failed(&self.path(opened), &error))?;
            match at {
                At::Good(header) if self.follows(&header) => {
                    self.last_piece = Some(offset);
                    self.last_received_at_ms = Some(header.last_received_at_ms);
                    self.end.position.offset = offset + header.length();
                    self.end.last_group = header.group;
                    self.end.last_delivery = header.last_delivery();
                }
                At::BadPayload(header) if self.follows(&header) => return Ok(()),
                At::Good(_) | At::BadPayload(_) => {
                    let path = self.path(opened);
                    return Err(refusal::does_not_follow(&path, offset, self.end.last_group));
                }
                At::Nothing => return Ok(()),
            }
        }
    }

    fn finish(&mut self, opened: &Opened, known: Indexed, from: u64) -> Result<(), StoreError> {
        let path = self.path(opened);
        self.scan_groups(opened, opened.length)?;
        let end = self.end.position.offset;
        let judged = tail::judge(&opened.file, &opened.seal, end, opened.length);
        match judged.map_err(|error| refusal::failed(&path, &error))? {
            Tail::Empty => {}
            Tail::Torn => self.torn_bytes = opened.length - end,
            Tail::Followed { offset, group } => {
                return Err(refusal::damaged(&path, end, Some((offset, group))));
            }
        }
        self.previous_length = opened.header.previous_length;
        if end == FIRST_GROUP
            && let Some(before) = self.segments.back()
            && before.number >= from
        {
            // The journal ends with its last group, not with the empty segment after it.
            self.end.position = Position { segment: before.number, offset: before.end };
        }
        self.push(opened.number, end, opened.length);
        if self.last_received_at_ms.is_none() && self.end.last_group > 0 {
            self.last_received_at_ms = self.received_before(known.position);
        }
        Ok(())
    }

    /// When the last delivery before a position came; its segment may have been removed.
    fn received_before(&self, Position { segment: number, offset }: Position) -> Option<i64> {
        let file = segment::open(self.directory, number).ok()?;
        let noted = |offset| self.noted(number, offset);
        let (_, header) =
            groups::last_before(&file, &Seal::new(self.store, number), offset, noted).ok()??;
        Some(header.last_received_at_ms)
    }

    /// The header that is being written at a place.
    fn noted(&self, segment: u64, offset: u64) -> Option<&[u8]> {
        Rewrite::of(self.noted, segment, offset).map(|rewrite| rewrite.header.as_slice())
    }
}
