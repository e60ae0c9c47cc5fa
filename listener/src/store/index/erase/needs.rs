//! Who still needs a record: a destination or the hook that has not passed it, a page that is not settled.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::index::pages;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::packed::spans;
use crate::store::{PRE_PAGE, RecordId};

/// Where a destination stands.
#[derive(Debug)]
struct Cursor {
    hook: bool,
    delivery: u64,
    index: u64,
}

/// The needs of one moment; read them in the transaction that goes by them.
#[derive(Debug)]
pub(super) struct Needs {
    cursors: Vec<Cursor>,
    named: HashSet<RecordId>,
}

impl Needs {
    /// Of records up to `delivery`.
    pub(super) fn read(connection: &Connection, delivery: u64) -> Result<Self, Trouble> {
        let mut statement =
            connection.prepare_cached("SELECT name = ?1, cursor_delivery, cursor_index FROM destination")?;
        let cursors = statement
            .query_map([PRE_PAGE], |row| {
                let (delivery, index) = (unsigned(row.get(1)?), unsigned(row.get(2)?));
                Ok(Cursor { hook: row.get(0)?, delivery, index })
            })?
            .collect::<Result<_, _>>()?;
        // Errors that are sent again have their payloads with them; replays read theirs as a first page does.
        let mut statement = connection.prepare_cached(
            "SELECT records FROM page WHERE state < 2 AND first_delivery <= ?1 AND kind <> ?2",
        )?;
        let mut rows = statement.query(params![signed(delivery), pages::ERRORS])?;
        let mut named = HashSet::new();
        while let Some(row) = rows.next()? {
            let records = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            named.extend(spans::decode_records(records)?);
        }
        Ok(Self { cursors, named })
    }

    /// The delivery up to which every destination, and the hook, has come.
    pub(super) fn first_cursor(connection: &Connection) -> Result<i64, Trouble> {
        let first: Option<i64> = connection
            .prepare_cached("SELECT min(cursor_delivery) FROM destination")?
            .query_row([], |row| row.get(0))?;
        Ok(first.unwrap_or(i64::MAX))
    }

    /// Whether anybody needs a record, which stands at `place` in its delivery's list; an element
    /// that is no record has none.
    pub(super) fn include(
        &self,
        connection: &Connection,
        record: RecordId,
        place: Option<usize>,
    ) -> Result<bool, Trouble> {
        if self.named.contains(&record) {
            return Ok(true);
        }
        let Some(place) = place.map(|place| place as u64) else { return Ok(false) };
        let ahead = |cursor: &&Cursor| {
            cursor.delivery < record.delivery || cursor.delivery == record.delivery && cursor.index <= place
        };
        let mut waiting = self.cursors.iter().filter(ahead).peekable();
        if waiting.peek().is_none() {
            return Ok(false);
        }
        Ok(waiting.any(|cursor| cursor.hook) || !withheld(connection, record)?)
    }
}

/// Whether the hook dropped the record, or it failed there: no destination takes it.
fn withheld(connection: &Connection, record: RecordId) -> Result<bool, Trouble> {
    let fate: Option<bool> = connection
        .prepare_cached("SELECT fate IN (2, 3) FROM hooked WHERE delivery = ?1 AND element = ?2")?
        .query_row(params![signed(record.delivery), record.element], |row| row.get(0))
        .optional()?;
    Ok(fate.unwrap_or(false))
}
