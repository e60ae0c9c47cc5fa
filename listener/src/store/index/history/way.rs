//! One record, and its way.
//!
//! What is known: the pages that held it, with their attempts; what the hook said; its errors; its
//! replays. What is gone with its time is left out rather than guessed: that a filter left a record out
//! is said only where a page that held it would still be there.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::Delivery;
use super::trail::Trail;
use crate::desk::{Step, StepKind};
use crate::store::fate::{CHANGED, DROPPED};
use crate::store::history::step::step;
use crate::store::index::names::Names;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::{PRE_PAGE, RecordId};

/// An error of the record.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) id: i64,
    pub(super) destination: String,
    page: Option<u64>,
    first_at_ms: i64,
    last_at_ms: i64,
    retried_at_ms: Option<i64>,
    /// Shown with the page in which it failed.
    pub(super) is_shown: bool,
}

impl Failed {
    /// Whether it says itself that this was its page.
    pub(super) fn is_of(&self, page: u64) -> bool {
        self.page == Some(page)
    }
}

/// Its way, in order of time; what is still to come stands at the end.
pub(super) fn of(
    connection: &Connection,
    names: &Names,
    delivery: &Delivery,
    id: RecordId,
) -> Result<Vec<Step>, Trouble> {
    let mut errors = errors(connection, id)?;
    let mut way = vec![step(StepKind::Received, Some(delivery.received_at_ms), None)];
    let place = delivery.spans()?.iter().position(|span| span.element == id.element).unwrap_or(0);
    let at = At { connection, names, id, place, received_at_ms: delivery.received_at_ms };
    let fate = at.fate()?;
    let places = places(connection)?;
    for name in places.iter().map(|place| &place.name) {
        at.cut(name, fate, &places, &mut errors, &mut way)?;
    }
    let gone: Vec<String> = errors
        .iter()
        .filter(|error| !error.is_shown && places.iter().all(|place| place.name != error.destination))
        .map(|error| error.destination.clone())
        .collect();
    for name in gone {
        at.cut(&name, fate, &places, &mut errors, &mut way)?;
    }
    at.replays(&mut errors, &mut way)?;
    for error in &errors {
        at.error(error, &mut way)?;
    }
    way.sort_by_key(|step| step.at_ms.unwrap_or(i64::MAX));
    Ok(way)
}

struct At<'a> {
    connection: &'a Connection,
    names: &'a Names,
    id: RecordId,
    /// Its place among its delivery's records.
    place: usize,
    received_at_ms: i64,
}

/// A destination, or the hook, and its cursor.
struct Place {
    name: String,
    delivery: u64,
    index: u64,
    begins: u64,
}

impl Place {
    fn has_passed(&self, id: RecordId, place: usize) -> bool {
        let looked = usize::try_from(self.index).unwrap_or(usize::MAX);
        self.delivery > id.delivery || self.delivery == id.delivery && looked > place
    }
}

