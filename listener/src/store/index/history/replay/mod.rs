//! Replay: delivered records go to one destination once more.
//!
//! A replay is a bulk act with a destination. Its plan ([`plan`]) puts the names of the records into
//! `replay`; from its start on, pages of kind 2 are cut from them ([`cut`]) in order, by the size and the
//! bounds of the destination, and are leased, retried and settled like any other; what fails becomes an
//! open error. Pages of new records, of errors and of replays take turns ([`crate::store::index::lease`]).
//!
//! # Invariants
//!
//! 1. The cursor (`bulk.cursor`, `bulk.element`) moves in the transaction that makes the page of what it
//!    passes, keeps what the destination's filter failed on, and counts what was left. So a replay that
//!    was killed goes on where it was, and no record is sent twice by it.
//! 2. `total = done + passed + what waits`; the replay is done when nothing waits.
//! 3. The hook is not asked again: what it gave for a record is what is sent.
//! 4. What waits keeps nothing from its retention, nor from being erased. A record that is gone by then
//!    is left, and counted.
//! 5. A page never names a record that is erased: the transaction that makes it looks once more, and
//!    from then on the page is a need of its records ([`crate::store::index::erase`]).

mod cut;
mod plan;

use rusqlite::{Connection, params};

pub(in crate::store::index) use self::cut::{Commit, collect};
pub(in crate::store::index) use self::plan::{begin, end, put, step};
use crate::desk::Actor;
use crate::store::history::replay::{LISTENER, ended_with};
use crate::store::index::desk::audit::{self, About};
use crate::store::index::trouble::{Trouble, count, unsigned};

/// Whether a destination has records to be replayed.
pub(in crate::store::index) fn waits(connection: &Connection, destination: &str) -> Result<bool, Trouble> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM bulk WHERE state = 1 AND destination = ?1")?
        .exists([destination])?)
}

/// A destination is gone: its replays end. What is in pages already becomes open errors.
pub(in crate::store::index) fn cancel_of(
    connection: &Connection,
    destination: &str,
    now_ms: i64,
) -> Result<(), Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM bulk WHERE state = 1 AND destination = ?1")?;
    let ids = statement.query_map([destination], |row| row.get::<_, i64>(0))?;
    for id in ids.collect::<Result<Vec<_>, _>>()? {
        connection
            .prepare_cached("UPDATE bulk SET state = 3, ended_at = ?2 WHERE id = ?1")?
            .execute(params![id, now_ms])?;
        let about = About { error: None, bulk: Some(id) };
        let actor = Actor(LISTENER.to_owned());
        audit::write(connection, now_ms, &actor, "cancel", about, &ended_with(destination))?;
    }
    Ok(())
}

/// Removes the records of plans and replays that are gone, at most `limit`; how many.
pub(in crate::store::index) fn remove_orphans(connection: &Connection, limit: i64) -> Result<u64, Trouble> {
    // From one bulk act to the next, without looking at their records.
    let orphan: Option<i64> = connection
        .prepare_cached(
            "WITH RECURSIVE each(id) AS (SELECT min(bulk) FROM replay UNION ALL \
             SELECT (SELECT min(bulk) FROM replay WHERE bulk > each.id) FROM each WHERE each.id IS NOT NULL) \
             SELECT min(id) FROM each WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM bulk)",
        )?
        .query_row([], |row| row.get(0))?;
    let Some(bulk) = orphan else { return Ok(0) };
    let removed = connection
        .prepare_cached(
            "DELETE FROM replay WHERE (bulk, delivery, element) IN \
             (SELECT bulk, delivery, element FROM replay WHERE bulk = ?1 LIMIT ?2)",
        )?
        .execute([bulk, limit])?;
    Ok(unsigned(count(removed)))
}
