//! Acts on many errors: a plan fixes which, a run does them in small transactions.
//!
//! The plan puts the numbers of all errors that match into `bulk_item`. The run goes through them
//! in order; `bulk.cursor` moves in the transaction that does the act, so that a run that was
//! killed goes on where it was and does nothing twice. What somebody changed meanwhile, so that
//! the act does not fit any more, is passed over and counted.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::act::{self, Doing};
use super::audit::{self, About};
use super::condition::Conditions;
use super::detail;
use super::fail::Fail;
use super::list::number;
use super::state;
use crate::desk::{
    Act, Actor, Bulk, BulkState, Effect, ErrorFilter, Listing, MAX_LIMIT, Plan, Query, Selection,
};
use crate::store::desk::rules::{self, Unfit};
use crate::store::history::replay;
use crate::store::index::trouble::{Trouble, count, unsigned};

/// How long a plan is kept.
pub(in crate::store::index) const PLAN_MS: i64 = 60 * 60 * 1_000;
/// Numbers that one step of a plan puts down.
const PLAN_STEP: i64 = 20_000;
/// Errors that one step of a run looks at.
const RUN_STEP: i64 = 500;
/// Errors that a plan shows.
const SAMPLE: usize = 10;
/// Plans that wait and acts that run at the same time.
const MAX_KEPT: i64 = 1_000;

const PLANNED: i64 = 0;
const RUNNING: i64 = 1;
const DONE: i64 = 2;
const CANCELLED: i64 = 3;

/// Begins a plan: its number.
pub(super) fn begin_plan(
    connection: &Connection,
    actor: &Actor,
    filter: &ErrorFilter,
    act: &Act,
    now_ms: i64,
) -> Result<i64, Fail> {
    rules::check(act)?;
    if matches!(act, Act::Edit { .. }) {
        return Err(Fail::invalid("act", "one payload does not fit many errors", "edit them one by one"));
    }
    insert(connection, actor, &Selection::Errors(filter.clone()), act, None, now_ms)
}

/// Keeps a plan that is not whole yet: its number. A replay has a destination.
pub(in crate::store::index) fn insert(
    connection: &Connection,
    actor: &Actor,
    selection: &Selection,
    act: &Act,
    destination: Option<&str>,
    now_ms: i64,
) -> Result<i64, Fail> {
    forget(connection, now_ms)?;
    let kept: i64 =
        connection.query_row("SELECT count(*) FROM bulk WHERE state < 2", [], |row| row.get(0))?;
    if kept >= MAX_KEPT {
        return Err(Fail::conflict(
            format!("{MAX_KEPT} plans and running bulk acts are there already"),
            "start them, cancel them, or wait an hour until the plans are forgotten",
        ));
    }
    connection
        .prepare_cached(
            "INSERT INTO bulk(actor, selection, act, planned_at, destination) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![actor.0, text(selection)?, text(act)?, now_ms, destination])?;
    Ok(connection.last_insert_rowid())
}

/// Puts the next numbers behind `after` into a plan; the last of them, none at the end.
pub(super) fn extend_plan(
    connection: &Connection,
    plan: i64,
    filter: &ErrorFilter,
    after: i64,
) -> Result<Option<i64>, Trouble> {
    let conditions = Conditions::of(filter);
    let sql = format!(
        "INSERT INTO bulk_item(bulk, error) SELECT ?, id FROM error NOT INDEXED \
         WHERE id > ? AND id <= ? AND {}",
        conditions.text()
    );
    let last: Option<i64> =
        connection.prepare_cached("SELECT max(id) FROM error")?.query_row([], |row| row.get(0))?;
    let Some(last) = last.filter(|last| *last > after) else { return Ok(None) };
    // A step of numbers, not of matches: each step is as short as the next.
    let until = after.saturating_add(PLAN_STEP).min(last);
    let mut values: Vec<rusqlite::types::Value> = vec![plan.into(), after.into(), until.into()];
    values.extend(conditions.values().iter().cloned());
    connection.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(values))?;
    Ok(Some(until))
}

