//! The hook before pages are cut: how far it has come, and what became of each record there.
//!
//! The hook is a row of `destination` under the name `prePage`, with a cursor and pages as
//! each of them. The others may only be cut records before its [`Mark`]: before its
//! cursor, and before the first record of each page that it has not settled. The mark never
//! goes back, because a page is made in the transaction that moves the cursor, and a page of
//! records that go again in the one that settles the page they come from.
//!
//! # Invariants
//!
//! 1. A record's fate is put down once, in the transaction that settles its page at the
//!    hook; before it no destination is cut the record, afterwards it stays.
//! 2. Mark, records and fates are read in one transaction ([`super::cut`]): a cut sees no
//!    record as one without a fate that has one.
//! 3. Without a hook there is no mark, and what it had not settled goes on as it came; its
//!    pages are over in the transaction that removes it. A hook that is added (again) begins
//!    with what is indexed from then on, which no cut has seen.
//! 4. A record that failed here has a row without a payload and is skipped by every
//!    destination. The error desk sends it to the hook again in a page of kind 1, which is no
//!    part of the mark, and what passes goes on as [`super::desk::mend`] says.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::desk::mend;
use super::pages;
use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::fate::{CHANGED, DROPPED, FAILED, Fate, Fates, Mark};
use crate::store::packed::spans;
use crate::store::{PRE_PAGE, RecordId};

/// The mark that binds `destination`; none where there is no hook, and for the hook itself.
pub(super) fn mark(connection: &Connection, destination: &str) -> Result<Option<Mark>, Trouble> {
    if destination == PRE_PAGE {
        return Ok(None);
    }
    let cursor: Option<i64> = connection
        .prepare_cached("SELECT cursor_ordinal FROM destination WHERE name = ?1")?
        .query_row([PRE_PAGE], |row| row.get(0))
        .optional()?;
    let Some(cursor) = cursor else { return Ok(None) };
    let mut statement = connection
        .prepare_cached("SELECT records FROM page WHERE destination = ?1 AND state < 2 AND kind = 0")?;
    let mut rows = statement.query([PRE_PAGE])?;
    let mut first: Option<RecordId> = None;
    while let Some(row) = rows.next()? {
        let begins = spans::first_record(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        first = Some(first.map_or(begins, |first| first.min(begins)));
    }
    Ok(Some(Mark { ordinal: unsigned(cursor), record: first }))
}

/// The fates of a delivery's records, by element.
pub(super) fn fates(connection: &Connection, delivery: u64) -> Result<HashMap<u32, Fate>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT element, fate, payload FROM hooked WHERE delivery = ?1")?;
    let mut rows = statement.query([signed(delivery)])?;
    let mut fates = HashMap::new();
    while let Some(row) = rows.next()? {
        let fate = Fate::read(row.get(1)?, row.get::<_, Option<Vec<u8>>>(2)?)?;
        fates.insert(row.get(0)?, fate);
    }
    Ok(fates)
}

/// Puts down what a settlement of one of the hook's pages says, and those records that `failed`.
pub(super) fn keep(
    connection: &Connection,
    fates: Fates<'_>,
    failed: impl Iterator<Item = RecordId>,
) -> Result<(), Trouble> {
    let mut statement = connection
        .prepare_cached("INSERT INTO hooked(delivery, element, fate, payload) VALUES (?1, ?2, ?3, ?4)")?;
    let mut put = |record: RecordId, fate: i64, payload: Option<&[u8]>| {
        statement.execute(params![signed(record.delivery), record.element, fate, payload])
    };
    for (record, payload) in fates.changed {
        put(*record, CHANGED, Some(payload.as_ref()))?;
    }
    for record in fates.dropped {
        put(*record, DROPPED, None)?;
    }
    for record in failed {
        put(record, FAILED, None)?;
    }
    connection
        .prepare_cached(
            "UPDATE destination SET changed = changed + ?2, ignored = ignored + ?3 WHERE name = ?1",
        )?
        .execute(params![PRE_PAGE, count(fates.changed.len()), count(fates.dropped.len())])?;
    Ok(())
}

/// The hook is gone: what it had not settled goes on as it came.
pub(super) fn removed(connection: &Connection, now_ms: i64) -> Result<(), Trouble> {
    mend::open_all(connection)?;
    let pages = connection.execute(
        "UPDATE page SET state = ?2, settled_at = ?3 WHERE destination = ?1 AND state < 2",
        params![PRE_PAGE, pages::FAILED, now_ms],
    )?;
    tracing::info!(
        hook.pages = pages,
        "the hook is gone; records that it had not settled go on as they came"
    );
    Ok(())
}
