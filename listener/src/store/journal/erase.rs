//! Erasing bytes of bodies that are in the journal.
//!
//! A hole is overwritten with `0` and spaces: an element that is read as JSON once more is a
//! number then, an error of its own, and its neighbours stay whole. The group's header gets the CRC
//! of what stands there now: the old one would tell something of what was there, and the group
//! would look damaged to whoever checks it.
//!
//! # Why a crash in between does no harm
//!
//! 1. Who reads what again? Bodies are read by place, without a CRC. Payloads are checked only
//!    in groups behind the index's position; headers also before it, where that position has to
//!    prove itself ([`super::scan`]).
//! 2. The caller erases only what its index has indexed in a *synced* transaction. So no payload that
//!    is being overwritten is ever checked again, and a hole that is half there means nothing.
//! 3. A header that is half there would make an opening refuse. So the whole [`Rewrite`] (header and
//!    holes) stands in the index, synced, before its first byte is written, and whoever opens the
//!    store calls [`redo`] before the journal is scanned. A rewrite holds final bytes, not
//!    changes: to do it twice, or after it was done in part, gives the same file.
//! 4. The note of a rewrite goes after the sync of the file. Where that is undone by a power cut,
//!    the rewrite is done once more (3). A later rewrite of the same group is noted in a synced
//!    transaction, so after the removal of the earlier note: an old header never comes back over
//!    a newer one.
//! 5. Who reads the files from outside ([`super::outside`]), or judges a store that was killed, is told
//!    of the noted rewrites and reads each group as it will be: whatever is half there is no damage.
//! 6. The writer appends to the same file behind `end`; a rewrite lies before it. Where a sync
//!    fails, each of the two has a file handle of its own and is told: the writer seals the segment
//!    as always, the rewrite keeps its note and is done again.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::format::{FIRST_GROUP, GROUP_HEADER, GroupHeader, SEGMENT_HEADER, Seal, SegmentHeader};
use super::{Journal, groups, refusal, segment};
use crate::store::StoreError;

/// The bytes of a group header without its two CRCs.
const BESIDE_THE_CRCS: [Range<usize>; 2] = [0..36, 40..44];
const PIECE: usize = 1024 * 1024;
/// What the first byte of a hole becomes; the others become spaces.
const FIRST: u8 = b'0';
static SPACES: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// Bytes that are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hole {
    /// Bytes from the beginning of the segment.
    pub offset: u64,
    /// Bytes.
    pub length: u32,
}

impl Hole {
    fn end(self) -> u64 {
        self.offset.saturating_add(self.length.into())
    }
}

/// What is written over a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Number of the segment.
    pub segment: u64,
    /// Where the group begins.
    pub offset: u64,
    /// Its header afterwards.
    pub header: Vec<u8>,
    /// Within its payload, in order.
    pub holes: Vec<Hole>,
}

impl Rewrite {
    /// What stands there afterwards, laid over bytes of the segment that begin with the group.
    pub(super) fn lay_over(&self, bytes: &mut [u8]) {
        for (to, from) in bytes.iter_mut().zip(&self.header) {
            *to = *from;
        }
        for hole in &self.holes {
            let Ok(start) = usize::try_from(hole.offset.saturating_sub(self.offset)) else { continue };
            let length = usize::try_from(hole.length).unwrap_or(usize::MAX);
            let place = bytes.iter_mut().skip(start).take(length);
            for (at, byte) in place.enumerate() {
                *byte = if at == 0 { FIRST } else { b' ' };
            }
        }
    }

    /// The noted one of a group.
    pub(super) fn of(noted: &[Self], segment: u64, offset: u64) -> Option<&Self> {
        noted.iter().find(|rewrite| rewrite.segment == segment && rewrite.offset == offset)
    }
}

impl Journal {
    /// What has to be written to make holes in a segment, which must be in order and apart from
    /// each other. Changes nothing. `NotFound`: the segment is gone, and they with it. Blocks.
    pub fn rewrites(&self, number: u64, holes: &[Hole]) -> io::Result<Vec<Rewrite>> {
        let (directory, store, end) = self.place_of(number)?;
        let file = segment::open(directory, number)?;
        rewrites(&file, store, number, end, holes)
    }

    /// Writes and syncs. `NotFound`: the segment is gone. Blocks.
    pub fn rewrite(&self, rewrite: &Rewrite) -> io::Result<()> {
        let (directory, _, end) = self.place_of(rewrite.segment)?;
        if rewrite.holes.last().is_some_and(|last| last.end() > end) {
            return Err(invalid("a hole is behind the end of its segment"));
        }
        write(&segment::open_to_write(directory, rewrite.segment)?, rewrite)
    }
}

