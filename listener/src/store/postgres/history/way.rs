//! One record, and its way.
//!
//! What is known: the pages that held it, with their attempts; what the hook said; its errors. What
//! is gone with its time is left out rather than guessed: that a filter left a record out is said only
//! where a page that held it would still be there.

use tokio_postgres::Row;

use super::rows::Delivery;
use crate::desk::{Step, StepKind};
use crate::store::fate::{CHANGED, DROPPED};
use crate::store::history::step::step;
use crate::store::names::Names;
use crate::store::packed::spans;
use crate::store::postgres::desk::sql;
use crate::store::postgres::pages::FAILED;
use crate::store::postgres::trouble::{Trouble, signed, unsigned};
use crate::store::postgres::tx::Tx;
use crate::store::{PRE_PAGE, RecordId};

/// Pages that are looked at for the one that held a record.
const PAGES: i64 = 64;

/// An error of the record.
#[derive(Debug)]
struct Failed {
    id: i64,
    destination: String,
    page: Option<i64>,
    first_at_ms: i64,
    last_at_ms: i64,
    retried_at_ms: Option<i64>,
    /// Shown with the page in which it failed.
    is_shown: bool,
}

/// A destination, or the hook, and its cursor.
struct Place {
    name: String,
    delivery: u64,
    index: u64,
    begins: u64,
}

/// What a way is made of.
struct At<'a> {
    tx: &'a Tx<'a>,
    names: &'a Names,
    id: RecordId,
    /// Its place among its delivery's records.
    place: usize,
    received_at_ms: i64,
    fate: Option<i64>,
    errors: Vec<Failed>,
    way: Vec<Step>,
}

/// Its way, in order of time; what is still to come stands at the end.
pub(super) async fn of(
    tx: &Tx<'_>,
    names: &Names,
    delivery: &Delivery,
    id: RecordId,
) -> Result<Vec<Step>, Trouble> {
    let mut at = At {
        tx,
        names,
        id,
        place: delivery.place(id.element).unwrap_or(0),
        received_at_ms: delivery.received_at_ms,
        fate: fate(tx, id).await?,
        errors: errors(tx, id).await?,
        way: vec![step(StepKind::Received, Some(delivery.received_at_ms), None)],
    };
    let places = places(tx).await?;
    for place in &places {
        at.at(&place.name, Some(place)).await?;
    }
    let is_gone = |error: &&Failed| !error.is_shown && places.iter().all(|one| one.name != error.destination);
    let gone: Vec<String> = at.errors.iter().filter(is_gone).map(|error| error.destination.clone()).collect();
    for name in gone {
        at.at(&name, None).await?;
    }
    at.replays().await?;
    at.others().await?;
    let At { mut way, .. } = at;
    way.sort_by_key(|step| step.at_ms.unwrap_or(i64::MAX));
    Ok(way)
}

