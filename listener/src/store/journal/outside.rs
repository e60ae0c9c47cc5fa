//! The journal from outside: its files, read while another process may be appending to them.
//!
//! # What may be seen
//!
//! A segment that another follows ends where the next header says. The newest one grows: what a
//! reader sees of the group that is being written may be any part of it. So nothing is taken by bytes, but
//! group by group, each with its CRC and its place in the order. One that is not whole is looked at again
//! for some moments: it is being written, or written over in its place. When it still is not, it
//! ends what is there; unless more must follow, or is seen behind it: then it is damaged.
//!
//! Groups whose bytes are being erased ([`super::erase`]) are read as they will be, so that what is half
//! written is no damage, and what is to go does not come along.
//!
//! A newest segment whose making was cut short, or is under way, holds nothing and is passed over.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::format::{
    self, BadHeader, ENTRY_HEADER, FIRST_GROUP, GROUP_HEADER, GroupHeader, SEGMENT_HEADER, Seal,
    SegmentHeader,
};
use super::tail::{self, Tail};
use super::{Indexed, Location, Rewrite, groups, refusal, scan, segment};
use crate::store::StoreError;

/// Looks at a group that is not whole.
const LOOKS: u32 = 10;
/// Between them.
const PAUSE: Duration = Duration::from_millis(20);

/// A journal's files, and the name that they must have.
#[derive(Clone, Debug)]
pub struct Outside {
    directory: PathBuf,
    store: String,
    noted: Vec<Rewrite>,
}

/// A delivery, without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub delivery: u64,
    /// Id of the request.
    pub request: Uuid,
    /// Where its body stands.
    pub location: Location,
}

/// What was read of one segment, and how its next group must be numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Number of the segment.
    pub number: u64,
    /// Bytes up to the end of its last good group.
    pub bytes: u64,
    next_group: u64,
    next_delivery: u64,
}

impl Held {
    /// Whether it holds no group.
    pub fn is_empty(&self) -> bool {
        self.bytes <= FIRST_GROUP
    }
}

/// Told what is read.
pub trait Visit {
    /// Bytes of the file, in order: the header, then each good group.
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// A delivery of the group whose bytes come next.
    fn delivery(&mut self, place: Place) -> Result<(), StoreError>;
}

impl Outside {
    /// The journal in `directory`, of the store of this name; `noted` are rewrites that may be half there.
    pub fn new(directory: &Path, store: &str, noted: Vec<Rewrite>) -> Self {
        Self { directory: directory.to_owned(), store: store.to_owned(), noted }
    }

    /// Numbers of the segments, ascending; without a newest one that holds nothing yet.
    pub fn segments(&self) -> Result<Vec<u64>, StoreError> {
        let mut numbers =
            segment::list(&self.directory).map_err(|error| refusal::failed(&self.directory, &error))?;
        if let Some(&last) = numbers.last()
            && matches!(self.header(last), Ok(None))
        {
            numbers.pop();
        }
        Ok(numbers)
    }

    /// Judges the journal as opening would, from `indexed` on, and changes nothing.
    pub fn judge(&self, indexed: Option<Indexed>) -> Result<(), StoreError> {
        scan::scan(&self.directory, &self.store, indexed, &self.noted).map(|_| ())
    }

    /// Bytes of a segment's file; none where it is gone.
    pub fn file_bytes(&self, number: u64) -> u64 {
        std::fs::metadata(segment::path(&self.directory, number)).map_or(0, |metadata| metadata.len())
    }

    /// Reads a segment, `last` to its last good group, another one to where the next begins; from its
    /// beginning, or what comes behind what was read `before`. None: its file is gone.
    pub fn read(
        &self,
        number: u64,
        last: bool,
        before: Option<&Held>,
        visit: &mut dyn Visit,
    ) -> Result<Option<Held>, StoreError> {
        let path = segment::path(&self.directory, number);
        let failed = |error: io::Error| refusal::failed(&path, &error);
        let file = match segment::open(&self.directory, number) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        let end = if last { None } else { self.header(number + 1)?.map(|next| next.previous_length) };
        let held = if let Some(held) = before {
            *held
        } else {
            let Some(header) = self.header(number)? else { return Err(refusal::damaged(&path, 0, None)) };
            visit.bytes(&header.encode()).map_err(failed)?;
            let SegmentHeader { first_group, first_delivery, .. } = header;
            Held { number, bytes: FIRST_GROUP, next_group: first_group, next_delivery: first_delivery }
        };
        let mut walk = Walk {
            file: &file,
            path: &path,
            noted: &self.noted,
            seal: Seal::new(&self.store, number),
            end,
            held,
        };
        while walk.step(visit)? {}
        let mut held = walk.held;
        // A group whose sync failed may have been read: it is no part of a segment that another follows.
        held.bytes = end.map_or(held.bytes, |end| held.bytes.min(end));
        Ok(Some(held))
    }

