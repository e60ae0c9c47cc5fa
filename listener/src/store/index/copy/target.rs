//! A directory that a copy goes into.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::mark::{self, Noted};
use super::{PARTIAL, finish, put, rows};
use crate::store::StoreError;
use crate::store::copy::{DELIVERIES, Each, Mark, Row, Rows, TABLES, Table, Value, refusal};
use crate::store::index::lock::Lock;
use crate::store::index::trouble::{Trouble, count, unsigned};
use crate::store::index::{backup, connect, open, schema};
use crate::store::journal::{Filling, Indexed, Numbered, sync_directory};

/// A directory that is filled.
pub(in crate::store) struct Target {
    directory: PathBuf,
    filled: Option<Filled>,
    // Given up last.
    lock: Lock,
}

/// Once it is known of what it is to be a copy.
struct Filled {
    connection: Connection,
    journal: Filling,
}

impl Target {
    /// Makes the directory and takes its lock; refuses one that holds something else than a part of a copy.
    pub(in crate::store) fn open(directory: &Path) -> Result<Self, StoreError> {
        let cannot =
            |error: io::Error| StoreError::Open(format!("{} cannot be made: {error}", directory.display()));
        // Before anything is made in it.
        look(directory)?;
        std::fs::create_dir_all(directory).map_err(cannot)?;
        let lock = Lock::take(directory)?;
        look(directory)?;
        Ok(Self { directory: directory.to_owned(), filled: None, lock })
    }

    fn partial(&self) -> PathBuf {
        self.directory.join(PARTIAL)
    }

    fn filled(&mut self) -> Result<&mut Filled, StoreError> {
        self.filled.as_mut().ok_or_else(|| StoreError::Failed("the copy was not begun".to_owned()))
    }

    /// Opens the index, or makes it.
    fn index(&self) -> Result<Connection, StoreError> {
        let path = self.partial();
        let refuse = |trouble: Trouble| open::refuse(&path, &trouble);
        let connection = connect::writer(&path, connect::Missing::Make).map_err(refuse)?;
        open::admit(&connection, &path)?;
        connect::tune_writer(&connection).map_err(refuse)?;
        // Its name is that of its source, which is noted next.
        schema::migrate(&connection, "").map_err(refuse)?;
        sync_directory(&self.directory).map_err(|error| {
            StoreError::Open(format!("{} cannot be synced: {error}", self.directory.display()))
        })?;
        Ok(connection)
    }

    /// How far the copy is, and what its journal ends with.
    fn mark(&self, connection: &Connection, source: &str) -> Result<(Mark, Option<Indexed>), StoreError> {
        let place = self.directory.display().to_string();
        match mark::read(connection).map_err(|trouble| open::refuse(&self.partial(), &trouble))? {
            Noted::Nothing => {
                mark::begin(connection, source)?;
                Ok((Mark::default(), None))
            }
            Noted::Part(kept, end) => Ok((kept.mark(source, &place, &remedy(&self.directory))?, end)),
            Noted::Whole(name, end) if name == source => {
                Ok((Mark { stage: TABLES.len(), key: None }, Some(end)))
            }
            Noted::Whole(..) => {
                Err(refusal::held(&place, "a whole copy of another store", &remedy(&self.directory)))
            }
        }
    }
}

/// Refuses a directory that holds something else than a part of a copy.
fn look(directory: &Path) -> Result<(), StoreError> {
    let entries = match directory.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let cannot =
        |error: io::Error| StoreError::Open(format!("{} cannot be read: {error}", directory.display()));
    let names: Vec<_> = entries.map_err(cannot)?.iter().map(std::fs::DirEntry::file_name).collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let what = if has("store.db") {
        "a store already, which may be a whole copy"
    } else if has(PARTIAL) {
        return Ok(());
    } else if has(backup::PARTIAL) {
        "a backup that was cut short"
    } else if names.iter().any(|name| name != "lock") {
        "something else than a copy of a store"
    } else {
        return Ok(());
    };
    Err(refusal::held(&directory.display().to_string(), what, &remedy(directory)))
}

/// What to do to get rid of it.
fn remedy(directory: &Path) -> String {
    format!("remove the directory {}", directory.display())
}

impl Rows for Target {
    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        rows::count(&self.filled()?.connection, table)
    }

    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        let Filled { connection, journal } = self.filled()?;
        rows::read(connection, table, after, &mut |location| journal.read(location), each)
    }

    fn counters(&mut self) -> Result<Row, StoreError> {
        rows::counters(&self.filled()?.connection)
    }
}

impl crate::store::copy::Target for Target {
    fn begin(&mut self, source: &str) -> Result<Mark, StoreError> {
        let connection = self.index()?;
        let (mark, end) = self.mark(&connection, source)?;
        let journal = Filling::open(&self.directory.join("journal"), source, end)?;
        self.filled = Some(Filled { connection, journal });
        Ok(mark)
    }

    fn put(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Result<(), StoreError> {
        let (stage, key) = (count(mark.stage), mark.key_text()?);
        let Filled { connection, journal } = self.filled()?;
        let locations = if table.name == DELIVERIES {
            let deliveries: Vec<Numbered<'_>> =
                rows.iter().map(put::numbered).collect::<Result<_, Trouble>>()?;
            journal.put(&deliveries)?
        } else {
            Vec::new()
        };
        let put = || -> Result<(), Trouble> {
            let transaction = connection.unchecked_transaction()?;
            put::put(&transaction, table, rows, &locations)?;
            mark::set(&transaction, stage, &key, journal.end())?;
            Ok(transaction.commit()?)
        };
        Ok(put()?)
    }

    fn finish(self, counters: &[Value]) -> Result<(), StoreError> {
        let partial = self.partial();
        let Self { directory, filled, lock } = self;
        let Some(Filled { connection, mut journal }) = filled else {
            return Err(StoreError::Failed("the copy was not begun".to_owned()));
        };
        let last = match counters.get(1) {
            Some(Value::Int(last)) => unsigned(*last),
            _ => 0,
        };
        if last > journal.end().last_delivery {
            journal.pass_to(last.saturating_add(1))?;
        }
        let end = journal.end();
        drop(journal);
        finish::end(&connection, counters, end)?;
        finish::name(connection, &partial, &directory)?;
        drop(lock);
        Ok(())
    }

    fn remedy(&self) -> String {
        remedy(&self.directory)
    }
}