/// What a plan that is whole would do.
pub(super) fn end_plan(connection: &Connection, plan: i64, now_ms: i64) -> Result<Plan, Fail> {
    let bulk = find(connection, plan)?;
    let mut effect = Effect::default();
    let mut statement = connection.prepare_cached(
        "SELECT error.state, has_payload, count(*) FROM bulk_item JOIN error ON error.id = bulk_item.error \
         WHERE bulk = ?1 GROUP BY 1, 2",
    )?;
    let mut rows = statement.query([plan])?;
    while let Some(row) = rows.next()? {
        let number = unsigned(row.get(2)?);
        effect.matched += number;
        match rules::fits(&bulk.act, state::column(row, 0)?, row.get(1)?) {
            Ok(()) => effect.changed += number,
            Err(Unfit::State(_)) => effect.left += number,
            Err(Unfit::NoPayload) => effect.without_payload += number,
        }
    }
    connection
        .prepare_cached("UPDATE bulk SET total = ?2, whole = 1 WHERE id = ?1")?
        .execute(params![plan, crate::store::index::trouble::signed(effect.matched)])?;
    let Selection::Errors(filter) = &bulk.selection else { return Err(Fail::not_found("plan", plan)) };
    let sample = detail::sample(connection, filter, SAMPLE)?;
    let expires_at_ms = now_ms.saturating_add(PLAN_MS);
    Ok(Plan {
        id: plan,
        selection: bulk.selection,
        act: bulk.act,
        effect,
        sample,
        records: Vec::new(),
        expires_at_ms,
    })
}

/// Begins to run a plan.
pub(super) fn start(connection: &Connection, actor: &Actor, plan: i64, now_ms: i64) -> Result<Bulk, Fail> {
    forget(connection, now_ms)?;
    // Looked at before anything is changed: a refusal leaves no trace.
    let planned = find(connection, plan).map_err(|fail| match fail {
        Fail::Desk(_) => Fail::not_found("plan", plan),
        fail @ Fail::Trouble(_) => fail,
    })?;
    if let Act::Replay { to } = &planned.act
        && !connection.prepare_cached("SELECT 1 FROM destination WHERE name = ?1")?.exists([to])?
    {
        return Err(replay::gone(to).into());
    }
    let started = connection
        .prepare_cached(
            "UPDATE bulk SET state = ?3, started_at = ?2, actor = ?4 WHERE id = ?1 AND state = 0 AND whole = 1",
        )?
        .execute(params![plan, now_ms, RUNNING, actor.0])?;
    let bulk = find(connection, plan)?;
    if started == 0 {
        return Err(Fail::conflict("the plan was started already", "look at the bulk act of its number"));
    }
    let about = About { error: None, bulk: Some(plan) };
    let detail = match &bulk.act {
        Act::Replay { to } => replay::started(bulk.total, to),
        act => format!("{} of {} errors", act.name(), bulk.total),
    };
    audit::write(connection, now_ms, actor, bulk.act.name(), about, &detail)?;
    Ok(bulk)
}

/// Whether a bulk act on errors runs. Replays go on with the pages of their destinations.
pub(super) fn runs(connection: &Connection) -> Result<bool, Trouble> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM bulk INDEXED BY bulk_running WHERE state = 1 AND destination IS NULL")?
        .exists([])?)
}

/// Does the next step of the oldest bulk act that runs; none where none runs.
pub(super) fn step(connection: &Connection, now_ms: i64) -> Result<Option<Stepped>, Trouble> {
    let running = connection
        .prepare_cached(
            "SELECT id, cursor, actor, act FROM bulk INDEXED BY bulk_running \
             WHERE state = 1 AND destination IS NULL ORDER BY id LIMIT 1",
        )?
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get::<_, String>(3)?))
        })
        .optional()?;
    let Some((id, cursor, actor, act)) = running else { return Ok(None) };
    let act: Act = serde_json::from_str(&act).map_err(|_| Trouble::Damaged("a bulk act is not readable"))?;
    let doing = Doing { actor: Actor(actor), now_ms, bulk: Some(id) };
    let errors: Vec<i64> = connection
        .prepare_cached("SELECT error FROM bulk_item WHERE bulk = ?1 AND error > ?2 ORDER BY error LIMIT ?3")?
        .query_map([id, cursor, RUN_STEP], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let (mut done, mut passed) = (0_i64, 0_i64);
    let mut mark =
        connection.prepare_cached("UPDATE bulk_item SET done = 1 WHERE bulk = ?1 AND error = ?2")?;
    for error in &errors {
        match act::apply(connection, &act, *error, &doing) {
            Ok(_) => {
                mark.execute([id, *error])?;
                done += 1;
            }
            Err(Fail::Desk(_)) => passed += 1,
            Err(Fail::Trouble(trouble)) => return Err(trouble),
        }
    }
    let ended = errors.len() < usize::try_from(RUN_STEP).unwrap_or(usize::MAX);
    connection
        .prepare_cached(
            "UPDATE bulk SET cursor = ?2, done = done + ?3, passed = passed + ?4, state = ?5, ended_at = ?6 \
             WHERE id = ?1",
        )?
        .execute(params![
            id,
            errors.last().copied().unwrap_or(cursor),
            done,
            passed,
            if ended { DONE } else { RUNNING },
            ended.then_some(now_ms),
        ])?;
    Ok(Some(Stepped { retries: matches!(act, Act::Retry) }))
}

