//! How it went, minute by minute, in the transactions in which it happened.
//!
//! A transaction adds to the row of a minute once, whatever it holds; so a minute costs the writer a
//! few rows, and what was counted is what is in the tables. Rows are kept for [`KEPT_MINUTES`].

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::desk::{Range, Series};
use crate::store::Attempt;
use crate::store::history::series::Frame;
use crate::store::index::trouble::{Trouble, count, signed, unsigned};

pub(in crate::store::index) use crate::store::history::series::minute_of as of;

/// A week.
pub(in crate::store::index) const KEPT_MINUTES: i64 = 7 * 24 * 60;
/// A minute this far ahead of the clock is one of a broken clock.
const FUTURE_MINUTES: i64 = 24 * 60;
/// Adds events that came in a minute.
pub(in crate::store::index) fn add_events(
    connection: &Connection,
    minute: i64,
    events: i64,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO minute(at, events) VALUES (?1, ?2) \
             ON CONFLICT DO UPDATE SET events = events + excluded.events",
        )?
        .execute([minute, events])?;
    Ok(())
}

/// Adds requests that were refused.
pub(in crate::store::index) fn add_refused(
    connection: &Connection,
    at_ms: i64,
    refused: i64,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO minute(at, refused) VALUES (?1, ?2) \
             ON CONFLICT DO UPDATE SET refused = refused + excluded.refused",
        )?
        .execute([of(at_ms), refused])?;
    Ok(())
}

/// Adds errors, each to its minute.
pub(in crate::store::index) fn add_errors(
    connection: &Connection,
    times: impl Iterator<Item = i64>,
) -> Result<(), Trouble> {
    let mut minutes: BTreeMap<i64, i64> = BTreeMap::new();
    for at_ms in times {
        *minutes.entry(of(at_ms)).or_default() += 1;
    }
    for (minute, errors) in minutes {
        connection
            .prepare_cached(
                "INSERT INTO minute(at, errors) VALUES (?1, ?2) \
                 ON CONFLICT DO UPDATE SET errors = errors + excluded.errors",
            )?
            .execute([minute, errors])?;
    }
    Ok(())
}

/// Adds an attempt at a destination to the minute of its beginning.
pub(in crate::store::index) fn add_attempt(
    connection: &Connection,
    destination: &str,
    attempt: &Attempt,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO latency(at, destination, attempts, took_ms) VALUES (?1, ?2, 1, ?3) \
             ON CONFLICT DO UPDATE SET attempts = attempts + 1, took_ms = took_ms + excluded.took_ms",
        )?
        .execute(params![of(attempt.at_ms), destination, attempt.took_ms])?;
    Ok(())
}

/// Notes what was not settled at the end of a minute.
pub(super) fn note_backlog(connection: &Connection, minute: i64, backlog: u64) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO minute(at, backlog) VALUES (?1, ?2) \
             ON CONFLICT DO UPDATE SET backlog = excluded.backlog",
        )?
        .execute([minute, signed(backlog)])?;
    Ok(())
}

/// Removes minutes that are too old, and those of a broken clock, at most `limit` of each table; how many.
pub(in crate::store::index) fn remove(
    connection: &Connection,
    now_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    let now = of(now_ms);
    let kept = [now.saturating_sub(KEPT_MINUTES), now.saturating_add(FUTURE_MINUTES), limit];
    let minutes = connection
        .prepare_cached(
            "DELETE FROM minute WHERE at IN (SELECT at FROM minute WHERE at < ?1 OR at > ?2 LIMIT ?3)",
        )?
        .execute(kept)?;
    let latencies = connection
        .prepare_cached(
            "DELETE FROM latency WHERE (at, destination) IN \
             (SELECT at, destination FROM latency WHERE at < ?1 OR at > ?2 LIMIT ?3)",
        )?
        .execute(kept)?;
    Ok(unsigned(count(minutes + latencies)))
}

/// The points of a range.
pub(super) fn series(connection: &Connection, range: Range) -> Result<Series, Trouble> {
    let mut frame = Frame::new(range);
    // One look: the two tables change together.
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(
        "SELECT at, events, refused, errors, backlog FROM minute WHERE at >= ?1 AND at < ?2 ORDER BY at",
    )?;
    let mut rows = statement.query(frame.minutes)?;
    while let Some(row) = rows.next()? {
        let Some(point) = frame.point(row.get(0)?) else { continue };
        point.events += unsigned(row.get(1)?);
        point.refused += unsigned(row.get(2)?);
        point.errors += unsigned(row.get(3)?);
        point.backlog = row.get::<_, Option<i64>>(4)?.map(unsigned).or(point.backlog);
    }
    let mut statement = transaction.prepare_cached(
        "SELECT at, destination, attempts, took_ms FROM latency WHERE at >= ?1 AND at < ?2",
    )?;
    let mut rows = statement.query(frame.minutes)?;
    while let Some(row) = rows.next()? {
        frame.add_attempts(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    }
    Ok(frame.filled())
}
