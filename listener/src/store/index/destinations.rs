//! Which destinations there are.
//!
//! The names change in one transaction. Pages of a destination that is gone are
//! found by having no destination any more, whenever and in whichever process that
//! is looked for, and become open errors a few at a time; so a crash in between
//! only leaves some for the next time. A page that is leased keeps its lease: its
//! caller settles it, and what is then left of it becomes open errors too.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::Inner;
use super::desk::retry;
use super::errors::{self, Place};
use super::history::replay;
use super::hook;
use super::pages;
use super::trouble::{Trouble, signed, unsigned};
use super::writer::Durability;
use crate::store::journal::Journal;
use crate::store::packed::spans;
use crate::store::{NewError, PRE_PAGE, Sort, StoreError, removed};

/// Records after which a step that turns pages into open errors takes no further page.
const STEP_RECORDS: usize = 1_000;
/// Bytes of records after which it takes no further page.
const STEP_BYTES: usize = 16 * 1024 * 1024;

impl Inner {
    /// See [`crate::store::Store::set_destinations`].
    pub(super) async fn set_destinations(&self, names: &[String]) -> Result<(), StoreError> {
        let names: BTreeSet<String> = names.iter().cloned().collect();
        self.destinations.keep(&names);
        let now_ms = self.clock.now_ms();
        self.writer.call(Durability::Synced, move |connection| apply(connection, &names, now_ms)).await?;
        self.changed();
        Ok(())
    }

    /// See [`crate::store::Store::fail_orphans`].
    pub(super) async fn fail_orphans(&self) -> Result<(), StoreError> {
        // Errors that were to be sent again and are in no page yet.
        self.writer.call(Durability::Synced, retry::open_orphans).await?;
        loop {
            let journal = self.journal.clone();
            let (sorter, now_ms) = (Arc::clone(&self.sorter), self.clock.now_ms());
            let fold = sorter.folds();
            let orphans = self
                .readers
                .run(move |connection| orphans(connection, &journal, sorter.as_ref(), now_ms))
                .await?;
            if orphans.is_empty() {
                return Ok(());
            }
            self.writer
                .call(Durability::Synced, move |connection| {
                    orphans.iter().try_for_each(|orphan| orphan.fail(connection, fold, now_ms))
                })
                .await?;
        }
    }
}

fn apply(connection: &Connection, names: &BTreeSet<String>, now_ms: i64) -> Result<(), Trouble> {
    let known: BTreeSet<String> = connection
        .prepare_cached("SELECT name FROM destination")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let (records, last_delivery): (i64, i64) =
        connection
            .query_row("SELECT records, last_delivery FROM meta", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for name in known.difference(names) {
        let cursor: i64 = connection.query_row(
            "SELECT cursor_ordinal FROM destination WHERE name = ?1",
            [name],
            |row| row.get(0),
        )?;
        connection.execute("DELETE FROM destination WHERE name = ?1", [name])?;
        if name == PRE_PAGE {
            hook::removed(connection, now_ms)?;
            continue;
        }
        replay::cancel_of(connection, name, now_ms)?;
        tracing::warn!(
            destination.name = name,
            destination.unseen_records = records - cursor,
            "destination {name} is gone; its pages become open errors, records not yet looked at stay stored only"
        );
    }
    for name in names.difference(&known) {
        connection.execute(
            "INSERT INTO destination(name, cursor_delivery, cursor_index, cursor_ordinal, begins, page_records) \
             VALUES (?1, ?2, 0, ?3, ?2, (SELECT coalesce(sum(record_count), 0) FROM page \
             WHERE destination = ?1 AND state < 2 AND kind <> 1))",
            params![name, last_delivery.saturating_add(1), records],
        )?;
    }
    Ok(())
}

/// A page whose destination is gone.
struct Orphan {
    number: u64,
    destination: String,
    kind: i64,
    attempts: u32,
    errors: Vec<NewError>,
}

impl Orphan {
    fn fail(&self, connection: &Connection, fold: bool, now_ms: i64) -> Result<(), Trouble> {
        let settled = connection.execute(
            "UPDATE page SET state = ?2, settled_at = ?3 WHERE number = ?1 AND state = 0 \
             AND destination NOT IN (SELECT name FROM destination)",
            params![signed(self.number), pages::FAILED, now_ms],
        )?;
        if settled == 0 {
            return Ok(());
        }
        let place =
            Place { destination: Some(&self.destination), page: Some(self.number), attempts: self.attempts };
        if self.kind == pages::ERRORS {
            return retry::settle(connection, self.number, self.attempts, &self.errors, &[], 0, now_ms);
        }
        errors::insert(connection, place, &self.errors, fold)
    }
}

fn orphans(
    connection: &Connection,
    journal: &Journal,
    sorter: &dyn Sort,
    now_ms: i64,
) -> Result<Vec<Orphan>, Trouble> {
    let gone: Option<String> = connection
        .query_row(
            "SELECT destination FROM page WHERE state = 0 AND state < 2 \
             AND destination NOT IN (SELECT name FROM destination) LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?;
    let Some(destination) = gone else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(
        "SELECT number, records, attempts, kind FROM page \
         WHERE destination = ?1 AND state = 0 AND state < 2 ORDER BY due_at, number LIMIT 50",
    )?;
    let mut rows = statement.query([&destination])?;
    let mut found = Vec::new();
    let (mut records, mut bytes) = (0, 0);
    while records < STEP_RECORDS
        && bytes < STEP_BYTES
        && let Some(row) = rows.next()?
    {
        let names = spans::decode_records(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        records += names.len();
        let (number, kind) = (unsigned(row.get(0)?), row.get(3)?);
        let mut errors = Vec::with_capacity(names.len());
        for record in pages::read(connection, journal, kind, number, &names)? {
            bytes += record.bytes.len();
            errors.push(removed::error(record, &destination, sorter, now_ms));
        }
        found.push(Orphan { number, destination: destination.clone(), kind, attempts: row.get(2)?, errors });
    }
    Ok(found)
}
