//! Rows of an index as neutral ones.

use std::io;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::store::StoreError;
use crate::store::copy::{DELIVERIES, Each, From, PAGE_FAILED, Row, Table, Value};
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::journal::Location;
use crate::store::packed::blank::blank;
use crate::store::packed::spans::{self, Span};

/// Reads a body where it stands.
pub(super) type Read<'a> = &'a mut dyn FnMut(Location) -> io::Result<Vec<u8>>;

/// How many rows a table has.
pub(super) fn count(connection: &Connection, table: &Table) -> Result<u64, StoreError> {
    if table.name == PAGE_FAILED {
        let mut rows = 0;
        page_failed(connection, None, &mut |_| {
            rows += 1;
            Ok(())
        })?;
        return Ok(rows);
    }
    let sql = format!("SELECT count(*) FROM {}", table.from);
    let rows: i64 = connection.query_row(&sql, [], |row| row.get(0)).map_err(Trouble::from)?;
    Ok(unsigned(rows))
}

/// Gives the rows behind a key, in order.
pub(super) fn read(
    connection: &Connection,
    table: &Table,
    after: Option<&[Value]>,
    body: Read<'_>,
    each: Each<'_>,
) -> Result<(), StoreError> {
    if table.name == PAGE_FAILED {
        return page_failed(connection, after, each);
    }
    let sql = select(table, after.is_some());
    let mut statement = connection.prepare(&sql).map_err(Trouble::from)?;
    let values = after.unwrap_or_default().iter().map(bound);
    let mut rows = statement.query(params_from_iter(values)).map_err(Trouble::from)?;
    while let Some(found) = rows.next().map_err(Trouble::from)? {
        let mut read = || -> Result<Row, Trouble> {
            let mut row = Row::with_capacity(table.columns.len());
            for (at, column) in table.columns.iter().enumerate() {
                let value = match column.from {
                    From::Column | From::Shown(_) | From::Sql(_) => neutral(found.get_ref(at)?)?,
                    From::Body => {
                        let behind = table.columns.len();
                        let location = Location {
                            segment: unsigned(found.get(behind)?),
                            offset: unsigned(found.get(behind + 1)?),
                            length: found.get("length")?,
                        };
                        Value::Bytes(without_erased(connection, &row, body(location)?)?)
                    }
                    From::FirstElement => match row.last() {
                        Some(Value::Bytes(records)) => {
                            Value::Int(i64::from(spans::first_record(records)?.element))
                        }
                        _ => return Err(Trouble::Damaged("a page has no list of records")),
                    },
                };
                row.push(value);
            }
            Ok(row)
        };
        each(read()?)?;
    }
    Ok(())
}

/// What stands in no table.
pub(super) fn counters(connection: &Connection) -> Result<Row, StoreError> {
    let sql = "SELECT name, last_delivery, records, events, duplicates, ignored, last_received_at, \
        refused_kept, refused_bytes, refused_dropped, pages_gone, \
        (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'page'), \
        (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'error'), \
        (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'audit'), \
        (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'bulk'), \
        (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'refused'), \
        (SELECT max(id) FROM message), (SELECT max(id) FROM note) FROM meta";
    let mut statement = connection.prepare(sql).map_err(Trouble::from)?;
    let columns = statement.column_count();
    let row = statement
        .query_row([], |row| Ok((0..columns).map(|at| row.get_ref(at).map(neutral)).collect::<Vec<_>>()))
        .optional()
        .map_err(Trouble::from)?
        .ok_or(Trouble::Damaged("it does not say whose it is"))?;
    let values = row.into_iter().map(|value| value.map_err(Trouble::from)?);
    Ok(values.collect::<Result<Row, Trouble>>()?)
}

