//! Copying a store into one of another kind, while no process has either open.
//!
//! # Format
//!
//! A store is a stream of rows: table after table ([`tables`]), each in the order of its key, and at the end
//! its counters. The rows are neutral ([`Value`]): a [`Source`] reads them out of one kind of store, a
//! [`Target`] puts them into another, and both can read what they have, so that they are compared.
//!
//! # Invariants
//!
//! 1. Rows go in with the mark that says how far the copy is, in one transaction. So a copy that was killed
//!    goes on behind the last row that is there.
//! 2. As long as the mark says that the copy is not whole, no listener opens the target.
//! 3. It is whole only when each table has as many rows as in the source, with the same SHA-256 over
//!    all of them, and the counters are the same.
//! 4. The source is only read; beyond what each opening does to it, nothing is changed.

mod table;
mod tables;
#[cfg(test)]
mod tests;
mod value;

pub(in crate::store) use table::{From, Kind, Table};
pub(in crate::store) use tables::{COUNTERS, PAGE_FAILED, TABLES, VERSION};
pub(in crate::store) use value::{Row, Value};

use std::path::Path;

use language::clock::Clock;
use secrecy::{ExposeSecret, SecretString};

use self::value::Sum;
use super::StoreError;
use super::{index, postgres};

/// Rows that go in at once, at most.
const CHUNK_ROWS: usize = 1_000;
/// Bytes after which no more rows go in at once.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Rows after which it is told how far it is.
const TELL_ROWS: u64 = 500;

/// Told what is being done, and how many of its rows are done.
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// Takes a row.
pub(in crate::store) type Each<'a> = &'a mut dyn FnMut(Row) -> Result<(), StoreError>;

/// How far a copy is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Mark {
    /// Place of the table in [`TABLES`].
    pub(in crate::store) stage: usize,
    /// The key of its last row that is there.
    pub(in crate::store) key: Option<Row>,
}

/// A store that can be read row by row.
pub(in crate::store) trait Rows {
    /// How many rows a table has.
    fn count(&mut self, table: &Table) -> Result<u64, StoreError>;

    /// Gives the rows behind a key, in order.
    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError>;

    /// What stands in no table: [`COUNTERS`] values.
    fn counters(&mut self) -> Result<Row, StoreError>;
}

/// A store that is copied.
pub(in crate::store) trait Source: Rows {
    /// Its name.
    fn name(&self) -> &str;

    /// Ends in order.
    fn end(self) -> Result<(), StoreError>;
}

/// A store that a copy goes into.
pub(in crate::store) trait Target: Rows {
    /// Marks it as what it is to be; how far the copy of this source is already. Refuses one that holds
    /// something else.
    fn begin(&mut self, source: &str) -> Result<Mark, StoreError>;

    /// Puts rows in, and how far the copy is with them.
    fn put(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Result<(), StoreError>;

    /// Sets the counters, makes anew what is not copied, and says that it is whole.
    fn finish(&mut self, counters: &[Value]) -> Result<(), StoreError>;
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Rows of each table, with the SHA-256 over them in hex.
    pub tables: Vec<(&'static str, u64, String)>,
    /// Whether it went on where an earlier one had ended.
    pub resumed: bool,
}

/// Copies the store at `from` to `to`: one of them a directory, the other a URL. Blocks; needs an
/// async runtime to be entered.
pub fn copy(
    from: &SecretString,
    to: &SecretString,
    (namespace, listener): (&str, &str),
    clock: &Clock,
    progress: Progress<'_>,
) -> Result<Copied, StoreError> {
    match (is_url(from), is_url(to)) {
        (false, true) => {
            let mut target = postgres::copy::Copying::open(to, namespace, listener)?;
            let directory = Path::new(from.expose_secret());
            let mut source = index::copy::Copying::open(directory, clock.now_ms(), progress)?;
            let copied = run(&mut source, &mut target, progress)?;
            source.end()?;
            Ok(copied)
        }
        (true, false) => Err(StoreError::Open(
            "copying from PostgreSQL into an embedded store is not supported; nothing was changed. Let the \
             listener drain, and move by a second listener: docs/moving.md"
                .to_owned(),
        )),
        (false, false) => Err(StoreError::Open(
            "--from and --to are both directories: copy an embedded store with listener store backup"
                .to_owned(),
        )),
        (true, true) => Err(StoreError::Open(
            "--from and --to are both databases: copy a schema with pg_dump and pg_restore".to_owned(),
        )),
    }
}

fn is_url(place: &SecretString) -> bool {
    let place = place.expose_secret().trim();
    place.starts_with("postgres://") || place.starts_with("postgresql://")
}

/// Copies what is not there yet, compares all of it, ends.
pub(in crate::store) fn run(
    source: &mut impl Source,
    target: &mut impl Target,
    progress: Progress<'_>,
) -> Result<Copied, StoreError> {
    let name = source.name().to_owned();
    let begun = target.begin(&name)?;
    let resumed = begun != Mark::default();
    for stage in begun.stage..TABLES.len() {
        let after = begun.key.as_deref().filter(|_| stage == begun.stage);
        one(source, target, stage, after, progress)?;
    }
    let counters = source.counters()?;
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let all = source.count(table)?;
        let there = sum(target, table, all, progress)?;
        let here = sum(source, table, all, progress)?;
        if here != there {
            return Err(StoreError::Failed(format!(
                "the copy is not like its source: the table {} has {} rows with the sum {} here and {} rows with \
                 the sum {} there. The source was opened after the copy had begun, or the target was changed. \
                 The target is not marked as whole: drop its schema and copy again",
                table.name, here.0, here.1, there.0, there.1
            )));
        }
        tables.push((table.name, here.0, here.1));
    }
    progress("finish", 0, 0);
    target.finish(&counters)?;
    Ok(Copied { tables, resumed })
}

fn one(
    source: &mut impl Source,
    target: &mut impl Target,
    stage: usize,
    after: Option<&[Value]>,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let Some(table) = TABLES.get(stage) else { return Ok(()) };
    let all = source.count(table)?;
    let (mut rows, mut bytes, mut done): (Vec<Row>, usize, u64) = (Vec::new(), 0, 0);
    let mut put = |rows: &mut Vec<Row>| {
        let Some(last) = rows.last() else { return Ok(()) };
        let key = last.iter().take(table.key).cloned().collect();
        target.put(table, rows, &Mark { stage, key: Some(key) })?;
        done += rows.len() as u64;
        progress(&format!("copy {}", table.name), done, all);
        rows.clear();
        Ok(())
    };
    source.rows(table, after, &mut |row| {
        bytes += row.iter().map(Value::size).sum::<usize>();
        rows.push(row);
        if rows.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
            return Ok(());
        }
        bytes = 0;
        put(&mut rows)
    })?;
    put(&mut rows)
}

fn sum(
    store: &mut impl Rows,
    table: &Table,
    all: u64,
    progress: Progress<'_>,
) -> Result<(u64, String), StoreError> {
    let mut sum = Sum::default();
    store.rows(table, None, &mut |row| {
        sum.add(&row);
        if sum.rows().is_multiple_of(TELL_ROWS) {
            progress(&format!("verify {}", table.name), sum.rows(), all);
        }
        Ok(())
    })?;
    Ok(sum.end())
}
