//! Acts on many errors: a plan fixes which, a run does them in small transactions.
//!
//! The plan puts the numbers of all errors that match into `bulk_item`. The run goes through them
//! in order; `bulk.cursor` moves in the transaction that does the act, so that a run whose process
//! was killed goes on where it was, in whichever process, and does nothing twice. Each step holds the
//! row of its bulk act, so one process at a time does it; the others pass it over. What somebody
//! changed meanwhile, so that the act does not fit any more, is passed over and counted.

use tokio_postgres::Row;

use super::act::{self, Doing};
use super::audit::{self, About};
use super::condition::{Conditions, Statement};
use super::fail::Fail;
use super::list::{self, number};
use super::sql;
use super::state;
use super::text::cleaned;
use crate::desk::{
    Act, Actor, Bulk, BulkState, Effect, ErrorFilter, Listing, MAX_LIMIT, Plan, Query, Selection,
};
use crate::store::desk::rules::{self, Unfit};
use crate::store::desk::{conflict, invalid, not_found};
use crate::store::history::replay;
use crate::store::postgres::trouble::{Trouble, count, signed, unsigned};
use crate::store::postgres::tx::Tx;

/// How long a plan is kept.
pub(in crate::store::postgres) const PLAN_MS: i64 = 60 * 60 * 1_000;
/// Numbers that one step of a plan looks at.
const PLAN_STEP: i64 = 50_000;
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
pub(super) async fn begin_plan(
    tx: &Tx<'_>,
    actor: &Actor,
    filter: &ErrorFilter,
    act: &Act,
    now_ms: i64,
) -> Result<i64, Fail> {
    rules::check(act)?;
    if matches!(act, Act::Edit { .. }) {
        return Err(invalid("act", "one payload does not fit many errors", "edit them one by one").into());
    }
    insert(tx, actor, &Selection::Errors(filter.clone()), act, None, now_ms).await
}

/// Keeps a plan that is not whole yet: its number. A replay has a destination.
pub(in crate::store::postgres) async fn insert(
    tx: &Tx<'_>,
    actor: &Actor,
    selection: &Selection,
    act: &Act,
    destination: Option<&str>,
    now_ms: i64,
) -> Result<i64, Fail> {
    forget(tx, now_ms).await?;
    let kept: i64 = sql::one(tx, "SELECT count(*) FROM bulk WHERE state < 2", &[]).await?.try_get(0)?;
    if kept >= MAX_KEPT {
        return Err(conflict(
            format!("{MAX_KEPT} plans and running bulk acts are there already"),
            "start them, cancel them, or wait an hour until the plans are forgotten",
        )
        .into());
    }
    let insert = "INSERT INTO bulk(actor, selection, act, planned_at, destination) \
         VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let (actor, selection, act) = (cleaned(&actor.0), cleaned(&text(selection)?), text(act)?);
    let row = sql::one(tx, insert, &[&actor, &selection, &act, &now_ms, &destination]).await?;
    Ok(row.try_get(0)?)
}

/// Puts the next numbers behind `after` into a plan; the last of them, none at the end.
pub(super) async fn extend_plan(
    tx: &Tx<'_>,
    plan: i64,
    filter: &ErrorFilter,
    after: i64,
) -> Result<Option<i64>, Trouble> {
    let last: Option<i64> = sql::one(tx, "SELECT max(id) FROM error", &[]).await?.try_get(0)?;
    let Some(last) = last.filter(|last| *last > after) else { return Ok(None) };
    // A step of numbers, not of matches: each step is as short as the next.
    let until = after.saturating_add(PLAN_STEP).min(last);
    Statement::new("INSERT INTO bulk_item(bulk, error) SELECT ")
        .add(
            "?::bigint, id FROM error WHERE id > ? AND id <= ? AND ",
            [plan.into(), after.into(), until.into()],
        )
        .meets(&Conditions::of(filter))
        .rows(tx)
        .await?;
    Ok(Some(until))
}

