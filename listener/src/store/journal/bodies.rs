//! Pieces of bodies, read where the index says that they stand.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::shared::Shared;
use super::{Location, segment};

/// Segment files that are kept open.
const OPEN_FILES: usize = 32;

/// Reads bodies; keeps the files that were used last.
#[derive(Debug)]
pub(super) struct Bodies {
    directory: PathBuf,
    /// The one used last stands last.
    open: Mutex<Vec<(u64, Arc<File>)>>,
}

impl Bodies {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, open: Mutex::new(Vec::new()) }
    }

    /// `range` of the body at `location`, which has to be within what is synced.
    pub(super) fn read(&self, shared: &Shared, location: Location, range: Range<u32>) -> io::Result<Bytes> {
        if range.start > range.end || range.end > location.length {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the range is not within the body"));
        }
        let known = shared.state().segment(location.segment);
        let known = known.ok_or_else(|| {
            let gone = format!("segment {} is not there", location.segment);
            io::Error::new(io::ErrorKind::NotFound, gone)
        })?;
        let body_end = location.offset.checked_add(u64::from(location.length));
        if body_end.is_none_or(|end| end > known.end) {
            let beyond = format!("segment {} ends before the body", location.segment);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, beyond));
        }
        let mut buffer = vec![0; (range.end - range.start) as usize];
        let file = self.file(location.segment)?;
        file.read_exact_at(&mut buffer, location.offset + u64::from(range.start))?;
        Ok(Bytes::from(buffer))
    }

    fn file(&self, number: u64) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = open.iter().position(|(other, _)| *other == number) {
            let used = open.remove(place);
            let file = Arc::clone(&used.1);
            open.push(used);
            return Ok(file);
        }
        let file = Arc::new(segment::open(&self.directory, number)?);
        if open.len() == OPEN_FILES {
            open.remove(0);
        }
        open.push((number, Arc::clone(&file)));
        Ok(file)
    }

    /// Closes a file that is removed, so that its space is given back.
    pub(super) fn forget(&self, number: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| *other != number);
    }
}
