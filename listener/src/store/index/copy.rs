//! The embedded store as what is copied.
//!
//! It is verified and locked first; then it is opened as always, but for the threads that change it: an
//! older version becomes this one, pages that were leased are due again, an erasure that was cut
//! short is done again. What only a running listener can do is asked for and not done here, because it
//! needs the listener's manifest: putting the end of the journal into the index, ending a replay.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::backup::{Step, verify};
use super::begin::prepare;
use super::desk::bulk::PLAN_MS;
use super::lock::Lock;
use super::trouble::{Trouble, signed, unsigned};
use super::{erase, open};
use crate::store::StoreError;
use crate::store::copy::{Each, From, PAGE_FAILED, Progress, Row, Rows, Source, Table, Value};
use crate::store::journal::{Journal, Location, Options, Reader};
use crate::store::packed::blank::blank;
use crate::store::packed::spans::{self, Span};

/// An embedded store that nobody else has open while this lives.
pub(in crate::store) struct Copying {
    connection: Connection,
    journal: Journal,
    name: String,
    _reader: Reader,
    // Given up last.
    _lock: Lock,
}

impl Copying {
    /// Verifies the store of one listener, and opens it where it can be copied.
    pub(in crate::store) fn open(
        directory: &Path,
        now_ms: i64,
        progress: Progress<'_>,
    ) -> Result<Self, StoreError> {
        let verified = verify(directory, &mut |step, done, all| {
            if step == Step::Verify {
                progress("check", done, all);
            }
        })?;
        let (lock, opened) = prepare(directory)?;
        let files = directory.join("journal");
        erase::redo(&opened.connection, &files, &opened.name)?;
        let (journal, reader) = Journal::open(&files, &opened.name, opened.watermark, Options::default())?;
        let indexed = opened.watermark.map_or(0, |watermark| watermark.last_delivery);
        let last = journal.last().0.max(verified.last_delivery);
        if last > indexed {
            return Err(StoreError::Open(format!(
                "{}: {} deliveries at the end of the journal are not in the index, because its listener was \
                 killed: start the listener once more, stop it in order, and copy then; nothing was copied",
                directory.display(),
                last - indexed
            )));
        }
        can_be_copied(&opened.connection, directory, now_ms)?;
        let open::Opened { connection, name, .. } = opened;
        Ok(Self { connection, journal, name, _reader: reader, _lock: lock })
    }

