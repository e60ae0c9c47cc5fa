//! A record's way through a page, and through those that came of it.

use rusqlite::{Connection, OptionalExtension};

use super::delivered;
use super::way::Failed;
use crate::desk::{Step, StepKind};
use crate::store::history::step::step;
use crate::store::index::names::Names;
use crate::store::index::pages::FAILED;
use crate::store::index::trouble::{Trouble, unsigned};
use crate::store::packed::spans;
use crate::store::{PRE_PAGE, RecordId};

/// What a page is followed for.
pub(super) struct Trail<'a> {
    pub(super) id: RecordId,
    pub(super) names: Names,
    pub(super) destination: &'a str,
    pub(super) errors: &'a mut Vec<Failed>,
}

/// A page as it stands in the table.
struct Kept {
    settled_at_ms: Option<i64>,
    created_at_ms: i64,
    failed: Option<Vec<u8>>,
    state: i64,
    /// It does not say which of its records failed.
    is_old: bool,
}

/// What became of a record in a page.
enum Became {
    /// It was taken.
    Taken,
    /// This error; none: one that is gone by now.
    Error(Option<i64>),
}

impl Trail<'_> {
    /// Adds what happened from page `number` on; when the record was taken, where it was. A record that
    /// the hook took is not delivered: what it said is the caller's to add.
    pub(super) fn follow(
        &mut self,
        connection: &Connection,
        number: i64,
        bulk: Option<i64>,
        way: &mut Vec<Step>,
    ) -> Result<Option<i64>, Trouble> {
        let mut next = Some(number);
        while let Some(number) = next {
            let Some(page) = find(connection, number)? else { return Ok(None) };
            let id = Some(self.names.page(unsigned(number)).to_string());
            let what = if bulk.is_some() { StepKind::Replayed } else { StepKind::Paged };
            let paged = step(what, Some(page.created_at_ms), Some(self.destination));
            way.push(Step { page: id.clone(), bulk, ..paged });
            attempts(connection, &self.names, number, Some(self.destination), way)?;
            let children = delivered::children(connection, number)?;
            next = children.into_iter().find(|(_, again)| again.contains(&self.id)).map(|(child, _)| child);
            let Some(at_ms) = page.settled_at_ms.filter(|_| next.is_none()) else { continue };
            if let Became::Error(error) = self.became(number, &page)? {
                let failed = step(StepKind::Failed, Some(at_ms), Some(self.destination));
                way.push(Step { page: id, error, bulk, ..failed });
                return Ok(None);
            }
            if self.destination != PRE_PAGE {
                let taken = step(StepKind::Delivered, Some(at_ms), Some(self.destination));
                way.push(Step { page: id, bulk, ..taken });
            }
            return Ok(Some(at_ms));
        }
        Ok(None)
    }

    /// What became of the record in a page that is settled.
    fn became(&mut self, number: i64, page: &Kept) -> Result<Became, Trouble> {
        let noted = spans::decode_records(page.failed.as_deref().unwrap_or_default())?.contains(&self.id);
        // A page of the hook of which nothing went on may have been dropped.
        let is_failed = noted || page.state == FAILED && self.destination != PRE_PAGE;
        let may_be_failed = is_failed || page.is_old;
        let candidate = self.errors.iter_mut().find(|error| {
            let is_here = error.destination == self.destination && !error.is_shown;
            is_here && (may_be_failed || error.is_of(unsigned(number)))
        });
        if let Some(error) = candidate {
            error.is_shown = true;
            return Ok(Became::Error(Some(error.id)));
        }
        Ok(if is_failed { Became::Error(None) } else { Became::Taken })
    }
}

fn find(connection: &Connection, number: i64) -> Result<Option<Kept>, Trouble> {
    Ok(connection
        .prepare_cached(
            "SELECT settled_at, created_at, failed, state, number <= (SELECT pages_noted FROM meta) \
             FROM page WHERE number = ?1",
        )?
        .query_row([number], |row| {
            Ok(Kept {
                settled_at_ms: row.get(0)?,
                created_at_ms: row.get(1)?,
                failed: row.get(2)?,
                state: row.get(3)?,
                is_old: row.get(4)?,
            })
        })
        .optional()?)
}

/// Adds the attempts of a page.
pub(super) fn attempts(
    connection: &Connection,
    names: &Names,
    number: i64,
    destination: Option<&str>,
    way: &mut Vec<Step>,
) -> Result<(), Trouble> {
    let mut statement = connection
        .prepare_cached("SELECT at, took_ms, status FROM attempt WHERE page = ?1 ORDER BY number")?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        way.push(Step {
            page: Some(names.page(unsigned(number)).to_string()),
            took_ms: row.get(1)?,
            status: row.get(2)?,
            ..step(StepKind::Attempted, row.get(0)?, destination)
        });
    }
    Ok(())
}
