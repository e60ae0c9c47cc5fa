//! A copy of an embedded store, taken while a listener has it open, and the check of one.
//!
//! # What a backup is
//!
//! A directory as a store's own, with `store.db` (one file, without a write-ahead log), `journal/`, and
//! `backup.json` ([`Description`]), which is written last. Put in the place of a listener's directory it is
//! opened like any other; its mark makes whoever opens it give further pages ids of a new name (`names`).
//!
//! # Why it is consistent
//!
//! It is taken by another process, through the files alone, so that the listener neither waits for it nor
//! holds it in memory. The order of the steps:
//!
//! 1. The journal is copied as far as it goes, group by group, each with its CRC; again and again, until
//!    there is not much more.
//! 2. A read transaction is begun on `store.db`: the index at one moment, with its watermark.
//! 3. What came behind step 1 in the journal is copied: moments.
//! 4. The index is copied within the transaction of step 2.
//!
//! The watermark never passes what is synced in the journal, and the journal was read to its end after
//! step 2: so the copy of the journal ends at the watermark or behind it, as it does after a kill. What
//! lies behind it is indexed when the copy is opened. What the listener acknowledged before step 2 is in
//! the copy; what it acknowledged later may be.
//!
//! Retention removes no segment meanwhile ([`super::apart`]): one begun after step 1 could else be gone
//! before step 3 came to it, though the index of step 2 needs it. Rows may go; the copy has them. The last
//! step does not trust in that:
//!
//! 5. The copy is verified whole ([`verify()`]): what is missing or was written wrongly is found now. Only then
//!    `store.db` gets its name and `backup.json` is written. A copy that was cut short has neither, and is
//!    not opened as a store.
//!
//! # What is being erased
//!
//! What was erased before a backup began is neither in the files nor in a page of the index, so it does
//! not come along. While it is taken nothing is erased ([`super::apart`]): else a record could go
//! from the journal between steps 2 and 3 that the copied index still sends, or stay in a segment of step 1
//! that the index calls clean. An erasure that was begun before and not ended (the listener was
//! killed, or could not write) is noted in the index. The journal is copied as the notes say that it will
//! be, so no group looks torn, whatever an opening listener writes over it meanwhile, and nothing of the
//! payload is copied; the notes come along, and whoever opens the copy does what they say once
//! more, which changes nothing, and ends the erasure. What waits to be erased waits in the copy too.
//!
//! The source is only read. Whatever kills the copying process leaves nothing behind there: a read
//! transaction of a process that is gone is over. Until step 4 is done the write-ahead log cannot be cut back.

mod copy;
mod describe;
mod verify;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::trouble::Trouble;
use super::{apart, connect, erase, ingest, lock, names, schema};
use crate::store::StoreError;
use crate::store::journal::{Held, Outside, segment_path, segments, sync_directory};
use language::clock::Clock;

pub use describe::Description;
pub(super) use verify::check;
pub use verify::{Verified, verify};

/// The index's file until the copy is whole.
pub(super) const PARTIAL: &str = "store.db.partial";

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Copying the journal.
    Journal,
    /// Copying the index.
    Index,
    /// Reading the copy again.
    Verify,
}

/// Told how far a step is, in bytes.
pub type Progress<'a> = &'a mut dyn FnMut(Step, u64, u64);

/// Copies the store in `from` to `to`, which must be empty or not there. Blocks.
pub fn backup(from: &Path, to: &Path, clock: &Clock, progress: Progress<'_>) -> Result<Verified, StoreError> {
    let source = Source::open(from)?;
    let target = Target::make(from, to)?;
    let _apart = apart::back_up(from)?;
    // They do not change from here on.
    let noted = erase::rows::noted(&source.connection).map_err(|trouble| source.failed(&trouble))?;
    let outside = Outside::new(&from.join("journal"), &source.name, noted);
    let mut copied = copy::journal(&outside, &target, progress)?;
    let moment = copy::moment(&source.connection)?;
    copy::rest(&outside, &target, &mut copied, progress)?;
    copy::index(&moment, &target, progress)?;
    drop(moment);
    let first = first_needed(&target)?;
    target.keep_from(first)?;
    target.sync()?;
    let verified = verify::check(&target.index, &target.directory, progress)?;
    target.finish(&verified, clock.now_ms())?;
    Ok(verified)
}

