//! One error, whole.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::audit;
use super::fail::Fail;
use super::list::{COLUMNS, shown, tags};
use crate::desk::{ErrorDetail, ErrorFilter, ErrorShown, Note, Query};
use crate::store::RecordId;
use crate::store::index::names::Names;
use crate::store::index::trouble::{Trouble, unsigned};

/// Folded errors that are named at most.
const FOLDED: usize = 100;

/// An error as in a list.
pub(super) fn find(connection: &Connection, id: i64) -> Result<ErrorShown, Fail> {
    let sql = format!("SELECT {COLUMNS} FROM error WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Err(Fail::not_found("error", id)) };
    let mut found = shown(row)?;
    found.tags = tags(connection, id)?;
    Ok(found)
}

/// An error, whole.
pub(super) fn detail(connection: &Connection, store: &Names, id: i64) -> Result<ErrorDetail, Fail> {
    let shown = find(connection, id)?;
    let (record, page, status, response) = connection
        .prepare_cached("SELECT delivery, element, page, status, response FROM error WHERE id = ?1")?
        .query_row([id], |row| {
            let record = RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? };
            Ok((record, row.get::<_, Option<i64>>(2)?, row.get(3)?, row.get(4)?))
        })?;
    let kept = connection
        .prepare_cached("SELECT original, edited, edited_by, edited_at FROM payload WHERE error = ?1")?
        .query_row([id], |row| {
            let edited: Option<Vec<u8>> = row.get(1)?;
            let by: Option<String> = row.get(2)?;
            Ok((row.get::<_, Vec<u8>>(0)?, edited.zip(by), row.get::<_, Option<i64>>(3)?))
        })
        .optional()?;
    let (payload, edited) = match kept {
        Some((original, edited, at)) => (
            Some(Bytes::from(original)),
            edited.map(|(bytes, by)| (Bytes::from(bytes), by, at.unwrap_or_default())),
        ),
        None => (None, None),
    };
    let page = page.map(|number| store.page(unsigned(number)).to_string());
    Ok(ErrorDetail {
        shown,
        record,
        page,
        status,
        response,
        payload,
        edited,
        notes: notes(connection, id)?,
        folded: folded(connection, id)?,
        audit: audit::list(connection, &Query { filter: Some(id), cursor: None, limit: FOLDED })?.items,
    })
}

fn notes(connection: &Connection, id: i64) -> Result<Vec<Note>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT at, author, text FROM note WHERE error = ?1 ORDER BY id")?;
    let notes = statement
        .query_map([id], |row| Ok(Note { at_ms: row.get(0)?, by: row.get(1)?, text: row.get(2)? }))?;
    Ok(notes.collect::<Result<_, _>>()?)
}

fn folded(connection: &Connection, id: i64) -> Result<Vec<i64>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM error WHERE newer_error = ?1 ORDER BY id DESC LIMIT ?2")?;
    let ids = statement.query_map([id, super::super::trouble::count(FOLDED)], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The newest that match, for a plan's sample.
pub(super) fn sample(
    connection: &Connection,
    filter: &ErrorFilter,
    limit: usize,
) -> Result<Vec<ErrorShown>, Fail> {
    Ok(super::list::list(connection, &Query { filter: filter.clone(), cursor: None, limit })?.items)
}
