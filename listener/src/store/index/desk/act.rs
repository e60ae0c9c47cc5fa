//! Acts on one error. The same code does single acts and those of a bulk act. What fits which
//! state: [`rules`].

use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, About};
use super::fail::Fail;
use super::{list, state};
use crate::desk::{Act, Actor, State};
use crate::store::desk::rules;
use crate::store::index::trouble::{Trouble, count};

/// Who acts, when, and as a part of what.
#[derive(Clone, Debug)]
pub(super) struct Doing {
    pub(super) actor: Actor,
    pub(super) now_ms: i64,
    pub(super) bulk: Option<i64>,
}

/// Does an act on one error, in the caller's transaction; its state afterwards.
pub(super) fn apply(connection: &Connection, act: &Act, id: i64, doing: &Doing) -> Result<State, Fail> {
    let found = connection
        .prepare_cached("SELECT state, has_payload, destination FROM error WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))
        .optional()?;
    let Some((number, has_payload, destination)) = found else { return Err(Fail::not_found("error", id)) };
    let before = state::of(number)?;
    rules::fits(act, before, has_payload)?;
    let there =
        || connection.prepare_cached("SELECT 1 FROM destination WHERE name = ?1")?.exists([&destination]);
    rules::fits_destination(act, &destination, there()?)?;
    if let Act::Tag { add, remove } = act {
        rules::fits_tags(list::tags(connection, id)?, add, remove)?;
    }
    change(connection, act, id, doing)?;
    if doing.bulk.is_none() {
        let about = About { error: Some(id), bulk: None };
        audit::write(connection, doing.now_ms, &doing.actor, act.name(), about, &rules::detail(act))?;
    }
    Ok(rules::after(act, before))
}

fn change(connection: &Connection, act: &Act, id: i64, doing: &Doing) -> Result<(), Trouble> {
    let Doing { actor, now_ms, bulk: _ } = doing;
    match act {
        Act::Retry => {
            connection
                .prepare_cached(
                    "UPDATE error SET state = 2, retried_by = ?2, retry_page = NULL, waits_until = NULL WHERE id = ?1",
                )?
                .execute(params![id, actor.0])?;
        }
        Act::Resolve => {
            connection
                .prepare_cached(
                    "UPDATE error SET state = 3, resolved_at = ?2, resolved_by = ?3, resolution = 'by_hand', \
                     waits_until = NULL WHERE id = ?1",
                )?
                .execute(params![id, now_ms, actor.0])?;
        }
        Act::Reopen => {
            connection
                .prepare_cached(
                    "UPDATE error SET state = 0, resolved_at = NULL, resolved_by = NULL, resolution = NULL, \
                     newer_error = NULL, waits_until = NULL WHERE id = ?1",
                )?
                .execute([id])?;
        }
        Act::Wait { until_ms } => {
            connection
                .prepare_cached("UPDATE error SET state = 1, waits_until = ?2 WHERE id = ?1")?
                .execute(params![id, until_ms])?;
        }
        Act::Assign { to } => {
            let to = to.as_deref().map(str::trim);
            connection
                .prepare_cached("UPDATE error SET assignee = ?2 WHERE id = ?1")?
                .execute(params![id, to])?;
        }
        Act::Tag { add, remove } => tag(connection, id, add, remove)?,
        Act::Note { text } => {
            connection
                .prepare_cached("INSERT INTO note(error, at, author, text) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![id, now_ms, actor.0, text.trim()])?;
        }
        Act::Replay { .. } => {}
        Act::Edit { payload } => {
            let bytes = payload.as_ref().map(String::as_bytes);
            connection
                .prepare_cached(
                    "UPDATE payload SET edited = ?2, edited_by = ?3, edited_at = ?4 WHERE error = ?1",
                )?
                .execute(params![id, bytes, bytes.map(|_| &actor.0), bytes.map(|_| now_ms)])?;
            connection
                .prepare_cached("UPDATE error SET edited = ?2 WHERE id = ?1")?
                .execute(params![id, payload.is_some()])?;
        }
    }
    Ok(())
}

fn tag(connection: &Connection, id: i64, add: &[String], remove: &[String]) -> Result<(), Trouble> {
    for tag in remove {
        connection
            .prepare_cached("DELETE FROM tag WHERE tag = ?1 AND error = ?2")?
            .execute(params![tag.trim(), id])?;
    }
    for tag in add {
        connection
            .prepare_cached("INSERT OR IGNORE INTO tag(tag, error) VALUES (?1, ?2)")?
            .execute(params![tag.trim(), id])?;
    }
    Ok(())
}

/// When the next waiting is over, epoch milliseconds.
pub(super) fn next_opening(connection: &Connection) -> Result<Option<i64>, Trouble> {
    Ok(connection
        .prepare_cached("SELECT min(waits_until) FROM error WHERE state = 1 AND waits_until IS NOT NULL")?
        .query_row([], |row| row.get(0))?)
}

/// Opens errors whose waiting is over; how many.
pub(in crate::store::index) fn end_waits(
    connection: &Connection,
    now_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    let opened = connection
        .prepare_cached(
            "UPDATE error SET state = 0, waits_until = NULL WHERE id IN \
             (SELECT id FROM error WHERE state = 1 AND waits_until IS NOT NULL AND waits_until <= ?1 LIMIT ?2)",
        )?
        .execute([now_ms, limit])?;
    Ok(crate::store::index::trouble::unsigned(count(opened)))
}
