//! Neutral rows on their way into an index; the caller's transaction makes them one step.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::rows::bound;
use crate::store::RecordId;
use crate::store::copy::{DELIVERIES, ERASURES, From, MINUTES, PAGE_FAILED, Row, Table, Value};
use crate::store::index::segment::Segments;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::journal::{Location, Numbered};
use crate::store::packed::spans;

/// Puts rows in; `locations`: of deliveries, where their bodies stand.
pub(super) fn put(
    connection: &Connection,
    table: &Table,
    rows: &[Row],
    locations: &[Location],
) -> Result<(), Trouble> {
    match table.name {
        DELIVERIES => deliveries(connection, table, rows, locations),
        PAGE_FAILED => failed(connection, rows),
        ERASURES => erased(connection, rows),
        MINUTES => minutes(connection, rows),
        _ => plain(connection, table, rows),
    }
}

/// A delivery as the journal takes it.
pub(super) fn numbered(row: &Row) -> Result<Numbered<'_>, Trouble> {
    let [Value::Int(number), Value::Int(received_at_ms), Value::Bytes(request), .., Value::Bytes(body)] =
        row.as_slice()
    else {
        return Err(Trouble::Damaged("a delivery is not whole"));
    };
    let request =
        uuid::Uuid::from_slice(request).map_err(|_| Trouble::Damaged("a delivery has no id of a request"))?;
    Ok(Numbered { delivery: unsigned(*number), request, received_at_ms: *received_at_ms, body })
}

/// What the index keeps of a row in columns of these names.
fn stored<'a>(table: &'a Table, row: &'a Row) -> impl Iterator<Item = ToSqlOutput<'a>> {
    let columns = table.columns.iter().zip(row).filter(|(column, _)| is_stored(column.from));
    columns.map(|(_, value)| bound(value))
}

fn is_stored(from: From) -> bool {
    matches!(from, From::Column | From::Shown(_))
}

fn insert(table: &Table, more: &[&str]) -> String {
    let stored = table.columns.iter().filter(|column| is_stored(column.from)).map(|column| column.name);
    let names: Vec<&str> = stored.chain(more.iter().copied()).collect();
    let values = vec!["?"; names.len()].join(", ");
    format!("INSERT INTO {}({}) VALUES ({values})", table.name, names.join(", "))
}

fn plain(connection: &Connection, table: &Table, rows: &[Row]) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached(&insert(table, &[]))?;
    for row in rows {
        statement.execute(params_from_iter(stored(table, row)))?;
    }
    Ok(())
}

fn deliveries(
    connection: &Connection,
    table: &Table,
    rows: &[Row],
    locations: &[Location],
) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached(&insert(table, &["segment", "offset"]))?;
    let mut segments = Segments::default();
    for (row, location) in rows.iter().zip(locations) {
        let places = [location.segment, location.offset].map(|number| ToSqlOutput::from(signed(number)));
        statement.execute(params_from_iter(stored(table, row).chain(places)))?;
        let Numbered { delivery, received_at_ms, .. } = numbered(row)?;
        segments.add(location.segment, delivery, received_at_ms);
    }
    segments.put(connection)
}

/// Adds records that failed to their pages. Those of one page may come in several steps.
fn failed(connection: &Connection, rows: &[Row]) -> Result<(), Trouble> {
    let mut find = connection.prepare_cached("SELECT failed FROM page WHERE number = ?1")?;
    let mut keep = connection.prepare_cached("UPDATE page SET failed = ?2 WHERE number = ?1")?;
    for rows in rows.chunk_by(|left, right| left.first() == right.first()) {
        let Some(Value::Int(page)) = rows.first().and_then(|row| row.first()) else {
            return Err(Trouble::Damaged("a failed record has no page"));
        };
        let before: Option<Vec<u8>> = find.query_row([page], |row| row.get(0)).optional()?.flatten();
        let mut records = spans::decode_records(&before.unwrap_or_default())?;
        for row in rows {
            let [_, Value::Int(delivery), Value::Int(element)] = row.as_slice() else {
                return Err(Trouble::Damaged("a failed record has no name"));
            };
            let element = u32::try_from(*element)
                .map_err(|_| Trouble::Damaged("a place in a delivery is too large"))?;
            records.push(RecordId { delivery: unsigned(*delivery), element });
        }
        records.sort_unstable();
        keep.execute(params![page, spans::encode_records(records)])?;
    }
    Ok(())
}

fn erased(connection: &Connection, rows: &[Row]) -> Result<(), Trouble> {
    let mut statement = connection
        .prepare_cached("INSERT INTO erasure(delivery, element, alone, state) VALUES (?, ?, 0, 2)")?;
    for row in rows {
        statement.execute(params_from_iter(row.iter().map(bound)))?;
    }
    Ok(())
}

/// Attempts stand apart from the rest, by destination.
fn minutes(connection: &Connection, rows: &[Row]) -> Result<(), Trouble> {
    let mut minute = connection
        .prepare_cached("INSERT INTO minute(at, events, refused, errors, backlog) VALUES (?, ?, ?, ?, ?)")?;
    let mut latency = connection
        .prepare_cached("INSERT INTO latency(at, destination, attempts, took_ms) VALUES (?, ?, ?, ?)")?;
    for row in rows {
        let [at, destination, events, refused, errors, attempts, took_ms, backlog] = row.as_slice() else {
            return Err(Trouble::Damaged("a minute is not whole"));
        };
        if matches!(destination, Value::Text(name) if name.is_empty()) {
            minute.execute([at, events, refused, errors, backlog].map(bound))?;
        } else {
            latency.execute([at, destination, attempts, took_ms].map(bound))?;
        }
    }
    Ok(())
}
