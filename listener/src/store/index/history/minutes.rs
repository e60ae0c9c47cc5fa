//! How it went, minute by minute, in the transactions in which it happened.
//!
//! A transaction adds to the row of a minute once, whatever it holds; so a minute costs the writer a
//! few rows, and what was counted is what is in the tables. Rows are kept for [`KEPT_MINUTES`].

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::desk::{MAX_POINTS, Point, Range, Series};
use crate::store::Attempt;
use crate::store::index::trouble::{Trouble, count, signed, unsigned};

const MINUTE_MS: i64 = 60_000;
/// A week.
pub(in crate::store::index) const KEPT_MINUTES: i64 = 7 * 24 * 60;
/// A minute this far ahead of the clock is one of a broken clock.
const FUTURE_MINUTES: i64 = 24 * 60;
/// The times that a calendar has, epoch milliseconds: the years 1970 to 9999.
const TIMES: std::ops::Range<i64> = 0..253_402_300_800_000;

/// The minute of a time.
pub(in crate::store::index) fn of(at_ms: i64) -> i64 {
    at_ms.div_euclid(MINUTE_MS)
}

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

/// The points of a range. Steps begin at whole multiples of a step.
pub(super) fn series(connection: &Connection, range: Range) -> Result<Series, Trouble> {
    let (from, until) = (bounded(range.from_ms), bounded(range.until_ms));
    let most = count(MAX_POINTS) - 1;
    // One less, because the first step may begin before the range.
    let least = until.saturating_sub(from).max(0) / most + 1;
    let step = range.step_ms.clamp(MINUTE_MS, TIMES.end).max(least);
    let step = (step + MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS;
    let mut series = Series { step_ms: step, points: Vec::new() };
    if from >= until {
        return Ok(series);
    }
    let begin = from.div_euclid(step) * step;
    let end = (until + step - 1).div_euclid(step) * step;
    let points = usize::try_from((end - begin) / step).unwrap_or(0).min(MAX_POINTS);
    series.points =
        (0..points).map(|at| Point { at_ms: begin + count(at) * step, ..Point::default() }).collect();
    let span = [of(begin), of(end)];
    let place = |minute: i64| usize::try_from((minute * MINUTE_MS - begin) / step).unwrap_or(usize::MAX);
    // One look: the two tables change together.
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(
        "SELECT at, events, refused, errors, backlog FROM minute WHERE at >= ?1 AND at < ?2 ORDER BY at",
    )?;
    let mut rows = statement.query(span)?;
    while let Some(row) = rows.next()? {
        let Some(point) = series.points.get_mut(place(row.get(0)?)) else { continue };
        point.events += unsigned(row.get(1)?);
        point.refused += unsigned(row.get(2)?);
        point.errors += unsigned(row.get(3)?);
        point.backlog = row.get::<_, Option<i64>>(4)?.map(unsigned).or(point.backlog);
    }
    let mut taken: BTreeMap<(usize, String), (f64, f64)> = BTreeMap::new();
    let mut statement = transaction.prepare_cached(
        "SELECT at, destination, attempts, took_ms FROM latency WHERE at >= ?1 AND at < ?2",
    )?;
    let mut rows = statement.query(span)?;
    while let Some(row) = rows.next()? {
        let sum = taken.entry((place(row.get(0)?), row.get(1)?)).or_default();
        sum.0 += row.get::<_, f64>(2)?;
        sum.1 += row.get::<_, f64>(3)?;
    }
    for ((place, destination), (attempts, took_ms)) in taken {
        if let Some(point) = series.points.get_mut(place) {
            point.latency_ms.insert(destination, took_ms / attempts.max(1.0));
        }
    }
    Ok(series)
}

fn bounded(at_ms: i64) -> i64 {
    at_ms.clamp(TIMES.start, TIMES.end)
}
