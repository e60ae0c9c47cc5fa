//! What a replay would do: which records match, and which of them it would hand on.
//!
//! A record is handed on that was delivered somewhere (to `deliveredTo` where the filter names it) and
//! that does not come to the destination by itself: its cursor has passed it, no page of it that is not
//! settled holds it, it is no error there that somebody can retry, and no other replay to it waits. A
//! record that is erased is left, whatever else, because its payload is not kept.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::search::{END, Found, Search};
use super::super::{delivered, rows, shown};
use crate::desk::{Act, Actor, Effect, Plan, RecordFilter, RecordShown, Selection};
use crate::store::index::desk::bulk::{self, PLAN_MS};
use crate::store::index::desk::fail::Fail;
use crate::store::index::erase;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::journal::Journal;
use crate::store::packed::spans;
use crate::store::{PRE_PAGE, RecordId, Sort};

/// Records that a plan shows.
const SAMPLE: usize = 10;
/// Records that one step looks for.
const STEP: usize = 5_000;
/// Deliveries about which pages and errors are asked in one.
const NEAR: u64 = 256;

/// A plan in the making.
#[derive(Debug)]
pub(in crate::store::index) struct Planning {
    /// Its number.
    pub(in crate::store::index) plan: i64,
    filter: RecordFilter,
    to: String,
    /// The newest delivery when it began.
    newest: u64,
    before: Option<RecordId>,
    effect: Effect,
    sample: Vec<RecordShown>,
    /// Found in the last step, to be put down.
    found: Vec<RecordId>,
}

/// Begins a plan.
pub(in crate::store::index) fn begin(
    connection: &Connection,
    actor: &Actor,
    filter: RecordFilter,
    to: String,
    now_ms: i64,
) -> Result<Planning, Fail> {
    check(connection, &to)?;
    let act = Act::Replay { to: to.clone() };
    let selection = Selection::Records(filter.clone());
    let plan = bulk::insert(connection, actor, &selection, &act, Some(&to), now_ms)?;
    let newest: i64 = connection.query_row("SELECT last_delivery FROM meta", [], |row| row.get(0))?;
    Ok(Planning {
        plan,
        filter,
        to,
        newest: unsigned(newest),
        before: Some(END),
        effect: Effect::default(),
        sample: Vec::new(),
        found: Vec::new(),
    })
}

/// Refuses what is no destination.
fn check(connection: &Connection, to: &str) -> Result<(), Fail> {
    if to == PRE_PAGE {
        return Err(Fail::invalid(
            "to",
            "this is the hook, which is asked about a record once",
            "name a destination of the manifest",
        ));
    }
    let is_there = connection.prepare_cached("SELECT 1 FROM destination WHERE name = ?1")?.exists([to])?;
    if is_there {
        return Ok(());
    }
    let reason = format!("there is no destination {to:?}");
    Err(Fail::invalid("to", reason, "name a destination of the manifest"))
}

impl Planning {
    /// Whether there is more to look at.
    pub(in crate::store::index) fn goes_on(&self) -> bool {
        self.before.is_some()
    }

    /// Looks at the next records.
    pub(in crate::store::index) fn step(
        mut self,
        connection: &Connection,
        journal: &Journal,
        sorter: &dyn Sort,
    ) -> Result<Self, Trouble> {
        let before = self.before.unwrap_or(END);
        let search = Search { connection, journal, sorter, filter: &self.filter };
        let Found { records, next, behind: _ } = search.step(before, self.newest, STEP)?;
        let standing = Standing::read(connection, &self.to)?;
        self.found.clear();
        let mut rest = records.as_slice();
        while let Some(first) = rest.first() {
            let near = rest.iter().take_while(|id| first.delivery - id.delivery < NEAR).count();
            let (now, later) = rest.split_at(near);
            let mut fit = standing.fitting(connection, &self.filter, &self.to, now)?;
            let (first, last) = (now.last().map_or(0, |id| id.delivery), first.delivery);
            let gone = erase::rows::gone(connection, first, last)?;
            let without = now.iter().filter(|id| gone.contains(*id)).count();
            fit.retain(|id| !gone.contains(id));
            self.effect.matched += now.len() as u64;
            self.effect.changed += fit.len() as u64;
            self.effect.without_payload += without as u64;
            self.effect.left += (now.len() - without - fit.len()) as u64;
            self.found.extend(fit);
            rest = later;
        }
        let missing = SAMPLE.saturating_sub(self.sample.len());
        let sample: Vec<RecordId> = self.found.iter().take(missing).copied().collect();
        let searched = self.filter.trace_key.as_deref();
        self.sample.extend(shown::all(connection, journal, sorter, &sample, searched)?);
        self.before = next;
        Ok(self)
    }

    /// What the last step found, to be put down.
    pub(in crate::store::index) fn take_found(&mut self) -> Vec<RecordId> {
        std::mem::take(&mut self.found)
    }
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
    let Planning { plan, filter, to, effect, sample, .. } = planning;
    let whole = connection
        .prepare_cached("UPDATE bulk SET total = ?2, whole = 1 WHERE id = ?1 AND state = 0")?
        .execute(params![plan, signed(effect.changed)])?;
    if whole == 0 {
        return Err(Fail::not_found("plan", plan));
    }
    Ok(Plan {
        id: plan,
        selection: Selection::Records(filter),
        act: Act::Replay { to },
        effect,
        sample: Vec::new(),
        records: sample,
        expires_at_ms: now_ms.saturating_add(PLAN_MS),
    })
}

/// How a destination stands.
struct Standing {
    delivery: u64,
    index: u64,
    /// Records of its pages that are not settled.
    on_the_way: HashSet<RecordId>,
    /// Every destination, the hook left out.
    names: Vec<String>,
}

impl Standing {
    fn read(connection: &Connection, to: &str) -> Result<Self, Trouble> {
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
        let names = connection
            .prepare_cached("SELECT name FROM destination WHERE name <> ?1")?
            .query_map([PRE_PAGE], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(Self { delivery: unsigned(delivery), index: unsigned(index), on_the_way, names })
    }

    /// Of records of near deliveries, newest first, those that would be handed on.
    fn fitting(
        &self,
        connection: &Connection,
        filter: &RecordFilter,
        to: &str,
        records: &[RecordId],
    ) -> Result<Vec<RecordId>, Trouble> {
        let (Some(newest), Some(oldest)) = (records.first(), records.last()) else { return Ok(Vec::new()) };
        let (first, last) = (oldest.delivery, newest.delivery);
        let mut taken: HashSet<RecordId> = HashSet::new();
        if filter.delivered_to.is_none() {
            for name in &self.names {
                taken.extend(delivered::within(connection, name, first, last)?);
            }
        }
        let held = held(connection, to, first, last)?;
        let still_to_come = self.still_to_come(connection)?;
        let fits = |record: &&RecordId| {
            (filter.delivered_to.is_some() || taken.contains(*record))
                && record.delivery <= self.delivery
                && !still_to_come.contains(*record)
                && !self.on_the_way.contains(*record)
                && !held.contains(*record)
        };
        Ok(records.iter().filter(fits).copied().collect())
    }

    /// Of the delivery in which the cursor stands, what it has not passed.
    fn still_to_come(&self, connection: &Connection) -> Result<HashSet<RecordId>, Trouble> {
        let Some(delivery) = rows::one(connection, self.delivery)? else { return Ok(HashSet::new()) };
        let passed = usize::try_from(self.index).unwrap_or(usize::MAX);
        Ok(delivery.spans()?.iter().skip(passed).map(|span| delivery.id(*span)).collect())
    }
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
