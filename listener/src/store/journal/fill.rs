//! A journal that is filled with deliveries that have their numbers already: those of another store.
//!
//! Nobody else has it meanwhile, and there is no thread. The files are such as a listener writes: groups
//! that are synced, segments that are full by their bytes or by the time that they span.
//!
//! # Numbers that are missing
//!
//! The first deliveries of a store, or some in between, may have gone by their age, and the last too. Where
//! the next number does not follow, a segment is begun whose header says with which delivery it goes on. So
//! within a segment none is missing, and the last one says which number comes next, also where it is empty.
//!
//! # Going on
//!
//! Whoever fills it notes the end after each [`Filling::put`], which has synced everything before it. What stands
//! behind the noted end when it is opened again is known to nobody, and is cut off.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::disk::{Bounds, Disk};
use super::format::{
    self, ENTRY_HEADER, GROUP_BYTES, GROUP_DELIVERIES, GROUP_HEADER, MAX_BODY, MAX_STORE_NAME,
};
use super::open::{self, Repaired};
use super::{Indexed, Location, Options, refusal, scan, segment};
use crate::store::StoreError;

/// Groups that the time of a segment has room for: as soon as the first is there, the segment has begun.
const GROUPS: i64 = 16;

/// A delivery that has its number already.
#[derive(Clone, Copy, Debug)]
pub struct Numbered<'a> {
    /// Its number.
    pub delivery: u64,
    /// Id of the request.
    pub request: Uuid,
    /// Epoch milliseconds of its arrival.
    pub received_at_ms: i64,
    /// Body, as it came.
    pub body: &'a [u8],
}

/// A journal on its way to be one.
#[derive(Debug)]
pub struct Filling {
    directory: PathBuf,
    disk: Disk,
    /// Milliseconds that a group spans at most.
    group_ms: i64,
    group: Vec<u8>,
    /// The segment that was read last.
    open: Option<(u64, File)>,
}

impl Filling {
    /// Begins the journal of the store of this name in `directory`, or goes on at the noted end.
    /// The caller sees to it that nobody else has it.
    pub fn open(directory: &Path, store: &str, end: Option<Indexed>) -> Result<Self, StoreError> {
        if store.len() > MAX_STORE_NAME {
            let what = format!("the name of the store has more than {MAX_STORE_NAME} bytes: `{store}`");
            return Err(StoreError::Open(what));
        }
        let failed = |error: io::Error| refusal::failed(directory, &error);
        open::make_directory(directory).map_err(failed)?;
        cut(directory, end).map_err(failed)?;
        let found = scan::scan(directory, store, end, &[])?;
        let Repaired { found, file, newest } = open::repair(directory, store, found).map_err(failed)?;
        let Options { segment_bytes, segment_ms, .. } = Options::default();
        let bounds = Bounds { bytes: segment_bytes, ms: segment_ms };
        let newest = (file, newest, found.previous_length);
        let disk = Disk::new(directory.to_owned(), store, bounds, newest, found.end);
        Ok(Self {
            directory: directory.to_owned(),
            disk,
            group_ms: segment_ms / GROUPS,
            group: Vec::new(),
            open: None,
        })
    }

    /// Puts deliveries down, which come in order, and syncs them; where their bodies stand.
    pub fn put(&mut self, deliveries: &[Numbered<'_>]) -> Result<Vec<Location>, StoreError> {
        let mut locations = Vec::with_capacity(deliveries.len());
        let mut left = deliveries;
        while let Some(first) = left.first() {
            let (group, rest) = left.split_at(self.group_of(left));
            if first.delivery != self.end().last_delivery.saturating_add(1) {
                self.pass_to(first.delivery)?;
            }
            self.put_group(group, &mut locations)?;
            left = rest;
        }
        Ok(locations)
    }

    /// The next delivery is to get this number: those before it are there, or gone.
    pub fn pass_to(&mut self, delivery: u64) -> Result<(), StoreError> {
        if delivery <= self.end().last_delivery {
            return Err(StoreError::Failed(format!("delivery {delivery} does not come in its order")));
        }
        self.disk.pass_to(delivery).map_err(|reason| self.failed(&reason))
    }

    /// What the journal ends with.
    pub fn end(&self) -> Indexed {
        self.disk.last()
    }

    /// A body.
    pub fn read(&mut self, location: Location) -> io::Result<Vec<u8>> {
        let file = match self.open.take() {
            Some((number, file)) if number == location.segment => file,
            _ => segment::open(&self.directory, location.segment)?,
        };
        let mut body = vec![0; usize::try_from(location.length).map_err(io::Error::other)?];
        file.read_exact_at(&mut body, location.offset)?;
        self.open = Some((location.segment, file));
        Ok(body)
    }

    /// How many of these make one group: none is missing between them, and they came within some
    /// minutes.
    fn group_of(&self, deliveries: &[Numbered<'_>]) -> usize {
        let Some(first) = deliveries.first() else { return 0 };
        let mut bytes = 0;
        let numbered = (first.delivery..).zip(deliveries).take(GROUP_DELIVERIES);
        let group = numbered.take_while(|(number, delivery)| {
            let has_room = bytes < GROUP_BYTES;
            bytes += ENTRY_HEADER + delivery.body.len();
            let apart_ms = delivery.received_at_ms.saturating_sub(first.received_at_ms).saturating_abs();
            delivery.delivery == *number && has_room && apart_ms < self.group_ms
        });
        group.count()
    }

    fn put_group(
        &mut self,
        deliveries: &[Numbered<'_>],
        locations: &mut Vec<Location>,
    ) -> Result<(), StoreError> {
        let mut offsets = Vec::with_capacity(deliveries.len());
        let mut last_received_at_ms = 0;
        self.group.clear();
        self.group.resize(GROUP_HEADER, 0);
        for Numbered { delivery, request, received_at_ms, body } in deliveries {
            if body.len() > MAX_BODY {
                return Err(StoreError::Failed(format!(
                    "delivery {delivery} has a body of {} bytes; an embedded store takes {MAX_BODY}",
                    body.len()
                )));
            }
            format::put_entry(&mut self.group, *request, *received_at_ms, body);
            offsets.push(self.group.len() - body.len());
            last_received_at_ms = *received_at_ms;
        }
        let written = self.disk.write(&mut self.group, deliveries.len(), last_received_at_ms);
        let (position, _) = written.map_err(|reason| self.failed(&reason))?;
        for (Numbered { body, .. }, offset) in deliveries.iter().zip(offsets) {
            locations.push(Location {
                segment: position.segment,
                offset: position.offset + offset as u64,
                // At most MAX_BODY, far below 4 GiB.
                length: u32::try_from(body.len()).unwrap_or(u32::MAX),
            });
        }
        Ok(())
    }

    fn failed(&self, reason: &str) -> StoreError {
        StoreError::Failed(format!("the journal in {} cannot be written: {reason}", self.directory.display()))
    }
}

/// Cuts off what stands behind the noted end; without one, all.
fn cut(directory: &Path, end: Option<Indexed>) -> io::Result<()> {
    let last = end.map_or(0, |end| end.position.segment);
    for number in segment::list(directory)?.into_iter().filter(|number| *number >= last) {
        match end {
            Some(Indexed { position, .. }) if number == last => {
                let file = segment::open_to_write(directory, number)?;
                // What is missing before the end is told by the scan.
                if file.metadata()?.len() > position.offset {
                    file.set_len(position.offset)?;
                    file.sync_all()?;
                }
            }
            _ => std::fs::remove_file(segment::path(directory, number))?,
        }
    }
    segment::sync_directory(directory)
}
