//! Opening `store.db`: making it where there is none, refusing what is not ours or
//! is damaged, without changing it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::Connection;

use super::connect::{self, Missing};
use super::desk;
use super::ingest;
use super::names::{self, Names};
use super::pages;
use super::schema::{self, Kind};
use super::trouble::Trouble;
use crate::store::StoreError;
use crate::store::journal::Indexed;

/// A file up to this size is checked at each opening.
const CHECK_ALWAYS_BYTES: u64 = 16 * 1024 * 1024;
/// A file up to this size is checked where it was not closed; a larger one would keep the pod from starting for long.
const CHECK_UNCLEAN_BYTES: u64 = 512 * 1024 * 1024;

/// An index that can be written.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// As the journal has it.
    pub(super) name: String,
    pub(super) names: Names,
    pub(super) watermark: Option<Indexed>,
    pub(super) last_page: u64,
    pub(super) refused_dropped: u64,
}

/// Opens the file at `path`.
pub(super) fn open(path: &Path) -> Result<Opened, StoreError> {
    let size = header(path)?;
    let connection = connect::writer(path, Missing::Make).map_err(|trouble| refuse(path, &trouble))?;
    admit(&connection, path)?;
    ready(connection, size).map_err(|trouble| refuse(path, &trouble))
}

/// Refuses what is not ours, or of a newer version.
pub(super) fn admit(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match schema::kind(connection).map_err(|trouble| refuse(path, &trouble))? {
        Kind::New | Kind::Ours => Ok(()),
        Kind::Newer { version } => Err(schema::newer(path, version)),
        Kind::Foreign => Err(StoreError::Open(format!(
            "{} is a database of another program: choose another directory; nothing was changed",
            path.display()
        ))),
    }
}

/// Size of the file, which must be empty or begin as a database does.
fn header(path: &Path) -> Result<u64, StoreError> {
    let cannot = |error| StoreError::Open(format!("{} cannot be read: {error}", path.display()));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(cannot(error)),
    };
    let size = file.metadata().map_err(cannot)?.len();
    if size == 0 {
        return Ok(0);
    }
    let mut begin = Vec::new();
    file.by_ref().take(16).read_to_end(&mut begin).map_err(cannot)?;
    if begin != b"SQLite format 3\0" {
        return Err(damaged(path, "it does not begin as a SQLite database does"));
    }
    Ok(size)
}

fn ready(connection: Connection, size: u64) -> Result<Opened, Trouble> {
    let new = schema::kind(&connection)? == Kind::New;
    if !new {
        check(&connection, size)?;
    }
    connect::tune_writer(&connection)?;
    schema::migrate(&connection, &names::new())?;
    let (name, refused_dropped): (String, i64) =
        connection
            .query_row("SELECT name, refused_dropped FROM meta", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let transaction = connection.unchecked_transaction()?;
    let back = pages::take_back_all(&transaction)?;
    desk::resend::take_back(&transaction)?;
    transaction.execute("UPDATE meta SET clean = 0", [])?;
    let last_page = pages::last_number(&transaction)?;
    let renewed = names::renew(&transaction, last_page)?;
    transaction.commit()?;
    if renewed {
        tracing::info!("the store was restored from a backup; its further pages get ids of a new name");
    }
    if back > 0 {
        tracing::info!(store.pages = back, "pages that were under way when the store was closed go again");
    }
    Ok(Opened {
        names: names::read(&connection, &name)?,
        name,
        watermark: ingest::watermark(&connection)?,
        last_page,
        refused_dropped: super::trouble::unsigned(refused_dropped),
        connection,
    })
}

fn check(connection: &Connection, size: u64) -> Result<(), Trouble> {
    let clean: bool = connection.query_row("SELECT clean FROM meta", [], |row| row.get(0))?;
    let limit = if clean { CHECK_ALWAYS_BYTES } else { CHECK_UNCLEAN_BYTES };
    if size > limit {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Trouble::Asked(found)) }
}

/// Says at the end that nothing is missing.
pub(super) fn mark_clean(connection: &Connection) -> Result<(), Trouble> {
    connection.execute("UPDATE meta SET clean = 1", [])?;
    Ok(())
}

pub(super) fn refuse(path: &Path, trouble: &Trouble) -> StoreError {
    if trouble.is_damage() {
        damaged(path, &trouble.to_string())
    } else {
        StoreError::Open(format!("{} cannot be opened: {trouble}", path.display()))
    }
}

fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::Open(format!(
        "{} is damaged: {what}. It was not changed. Put a backup of the whole directory in its place, \
         or move the directory away to begin anew",
        path.display()
    ))
}
