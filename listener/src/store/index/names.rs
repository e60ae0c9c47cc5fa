//! The names of the store in the index: `epoch` has the number of the first page of each name but the first.
//!
//! A backup is marked (`meta.restored`); whoever opens it, wherever it was copied to, begins a new name.

use rand::RngCore;
use rusqlite::Connection;

use super::trouble::{Trouble, signed, unsigned};
pub(super) use crate::store::names::Names;

/// Reads them; `first` is the name of the store as it was made, which the journal has.
pub(super) fn read(connection: &Connection, first: &str) -> Result<Names, Trouble> {
    let mut later = Vec::new();
    let mut statement = connection.prepare("SELECT first_page, name FROM epoch ORDER BY first_page")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        later.push((unsigned(row.get(0)?), row.get::<_, String>(1)?));
    }
    Ok(Names::new(first, later))
}

/// A name that no other store has.
pub(super) fn new() -> String {
    format!("{:016x}", rand::rng().next_u64())
}

/// Begins a new name where the store was restored from a backup; whether it did. `last_page` is the
/// last number that the backup knows.
pub(super) fn renew(connection: &Connection, last_page: u64) -> Result<bool, Trouble> {
    let restored: bool = connection.query_row("SELECT restored FROM meta", [], |row| row.get(0))?;
    if restored {
        // No page of the former name can be as high: `last_page` is the last that was given under it.
        connection.execute(
            "INSERT OR REPLACE INTO epoch(first_page, name) VALUES (?1, ?2)",
            (signed(last_page.saturating_add(1)), new()),
        )?;
        connection.execute("UPDATE meta SET restored = 0", [])?;
    }
    Ok(restored)
}