/// What a plan that is whole would do.
pub(super) async fn end_plan(tx: &Tx<'_>, plan: i64, now_ms: i64) -> Result<Plan, Fail> {
    let bulk = find(tx, plan).await?;
    let mut effect = Effect::default();
    let states = "SELECT error.state, has_payload, count(*) FROM bulk_item \
         JOIN error ON error.id = bulk_item.error WHERE bulk = $1 GROUP BY 1, 2";
    for row in &sql::rows(tx, states, &[&plan]).await? {
        let number = unsigned(row.try_get(2)?);
        effect.matched += number;
        match rules::fits(&bulk.act, state::column(row, 0)?, row.try_get(1)?) {
            Ok(()) => effect.changed += number,
            Err(Unfit::State(_)) => effect.left += number,
            Err(Unfit::NoPayload) => effect.without_payload += number,
        }
    }
    let whole = "UPDATE bulk SET total = $2, whole = true WHERE id = $1";
    sql::run(tx, whole, &[&plan, &signed(effect.matched)]).await?;
    let Selection::Errors(filter) = &bulk.selection else { return Err(not_found("plan", plan).into()) };
    let wanted = Query { filter: filter.clone(), cursor: None, limit: SAMPLE };
    Ok(Plan {
        id: plan,
        sample: list::list(tx, &wanted).await?.items,
        selection: bulk.selection,
        act: bulk.act,
        effect,
        records: Vec::new(),
        expires_at_ms: now_ms.saturating_add(PLAN_MS),
    })
}

/// Begins to run a plan.
pub(super) async fn start(tx: &Tx<'_>, actor: &Actor, plan: i64, now_ms: i64) -> Result<Bulk, Fail> {
    forget(tx, now_ms).await?;
    let begin = "UPDATE bulk SET state = $3, started_at = $2, actor = $4 \
         WHERE id = $1 AND state = 0 AND whole";
    let started = sql::run(tx, begin, &[&plan, &now_ms, &RUNNING, &cleaned(&actor.0)]).await?;
    let bulk = find(tx, plan).await.map_err(|fail| match fail {
        Fail::Desk(_) => not_found("plan", plan).into(),
        fail @ Fail::Trouble(_) => fail,
    })?;
    if let Act::Replay { to } = &bulk.act {
        // Held, so that it does not go while its replay begins.
        let there = "SELECT 1 FROM destination WHERE name = $1 FOR KEY SHARE";
        if sql::maybe(tx, there, &[to]).await?.is_none() {
            return Err(replay::gone(to).into());
        }
    }
    if started == 0 {
        return Err(conflict("the plan was started already", "look at the bulk act of its number").into());
    }
    let about = About { error: None, bulk: Some(plan) };
    let detail = match &bulk.act {
        Act::Replay { to } => replay::started(bulk.total, to),
        act => format!("{} of {} errors", act.name(), bulk.total),
    };
    audit::write(tx, now_ms, actor, bulk.act.name(), about, &detail).await?;
    Ok(bulk)
}

/// Whether a bulk act on errors runs. Replays go on with the pages of their destinations.
pub(super) async fn runs(tx: &Tx<'_>) -> Result<bool, Trouble> {
    let running = "SELECT EXISTS (SELECT 1 FROM bulk WHERE state = 1 AND destination IS NULL)";
    Ok(sql::one(tx, running, &[]).await?.try_get(0)?)
}

/// What a step did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stepped {
    /// There may be something new to lease.
    pub(super) retries: bool,
}

/// Does the next step of the oldest bulk act that runs and that no other process has in hand; none
/// where there is none.
pub(super) async fn step(tx: &Tx<'_>, now_ms: i64) -> Result<Option<Stepped>, Trouble> {
    let oldest = "SELECT id, cursor, actor, act FROM bulk WHERE state = 1 AND destination IS NULL \
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let Some(row) = sql::maybe(tx, oldest, &[]).await? else { return Ok(None) };
    let (id, cursor): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let act: Act =
        serde_json::from_str(row.try_get(3)?).map_err(|_| Trouble::Damaged("a bulk act is not readable"))?;
    let doing = Doing { actor: Actor(row.try_get(2)?), now_ms };
    let next = "SELECT error FROM bulk_item WHERE bulk = $1 AND error > $2 ORDER BY error LIMIT $3";
    let rows = sql::rows(tx, next, &[&id, &cursor, &RUN_STEP]).await?;
    let errors = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    let done = act::many(tx, &act, &errors, &doing).await?;
    let mark = "UPDATE bulk_item SET done = true WHERE bulk = $1 AND error = ANY($2::bigint[])";
    sql::run(tx, mark, &[&id, &done]).await?;
    let ended = errors.len() < usize::try_from(RUN_STEP).unwrap_or(usize::MAX);
    let moved = "UPDATE bulk SET cursor = $2, done = done + $3, passed = passed + $4, state = $5, ended_at = $6 \
         WHERE id = $1";
    let last = errors.last().copied().unwrap_or(cursor);
    let passed = count(errors.len().saturating_sub(done.len()));
    let state = if ended { DONE } else { RUNNING };
    sql::run(tx, moved, &[&id, &last, &count(done.len()), &passed, &state, &ended.then_some(now_ms)]).await?;
    Ok(Some(Stepped { retries: matches!(act, Act::Retry) }))
}

