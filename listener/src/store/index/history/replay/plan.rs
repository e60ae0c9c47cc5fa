//! What a replay would do: which records match, and which of them it would hand on. The rules:
//! [`crate::store::history::replay`].

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::search::{Found, Search};
use super::super::{delivered, rows, shown};
use crate::desk::{Act, Actor, Plan, RecordFilter, Selection};
use crate::store::history::replay::check;
use crate::store::history::replay::planning::{Known, Planning, STEP, Standing, near};
use crate::store::index::desk::bulk::{self, PLAN_MS};
use crate::store::index::desk::fail::Fail;
use crate::store::index::erase;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::journal::Journal;
use crate::store::packed::spans;
use crate::store::{PRE_PAGE, RecordId, Sort};

/// Begins a plan.
pub(in crate::store::index) fn begin(
    connection: &Connection,
    actor: &Actor,
    filter: RecordFilter,
    to: String,
    now_ms: i64,
) -> Result<Planning, Fail> {
    let is_there = connection.prepare_cached("SELECT 1 FROM destination WHERE name = ?1")?.exists([&to])?;
    check(&to, is_there)?;
    let act = Act::Replay { to: to.clone() };
    let selection = Selection::Records(filter.clone());
    let plan = bulk::insert(connection, actor, &selection, &act, Some(&to), now_ms)?;
    let newest: i64 = connection.query_row("SELECT last_delivery FROM meta", [], |row| row.get(0))?;
    Ok(Planning::new(plan, filter, to, unsigned(newest)))
}

/// Looks at the next records.
pub(in crate::store::index) fn step(
    mut planning: Planning,
    connection: &Connection,
    journal: &Journal,
    sorter: &dyn Sort,
) -> Result<Planning, Trouble> {
    let Some(before) = planning.before else { return Ok(planning) };
    let search = Search { connection, journal, sorter, filter: &planning.filter };
    let Found { records, next, behind: _ } = search.step(before, planning.newest, STEP)?;
    let names = names(connection)?;
    let standing = standing(connection, &planning.to)?;
    let mut rest = records.as_slice();
    while !rest.is_empty() {
        let (now, later) = near(rest);
        let known = known(connection, &planning, &names, now)?;
        planning.note(standing.sort(now, &known));
        rest = later;
    }
    let searched = planning.filter.trace_key.as_deref();
    let shown = shown::all(connection, journal, sorter, &planning.sampled(), searched)?;
    planning.stepped(shown, next);
    Ok(planning)
}

/// Puts records into a plan.
pub(in crate::store::index) fn put(
    connection: &Connection,
    plan: i64,
    records: &[RecordId],
) -> Result<(), Trouble> {
    let mut insert =
        connection.prepare_cached("INSERT INTO replay(bulk, delivery, element) VALUES (?1, ?2, ?3)")?;
    // Newest first they were found; in order they are quicker to put down.
    for record in records.iter().rev() {
        insert.execute(params![plan, signed(record.delivery), record.element])?;
    }
    Ok(())
}

/// The plan, whole.
pub(in crate::store::index) fn end(
    connection: &Connection,
    planning: Planning,
    now_ms: i64,
) -> Result<Plan, Fail> {
    let plan = planning.plan;
    let whole = connection
        .prepare_cached("UPDATE bulk SET total = ?2, whole = 1 WHERE id = ?1 AND state = 0")?
        .execute(params![plan, signed(planning.effect.changed)])?;
    if whole == 0 {
        return Err(Fail::not_found("plan", plan));
    }
    Ok(planning.whole(now_ms.saturating_add(PLAN_MS)))
}

/// Every destination, the hook left out.
fn names(connection: &Connection) -> Result<Vec<String>, Trouble> {
    Ok(connection
        .prepare_cached("SELECT name FROM destination WHERE name <> ?1")?
        .query_map([PRE_PAGE], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

fn standing(connection: &Connection, to: &str) -> Result<Standing, Trouble> {
    let (delivery, index): (i64, i64) = connection
        .prepare_cached("SELECT cursor_delivery, cursor_index FROM destination WHERE name = ?1")?
        .query_row([to], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or((0, 0));
    let mut on_the_way = HashSet::new();
    let mut statement =
        connection.prepare_cached("SELECT records FROM page WHERE destination = ?1 AND state < 2")?;
    let mut rows = statement.query([to])?;
    while let Some(row) = rows.next()? {
        let list = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        on_the_way.extend(spans::decode_records(list)?);
    }
    let passed = usize::try_from(index).unwrap_or(usize::MAX);
    let still_to_come = match rows::one(connection, unsigned(delivery))? {
        Some(delivery) => delivery.spans()?.iter().skip(passed).map(|span| delivery.id(*span)).collect(),
        None => HashSet::new(),
    };
    Ok(Standing { delivery: unsigned(delivery), still_to_come, on_the_way })
}

/// Of records of near deliveries, newest first.
fn known(
    connection: &Connection,
    planning: &Planning,
    names: &[String],
    records: &[RecordId],
) -> Result<Known, Trouble> {
    let (Some(newest), Some(oldest)) = (records.first(), records.last()) else { return Ok(Known::default()) };
    let (first, last) = (oldest.delivery, newest.delivery);
    let mut taken = None;
    if planning.filter.delivered_to.is_none() {
        let mut all = HashSet::new();
        for name in names {
            all.extend(delivered::within(connection, name, first, last)?);
        }
        taken = Some(all);
    }
    let held = held(connection, &planning.to, first, last)?;
    Ok(Known { taken, held, erased: erase::rows::gone(connection, first, last)? })
}

/// Records of deliveries that the hook let go nowhere, that are errors at the destination, or that wait
/// in another replay to it.
fn held(connection: &Connection, to: &str, first: u64, last: u64) -> Result<HashSet<RecordId>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT delivery, element FROM hooked WHERE delivery BETWEEN ?1 AND ?2 AND fate <> 1 \
         UNION ALL SELECT delivery, element FROM error INDEXED BY error_record \
         WHERE delivery BETWEEN ?1 AND ?2 AND destination = ?3 AND state < 3 \
         UNION ALL SELECT replay.delivery, replay.element FROM replay INDEXED BY replay_of \
         JOIN bulk ON bulk.id = replay.bulk WHERE replay.delivery BETWEEN ?1 AND ?2 \
         AND replay.page IS NULL AND bulk.state = 1 AND bulk.destination = ?3",
    )?;
    let rows = statement.query_map(params![signed(first), signed(last), to], |row| {
        Ok(RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
