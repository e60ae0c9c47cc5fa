//! Replay: delivered records go to one destination once more.
//!
//! A replay is a bulk act with a destination. Its plan ([`plan`]) puts the names of the records into
//! `replay`; from its start on, pages of kind 2 are cut from them ([`cut`]) in order, by the size and the
//! bounds of the destination, and are leased, retried and settled like any other; what fails becomes an
//! open error. Pages of new records, of errors and of replays take turns ([`crate::store::postgres::again`]).
//!
//! # Invariants
//!
//! 1. The cursor (`bulk.cursor`, `bulk.element`) moves in the transaction that makes the page of what it
//!    passes, keeps what the destination's filter failed on, and counts what was left. That transaction
//!    holds the row of the replay from before it reads; other processes pass it over meanwhile. So a
//!    replay whose process was killed goes on where it was, in whichever process, and no record is sent
//!    twice by it.
//! 2. `total = done + passed + what waits`; the replay is done when nothing waits.
//! 3. The hook is not asked again: what it gave for a record is what is sent.
//! 4. What waits keeps nothing from its retention or its erasure. A record that is gone by then is left,
//!    and counted. What is in a page that is not settled is kept: who reads records for a page shares a
//!    lock with others who do ([`crate::store::postgres::holding`]), and who looks for what nobody needs
//!    any more has it alone.
//! 5. Rows are locked in one order: replays, then errors, then the destination.

mod cut;
mod plan;

pub(in crate::store::postgres) use self::cut::{Commit, Found, collect};
pub(in crate::store::postgres) use self::plan::{begin, end, put, step};
use crate::desk::Actor;
use crate::store::history::replay::{LISTENER, ended_with};
use crate::store::postgres::desk::audit::{self, About};
use crate::store::postgres::desk::sql;
use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;

/// Whether a destination has records to be replayed.
pub(in crate::store::postgres) async fn waits(tx: &Tx<'_>, destination: &str) -> Result<bool, Trouble> {
    let sql = "SELECT EXISTS (SELECT 1 FROM bulk WHERE state = 1 AND destination = $1)";
    Ok(sql::one(tx, sql, &[&destination]).await?.try_get(0)?)
}

/// Locks the replays that run, before destinations are locked.
pub(in crate::store::postgres) async fn lock(tx: &Tx<'_>) -> Result<(), Trouble> {
    let sql = "SELECT id FROM bulk WHERE state = 1 AND destination IS NOT NULL ORDER BY id FOR UPDATE";
    sql::rows(tx, sql, &[]).await?;
    Ok(())
}

/// A destination is gone: its replays end. What is in pages already becomes open errors.
pub(in crate::store::postgres) async fn cancel_of(
    tx: &Tx<'_>,
    destination: &str,
    now_ms: i64,
) -> Result<(), Trouble> {
    let stop = "UPDATE bulk SET state = 3, ended_at = $2 WHERE state = 1 AND destination = $1 RETURNING id";
    let actor = Actor(LISTENER.to_owned());
    for row in &sql::rows(tx, stop, &[&destination, &now_ms]).await? {
        let about = About { error: None, bulk: Some(row.try_get(0)?) };
        audit::write(tx, now_ms, &actor, "cancel", about, &ended_with(destination)).await?;
    }
    Ok(())
}

/// Removes the records of plans and replays that are gone, at most `limit`; how many.
pub(in crate::store::postgres) async fn remove_orphans(tx: &Tx<'_>, limit: i64) -> Result<u64, Trouble> {
    // From one bulk act to the next, without looking at their records.
    let orphan = "WITH RECURSIVE each(id) AS ((SELECT min(bulk) FROM replay) UNION ALL \
         SELECT (SELECT min(bulk) FROM replay WHERE bulk > each.id) FROM each WHERE each.id IS NOT NULL) \
         SELECT min(id) FROM each WHERE NOT EXISTS (SELECT 1 FROM bulk WHERE bulk.id = each.id)";
    let Some(bulk) = sql::one(tx, orphan, &[]).await?.try_get::<_, Option<i64>>(0)? else { return Ok(0) };
    let remove = "DELETE FROM replay WHERE bulk = $1 AND (delivery, element) IN \
         (SELECT delivery, element FROM replay WHERE bulk = $1 LIMIT $2)";
    sql::run(tx, remove, &[&bulk, &limit]).await
}