/// Stops a bulk act.
pub(super) async fn cancel(tx: &Tx<'_>, actor: &Actor, id: i64, now_ms: i64) -> Result<Bulk, Fail> {
    let stop = "UPDATE bulk SET state = $3, ended_at = $2 WHERE id = $1 AND state = 1";
    let stopped = sql::run(tx, stop, &[&id, &now_ms, &CANCELLED]).await?;
    let bulk = find(tx, id).await?;
    if stopped == 0 {
        return Err(conflict("the bulk act has ended already", "look at what it did").into());
    }
    let about = About { error: None, bulk: Some(id) };
    let detail = format!("after {} of {}", bulk.done + bulk.left, bulk.total);
    audit::write(tx, now_ms, actor, "cancel", about, &detail).await?;
    Ok(bulk)
}

const COLUMNS: &str =
    "id, actor, selection, act, state, total, done, passed, coalesce(started_at, planned_at), ended_at";

/// A plan or bulk act.
pub(super) async fn find(tx: &Tx<'_>, id: i64) -> Result<Bulk, Fail> {
    let one = format!("SELECT {COLUMNS} FROM bulk WHERE id = $1");
    let row = sql::maybe(tx, &one, &[&id]).await?.ok_or_else(|| not_found("bulk act", id))?;
    Ok(read(&row)?)
}

/// Bulk acts that were started, newest first.
pub(super) async fn list(tx: &Tx<'_>, query: &Query<()>) -> Result<Listing<Bulk>, Fail> {
    let before = query.cursor.as_ref().map(number).transpose()?.unwrap_or(i64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let newest = format!("SELECT {COLUMNS} FROM bulk WHERE state > 0 AND id < $1 ORDER BY id DESC LIMIT $2");
    let rows = sql::rows(tx, &newest, &[&before, &count(limit + 1)]).await?;
    let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Listing::of(items, limit, |item| item.id))
}

fn read(row: &Row) -> Result<Bulk, Trouble> {
    let damaged = |_| Trouble::Damaged("a bulk act is not readable");
    Ok(Bulk {
        id: row.try_get(0)?,
        actor: row.try_get(1)?,
        selection: serde_json::from_str(row.try_get(2)?).map_err(damaged)?,
        act: serde_json::from_str(row.try_get(3)?).map_err(damaged)?,
        state: match row.try_get::<_, i64>(4)? {
            CANCELLED => BulkState::Cancelled,
            DONE => BulkState::Done,
            _ => BulkState::Running,
        },
        total: unsigned(row.try_get(5)?),
        done: unsigned(row.try_get(6)?),
        left: unsigned(row.try_get(7)?),
        started_at_ms: row.try_get(8)?,
        ended_at_ms: row.try_get(9)?,
    })
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|error| Trouble::Asked(error.to_string()))
}

/// Forgets plans that nobody started in time.
async fn forget(tx: &Tx<'_>, now_ms: i64) -> Result<(), Trouble> {
    let forget = "WITH old AS MATERIALIZED (SELECT id FROM bulk WHERE state = $2 AND planned_at < $1 \
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED), \
         items AS (DELETE FROM bulk_item WHERE bulk IN (SELECT id FROM old)) \
         DELETE FROM bulk WHERE id IN (SELECT id FROM old)";
    sql::run(tx, forget, &[&now_ms.saturating_sub(PLAN_MS), &PLANNED]).await?;
    Ok(())
}

/// Removes bulk acts that ended before `before_ms`, at most one, with its items; how many.
pub(in crate::store::postgres) async fn remove(
    tx: &Tx<'_>,
    before_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    let old =
        "SELECT id FROM bulk WHERE state > 1 AND ended_at < $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let Some(row) = sql::maybe(tx, old, &[&before_ms]).await? else { return Ok(0) };
    let id: i64 = row.try_get(0)?;
    let items = "DELETE FROM bulk_item WHERE bulk = $1 AND error IN \
         (SELECT error FROM bulk_item WHERE bulk = $1 LIMIT $2)";
    let items = sql::run(tx, items, &[&id, &limit]).await?;
    if items > 0 {
        return Ok(items);
    }
    // The records of a replay go after it, as those of a plan that is forgotten.
    sql::run(tx, "DELETE FROM bulk WHERE id = $1", &[&id]).await
}
