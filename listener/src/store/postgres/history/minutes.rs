//! How it went, minute by minute. Rows are added up; a minute that is over is put into one row for
//! each destination now and then, by one process at a time. Rows are kept for a week.

use crate::desk::{Range, Series};
use crate::store::history::series::Frame;
use crate::store::postgres::desk::sql;
use crate::store::postgres::trouble::{Trouble, signed, unsigned};
use crate::store::postgres::tx::Tx;

/// A week.
const KEPT_MINUTES: i64 = 7 * 24 * 60;
/// A minute this far ahead of the clock is one of a broken clock.
const FUTURE_MINUTES: i64 = 24 * 60;

/// The points of a range.
pub(super) async fn series(tx: &Tx<'_>, range: Range) -> Result<Series, Trouble> {
    let mut frame = Frame::new(range);
    let [first, last] = frame.minutes;
    let sums = "SELECT at, destination, sum(events)::bigint, sum(refused)::bigint, sum(errors)::bigint, \
         max(backlog), sum(attempts)::float8, sum(took_ms)::float8 \
         FROM minute WHERE at >= $1 AND at < $2 GROUP BY at, destination ORDER BY at";
    for row in &sql::rows(tx, sums, &[&first, &last]).await? {
        let (minute, destination): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        if !destination.is_empty() {
            frame.add_attempts(minute, destination, row.try_get(6)?, row.try_get(7)?);
            continue;
        }
        let Some(point) = frame.point(minute) else { continue };
        point.events += unsigned(row.try_get(2)?);
        point.refused += unsigned(row.try_get(3)?);
        point.errors += unsigned(row.try_get(4)?);
        point.backlog = row.try_get::<_, Option<i64>>(5)?.map(unsigned).or(point.backlog);
    }
    Ok(frame.filled())
}

/// Notes what was not settled at the end of a minute, where nobody has.
pub(in crate::store::postgres) async fn note_backlog(
    tx: &Tx<'_>,
    minute: i64,
    backlog: u64,
) -> Result<(), Trouble> {
    let note = "INSERT INTO minute(at, backlog) SELECT $1::bigint, $2::bigint \
         WHERE NOT EXISTS (SELECT 1 FROM minute WHERE at = $1 AND destination = '' AND backlog IS NOT NULL)";
    sql::run(tx, note, &[&minute, &signed(backlog)]).await?;
    Ok(())
}

/// Puts the rows of minutes before `minute` into one for each destination; how many there were too many.
pub(in crate::store::postgres) async fn settle(tx: &Tx<'_>, minute: i64) -> Result<u64, Trouble> {
    let alone = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/minute', 0))";
    if !sql::one(tx, alone, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let settle = "WITH many AS MATERIALIZED (SELECT at, destination FROM minute WHERE at < $1 \
             GROUP BY 1, 2 HAVING count(*) > 1 LIMIT 100), \
         gone AS (DELETE FROM minute USING many WHERE minute.at = many.at \
             AND minute.destination = many.destination RETURNING minute.*) \
         INSERT INTO minute SELECT at, destination, sum(events), sum(refused), sum(errors), sum(attempts), \
             sum(took_ms), max(backlog) FROM gone GROUP BY 1, 2";
    sql::run(tx, settle, &[&minute]).await
}

/// Removes minutes that are too old, and those of a broken clock, at most `limit`; how many.
pub(in crate::store::postgres) async fn remove(tx: &Tx<'_>, now_ms: i64, limit: i64) -> Result<u64, Trouble> {
    let now = crate::store::history::series::minute_of(now_ms);
    let old = "DELETE FROM minute WHERE ctid = ANY(ARRAY(SELECT ctid FROM minute WHERE at < $1 OR at > $2 LIMIT $3))";
    sql::run(tx, old, &[&now.saturating_sub(KEPT_MINUTES), &now.saturating_add(FUTURE_MINUTES), &limit]).await
}
