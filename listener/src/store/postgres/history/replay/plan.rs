//! What a replay would do: which records match, and which of them it would hand on. The rules:
//! [`crate::store::history::replay`]. A plan is made by one process, which looks at the deliveries as
//! they are at each step.

use std::collections::HashSet;

use crate::desk::{Act, Actor, RecordFilter, Selection};
use crate::store::desk::not_found;
use crate::store::history::replay::check;
use crate::store::history::replay::planning::{Known, Planning, STEP, Standing, near};
use crate::store::packed::spans;
use crate::store::postgres::desk::fail::Fail;
use crate::store::postgres::desk::fold::names;
use crate::store::postgres::desk::{bulk, sql, state};
use crate::store::postgres::history::search::{self, Found};
use crate::store::postgres::history::{delivered, rows, shown_all};
use crate::store::postgres::trouble::{Trouble, signed, unsigned};
use crate::store::postgres::tx::Tx;
use crate::store::{PRE_PAGE, RecordId, Sort};

/// Begins a plan.
pub(in crate::store::postgres) async fn begin(
    tx: &Tx<'_>,
    actor: &Actor,
    filter: &RecordFilter,
    to: &str,
    now_ms: i64,
) -> Result<Planning, Fail> {
    let there = "SELECT EXISTS (SELECT 1 FROM destination WHERE name = $1)";
    check(to, sql::one(tx, there, &[&to]).await?.try_get(0)?)?;
    let act = Act::Replay { to: to.to_owned() };
    let selection = Selection::Records(filter.clone());
    let plan = bulk::insert(tx, actor, &selection, &act, Some(to), now_ms).await?;
    let newest: i64 = sql::one(tx, "SELECT delivery FROM head", &[]).await?.try_get(0)?;
    Ok(Planning::new(plan, filter.clone(), to.to_owned(), unsigned(newest)))
}

/// Looks at the next records.
pub(in crate::store::postgres) async fn step(
    tx: &Tx<'_>,
    sorter: &dyn Sort,
    planning: &mut Planning,
) -> Result<(), Trouble> {
    let Some(before) = planning.before else { return Ok(()) };
    let Found { records, next } = search::step(tx, sorter, &planning.filter, before, STEP).await?;
    let destinations = destinations(tx).await?;
    let standing = standing(tx, &planning.to).await?;
    let mut rest = records.as_slice();
    while !rest.is_empty() {
        let (now, later) = near(rest);
        let known = known(tx, planning, &destinations, now).await?;
        planning.note(standing.sort(now, &known));
        rest = later;
    }
    let searched = planning.filter.trace_key.as_deref();
    let shown = shown_all(tx, sorter, &planning.sampled(), searched).await?;
    planning.stepped(shown, next);
    Ok(())
}

/// Puts records into a plan.
pub(in crate::store::postgres) async fn put(
    tx: &Tx<'_>,
    plan: i64,
    records: &[RecordId],
) -> Result<(), Trouble> {
    // Newest first they were found; in order they are quicker to put down.
    let (deliveries, elements) = names(records.iter().rev().copied());
    let insert = "INSERT INTO replay(bulk, delivery, element) \
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING";
    sql::run(tx, insert, &[&plan, &deliveries, &elements]).await?;
    Ok(())
}

/// The plan is whole.
pub(in crate::store::postgres) async fn end(tx: &Tx<'_>, planning: &Planning) -> Result<(), Fail> {
    let whole = "UPDATE bulk SET total = $2, whole = true WHERE id = $1 AND state = 0";
    if sql::run(tx, whole, &[&planning.plan, &signed(planning.effect.changed)]).await? == 0 {
        return Err(not_found("plan", planning.plan).into());
    }
    Ok(())
}

/// Every destination, the hook left out.
async fn destinations(tx: &Tx<'_>) -> Result<Vec<String>, Trouble> {
    let every = "SELECT name FROM destination WHERE name <> $1";
    sql::rows(tx, every, &[&PRE_PAGE]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn standing(tx: &Tx<'_>, to: &str) -> Result<Standing, Trouble> {
    let cursor = "SELECT cursor_delivery, cursor_index FROM destination WHERE name = $1";
    let (delivery, passed) = match sql::maybe(tx, cursor, &[&to]).await? {
        Some(row) => (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?)),
        None => (0, 0),
    };
    let mut on_the_way = HashSet::new();
    let pages = "SELECT records FROM page WHERE destination = $1 AND state < 2";
    for row in &sql::rows(tx, pages, &[&to]).await? {
        on_the_way.extend(spans::decode_records(row.try_get(0)?)?);
    }
    let passed = usize::try_from(passed).unwrap_or(usize::MAX);
    let still_to_come = match rows::one(tx, delivery).await? {
        Some(delivery) => delivery.spans.iter().skip(passed).map(|span| delivery.id(*span)).collect(),
        None => HashSet::new(),
    };
    Ok(Standing { delivery, still_to_come, on_the_way })
}

/// Of records of near deliveries, newest first.
async fn known(
    tx: &Tx<'_>,
    planning: &Planning,
    destinations: &[String],
    records: &[RecordId],
) -> Result<Known, Trouble> {
    let (Some(newest), Some(oldest)) = (records.first(), records.last()) else { return Ok(Known::default()) };
    let (first, last) = (oldest.delivery, newest.delivery);
    let mut taken = None;
    if planning.filter.delivered_to.is_none() {
        let mut all = HashSet::new();
        for name in destinations {
            all.extend(delivered::within(tx, name, first, last).await?);
        }
        taken = Some(all);
    }
    // That the hook let go nowhere, that are errors there, that wait in another replay to it.
    let held = "SELECT delivery, element FROM hooked WHERE delivery BETWEEN $1 AND $2 AND fate <> 1 \
         UNION ALL SELECT delivery, element FROM error WHERE delivery BETWEEN $1 AND $2 \
         AND destination = $3 AND state < 3 \
         UNION ALL SELECT replay.delivery, replay.element FROM replay JOIN bulk ON bulk.id = replay.bulk \
         WHERE replay.delivery BETWEEN $1 AND $2 AND replay.page IS NULL AND bulk.state = 1 \
         AND bulk.destination = $3";
    let erased = "SELECT delivery, element FROM erasure WHERE delivery BETWEEN $1 AND $2";
    let (from, until) = (signed(first), signed(last));
    let held = sql::rows(tx, held, &[&from, &until, &planning.to]).await?;
    let erased = sql::rows(tx, erased, &[&from, &until]).await?;
    let records = |rows: &[tokio_postgres::Row]| {
        rows.iter().map(|row| state::record(row, 0)).collect::<Result<HashSet<_>, _>>()
    };
    Ok(Known { taken, held: records(&held)?, erased: records(&erased)? })
}
