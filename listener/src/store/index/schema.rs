//! Tables of the index, and how an older file becomes a newer one.
//!
//! `PRAGMA application_id` marks the file as ours, `PRAGMA user_version` counts
//! [`MIGRATIONS`]. A file with a higher version is refused: a newer listener wrote it.
//!
//! # Invariants
//!
//! - `meta` has one row. `segment`, `offset`, `last_delivery`, `last_group` are the
//!   watermark: what the journal holds before it is in these tables, once.
//! - `delivery.first_ordinal` is the number of records in all deliveries before it, so
//!   that what lies between two cursors is a subtraction.
//! - `destination.cursor_*` name the first record that was not looked at: the one at
//!   `cursor_index` in the list of records of delivery `cursor_delivery` (or later).
//! - `destination.page_records` is the sum of `page.record_count` over its pages of kinds 0 and 2
//!   (cut from the deliveries, replayed) that are not settled. Records of errors that are sent again
//!   are counted as errors in the state retrying, those of a replay in no page yet as
//!   `bulk.total - bulk.done - bulk.passed`.
//! - `tally` counts the rows of `error` by destination, class and state.
//! - Each error has the row of `error_block` of its number, whose `earliest` is not after its `last_at`.
//! - `meta.restored` is 1 in a backup only, and `epoch` has the names that page ids got since a backup
//!   was restored: see `names`.
//! - `hooked` has a row for each record that the hook did not let go on as it came, made in
//!   the transaction of the settlement. `fate`: 1 changed, with the new bytes as `payload`;
//!   2 dropped; 3 failed. A record without a row goes on as it came. Rows go with their delivery's.
//! - `destination` of the hook (name `prePage`): `delivered` counts what went on, `changed` what of
//!   that has other bytes, `ignored` what was dropped. Of the others: `withheld` counts
//!   the records that the hook dropped or failed.
//! - `page.state`: 0 waiting, 1 leased, 2 delivered (at least in part), 3 failed. The indexes of
//!   what is not settled are for `state < 2`, and `SQLite` uses them only where a query says just
//!   that, so `state = 0` alone looks at every page: the queries say both.

use std::path::Path;

use rusqlite::Connection;

use super::trouble::Trouble;
use crate::store::StoreError;

/// `PRAGMA application_id`: the letters `HSLi`.
pub(super) const APPLICATION_ID: i32 = 0x4853_4c69;

/// What leads from version n to n + 1.
const MIGRATIONS: [&str; 8] = [
    FIRST,
    HOOK,
    include_str!("desk/tables.sql"),
    include_str!("history/tables.sql"),
    include_str!("erase/tables.sql"),
    TOLD,
    RESTORED,
    include_str!("desk/blocks.sql"),
];

