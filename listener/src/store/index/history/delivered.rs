//! Which records a destination took.
//!
//! A page that is settled says it: all its records, but for those that failed (`page.failed`) and those
//! that went on in a page of their own (its child). Pages older than that column leave it to the errors.
//! What failed at first was taken where its error was resolved by a retry.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::RecordId;
use crate::store::index::pages::DELIVERED;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::packed::spans;

/// Records of the deliveries from `first` to `last` that a destination took.
pub(super) fn within(
    connection: &Connection,
    destination: &str,
    first: u64,
    last: u64,
) -> Result<HashSet<RecordId>, Trouble> {
    let look = Look::new(connection, destination, first, last)?;
    let mut taken = HashSet::new();
    for number in cut(connection, destination, first, last)? {
        look.page(number, &mut taken)?;
    }
    for number in replayed(connection, destination, first, last)? {
        look.page(number, &mut taken)?;
    }
    let mut statement = connection.prepare_cached(
        "SELECT delivery, element FROM error INDEXED BY error_record WHERE delivery BETWEEN ?1 AND ?2 \
         AND destination = ?3 AND state = 3 AND resolution = 'retried'",
    )?;
    let mut rows = statement.query(params![signed(first), signed(last), destination])?;
    while let Some(row) = rows.next()? {
        taken.insert(RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? });
    }
    Ok(taken)
}

/// Pages that were cut from these deliveries: those that begin in them, and the last one before, which
/// may reach into them. Pages of a destination follow each other as their records do.
fn cut(connection: &Connection, destination: &str, first: u64, last: u64) -> Result<Vec<i64>, Trouble> {
    let before: Option<i64> = connection
        .prepare_cached(
            "SELECT number FROM page INDEXED BY page_way WHERE destination = ?1 AND kind = 0 \
             AND parent IS NULL AND first_delivery < ?2 ORDER BY first_delivery DESC, number DESC LIMIT 1",
        )?
        .query_row(params![destination, signed(first)], |row| row.get(0))
        .optional()?;
    let mut statement = connection.prepare_cached(
        "SELECT number FROM page INDEXED BY page_way WHERE destination = ?1 AND kind = 0 \
         AND parent IS NULL AND first_delivery BETWEEN ?2 AND ?3 ORDER BY first_delivery, number",
    )?;
    let rows = statement.query_map(params![destination, signed(first), signed(last)], |row| row.get(0))?;
    let mut numbers: Vec<i64> = before.into_iter().collect();
    for number in rows {
        numbers.push(number?);
    }
    Ok(numbers)
}

/// Pages of replays to the destination that hold records of these deliveries.
fn replayed(connection: &Connection, destination: &str, first: u64, last: u64) -> Result<Vec<i64>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT page FROM replay INDEXED BY replay_of JOIN bulk ON bulk.id = replay.bulk \
         WHERE replay.delivery BETWEEN ?1 AND ?2 AND page IS NOT NULL AND bulk.destination = ?3",
    )?;
    let rows = statement.query_map(params![signed(first), signed(last), destination], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

struct Look<'a> {
    connection: &'a Connection,
    first: u64,
    last: u64,
    /// Pages up to this number do not say what failed.
    noted: i64,
    /// Records that have an error at the destination, where there are such pages.
    errors: HashSet<RecordId>,
}

impl<'a> Look<'a> {
    fn new(connection: &'a Connection, destination: &str, first: u64, last: u64) -> Result<Self, Trouble> {
        let noted: i64 =
            connection.prepare_cached("SELECT pages_noted FROM meta")?.query_row([], |row| row.get(0))?;
        let mut errors = HashSet::new();
        if noted > 0 {
            let mut statement = connection.prepare_cached(
                "SELECT delivery, element FROM error INDEXED BY error_record \
                 WHERE delivery BETWEEN ?1 AND ?2 AND destination = ?3",
            )?;
            let mut rows = statement.query(params![signed(first), signed(last), destination])?;
            while let Some(row) = rows.next()? {
                errors.insert(RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? });
            }
        }
        Ok(Self { connection, first, last, noted, errors })
    }

    /// Adds what was taken of a page, and of those that came of it.
    fn page(&self, number: i64, taken: &mut HashSet<RecordId>) -> Result<(), Trouble> {
        let mut open = vec![number];
        while let Some(number) = open.pop() {
            let found = self
                .connection
                .prepare_cached("SELECT state, records, failed FROM page WHERE number = ?1")?
                .query_row([number], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Option<Vec<u8>>>(2)?))
                })
                .optional()?;
            let Some((state, records, failed)) = found else { continue };
            let mut records: HashSet<RecordId> = spans::decode_records(&records)?.into_iter().collect();
            for (child, again) in children(self.connection, number)? {
                for record in again {
                    records.remove(&record);
                }
                open.push(child);
            }
            if state != DELIVERED {
                continue;
            }
            for record in spans::decode_records(&failed.unwrap_or_default())? {
                records.remove(&record);
            }
            let is_old = number <= self.noted;
            taken.extend(records.into_iter().filter(|record| {
                (self.first..=self.last).contains(&record.delivery)
                    && !(is_old && self.errors.contains(record))
            }));
        }
        Ok(())
    }
}

/// Pages of those records of a page that went again by themselves, with these records.
pub(super) fn children(connection: &Connection, number: i64) -> Result<Vec<(i64, Vec<RecordId>)>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT number, records FROM page INDEXED BY page_parent WHERE parent = ?1 ORDER BY number",
    )?;
    let mut rows = statement.query([number])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let records = spans::decode_records(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        found.push((row.get(0)?, records));
    }
    Ok(found)
}
