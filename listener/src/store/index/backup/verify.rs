//! Reads a store that nobody has open, all of it, and changes nothing.
//!
//! Checked: the sum of a backup's `store.db`; what SQLite can say of its own file; the journal as opening
//! judges it; every group of every segment with its CRC and its place in the order; that each delivery in the
//! index stands in the journal where the index says, under its request's id, and none is missing. Groups over
//! which an erasure is being written are read as they will be: it is ended when the store is opened.

use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Rows};

use super::super::copy;
use super::super::trouble::{Trouble, unsigned};
use super::describe::{self, Description};
use super::{Outside, Progress, Step, check_kind, erase, ingest, lock, schema};
use crate::store::StoreError;
use crate::store::journal::{Location, Place, Visit};

/// What was found in a store that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Number of the last delivery in the journal.
    pub last_delivery: u64,
    /// Number of the last delivery in the index.
    pub last_indexed: u64,
    /// Files of the journal.
    pub segments: u64,
    /// Their bytes, up to their last groups.
    pub journal_bytes: u64,
    /// Bytes of the index's file.
    pub index_bytes: u64,
    /// SHA-256 of the index's file, in hex.
    pub index_sha256: String,
    /// Records that are not delivered yet, over all destinations.
    pub pending_records: u64,
    /// Errors that wait for somebody.
    pub open_errors: u64,
    /// The backup's own description; none where it is not a backup, or was opened since.
    pub backup: Option<Description>,
}

/// Verifies the store in `directory`: a backup, or one that no process has open. Blocks.
pub fn verify(directory: &Path, progress: Progress<'_>) -> Result<Verified, StoreError> {
    let index = directory.join("store.db");
    if !index.is_file() {
        let has = |partial| directory.join(partial).exists();
        let what = if has(super::PARTIAL) {
            "holds a backup that was cut short: remove it and take another"
        } else if has(copy::PARTIAL) {
            "holds part of a copy (listener store copy): run the same command again, which goes on where it was"
        } else {
            "holds no store: there is no store.db"
        };
        return Err(StoreError::Open(format!("{} {what}", directory.display())));
    }
    let _lock = lock::look(directory)?;
    check(&index, directory, progress)
}

/// The same, with the index's file wherever it is, and without a look at the lock.
pub(in crate::store::index) fn check(
    index: &Path,
    directory: &Path,
    progress: Progress<'_>,
) -> Result<Verified, StoreError> {
    let all = std::fs::metadata(index).map_or(0, |metadata| metadata.len());
    let failed = |error: io::Error| StoreError::Failed(format!("{}: {error}", index.display()));
    let (index_sha256, index_bytes) =
        describe::sum(index, |bytes| progress(Step::Verify, bytes, all)).map_err(failed)?;
    let bad = |trouble: Trouble| damaged(index, &trouble.to_string());
    let connection = open(index).map_err(bad)?;
    check_kind(&connection, index)?;
    let facts = Facts::read(&connection).map_err(bad)?;
    let file = directory.join(describe::FILE);
    let unreadable = |reason| StoreError::Open(format!("{}: {reason}", file.display()));
    let description = if facts.is_backup { Description::read(directory).map_err(unreadable)? } else { None };
    if let Some(description) = &description
        && (description.index_sha256 != index_sha256 || description.index_bytes != index_bytes)
    {
        return Err(damaged(index, &format!("its SHA-256 is not the one in {}", describe::FILE)));
    }
    let watermark = ingest::watermark(&connection).map_err(bad)?;
    let noted = erase::rows::noted(&connection).map_err(bad)?;
    let journal = Outside::new(&directory.join("journal"), &facts.name, noted);
    journal.judge(watermark)?;
    let mut statement = connection
        .prepare("SELECT seq, segment, offset, length, request FROM delivery ORDER BY seq")
        .map_err(|error| bad(error.into()))?;
    let rows = statement.query([]).map_err(|error| bad(error.into()))?;
    let last_indexed = watermark.map_or(0, |indexed| indexed.last_delivery);
    let mut matching = Matching { rows, row: None, index, begun: false, last_indexed, last: last_indexed };
    matching.next()?;
    let numbers = journal.segments()?;
    let bytes: u64 = numbers.iter().map(|number| journal.file_bytes(*number)).sum();
    let mut journal_bytes = 0;
    for &number in &numbers {
        if let Some(held) = journal.read(number, numbers.last() == Some(&number), None, &mut matching)? {
            journal_bytes += held.bytes;
        }
        progress(Step::Verify, index_bytes + journal_bytes, index_bytes + bytes);
    }
    let last_delivery = matching.end()?;
    Ok(Verified {
        last_delivery,
        last_indexed,
        segments: numbers.len() as u64,
        journal_bytes,
        index_bytes,
        index_sha256,
        pending_records: facts.pending_records,
        open_errors: facts.open_errors,
        backup: description,
    })
}