/// The hook first.
fn places(connection: &Connection) -> Result<Vec<Place>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT name, cursor_delivery, cursor_index, begins FROM destination ORDER BY name <> ?1, name",
    )?;
    let rows = statement.query_map([PRE_PAGE], |row| {
        Ok(Place {
            name: row.get(0)?,
            delivery: unsigned(row.get(1)?),
            index: unsigned(row.get(2)?),
            begins: unsigned(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn errors(connection: &Connection, id: RecordId) -> Result<Vec<Failed>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT id, destination, page, first_at, last_at, \
         CASE WHEN state = 3 AND resolution = 'retried' THEN resolved_at END \
         FROM error INDEXED BY error_record WHERE delivery = ?1 AND element = ?2 ORDER BY id",
    )?;
    let rows = statement.query_map(params![signed(id.delivery), id.element], |row| {
        Ok(Failed {
            id: row.get(0)?,
            destination: row.get(1)?,
            page: row.get::<_, Option<i64>>(2)?.map(unsigned),
            first_at_ms: row.get(3)?,
            last_at_ms: row.get(4)?,
            retried_at_ms: row.get(5)?,
            is_shown: false,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl At<'_> {
    fn trail<'e>(&self, destination: &'e str, errors: &'e mut Vec<Failed>) -> Trail<'e>
    where
        Self: 'e,
    {
        Trail { id: self.id, names: self.names.clone(), destination, errors }
    }

    /// What the hook said, where it did not let the record go on as it came.
    fn fate(&self) -> Result<Option<i64>, Trouble> {
        Ok(self
            .connection
            .prepare_cached("SELECT fate FROM hooked WHERE delivery = ?1 AND element = ?2")?
            .query_row(params![signed(self.id.delivery), self.id.element], |row| row.get(0))
            .optional()?)
    }

    /// Its way at a destination, or the hook, by itself.
    fn cut(
        &self,
        name: &str,
        fate: Option<i64>,
        places: &[Place],
        errors: &mut Vec<Failed>,
        way: &mut Vec<Step>,
    ) -> Result<(), Trouble> {
        let place = places.iter().find(|place| place.name == name);
        if let Some(number) = self.page(name)? {
            let mut trail = self.trail(name, errors);
            let taken = trail.follow(self.connection, number, None, way)?;
            if name == PRE_PAGE
                && let Some(at_ms) = taken
            {
                let what = match fate {
                    Some(CHANGED) => StepKind::Changed,
                    Some(DROPPED) => StepKind::Dropped,
                    _ => StepKind::Passed,
                };
                way.push(step(what, Some(at_ms), Some(name)));
            }
            return Ok(());
        }
        let Some(place) = place else { return Ok(()) };
        if !place.has_passed(self.id, self.place) {
            if place.begins <= self.id.delivery {
                way.push(step(StepKind::Pending, None, Some(name)));
            }
            return Ok(());
        }
        let is_withheld = fate.is_some_and(|fate| fate != CHANGED);
        let has_failed = errors.iter().any(|error| error.destination == name);
        if name != PRE_PAGE
            && place.begins <= self.id.delivery
            && !is_withheld
            && !has_failed
            && self.would_be_there()?
        {
            way.push(step(StepKind::Filtered, None, Some(name)));
        }
        Ok(())
    }

    /// Whether a page that held it would still be there.
    fn would_be_there(&self) -> Result<bool, Trouble> {
        let gone: i64 =
            self.connection.prepare_cached("SELECT pages_gone FROM meta")?.query_row([], |row| row.get(0))?;
        Ok(self.received_at_ms >= gone)
    }

    /// The page into which a destination was cut it.
    fn page(&self, destination: &str) -> Result<Option<i64>, Trouble> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, records FROM page INDEXED BY page_way WHERE destination = ?1 AND kind = 0 \
             AND parent IS NULL AND first_delivery <= ?2 ORDER BY first_delivery DESC, number DESC",
        )?;
        let mut rows = statement.query(params![destination, signed(self.id.delivery)])?;
        while let Some(row) = rows.next()? {
            let list = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            if crate::store::packed::spans::first_record(list)? <= self.id {
                let holds = crate::store::packed::spans::decode_records(list)?.contains(&self.id);
                return Ok(holds.then_some(row.get(0)?));
            }
        }
        Ok(None)
    }

    /// Its replays, each with its way.
    fn replays(&self, errors: &mut Vec<Failed>, way: &mut Vec<Step>) -> Result<(), Trouble> {
        let mut statement = self.connection.prepare_cached(
            "SELECT replay.bulk, bulk.destination, replay.page, bulk.state FROM replay INDEXED BY replay_of \
             JOIN bulk ON bulk.id = replay.bulk \
             WHERE replay.delivery = ?1 AND replay.element = ?2 AND bulk.state > 0 ORDER BY replay.bulk",
        )?;
        let mut rows = statement.query(params![signed(self.id.delivery), self.id.element])?;
        while let Some(row) = rows.next()? {
            let (bulk, destination): (i64, String) = (row.get(0)?, row.get(1)?);
            let (page, state): (Option<i64>, i64) = (row.get(2)?, row.get(3)?);
            match page {
                Some(number) => {
                    let mut trail = self.trail(&destination, errors);
                    trail.follow(self.connection, number, Some(bulk), way)?;
                }
                None if state == 1 => {
                    let pending = step(StepKind::Pending, None, Some(&destination));
                    way.push(Step { bulk: Some(bulk), ..pending });
                }
                None => {}
            }
        }
        Ok(())
    }

    /// What no page says of an error: a failure without a page, and its retries.
    fn error(&self, error: &Failed, way: &mut Vec<Step>) -> Result<(), Trouble> {
        let destination = Some(error.destination.as_str()).filter(|name| !name.is_empty());
        let failed =
            |at_ms| Step { error: Some(error.id), ..step(StepKind::Failed, Some(at_ms), destination) };
        if !error.is_shown {
            way.push(failed(error.first_at_ms));
        }
        if let Some(number) = error.page {
            let number = signed(number);
            let is_retry: bool = self
                .connection
                .prepare_cached("SELECT 1 FROM page WHERE number = ?1 AND kind = 1")?
                .exists([number])?;
            if is_retry {
                super::trail::attempts(self.connection, self.names, number, destination, way)?;
            }
        }
        if error.last_at_ms > error.first_at_ms && error.retried_at_ms.is_none() {
            way.push(failed(error.last_at_ms));
        }
        if let Some(at_ms) = error.retried_at_ms {
            let taken = step(StepKind::Delivered, Some(at_ms), destination);
            way.push(Step { error: Some(error.id), ..taken });
        }
        Ok(())
    }
}
