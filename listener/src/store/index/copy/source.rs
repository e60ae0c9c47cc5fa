//! An embedded store that is copied.
//!
//! It is verified and locked first; then it is opened as always, but for the threads that change it: an
//! older version becomes this one, pages that were leased are due again, an erasure that was cut
//! short is done again. What only a running listener can do is asked for and not done here, because it
//! needs the listener's manifest: putting the end of the journal into the index, ending a replay.

use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use super::rows;
use crate::store::StoreError;
use crate::store::copy::{Each, Progress, Row, Rows, Table, Value, refusal};
use crate::store::index::backup::{Step, verify};
use crate::store::index::begin::prepare;
use crate::store::index::desk::bulk::PLAN_MS;
use crate::store::index::lock::Lock;
use crate::store::index::trouble::Trouble;
use crate::store::index::{erase, open};
use crate::store::journal::{Journal, Options, Reader};

/// An embedded store that nobody else has open while this lives.
pub(in crate::store) struct Source {
    connection: Connection,
    journal: Journal,
    name: String,
    _reader: Reader,
    // Given up last.
    _lock: Lock,
}

impl Source {
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
}

/// Refuses what would not be whole elsewhere.
fn can_be_copied(connection: &Connection, directory: &Path, now_ms: i64) -> Result<(), StoreError> {
    let count = |sql: &str, values: &[i64]| -> Result<i64, Trouble> {
        Ok(connection.query_row(sql, params_from_iter(values), |row| row.get(0))?)
    };
    let place = directory.display().to_string();
    let planned = now_ms.saturating_sub(PLAN_MS);
    refusal::replays(&place, count(refusal::REPLAYS, &[planned])?)?;
    let erasures = count(
        "SELECT count(*) FROM erasure WHERE state < 2 AND start IS NULL AND NOT EXISTS (SELECT 1 FROM error \
         WHERE error.delivery = erasure.delivery AND error.element = erasure.element AND NOT has_payload)",
        &[],
    )?;
    if erasures > 0 {
        let what = format!(
            "{erasures} payloads are still to be erased, and their errors are gone already: start the listener \
             and let it deliver what it has"
        );
        return Err(refusal::not_now(&place, &what));
    }
    Ok(())
}

impl Rows for Source {
    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        rows::count(&self.connection, table)
    }

    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        let Self { connection, journal, .. } = self;
        let mut body = |location| Ok(journal.read(location, 0..location.length)?.to_vec());
        rows::read(connection, table, after, &mut body, each)
    }

    fn counters(&mut self) -> Result<Row, StoreError> {
        rows::counters(&self.connection)
    }
}

impl crate::store::copy::Source for Source {
    fn name(&self) -> &str {
        &self.name
    }

    fn end(self) -> Result<(), StoreError> {
        Ok(open::mark_clean(&self.connection)?)
    }
}