/// What the hook said, where it did not let the record go on as it came.
async fn fate(tx: &Tx<'_>, id: RecordId) -> Result<Option<i64>, Trouble> {
    let fate = "SELECT fate::bigint FROM hooked WHERE delivery = $1 AND element = $2";
    let row = sql::maybe(tx, fate, &[&signed(id.delivery), &i64::from(id.element)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The hook first.
async fn places(tx: &Tx<'_>) -> Result<Vec<Place>, Trouble> {
    let places =
        "SELECT name, cursor_delivery, cursor_index, begins FROM destination ORDER BY name <> $1, name";
    let read = |row: &Row| {
        Ok(Place {
            name: row.try_get(0)?,
            delivery: unsigned(row.try_get(1)?),
            index: unsigned(row.try_get(2)?),
            begins: unsigned(row.try_get(3)?),
        })
    };
    sql::rows(tx, places, &[&PRE_PAGE]).await?.iter().map(read).collect()
}

async fn errors(tx: &Tx<'_>, id: RecordId) -> Result<Vec<Failed>, Trouble> {
    let errors = "SELECT id, destination, page, first_at, last_at, \
         CASE WHEN state = 3 AND resolution = 'retried' THEN resolved_at END \
         FROM error WHERE delivery = $1 AND element = $2 ORDER BY id";
    let read = |row: &Row| {
        Ok(Failed {
            id: row.try_get(0)?,
            destination: row.try_get(1)?,
            page: row.try_get(2)?,
            first_at_ms: row.try_get(3)?,
            last_at_ms: row.try_get(4)?,
            retried_at_ms: row.try_get(5)?,
            is_shown: false,
        })
    };
    sql::rows(tx, errors, &[&signed(id.delivery), &i64::from(id.element)]).await?.iter().map(read).collect()
}

impl At<'_> {
    fn name(&self, number: i64) -> String {
        self.names.page(unsigned(number)).to_string()
    }

    /// Its way at a destination, or the hook, by itself.
    async fn at(&mut self, name: &str, place: Option<&Place>) -> Result<(), Trouble> {
        if let Some(number) = self.page(name).await? {
            let taken = self.follow(name, number, None).await?;
            if name == PRE_PAGE
                && let Some(at_ms) = taken
            {
                let what = match self.fate {
                    Some(CHANGED) => StepKind::Changed,
                    Some(DROPPED) => StepKind::Dropped,
                    _ => StepKind::Passed,
                };
                self.way.push(step(what, Some(at_ms), Some(name)));
            }
            return Ok(());
        }
        let Some(Place { delivery, index, begins, name }) = place else { return Ok(()) };
        let looked = usize::try_from(*index).unwrap_or(usize::MAX);
        let passed = *delivery > self.id.delivery || *delivery == self.id.delivery && looked > self.place;
        if *begins > self.id.delivery {
            return Ok(());
        }
        if !passed {
            self.way.push(step(StepKind::Pending, None, Some(name)));
            return Ok(());
        }
        let is_withheld = self.fate.is_some_and(|fate| fate != CHANGED);
        let has_failed = self.errors.iter().any(|error| error.destination == *name);
        if name != PRE_PAGE && !is_withheld && !has_failed && self.would_be_there().await? {
            self.way.push(step(StepKind::Filtered, None, Some(name)));
        }
        Ok(())
    }

    /// Whether a page that held it would still be there.
    async fn would_be_there(&self) -> Result<bool, Trouble> {
        let gone: i64 = sql::one(self.tx, "SELECT pages_gone FROM history", &[]).await?.try_get(0)?;
        Ok(self.received_at_ms >= gone)
    }

    /// The page into which a destination was cut it: pages of a destination follow each other as their
    /// records do.
    async fn page(&self, destination: &str) -> Result<Option<i64>, Trouble> {
        let mut before = (signed(self.id.delivery), i64::MAX);
        loop {
            let pages = "SELECT number, first_delivery, records FROM page WHERE destination = $1 AND kind = 0 \
                 AND parent IS NULL AND (first_delivery, number) < ($2, $3) \
                 ORDER BY first_delivery DESC, number DESC LIMIT $4";
            let rows = sql::rows(self.tx, pages, &[&destination, &before.0, &before.1, &PAGES]).await?;
            for row in &rows {
                let list: &[u8] = row.try_get(2)?;
                if spans::first_record(list)? <= self.id {
                    let holds = spans::decode_records(list)?.contains(&self.id);
                    return Ok(if holds { Some(row.try_get(0)?) } else { None });
                }
                before = (row.try_get(1)?, row.try_get(0)?);
            }
            if rows.len() < usize::try_from(PAGES).unwrap_or(usize::MAX) {
                return Ok(None);
            }
        }
    }

    /// Adds what happened from a page on; when the record was taken, where it was. A record that the
    /// hook took is not delivered: what it said is the caller's to add.
    async fn follow(
        &mut self,
        destination: &str,
        number: i64,
        bulk: Option<i64>,
    ) -> Result<Option<i64>, Trouble> {
        let mut next = Some(number);
        while let Some(number) = next {
            let found = "SELECT settled_at, created_at, state::bigint, EXISTS (SELECT 1 FROM page_failed \
                 WHERE page_failed.page = page.number AND delivery = $2 AND element = $3) \
                 FROM page WHERE number = $1";
            let (delivery, element) = (signed(self.id.delivery), i64::from(self.id.element));
            let Some(row) = sql::maybe(self.tx, found, &[&number, &delivery, &element]).await? else {
                return Ok(None);
            };
            let (settled, created): (Option<i64>, i64) = (row.try_get(0)?, row.try_get(1)?);
            let (state, noted): (i64, bool) = (row.try_get(2)?, row.try_get(3)?);
            let page = Some(self.name(number));
            let what = if bulk.is_some() { StepKind::Replayed } else { StepKind::Paged };
            let paged = step(what, Some(created), Some(destination));
            self.way.push(Step { page: page.clone(), bulk, ..paged });
            self.attempts(number, Some(destination)).await?;
            next = self.child(number).await?;
            let Some(at_ms) = settled.filter(|_| next.is_none()) else { continue };
            // A page of the hook of which nothing went on may have been dropped.
            if noted || state == FAILED && destination != PRE_PAGE {
                let error = self.error_of(destination);
                let failed = step(StepKind::Failed, Some(at_ms), Some(destination));
                self.way.push(Step { page, error, bulk, ..failed });
                return Ok(None);
            }
            if destination != PRE_PAGE {
                let taken = step(StepKind::Delivered, Some(at_ms), Some(destination));
                self.way.push(Step { page, bulk, ..taken });
            }
            return Ok(Some(at_ms));
        }
        Ok(None)
    }

    /// The error that came of a page, which may be gone by now.
    fn error_of(&mut self, destination: &str) -> Option<i64> {
        let is_here = |error: &&mut Failed| error.destination == destination && !error.is_shown;
        let error = self.errors.iter_mut().find(is_here)?;
        error.is_shown = true;
        Some(error.id)
    }

    /// The page in which it went again by itself.
    async fn child(&self, number: i64) -> Result<Option<i64>, Trouble> {
        let children = "SELECT number, records FROM page WHERE parent = $1 ORDER BY number";
        for row in &sql::rows(self.tx, children, &[&number]).await? {
            if spans::decode_records(row.try_get(1)?)?.contains(&self.id) {
                return Ok(Some(row.try_get(0)?));
            }
        }
        Ok(None)
    }

    /// Adds the attempts of a page.
    async fn attempts(&mut self, number: i64, destination: Option<&str>) -> Result<(), Trouble> {
        let attempts = "SELECT at, took_ms, status FROM attempt WHERE page = $1 ORDER BY number";
        for row in &sql::rows(self.tx, attempts, &[&number]).await? {
            let status: Option<i64> = row.try_get(2)?;
            self.way.push(Step {
                page: Some(self.name(number)),
                took_ms: u32::try_from(row.try_get::<_, i64>(1)?).ok(),
                status: status.and_then(|status| u16::try_from(status).ok()),
                ..step(StepKind::Attempted, Some(row.try_get(0)?), destination)
            });
        }
        Ok(())
    }

    /// Its replays, each with its way.
    async fn replays(&mut self) -> Result<(), Trouble> {
        let replays = "SELECT replay.bulk, bulk.destination, replay.page, bulk.state FROM replay \
             JOIN bulk ON bulk.id = replay.bulk \
             WHERE replay.delivery = $1 AND replay.element = $2 AND bulk.state > 0 ORDER BY replay.bulk";
        let (delivery, element) = (signed(self.id.delivery), i64::from(self.id.element));
        for row in &sql::rows(self.tx, replays, &[&delivery, &element]).await? {
            let (bulk, destination): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            let (page, state): (Option<i64>, i64) = (row.try_get(2)?, row.try_get(3)?);
            match page {
                Some(number) => {
                    self.follow(&destination, number, Some(bulk)).await?;
                }
                None if state == 1 => {
                    let pending = step(StepKind::Pending, None, Some(&destination));
                    self.way.push(Step { bulk: Some(bulk), ..pending });
                }
                None => {}
            }
        }
        Ok(())
    }

    /// What no page says of its errors: a failure without a page, and the retries.
    async fn others(&mut self) -> Result<(), Trouble> {
        for error in std::mem::take(&mut self.errors) {
            let destination = Some(error.destination.as_str()).filter(|name| !name.is_empty());
            let failed =
                |at_ms| Step { error: Some(error.id), ..step(StepKind::Failed, Some(at_ms), destination) };
            if !error.is_shown {
                self.way.push(failed(error.first_at_ms));
            }
            if let Some(number) = error.page {
                let retry = "SELECT 1 FROM page WHERE number = $1 AND kind = 1";
                if sql::maybe(self.tx, retry, &[&number]).await?.is_some() {
                    self.attempts(number, destination).await?;
                }
            }
            if error.last_at_ms > error.first_at_ms && error.retried_at_ms.is_none() {
                self.way.push(failed(error.last_at_ms));
            }
            if let Some(at_ms) = error.retried_at_ms {
                let taken = step(StepKind::Delivered, Some(at_ms), destination);
                self.way.push(Step { error: Some(error.id), ..taken });
            }
        }
        Ok(())
    }
}