/// Rows of `page_failed`: a row for each record that a page names as failed. Pages of before they
/// were named have those of their errors.
fn page_failed(connection: &Connection, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
    let after: Vec<i64> = after.unwrap_or_default().iter().map(number).collect();
    let from = after.first().copied().unwrap_or(i64::MIN);
    let read = || -> Result<_, Trouble> {
        Ok(connection.prepare(
            "SELECT number, failed, NULL AS delivery, NULL AS element FROM page \
             WHERE failed IS NOT NULL AND number >= ?1 \
             UNION ALL SELECT DISTINCT page, NULL, delivery, element FROM error \
             WHERE page <= (SELECT pages_noted FROM meta) AND page >= ?1 AND EXISTS \
             (SELECT 1 FROM page WHERE number = error.page AND failed IS NULL) ORDER BY 1, 3, 4",
        )?)
    };
    let mut statement = read()?;
    let mut rows = statement.query([from]).map_err(Trouble::from)?;
    while let Some(row) = rows.next().map_err(Trouble::from)? {
        let read = || -> Result<(i64, Vec<(i64, i64)>), Trouble> {
            let records = match row.get::<_, Option<Vec<u8>>>(1)? {
                Some(failed) => spans::decode_records(&failed)?
                    .iter()
                    .map(|record| (signed(record.delivery), i64::from(record.element)))
                    .collect(),
                None => vec![(row.get(2)?, row.get(3)?)],
            };
            Ok((row.get(0)?, records))
        };
        let (page, mut records) = read()?;
        records.sort_unstable();
        records.dedup();
        for (delivery, element) in records {
            let key = [page, delivery, element];
            if after.as_slice() < key.as_slice() || after.is_empty() {
                each(key.into_iter().map(Value::Int).collect())?;
            }
        }
    }
    Ok(())
}

/// The body of a delivery, without what is still to be erased of what is no record.
fn without_erased(connection: &Connection, row: &Row, mut body: Vec<u8>) -> Result<Vec<u8>, Trouble> {
    let delivery = row.first().map_or(0, number);
    let mut statement = connection.prepare_cached(
        "SELECT element, start, length FROM erasure WHERE delivery = ?1 AND start IS NOT NULL AND state < 2",
    )?;
    let spans = statement.query_map([delivery], |row| {
        Ok(Span { element: row.get(0)?, start: row.get(1)?, length: row.get(2)? })
    })?;
    let Some(Value::Bytes(records)) = row.last() else {
        return Err(Trouble::Damaged("a delivery has no list of records"));
    };
    let mut list = None;
    for span in spans {
        let records = match &mut list {
            Some(list) => list,
            None => list.insert(spans::decode(records)?),
        };
        blank(&mut body, span?, records);
    }
    Ok(body)
}

/// A number; whatever else it is, none.
fn number(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Null | Value::Text(_) | Value::Bytes(_) => 0,
    }
}

/// What a statement gives, neutral.
fn neutral(value: ValueRef<'_>) -> Result<Value, Trouble> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(_) => return Err(Trouble::Damaged("a fraction stands where none is kept")),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| Trouble::Damaged("a text is not UTF-8"))?;
            // As the other store keeps what it is given itself.
            Value::Text(text.replace('\0', "\u{FFFD}"))
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    })
}

/// A value as a statement takes it.
pub(super) fn bound(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Int(number) => ValueRef::Integer(*number),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

/// Reads a table from behind a key on; the places of bodies stand behind its columns.
fn select(table: &Table, after: bool) -> String {
    let key: Vec<_> = table.columns.iter().take(table.key).map(|column| column.name).collect();
    let key = key.join(", ");
    let mut columns: Vec<&str> = table
        .columns
        .iter()
        .map(|column| match column.from {
            From::Column => column.name,
            From::Shown(sql) | From::Sql(sql) => sql,
            From::Body | From::FirstElement => "NULL",
        })
        .collect();
    if table.name == DELIVERIES {
        columns.extend(["segment", "offset"]);
    }
    let values = vec!["?"; table.key].join(", ");
    let behind = if after { format!("WHERE ({key}) > ({values})") } else { String::new() };
    format!("SELECT {} FROM {} {behind} ORDER BY {key}", columns.join(", "), table.from)
}
