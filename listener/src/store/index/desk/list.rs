//! Lists of errors, newest first.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::fail::Fail;
use super::{state, way};
use crate::desk::{Cursor, ErrorFilter, ErrorShown, Listing, MAX_LIMIT, Query, Resolution};
use crate::store::desk::states;
use crate::store::index::trouble::{Trouble, count};

/// What [`shown`] reads, in its order.
pub(super) const COLUMNS: &str = "id, state, trace_key, data_uri, destination, class, code, \
     (SELECT text FROM message WHERE message.id = error.message), first_at, last_at, attempts, assignee, \
     edited, has_payload, waits_until, resolved_at, resolved_by, resolution, newer_error";

/// A part of the list of errors that match.
pub(super) fn list(connection: &Connection, query: &Query<ErrorFilter>) -> Result<Listing<ErrorShown>, Fail> {
    let before = query.cursor.as_ref().map(number).transpose()?.unwrap_or(i64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let items = newest(connection, &query.filter, before, limit + 1)?;
    let mut listing = Listing::of(items, limit, |item: &ErrorShown| item.id);
    for item in &mut listing.items {
        item.tags = tags(connection, item.id)?;
    }
    Ok(listing)
}

/// The number in a cursor.
pub(super) fn number(cursor: &Cursor) -> Result<i64, Fail> {
    cursor.as_str().parse().map_err(|_| {
        Fail::invalid("cursor", "it is none that this list gave", "begin again without a cursor")
    })
}

fn newest(
    connection: &Connection,
    filter: &ErrorFilter,
    before: i64,
    limit: usize,
) -> Result<Vec<ErrorShown>, Trouble> {
    let way = way::choose(connection, filter)?;
    // One statement: SQLite merges its parts by number, and reads of each only what the list takes.
    let (mut parts, mut values) = (Vec::new(), Vec::new());
    for conditions in &way.parts {
        let (from, number) = (way.from, way.number);
        parts.push(format!("SELECT {COLUMNS} FROM {from} WHERE {} AND {number} < ?", conditions.text()));
        values.extend(conditions.values().iter().cloned());
        values.push(Value::from(before));
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    values.push(count(limit).into());
    // Of several parts the order is that of a column of theirs, of one that of what it is read by.
    let order = if parts.len() == 1 { way.number } else { "1" };
    let sql = format!("{} ORDER BY {order} DESC LIMIT ?", parts.join(" UNION ALL "));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(shown(row)?);
    }
    Ok(items)
}

/// An error without its tags.
pub(super) fn shown(row: &Row<'_>) -> Result<ErrorShown, Trouble> {
    let resolved_at: Option<i64> = row.get(15)?;
    let how: Option<String> = row.get(17)?;
    Ok(ErrorShown {
        id: row.get(0)?,
        state: state::column(row, 1)?,
        trace_key: row.get(2)?,
        data_uri: row.get(3)?,
        destination: state::destination(row, 4)?,
        class: state::class(row, 5)?,
        code: row.get(6)?,
        message: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
        first_at_ms: row.get(8)?,
        last_at_ms: row.get(9)?,
        attempts: row.get(10)?,
        assignee: row.get(11)?,
        tags: Vec::new(),
        edited: row.get(12)?,
        has_payload: row.get(13)?,
        waits_until_ms: row.get(14)?,
        resolution: match resolved_at {
            Some(at_ms) => Some(Resolution {
                at_ms,
                by: row.get(16)?,
                how: states::how(how.as_deref()),
                newer_error: row.get(18)?,
            }),
            None => None,
        },
    })
}

/// In alphabetical order.
pub(super) fn tags(connection: &Connection, error: i64) -> Result<Vec<String>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT tag FROM tag INDEXED BY tag_of WHERE error = ?1 ORDER BY tag")?;
    let tags = statement.query_map([error], |row| row.get(0))?;
    Ok(tags.collect::<Result<_, _>>()?)
}