/// The store that is copied.
struct Source {
    connection: Connection,
    name: String,
    path: PathBuf,
}

impl Source {
    fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("store.db");
        if !path.is_file() {
            return Err(StoreError::Open(format!(
                "{} is not there: give the directory of one listener's store, DATA/NAMESPACE/NAME, as --from",
                path.display()
            )));
        }
        let failed =
            |trouble: Trouble| StoreError::Open(format!("{} cannot be read: {trouble}", path.display()));
        let connection = connect::reader(&path).map_err(failed)?;
        check_kind(&connection, &path)?;
        let name = connection
            .query_row("SELECT name FROM meta", [], |row| row.get(0))
            .map_err(|error| failed(error.into()))?;
        Ok(Self { connection, name, path })
    }

    fn failed(&self, trouble: &Trouble) -> StoreError {
        StoreError::Open(format!("{} cannot be read: {trouble}", self.path.display()))
    }
}

/// Refuses what is no store of ours, or a newer one.
fn check_kind(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match schema::kind(connection) {
        Ok(schema::Kind::Ours) => Ok(()),
        Ok(schema::Kind::Newer { version }) => Err(schema::newer(path, version)),
        Ok(schema::Kind::New | schema::Kind::Foreign) => {
            Err(StoreError::Open(format!("{} is not the index of a listener's store", path.display())))
        }
        Err(trouble) => Err(StoreError::Open(format!("{} cannot be read: {trouble}", path.display()))),
    }
}

/// Where the copy goes.
struct Target {
    directory: PathBuf,
    index: PathBuf,
    journal: PathBuf,
}

impl Target {
    fn make(from: &Path, to: &Path) -> Result<Self, StoreError> {
        let cannot = |error| StoreError::Open(format!("{} cannot be made: {error}", to.display()));
        std::fs::create_dir_all(to).map_err(cannot)?;
        let inside = to
            .canonicalize()
            .ok()
            .zip(from.canonicalize().ok())
            .is_some_and(|(to, from)| to.starts_with(from));
        if inside {
            return Err(StoreError::Open(format!(
                "{} is within the store itself: choose a directory outside it",
                to.display()
            )));
        }
        if to.read_dir().map_err(cannot)?.next().is_some() {
            return Err(StoreError::Open(format!(
                "{} is not empty: choose a new directory for each backup; nothing was changed",
                to.display()
            )));
        }
        let journal = to.join("journal");
        std::fs::create_dir(&journal).map_err(cannot)?;
        let index = to.join(PARTIAL);
        // From here on it is known as what it is.
        std::fs::File::create_new(&index).map_err(cannot)?;
        Ok(Self { directory: to.to_owned(), index, journal })
    }

    fn failed(&self, error: &std::io::Error) -> StoreError {
        StoreError::Failed(format!(
            "{} cannot be written: {error}. The backup is not whole: remove the directory, make room, begin again",
            self.directory.display()
        ))
    }

    /// Removes segments that the index does not need any more.
    fn keep_from(&self, first: u64) -> Result<(), StoreError> {
        let numbers = segments(&self.journal).map_err(|error| self.failed(&error))?;
        for number in numbers.into_iter().filter(|number| *number < first) {
            std::fs::remove_file(segment_path(&self.journal, number)).map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        [&self.journal, &self.directory]
            .into_iter()
            .try_for_each(|directory| sync_directory(directory))
            .map_err(|error| self.failed(&error))
    }

    fn finish(&self, verified: &Verified, now_ms: i64) -> Result<(), StoreError> {
        let failed = |error: std::io::Error| self.failed(&error);
        std::fs::rename(&self.index, self.directory.join("store.db")).map_err(failed)?;
        self.sync()?;
        Description::of(verified, now_ms).write(&self.directory).map_err(failed)?;
        self.sync()
    }
}

/// The first segment that the copied index needs.
fn first_needed(target: &Target) -> Result<u64, StoreError> {
    let read = || {
        let connection = connect::reader(&target.index)?;
        super::retention::first_segment(&connection)
    };
    read().map_err(|trouble: Trouble| StoreError::Failed(trouble.to_string()))
}