/// What a step did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stepped {
    /// There may be something new to lease.
    pub(super) retries: bool,
}

/// Stops a bulk act.
pub(super) fn cancel(connection: &Connection, actor: &Actor, id: i64, now_ms: i64) -> Result<Bulk, Fail> {
    let stopped = connection
        .prepare_cached("UPDATE bulk SET state = ?3, ended_at = ?2 WHERE id = ?1 AND state = 1")?
        .execute(params![id, now_ms, CANCELLED])?;
    let bulk = find(connection, id)?;
    if stopped == 0 {
        return Err(Fail::conflict("the bulk act has ended already", "look at what it did"));
    }
    let about = About { error: None, bulk: Some(id) };
    let detail = format!("after {} of {}", bulk.done + bulk.left, bulk.total);
    audit::write(connection, now_ms, actor, "cancel", about, &detail)?;
    Ok(bulk)
}

const COLUMNS: &str =
    "id, actor, selection, act, state, total, done, passed, coalesce(started_at, planned_at), ended_at";

/// A plan or bulk act.
pub(super) fn find(connection: &Connection, id: i64) -> Result<Bulk, Fail> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM bulk WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Err(Fail::not_found("bulk act", id)) };
    Ok(read(row)?)
}

/// Bulk acts that were started, newest first.
pub(super) fn list(connection: &Connection, query: &Query<()>) -> Result<Listing<Bulk>, Fail> {
    let before = query.cursor.as_ref().map(number).transpose()?.unwrap_or(i64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let sql = format!("SELECT {COLUMNS} FROM bulk WHERE state > 0 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([before, count(limit + 1)])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    Ok(Listing::of(items, limit, |item| item.id))
}

fn read(row: &Row<'_>) -> Result<Bulk, Trouble> {
    let damaged = |_| Trouble::Damaged("a bulk act is not readable");
    let (selection, act): (String, String) = (row.get(2)?, row.get(3)?);
    Ok(Bulk {
        id: row.get(0)?,
        actor: row.get(1)?,
        selection: serde_json::from_str(&selection).map_err(damaged)?,
        act: serde_json::from_str(&act).map_err(damaged)?,
        state: match row.get::<_, i64>(4)? {
            CANCELLED => BulkState::Cancelled,
            DONE => BulkState::Done,
            _ => BulkState::Running,
        },
        total: unsigned(row.get(5)?),
        done: unsigned(row.get(6)?),
        left: unsigned(row.get(7)?),
        started_at_ms: row.get(8)?,
        ended_at_ms: row.get(9)?,
    })
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, Fail> {
    serde_json::to_string(value).map_err(|error| Trouble::Asked(error.to_string()).into())
}

/// Forgets plans that nobody started in time.
fn forget(connection: &Connection, now_ms: i64) -> Result<(), Trouble> {
    let old = now_ms.saturating_sub(PLAN_MS);
    connection
        .prepare_cached(
            "DELETE FROM bulk_item WHERE bulk IN (SELECT id FROM bulk WHERE state = 0 AND planned_at < ?1)",
        )?
        .execute([old])?;
    connection
        .prepare_cached("DELETE FROM bulk WHERE state = ?2 AND planned_at < ?1")?
        .execute([old, PLANNED])?;
    Ok(())
}

/// Removes bulk acts that ended before `before_ms`, at most one, with its items; how many.
pub(in crate::store::index) fn remove(
    connection: &Connection,
    before_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    let old: Option<i64> = connection
        .prepare_cached("SELECT id FROM bulk WHERE state > 1 AND ended_at < ?1 ORDER BY id LIMIT 1")?
        .query_row([before_ms], |row| row.get(0))
        .optional()?;
    let Some(id) = old else { return Ok(0) };
    let items = connection
        .prepare_cached(
            "DELETE FROM bulk_item WHERE bulk = ?1 AND error IN \
             (SELECT error FROM bulk_item WHERE bulk = ?1 LIMIT ?2)",
        )?
        .execute([id, limit])?;
    if items > 0 {
        return Ok(unsigned(count(items)));
    }
    // The records of a replay go after it, as those of a plan that is forgotten.
    connection.prepare_cached("DELETE FROM bulk WHERE id = ?1")?.execute([id])?;
    Ok(1)
}
