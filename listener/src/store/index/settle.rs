//! What becomes of a leased page, in one transaction.

use rusqlite::{Connection, OptionalExtension, params};

use super::desk::fold::{self, Closer};
use super::desk::{mend, retry};
use super::errors::{self, Place};
use super::hook;
use super::pages::{self, NewPage};
use super::trouble::{Trouble, count, signed};
use crate::store::packed::spans;
use crate::store::settling::Done;
use crate::store::{Attempt, Outcome, PRE_PAGE, RecordId};

/// A settlement as the writer does it.
#[derive(Debug)]
pub(super) struct Settle {
    /// Number of the page.
    pub(super) number: u64,
    /// The attempt, where one was made.
    pub(super) attempt: Option<Attempt>,
    /// What becomes of its records.
    pub(super) outcome: Outcome,
    /// Whether errors of one trace key fold.
    pub(super) fold: bool,
    /// Trace keys of records that were taken, where the destination has errors.
    pub(super) healed: Vec<(RecordId, String)>,
    /// Number of the page of those that go again.
    pub(super) child: u64,
    /// Epoch milliseconds.
    pub(super) now_ms: i64,
}

/// What a settlement leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// There is a page to lease, now or later.
    Page,
    /// There is one, but its destination is gone.
    Orphan,
    /// The hook has settled records: the destinations may have them now.
    Passed,
}

struct Kept {
    destination: String,
    records: Vec<u8>,
    oversized: bool,
    kind: i64,
    attempts: u32,
    first_attempt_at: Option<i64>,
    created_at: i64,
}

impl Settle {
    /// Puts it down.
    pub(super) fn apply(self, connection: &Connection) -> Result<Left, Trouble> {
        let mut page = find(connection, self.number)?;
        if let Some(attempt) = &self.attempt {
            page.attempts = page.attempts.saturating_add(1);
            page.first_attempt_at = page.first_attempt_at.or(Some(attempt.at_ms));
            connection
                .prepare_cached(
                    "INSERT INTO attempt(page, number, at, took_ms, status) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    signed(self.number),
                    page.attempts,
                    attempt.at_ms,
                    attempt.took_ms,
                    attempt.status
                ])?;
        }
        let open = match (&self.outcome, Done::of(&self.outcome)) {
            (_, Some(done)) => {
                if done.hooked && page.destination != PRE_PAGE {
                    return Err(Trouble::Asked(format!("page {} is not one of the hook", self.number)));
                }
                self.done(connection, &page, &done)?
            }
            (Outcome::Retry { at_ms }, None) => self.wait(connection, &page, *at_ms)?,
            (_, None) => self.wait(connection, &page, page.created_at)?,
        };
        if page.destination == PRE_PAGE {
            return Ok(Left::Passed);
        }
        if !open {
            return Ok(Left::Nothing);
        }
        let known: Option<i64> = connection
            .prepare_cached("SELECT 1 FROM destination WHERE name = ?1")?
            .query_row([&page.destination], |row| row.get(0))
            .optional()?;
        Ok(if known.is_some() { Left::Page } else { Left::Orphan })
    }

    fn wait(&self, connection: &Connection, page: &Kept, due_at: i64) -> Result<bool, Trouble> {
        connection
            .prepare_cached(
                "UPDATE page SET state = 0, due_at = ?2, attempts = ?3, first_attempt_at = ?4 WHERE number = ?1",
            )?
            .execute(params![signed(self.number), due_at, page.attempts, page.first_attempt_at])?;
        Ok(true)
    }

    fn done(&self, connection: &Connection, page: &Kept, done: &Done<'_>) -> Result<bool, Trouble> {
        let Done { errors: failed, again_at, fates, .. } = *done;
        let records = spans::decode_records(&page.records)?;
        let again = done.checked(&records).map_err(Trouble::Asked)?;
        if page.destination == PRE_PAGE {
            if page.kind == pages::ERRORS {
                mend::keep(connection, self.number, fates, failed, &again, self.now_ms)?;
            } else {
                hook::keep(connection, fates, failed.iter().map(|error| error.record))?;
            }
        }
        let place =
            Place { destination: Some(&page.destination), page: Some(self.number), attempts: page.attempts };
        if page.kind == pages::ERRORS {
            retry::settle(connection, self.number, page.attempts, failed, &again, self.child, self.now_ms)?;
        } else {
            errors::insert(connection, place, failed, self.fold)?;
        }
        for (record, trace_key) in self.healed.iter().filter(|_| self.fold) {
            let (destination, now_ms) = (&page.destination, self.now_ms);
            fold::close_older(connection, destination, trace_key, *record, Closer::Success, now_ms)?;
        }
        if !again.is_empty() {
            let child = NewPage {
                number: self.child,
                destination: &page.destination,
                state: pages::WAITING,
                kind: page.kind,
                records: &again,
                oversized: page.oversized,
                attempts: page.attempts,
                first_attempt_at: page.first_attempt_at,
                due_at: again_at,
                created_at: self.now_ms,
                parent: Some(self.number),
            };
            pages::insert(connection, &child)?;
        }
        let delivered = done.delivered(records.len(), again.len());
        let nothing = delivered == 0 && again.is_empty();
        connection
            .prepare_cached(
                "UPDATE page SET state = ?2, attempts = ?3, first_attempt_at = ?4, settled_at = ?5 \
                 WHERE number = ?1",
            )?
            .execute(params![
                signed(self.number),
                if nothing { pages::FAILED } else { pages::DELIVERED },
                page.attempts,
                page.first_attempt_at,
                self.now_ms,
            ])?;
        connection
            .prepare_cached(
                "UPDATE destination SET delivered = delivered + ?2, page_records = page_records - ?3 \
                 WHERE name = ?1",
            )?
            .execute(params![
                page.destination,
                count(delivered),
                if page.kind == pages::ERRORS { 0 } else { count(records.len() - again.len()) },
            ])?;
        Ok(!again.is_empty())
    }
}

fn find(connection: &Connection, number: u64) -> Result<Kept, Trouble> {
    connection
        .prepare_cached(
            "SELECT destination, records, oversized, attempts, first_attempt_at, created_at, kind \
             FROM page WHERE number = ?1 AND state = 1",
        )?
        .query_row([signed(number)], |row| {
            Ok(Kept {
                destination: row.get(0)?,
                records: row.get(1)?,
                oversized: row.get(2)?,
                attempts: row.get(3)?,
                first_attempt_at: row.get(4)?,
                created_at: row.get(5)?,
                kind: row.get(6)?,
            })
        })
        .optional()?
        .ok_or_else(|| Trouble::Asked(format!("page {number} is not leased")))
}
