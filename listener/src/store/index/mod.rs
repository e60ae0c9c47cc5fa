//! The index: what became of each delivery, in SQLite (WAL, synchronous=FULL).
//!
//! [`Embedded`] is the store made of journal and index.

use std::path::{Path, PathBuf};

use super::{Sorter, StoreError};
use crate::clock::Clock;

/// How an embedded store is opened.
#[derive(Debug)]
pub struct Options {
    /// Its own directory: `store.db`, `journal/`, `lock`.
    pub directory: PathBuf,
    /// Judges the elements of each delivery.
    pub sorter: Sorter,
    /// The clock.
    pub clock: Clock,
    /// Bounds of the journal.
    pub journal: super::journal::Options,
    /// Refused requests that are kept at most.
    pub max_refused: usize,
    /// Bytes of bodies of refused requests that are kept at most.
    pub max_refused_bytes: usize,
}

impl Options {
    /// The usual bounds.
    pub fn new(directory: &Path, sorter: Sorter, clock: Clock) -> Self {
        Self {
            directory: directory.to_owned(),
            sorter,
            clock,
            journal: super::journal::Options::default(),
            max_refused: 1_000,
            max_refused_bytes: 8 * 1024 * 1024,
        }
    }
}

/// The embedded store.
#[derive(Debug)]
pub struct Embedded {}

impl Embedded {
    /// Opens or makes the store. Waits for no lock: a store that another process has open is refused.
    pub async fn open(_options: Options) -> Result<Self, StoreError> {
        Err(StoreError::Closed)
    }
}