fn rewrites(file: &File, store: &str, number: u64, end: u64, holes: &[Hole]) -> io::Result<Vec<Rewrite>> {
    let seal = Seal::new(store, number);
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    reader.seek(SeekFrom::Start(FIRST_GROUP))?;
    let (mut at, mut left) = (FIRST_GROUP, holes);
    let mut found = Vec::new();
    while !left.is_empty() && at < end {
        let mut bytes = [0; GROUP_HEADER];
        reader.read_exact(&mut bytes)?;
        let header = GroupHeader::decode(&bytes, &seal, at).ok_or_else(|| invalid("a header is damaged"))?;
        let group_end = at + header.length();
        let (inside, behind) = left.split_at(left.partition_point(|hole| hole.offset < group_end));
        if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
            let apart = inside.windows(2).all(|two| two[0].end() <= two[1].offset);
            if !apart || first.offset < at + GROUP_HEADER as u64 || last.end() > group_end {
                return Err(invalid("a hole is not within a body"));
            }
            let payload_crc = crc_with(file, at + GROUP_HEADER as u64, group_end, inside)?;
            let header = GroupHeader { payload_crc, ..header }.encode(&seal, at).to_vec();
            found.push(Rewrite { segment: number, offset: at, header, holes: inside.to_vec() });
        }
        left = behind;
        reader.seek_relative(i64::from(header.payload_length))?;
        at = group_end;
    }
    if left.is_empty() { Ok(found) } else { Err(invalid("a hole is behind the end of its segment")) }
}

/// CRC of the bytes from `at` to `end` once the holes are made.
fn crc_with(file: &File, mut at: u64, end: u64, holes: &[Hole]) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; PIECE];
    while at < end {
        let wanted = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
        let piece = &mut buffer[..wanted];
        file.read_exact_at(piece, at)?;
        let piece_end = at + piece.len() as u64;
        for hole in holes.iter().filter(|hole| hole.offset < piece_end && hole.end() > at) {
            let place = |offset: u64| usize::try_from(offset - at).unwrap_or(0);
            piece[place(hole.offset.max(at))..place(hole.end().min(piece_end))].fill(b' ');
            if hole.offset >= at && hole.length > 0 {
                piece[place(hole.offset)] = FIRST;
            }
        }
        hasher.update(piece);
        at = piece_end;
    }
    Ok(hasher.finalize())
}

fn write(file: &File, rewrite: &Rewrite) -> io::Result<()> {
    for hole in &rewrite.holes {
        let (mut at, end) = (hole.offset, hole.end());
        if at < end {
            file.write_all_at(&[FIRST], at)?;
            at += 1;
        }
        while at < end {
            let piece = usize::try_from(end - at).map_or(SPACES.len(), |left| left.min(SPACES.len()));
            file.write_all_at(&SPACES[..piece], at)?;
            at += piece as u64;
        }
    }
    file.write_all_at(&rewrite.header, rewrite.offset)?;
    file.sync_data()
}

/// Does a noted rewrite again, before the journal in `directory` is opened. What is gone needs none.
pub fn redo(directory: &Path, store: &str, rewrite: &Rewrite) -> Result<(), StoreError> {
    let path = segment::path(directory, rewrite.segment);
    let failed = |error: io::Error| refusal::failed(&path, &error);
    let file = match segment::open_to_write(directory, rewrite.segment) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    let mut bytes = [0; SEGMENT_HEADER];
    let read = groups::read_up_to(&file, 0, &mut bytes).map_err(failed)?;
    let ours = SegmentHeader::decode(&bytes[..read])
        .is_ok_and(|header| header.store == store && header.segment == rewrite.segment);
    if !ours {
        // Opening the journal says what is wrong with it.
        return Ok(());
    }
    let seal = Seal::new(store, rewrite.segment);
    let noted = GroupHeader::decode(&rewrite.header, &seal, rewrite.offset);
    let noted = noted.ok_or_else(|| refusal::unreadable(&path, rewrite.offset))?;
    let mut bytes = [0; GROUP_HEADER];
    let read = groups::read_up_to(&file, rewrite.offset, &mut bytes).map_err(failed)?;
    // The two CRCs are all that differs, so all that can be half there.
    let same = |range: Range<usize>| bytes.get(range.clone()) == rewrite.header.get(range);
    let other = read < GROUP_HEADER || !BESIDE_THE_CRCS.into_iter().all(same);
    let length = file.metadata().map_err(failed)?.len();
    if other || length < rewrite.offset + noted.length() {
        return Err(refusal::does_not_follow(&path, rewrite.offset, noted.group.saturating_sub(1)));
    }
    write(&file, rewrite).map_err(failed)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