/// Without a write-ahead log nothing else holds a part of it, and nothing beside it is made.
fn open(index: &Path) -> Result<Connection, Trouble> {
    let mut log = index.as_os_str().to_owned();
    log.push("-wal");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return Ok(Connection::open_with_flags(index, flags)?);
    }
    let mut address = url::Url::from_file_path(std::path::absolute(index)?)
        .map_err(|()| Trouble::Asked("its path cannot be written as an address".to_owned()))?;
    address.set_query(Some("immutable=1"));
    Ok(Connection::open_with_flags(address.as_str(), flags | OpenFlags::SQLITE_OPEN_URI)?)
}

struct Facts {
    name: String,
    is_backup: bool,
    pending_records: u64,
    open_errors: u64,
}

impl Facts {
    fn read(connection: &Connection) -> Result<Self, Trouble> {
        let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(Trouble::Asked(found));
        }
        let name = connection.query_row("SELECT name FROM meta", [], |row| row.get(0))?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        // An older store has other tables: its counts are told once it is opened.
        if version < schema::version() {
            return Ok(Self { name, is_backup: false, pending_records: 0, open_errors: 0 });
        }
        let is_backup = connection.query_row("SELECT restored FROM meta", [], |row| row.get(0))?;
        let status = super::super::status::read(connection)?;
        let (pending_records, open_errors) = (status.pending_records, status.open_errors);
        Ok(Self { name, is_backup, pending_records, open_errors })
    }
}

/// Lays the deliveries of the index beside those of the journal.
struct Matching<'a> {
    rows: Rows<'a>,
    /// The next delivery of the index: its number, its place and its request's id.
    row: Option<Place>,
    index: &'a Path,
    /// A delivery of the index was seen: from there on none is missing in it.
    begun: bool,
    last_indexed: u64,
    last: u64,
}

impl Matching<'_> {
    fn next(&mut self) -> Result<(), StoreError> {
        let mut read = || -> Result<Option<Place>, Trouble> {
            let Some(row) = self.rows.next()? else { return Ok(None) };
            let request: Vec<u8> = row.get(4)?;
            let request = uuid::Uuid::from_slice(&request)
                .map_err(|_| Trouble::Damaged("a delivery has no id of a request"))?;
            let location = Location {
                segment: unsigned(row.get(1)?),
                offset: unsigned(row.get(2)?),
                length: row.get(3)?,
            };
            Ok(Some(Place { delivery: unsigned(row.get(0)?), request, location }))
        };
        self.row = read().map_err(|trouble| damaged(self.index, &trouble.to_string()))?;
        Ok(())
    }

    fn missing(&self, delivery: u64, at: Location) -> StoreError {
        StoreError::Open(format!(
            "{} knows delivery {delivery} in segment {} at byte {}, but the journal has not got it there: \
             the store is not whole; take another backup, or restore one",
            self.index.display(),
            at.segment,
            at.offset
        ))
    }

    /// Number of the last delivery in the journal, when nothing is missing.
    fn end(self) -> Result<u64, StoreError> {
        match self.row {
            Some(row) => Err(self.missing(row.delivery, row.location)),
            None => Ok(self.last),
        }
    }
}

impl Visit for Matching<'_> {
    fn bytes(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn delivery(&mut self, place: Place) -> Result<(), StoreError> {
        self.last = self.last.max(place.delivery);
        match self.row {
            Some(row) if row.delivery > place.delivery && !self.begun => Ok(()),
            Some(row) if row == place => {
                self.begun = true;
                self.next()
            }
            Some(row) if row.delivery <= place.delivery => Err(self.missing(row.delivery, row.location)),
            None if place.delivery > self.last_indexed || !self.begun => Ok(()),
            _ => Err(damaged(self.index, &format!("it does not know delivery {}", place.delivery))),
        }
    }
}

fn damaged(index: &Path, what: &str) -> StoreError {
    StoreError::Open(format!(
        "{} is damaged: {what}. It was not changed. Use another backup",
        index.display()
    ))
}
