//! Acts on errors, one or many in a few statements. What fits which state: [`rules`].
//!
//! The errors are locked in the order of their numbers, then looked at, then changed: so an act sees
//! what it changes, and two acts do not wait for each other.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::audit::{self, About};
use super::fail::Fail;
use super::list;
use super::sql;
use super::state;
use super::text::cleaned;
use crate::desk::{Act, Actor, DeskError, State};
use crate::store::desk::{not_found, rules};
use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;

/// Who acts and when.
#[derive(Clone, Debug)]
pub(super) struct Doing {
    pub(super) actor: Actor,
    pub(super) now_ms: i64,
}

/// An error that is held, as an act sees it.
struct Held {
    id: i64,
    state: State,
    has_payload: bool,
    destination: String,
    /// The destination is there.
    there: bool,
}

/// Does an act on one error; its state afterwards.
pub(super) async fn one(tx: &Tx<'_>, act: &Act, id: i64, doing: &Doing) -> Result<State, Fail> {
    rules::check(act)?;
    let held = hold(tx, &[id]).await?;
    let error = held.first().ok_or_else(|| not_found("error", id))?;
    let tags = list::tags(tx, &[id]).await?.remove(&id).unwrap_or_default();
    fits(act, error, tags)?;
    change(tx, act, &[id], doing).await?;
    let about = About { error: Some(id), bulk: None };
    audit::write(tx, doing.now_ms, &doing.actor, act.name(), about, &rules::detail(act)).await?;
    Ok(rules::after(act, error.state))
}

/// Does an act on those of the errors that it fits; their numbers.
pub(super) async fn many(tx: &Tx<'_>, act: &Act, ids: &[i64], doing: &Doing) -> Result<Vec<i64>, Trouble> {
    let held = hold(tx, ids).await?;
    let mut tags = if matches!(act, Act::Tag { .. }) { list::tags(tx, ids).await? } else { HashMap::new() };
    let fitting: Vec<i64> = held
        .iter()
        .filter(|error| fits(act, error, tags.remove(&error.id).unwrap_or_default()).is_ok())
        .map(|error| error.id)
        .collect();
    if !fitting.is_empty() {
        change(tx, act, &fitting, doing).await?;
    }
    Ok(fitting)
}

fn fits(act: &Act, error: &Held, tags: Vec<String>) -> Result<(), DeskError> {
    rules::fits(act, error.state, error.has_payload)?;
    rules::fits_destination(act, &error.destination, error.there)?;
    match act {
        Act::Tag { add, remove } => rules::fits_tags(tags, add, remove),
        _ => Ok(()),
    }
}

async fn hold(tx: &Tx<'_>, ids: &[i64]) -> Result<Vec<Held>, Trouble> {
    let sql = "SELECT id, state, has_payload, destination, \
         EXISTS (SELECT 1 FROM destination WHERE name = error.destination) \
         FROM error WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE";
    let read = |row: &Row| {
        Ok(Held {
            id: row.try_get(0)?,
            state: state::column(row, 1)?,
            has_payload: row.try_get(2)?,
            destination: row.try_get(3)?,
            there: row.try_get(4)?,
        })
    };
    sql::rows(tx, sql, &[&ids]).await?.iter().map(read).collect()
}

async fn change(tx: &Tx<'_>, act: &Act, ids: &[i64], doing: &Doing) -> Result<(), Trouble> {
    let Doing { actor, now_ms } = doing;
    let actor = cleaned(&actor.0);
    match act {
        Act::Retry => {
            let sql = "UPDATE error SET state = 2, retried_by = $2, retry_page = NULL, waits_until = NULL \
                 WHERE id = ANY($1::bigint[])";
            sql::run(tx, sql, &[&ids, &actor]).await?;
        }
        Act::Resolve => {
            let sql = "UPDATE error SET state = 3, resolved_at = $2, resolved_by = $3, resolution = 'by_hand', \
                 newer_error = NULL, waits_until = NULL WHERE id = ANY($1::bigint[])";
            sql::run(tx, sql, &[&ids, now_ms, &actor]).await?;
        }
        Act::Reopen => {
            let sql = "UPDATE error SET state = 0, resolved_at = NULL, resolved_by = NULL, resolution = NULL, \
                 newer_error = NULL, waits_until = NULL WHERE id = ANY($1::bigint[])";
            sql::run(tx, sql, &[&ids]).await?;
        }
        Act::Wait { until_ms } => {
            let sql = "UPDATE error SET state = 1, waits_until = $2 WHERE id = ANY($1::bigint[])";
            sql::run(tx, sql, &[&ids, until_ms]).await?;
        }
        Act::Assign { to } => {
            let to = to.as_deref().map(str::trim).map(cleaned);
            let sql = "UPDATE error SET assignee = $2 WHERE id = ANY($1::bigint[])";
            sql::run(tx, sql, &[&ids, &to]).await?;
        }
        Act::Tag { add, remove } => tag(tx, ids, add, remove).await?,
        Act::Note { text } => {
            let sql = "INSERT INTO note(error, at, author, text) \
                 SELECT id, $2::bigint, $3::text, $4::text FROM unnest($1::bigint[]) AS e(id)";
            sql::run(tx, sql, &[&ids, now_ms, &actor, &cleaned(text.trim())]).await?;
        }
        Act::Edit { payload } => {
            let bytes = payload.as_ref().map(String::as_bytes);
            let sql = "UPDATE payload SET edited = $2, edited_by = $3, edited_at = $4 WHERE error = ANY($1::bigint[])";
            sql::run(tx, sql, &[&ids, &bytes, &bytes.map(|_| &actor), &bytes.map(|_| *now_ms)]).await?;
            let sql = "UPDATE error SET edited = $2 WHERE id = ANY($1::bigint[])";
            sql::run(tx, sql, &[&ids, &payload.is_some()]).await?;
        }
        Act::Replay { .. } => {}
    }
    Ok(())
}

async fn tag(tx: &Tx<'_>, ids: &[i64], add: &[String], remove: &[String]) -> Result<(), Trouble> {
    let names = |tags: &[String]| tags.iter().map(|tag| cleaned(tag.trim())).collect::<Vec<_>>();
    if !remove.is_empty() {
        let sql = "DELETE FROM tag WHERE tag = ANY($2::text[]) AND error = ANY($1::bigint[])";
        sql::run(tx, sql, &[&ids, &names(remove)]).await?;
    }
    if !add.is_empty() {
        let sql = "INSERT INTO tag(tag, error) SELECT t, e FROM unnest($2::text[]) AS tags(t), \
             unnest($1::bigint[]) AS errors(e) ON CONFLICT DO NOTHING";
        sql::run(tx, sql, &[&ids, &names(add)]).await?;
    }
    Ok(())
}

/// When the next waiting is over, epoch milliseconds.
pub(super) async fn next_opening(tx: &Tx<'_>) -> Result<Option<i64>, Trouble> {
    let sql = "SELECT min(waits_until) FROM error WHERE state = 1 AND waits_until IS NOT NULL";
    Ok(sql::one(tx, sql, &[]).await?.try_get(0)?)
}

/// Opens errors whose waiting is over; how many.
pub(in crate::store::postgres) async fn end_waits(
    tx: &Tx<'_>,
    now_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    sql::run(
        tx,
        "UPDATE error SET state = 0, waits_until = NULL WHERE id IN ( \
             SELECT id FROM error WHERE state = 1 AND waits_until IS NOT NULL AND waits_until <= $1 \
             ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)",
        &[&now_ms, &limit],
    )
    .await
}