const FIRST: &str = "
CREATE TABLE meta(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    segment INTEGER NOT NULL DEFAULT 0,
    offset INTEGER NOT NULL DEFAULT 0,
    last_delivery INTEGER NOT NULL DEFAULT 0,
    last_group INTEGER NOT NULL DEFAULT 0,
    last_received_at INTEGER,
    events INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    ignored INTEGER NOT NULL DEFAULT 0,
    open_errors INTEGER NOT NULL DEFAULT 0,
    refused_kept INTEGER NOT NULL DEFAULT 0,
    refused_bytes INTEGER NOT NULL DEFAULT 0,
    refused_dropped INTEGER NOT NULL DEFAULT 0,
    clean INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE delivery(
    seq INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    request BLOB NOT NULL,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    first_ordinal INTEGER NOT NULL,
    records BLOB NOT NULL
) STRICT;

CREATE TABLE segment(
    number INTEGER PRIMARY KEY,
    last_delivery INTEGER NOT NULL,
    newest_at INTEGER NOT NULL
) STRICT;

CREATE TABLE dedupe(
    occurred_at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (occurred_at, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE destination(
    name TEXT PRIMARY KEY,
    cursor_delivery INTEGER NOT NULL,
    cursor_index INTEGER NOT NULL,
    cursor_ordinal INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    ignored INTEGER NOT NULL DEFAULT 0,
    open_errors INTEGER NOT NULL DEFAULT 0,
    page_records INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE page(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    state INTEGER NOT NULL,
    first_delivery INTEGER NOT NULL,
    records BLOB NOT NULL,
    record_count INTEGER NOT NULL,
    oversized INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    parent INTEGER
) STRICT;
CREATE INDEX page_unsettled ON page(destination, state, due_at, number) WHERE state < 2;
CREATE INDEX page_needs ON page(first_delivery) WHERE state < 2;
CREATE INDEX page_settled ON page(settled_at) WHERE state >= 2;

CREATE TABLE attempt(
    page INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    status INTEGER,
    PRIMARY KEY (page, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE error(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT,
    delivery INTEGER NOT NULL,
    element INTEGER NOT NULL,
    page INTEGER,
    class TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    status INTEGER,
    response TEXT,
    trace_key TEXT NOT NULL,
    data_uri TEXT NOT NULL,
    payload BLOB,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open'
) STRICT;
CREATE INDEX error_age ON error(last_at);

CREATE TABLE refused(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    cause TEXT NOT NULL,
    diagnosis TEXT,
    diagnosis_code TEXT,
    request_line TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    body_bytes INTEGER NOT NULL,
    peer TEXT,
    size INTEGER NOT NULL
) STRICT;
";

const HOOK: &str = "
CREATE TABLE hooked(
    delivery INTEGER NOT NULL,
    element INTEGER NOT NULL,
    fate INTEGER NOT NULL,
    payload BLOB,
    PRIMARY KEY (delivery, element)
) STRICT;
ALTER TABLE destination ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;
";

/// Up to when, or when, a notice has told something.
const TOLD: &str = "
CREATE TABLE told(
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Names of the store before it was restored, each from its first page on.
const RESTORED: &str = "
CREATE TABLE epoch(
    first_page INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;
ALTER TABLE meta ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
";

/// What a file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing in it yet.
    New,
    /// Ours, of this version or an older one.
    Ours,
    /// Ours, but a newer listener wrote it.
    Newer {
        /// Its version.
        version: i64,
    },
    /// Somebody else's.
    Foreign,
}

/// The version that this listener writes.
pub(super) fn version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Why a file that a newer listener wrote is not touched.
pub(super) fn newer(path: &Path, found: i64) -> StoreError {
    StoreError::Open(format!(
        "{} was written by a newer listener (its version is {found}, this one knows {}): \
         run that one, or a newer one; nothing was changed",
        path.display(),
        version()
    ))
}

/// Looks what a file is, without changing it.
pub(super) fn kind(connection: &Connection) -> Result<Kind, Trouble> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, tables) {
        (0, 0) if found == 0 => Kind::New,
        (APPLICATION_ID, _) if found > version() => Kind::Newer { version: found },
        (APPLICATION_ID, 1..) if found > 0 => Kind::Ours,
        _ => Kind::Foreign,
    })
}

/// Brings a file to this version, in one transaction; `name` is what a new store is called.
pub(super) fn migrate(connection: &Connection, name: &str) -> Result<(), Trouble> {
    let transaction = connection.unchecked_transaction()?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or(0);
    if done == MIGRATIONS.len() {
        return Ok(());
    }
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if done == 0 {
        transaction.execute("INSERT INTO meta(one, name) VALUES (1, ?1)", [name])?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.pragma_update(None, "user_version", version())?;
    transaction.commit()?;
    Ok(())
}

/// Makes a new file one of an older version, without the row of `meta`.
#[cfg(test)]
pub(super) fn write_version(connection: &Connection, version: usize) -> Result<(), Trouble> {
    for migration in MIGRATIONS.iter().take(version) {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", i64::try_from(version).unwrap_or(i64::MAX))?;
    Ok(())
}