    /// None: the file is gone, or its making is not done.
    fn header(&self, number: u64) -> Result<Option<SegmentHeader>, StoreError> {
        let path = segment::path(&self.directory, number);
        let failed = |error: io::Error| refusal::failed(&path, &error);
        let file = match segment::open(&self.directory, number) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        let mut bytes = [0; SEGMENT_HEADER];
        let read = groups::read_up_to(&file, 0, &mut bytes).map_err(failed)?;
        match SegmentHeader::decode(&bytes[..read]) {
            Ok(header) if header.store != self.store => {
                Err(refusal::other_store(&path, &header.store, &self.store))
            }
            Ok(header) if header.segment != number => Err(refusal::other_number(&path, header.segment)),
            Ok(header) => Ok(Some(header)),
            Err(BadHeader::Newer(version)) => Err(refusal::newer(&path, version)),
            Err(BadHeader::Damaged) => {
                let length = file.metadata().map_err(failed)?.len();
                if length <= SEGMENT_HEADER as u64 { Ok(None) } else { Err(refusal::damaged(&path, 0, None)) }
            }
        }
    }
}

/// A way through the groups of one segment.
struct Walk<'a> {
    file: &'a File,
    path: &'a Path,
    noted: &'a [Rewrite],
    seal: Seal,
    /// Where the segment ends; none for the newest.
    end: Option<u64>,
    /// What was read so far.
    held: Held,
}

impl Walk<'_> {
    /// The next group; false at the end.
    fn step(&mut self, visit: &mut dyn Visit) -> Result<bool, StoreError> {
        if self.end.is_some_and(|end| self.held.bytes >= end) {
            return Ok(false);
        }
        let Some((header, bytes)) = self.whole_group()? else { return Ok(false) };
        let Held { next_group, next_delivery, .. } = self.held;
        if header.group != next_group || header.first_delivery != next_delivery {
            return Err(refusal::does_not_follow(self.path, self.held.bytes, next_group.saturating_sub(1)));
        }
        self.entries(&header, &bytes, visit)?;
        visit.bytes(&bytes).map_err(|error| self.failed(&error))?;
        self.held.bytes += bytes.len() as u64;
        self.held.next_group += 1;
        self.held.next_delivery = header.last_delivery().saturating_add(1);
        Ok(true)
    }

    /// The group that begins here, with patience; none at the end of the newest segment.
    fn whole_group(&self) -> Result<Option<(GroupHeader, Bytes)>, StoreError> {
        let at = self.held.bytes;
        let mut later = None;
        for look in 0..LOOKS {
            if look > 0 {
                std::thread::sleep(PAUSE);
            }
            if let Some(group) = self.group(at)? {
                return Ok(Some(group));
            }
            if self.end.is_none() {
                let length = self.file.metadata().map_err(|error| self.failed(&error))?.len();
                later = match tail::judge(self.file, &self.seal, at, length) {
                    Ok(Tail::Empty) => return Ok(None),
                    Ok(Tail::Torn) => None,
                    Ok(Tail::Followed { offset, group }) => Some((offset, group)),
                    // Its writer has left it, and has given back what was written ahead.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
                    Err(error) => return Err(self.failed(&error)),
                };
            }
        }
        // At the end of the newest one stands what was not acknowledged when it was looked at.
        if self.end.is_none() && later.is_none() {
            return Ok(None);
        }
        Err(refusal::damaged(self.path, at, later))
    }

    /// The group that begins at `from`, where it is whole.
    fn group(&self, from: u64) -> Result<Option<(GroupHeader, Bytes)>, StoreError> {
        let mut head = [0; GROUP_HEADER];
        let read = groups::read_up_to(self.file, from, &mut head).map_err(|error| self.failed(&error))?;
        let noted = Rewrite::of(self.noted, self.held.number, from);
        if let Some(rewrite) = noted {
            rewrite.lay_over(&mut head[..read]);
        }
        let Some(header) = GroupHeader::decode(&head[..read], &self.seal, from) else { return Ok(None) };
        if self.end.is_some_and(|end| from + header.length() > end) {
            return Ok(None);
        }
        // Bounded: a header with more than MAX_PAYLOAD is none.
        let mut bytes = vec![0; usize::try_from(header.length()).unwrap_or(0)];
        match self.file.read_exact_at(&mut bytes, from) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other.map_err(|error| self.failed(&error))?,
        }
        if let Some(rewrite) = noted {
            rewrite.lay_over(&mut bytes);
        }
        let whole = bytes.starts_with(&head) && crc32fast::hash(&bytes[GROUP_HEADER..]) == header.payload_crc;
        Ok(whole.then(|| (header, Bytes::from(bytes))))
    }

    fn entries(&self, header: &GroupHeader, bytes: &Bytes, visit: &mut dyn Visit) -> Result<(), StoreError> {
        let Held { number, bytes: from, .. } = self.held;
        let mut at = GROUP_HEADER;
        for delivery in header.first_delivery..=header.last_delivery() {
            let taken =
                format::take_entry(bytes, at).ok_or_else(|| refusal::damaged(self.path, from, None))?;
            let offset = from + (at + ENTRY_HEADER) as u64;
            let length = u32::try_from(taken.body.len()).unwrap_or(u32::MAX);
            visit.delivery(Place {
                delivery,
                request: taken.request,
                location: Location { segment: number, offset, length },
            })?;
            at += ENTRY_HEADER + taken.body.len();
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        refusal::failed(self.path, error)
    }
}
