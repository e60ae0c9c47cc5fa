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

mod mark;
pub(in crate::store) mod refusal;
mod run;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod value;

pub(in crate::store) use mark::{Kept, Mark};
pub(in crate::store) use table::{From, Kind, Table};
pub(in crate::store) use tables::{COUNTERS, DELIVERIES, ERASURES, MINUTES, PAGE_FAILED, TABLES, VERSION};
pub(in crate::store) use value::{Row, Value};

use std::path::Path;

use language::clock::Clock;
use secrecy::{ExposeSecret, SecretString};

use self::run::run;
use super::StoreError;
use super::{index, postgres};

/// Told what is being done, and how many of its rows are done.
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// Takes a row.
pub(in crate::store) type Each<'a> = &'a mut dyn FnMut(Row) -> Result<(), StoreError>;

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
    fn finish(self, counters: &[Value]) -> Result<(), StoreError>;

    /// What to do to get rid of it, where it has gone wrong.
    fn remedy(&self) -> String;
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Rows of each table, with the SHA-256 over them in hex.
    pub tables: Vec<(&'static str, u64, String)>,
    /// Whether it went on where an earlier one had ended.
    pub resumed: bool,
}

/// Copies the store at `from` to `to`: one of them a directory, the other a URL. `listener`: namespace and name,
/// which name the schema. Blocks; needs an async runtime to be entered.
pub fn copy(
    from: &SecretString,
    to: &SecretString,
    (namespace, listener): (&str, &str),
    clock: &Clock,
    progress: Progress<'_>,
) -> Result<Copied, StoreError> {
    let now_ms = clock.now_ms();
    match (is_url(from), is_url(to)) {
        (false, true) => {
            let target = postgres::copy::Target::open(to, namespace, listener)?;
            let directory = Path::new(from.expose_secret());
            let mut source = index::copy::Source::open(directory, now_ms, progress)?;
            let copied = run(&mut source, target, progress)?;
            source.end()?;
            Ok(copied)
        }
        (true, false) => {
            let mut source = postgres::copy::Source::open(from, namespace, listener, now_ms)?;
            let target = index::copy::Target::open(Path::new(to.expose_secret()))?;
            let copied = run(&mut source, target, progress)?;
            source.end()?;
            Ok(copied)
        }
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
