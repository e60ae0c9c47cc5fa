//! What failed at the hook and passed it now: on to the destinations.
//!
//! The page in which an error goes to the hook again is one of kind 1, so it does not hold the
//! hook's mark back. Its settlement decides for each destination, in one transaction:
//!
//! - the destination's cursor has not come to the record: its row in `hooked` says what it is now
//!   (changed, or gone with the row), and the destination is cut it in its turn;
//! - the cursor has passed it: the record goes there by itself. It stands as an error in the state
//!   retrying at that destination, with the bytes to be sent, and is filtered, paged, settled and
//!   shown as one. So it needs nothing of the delivery, which may be gone by then.
//!
//! `meta.mended` is counted up: a cut that passed the record by meanwhile is not committed
//! ([`crate::store::index::cut`]), so that nothing falls between the two.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use crate::store::fate::Fates;
use crate::store::index::errors;
use crate::store::index::trouble::{Trouble, count, signed, unsigned};
use crate::store::packed::spans;
use crate::store::{NewError, PRE_PAGE, RecordId};

/// Code of an error that stands for a record on its way from the hook to one destination.
const CODE: &str = "after_hook";
/// Its message.
const MESSAGE: &str = "on its way again: it failed at the hook, and passed it when it was retried";

/// Keeps what the hook said of errors that went to it again; before [`super::retry::settle`].
pub(in crate::store::index) fn keep(
    connection: &Connection,
    page: u64,
    fates: Fates<'_>,
    failed: &[NewError],
    again: &[RecordId],
    now_ms: i64,
) -> Result<(), Trouble> {
    let changed: HashMap<RecordId, &Bytes> = fates.changed.iter().map(|(id, bytes)| (*id, bytes)).collect();
    let dropped: HashSet<RecordId> = fates.dropped.iter().copied().collect();
    let left: HashSet<RecordId> =
        failed.iter().map(|error| error.record).chain(again.iter().copied()).collect();
    let message = errors::message(connection, MESSAGE)?;
    let (mut passed, mut others) = (false, 0_usize);
    for (record, error) in super::retry::errors_of(connection, page)? {
        if left.contains(&record) {
            continue;
        }
        passed = true;
        if dropped.contains(&record) {
            connection
                .prepare_cached(
                    "UPDATE hooked SET fate = 2, payload = NULL WHERE delivery = ?1 AND element = ?2",
                )?
                .execute(params![signed(record.delivery), record.element])?;
            continue;
        }
        let (sent, edited): (Vec<u8>, bool) = connection
            .prepare_cached(
                "SELECT coalesce(edited, original), edited IS NOT NULL FROM payload WHERE error = ?1",
            )?
            .query_row([error], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let given = changed.get(&record).map(|bytes| &bytes[..]);
        others += usize::from(given.is_some());
        let bytes = given.unwrap_or(&sent);
        goes_on(connection, record, (edited || given.is_some()).then_some(bytes))?;
        for destination in passed_by(connection, record)? {
            let one = OnTheWay { error, destination: &destination, message, bytes, now_ms };
            one.insert(connection)?;
        }
    }
    if passed {
        connection.prepare_cached("UPDATE meta SET mended = mended + 1")?.execute([])?;
    }
    connection
        .prepare_cached(
            "UPDATE destination SET changed = changed + ?2, ignored = ignored + ?3 WHERE name = ?1",
        )?
        .execute(params![PRE_PAGE, count(others), count(dropped.len())])?;
    Ok(())
}

/// For who comes to the record later; its row may be gone with its delivery.
fn goes_on(connection: &Connection, record: RecordId, changed: Option<&[u8]>) -> Result<(), Trouble> {
    let (delivery, element) = (signed(record.delivery), record.element);
    match changed {
        Some(bytes) => connection
            .prepare_cached("UPDATE hooked SET fate = 1, payload = ?3 WHERE delivery = ?1 AND element = ?2")?
            .execute(params![delivery, element, bytes])?,
        None => connection
            .prepare_cached("DELETE FROM hooked WHERE delivery = ?1 AND element = ?2")?
            .execute(params![delivery, element])?,
    };
    Ok(())
}

/// Destinations whose cursors have passed a record.
fn passed_by(connection: &Connection, record: RecordId) -> Result<Vec<String>, Trouble> {
    let list: Option<Vec<u8>> = connection
        .prepare_cached("SELECT records FROM delivery WHERE seq = ?1")?
        .query_row([signed(record.delivery)], |row| row.get(0))
        .optional()?;
    // A delivery that is gone was passed by everybody.
    let place = match list {
        Some(list) => spans::decode(&list)?.iter().position(|span| span.element == record.element),
        None => None,
    };
    let mut statement = connection
        .prepare_cached("SELECT name, cursor_delivery, cursor_index FROM destination WHERE name <> ?1")?;
    let mut rows = statement.query([PRE_PAGE])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        let (delivery, index) = (unsigned(row.get(1)?), unsigned(row.get(2)?));
        let looked = usize::try_from(index).unwrap_or(usize::MAX);
        let within = delivery == record.delivery && place.is_none_or(|place| looked > place);
        if delivery > record.delivery || within {
            names.push(row.get(0)?);
        }
    }
    Ok(names)
}

/// A record on its way from the hook to one destination.
struct OnTheWay<'a> {
    /// The error at the hook.
    error: i64,
    destination: &'a str,
    message: i64,
    bytes: &'a [u8],
    now_ms: i64,
}

impl OnTheWay<'_> {
    fn insert(&self, connection: &Connection) -> Result<(), Trouble> {
        let Self { error, destination, message, bytes, now_ms } = *self;
        connection
            .prepare_cached(
                "INSERT INTO error(state, destination, class, message, trace_key, first_at, last_at, delivery, \
                 element, code, data_uri, attempts, has_payload, retried_by) \
                 SELECT 2, ?2, class, ?3, trace_key, first_at, ?4, delivery, element, ?5, data_uri, 0, 1, \
                 retried_by FROM error WHERE id = ?1",
            )?
            .execute(params![error, destination, message, now_ms, CODE])?;
        connection
            .prepare_cached("INSERT INTO payload(error, original) VALUES (?1, ?2)")?
            .execute(params![connection.last_insert_rowid(), bytes])?;
        connection
            .prepare_cached("UPDATE destination SET withheld = max(withheld - 1, 0) WHERE name = ?1")?
            .execute([destination])?;
        Ok(())
    }
}

/// The hook is gone: errors that were on their way to it are open again.
pub(in crate::store::index) fn open_all(connection: &Connection) -> Result<(), Trouble> {
    connection.execute(
        "DELETE FROM retry WHERE page IN \
         (SELECT number FROM page WHERE destination = ?1 AND state < 2 AND kind = 1)",
        [PRE_PAGE],
    )?;
    connection.execute(
        "UPDATE error SET state = 0, retry_page = NULL WHERE destination = ?1 AND state = 2",
        [PRE_PAGE],
    )?;
    Ok(())
}