    /// Rows of `page_failed`: a row for each record that a page names as failed. Pages of before they
    /// were named have those of their errors.
    fn page_failed(&self, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        let after: Vec<i64> = after.unwrap_or_default().iter().map(number).collect();
        let from = after.first().copied().unwrap_or(i64::MIN);
        let read = || -> Result<_, Trouble> {
            Ok(self.connection.prepare(
                "SELECT number, failed, NULL AS delivery, NULL AS element FROM page \
                 WHERE failed IS NOT NULL AND number >= ?1 \
                 UNION ALL SELECT DISTINCT page, NULL, delivery, element FROM error \
                 WHERE page <= (SELECT pages_noted FROM meta) AND page >= ?1 ORDER BY 1, 3, 4",
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
    fn body(&self, row: &Row, location: Location) -> Result<Vec<u8>, Trouble> {
        let mut body = self.journal.read(location, 0..location.length)?.to_vec();
        let delivery = row.first().map_or(0, number);
        let mut statement = self.connection.prepare_cached(
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
}

/// Refuses what would not be whole elsewhere.
fn can_be_copied(connection: &Connection, directory: &Path, now_ms: i64) -> Result<(), StoreError> {
    let count = |sql: &str, values: &[i64]| -> Result<i64, Trouble> {
        Ok(connection.query_row(sql, params_from_iter(values), |row| row.get(0))?)
    };
    let refuse = |what: String| {
        Err(StoreError::Open(format!(
            "{}: {what}, then stop it and copy; nothing was copied",
            directory.display()
        )))
    };
    let replays = count(
        "SELECT count(*) FROM bulk WHERE destination IS NOT NULL AND (state = 1 OR (state = 0 AND planned_at > ?1))",
        &[now_ms.saturating_sub(PLAN_MS)],
    )?;
    if replays > 0 {
        return refuse(format!(
            "{replays} replays are planned or under way, and a copy does not go on with them: start the listener \
             and let them end or cancel them (listener errors bulk)"
        ));
    }
    let erasures = count(
        "SELECT count(*) FROM erasure WHERE state < 2 AND start IS NULL AND NOT EXISTS (SELECT 1 FROM error \
         WHERE error.delivery = erasure.delivery AND error.element = erasure.element AND NOT has_payload)",
        &[],
    )?;
    if erasures > 0 {
        return refuse(format!(
            "{erasures} payloads are still to be erased, and their errors are gone already: start the listener \
             and let it deliver what it has"
        ));
    }
    Ok(())
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

fn to_sql(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
        Value::Bytes(bytes) => bytes.clone().into(),
    }
}

/// Reads a table from behind a key on; the places of bodies stand behind its columns.
fn select(table: &Table, after: bool) -> String {
    let names = |columns: usize| {
        let names: Vec<_> = table.columns.iter().take(columns).map(|column| column.name).collect();
        names.join(", ")
    };
    let mut columns: Vec<&str> = table
        .columns
        .iter()
        .map(|column| match column.from {
            From::Column => column.name,
            From::Sql(sql) => sql,
            From::Body | From::FirstElement => "NULL",
        })
        .collect();
    if has_body(table) {
        columns.extend(["segment", "offset"]);
    }
    let key = names(table.key);
    let values = vec!["?"; table.key].join(", ");
    let behind = if after { format!("WHERE ({key}) > ({values})") } else { String::new() };
    format!("SELECT {} FROM {} {behind} ORDER BY {key}", columns.join(", "), table.from)
}

fn has_body(table: &Table) -> bool {
    table.columns.iter().any(|column| column.from == From::Body)
}

impl Rows for Copying {
    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        if table.name == PAGE_FAILED {
            let mut rows = 0;
            self.page_failed(None, &mut |_| {
                rows += 1;
                Ok(())
            })?;
            return Ok(rows);
        }
        let sql = format!("SELECT count(*) FROM {}", table.from);
        let rows: i64 = self.connection.query_row(&sql, [], |row| row.get(0)).map_err(Trouble::from)?;
        Ok(unsigned(rows))
    }

    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        if table.name == PAGE_FAILED {
            return self.page_failed(after, each);
        }
        let sql = select(table, after.is_some());
        let mut statement = self.connection.prepare(&sql).map_err(Trouble::from)?;
        let values = after.unwrap_or_default().iter().map(to_sql);
        let mut rows = statement.query(params_from_iter(values)).map_err(Trouble::from)?;
        while let Some(found) = rows.next().map_err(Trouble::from)? {
            let read = || -> Result<Row, Trouble> {
                let mut row = Row::with_capacity(table.columns.len());
                for (at, column) in table.columns.iter().enumerate() {
                    let value = match column.from {
                        From::Column | From::Sql(_) => neutral(found.get_ref(at)?)?,
                        From::Body => {
                            let behind = table.columns.len();
                            let location = Location {
                                segment: unsigned(found.get(behind)?),
                                offset: unsigned(found.get(behind + 1)?),
                                length: found.get("length")?,
                            };
                            Value::Bytes(self.body(&row, location)?)
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

    fn counters(&mut self) -> Result<Row, StoreError> {
        let sql = "SELECT name, last_delivery, records, events, duplicates, ignored, last_received_at, \
            refused_kept, refused_bytes, refused_dropped, pages_gone, \
            (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'page'), \
            (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'error'), \
            (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'audit'), \
            (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'bulk'), \
            (SELECT max(seq) FROM sqlite_sequence WHERE sqlite_sequence.name = 'refused'), \
            (SELECT max(id) FROM message), (SELECT max(id) FROM note) FROM meta";
        let mut statement = self.connection.prepare(sql).map_err(Trouble::from)?;
        let columns = statement.column_count();
        let row = statement
            .query_row([], |row| Ok((0..columns).map(|at| row.get_ref(at).map(neutral)).collect::<Vec<_>>()))
            .optional()
            .map_err(Trouble::from)?
            .ok_or(Trouble::Damaged("it does not say whose it is"))?;
        let values = row.into_iter().map(|value| value.map_err(Trouble::from)?);
        Ok(values.collect::<Result<Row, Trouble>>()?)
    }
}

impl Source for Copying {
    fn name(&self) -> &str {
        &self.name
    }

    fn end(self) -> Result<(), StoreError> {
        Ok(open::mark_clean(&self.connection)?)
    }
}
