//! Which destinations there are.
//!
//! The names change in one transaction. Pages of a destination that is gone are found by having no
//! destination any more, whenever and in whichever process that is looked for, and become open errors
//! a few at a time. A page that is leased keeps its lease: its holder settles it, and what is then
//! left of it, or of one whose lease ran out, becomes open errors too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Inner;
use super::desk::errors::{self, Place};
use super::desk::retry;
use super::history::replay;
use super::hook;
use super::pages;
use super::sql::{int, text};
use super::trouble::{Trouble, unsigned};
use crate::store::packed::spans;
use crate::store::{NewError, PRE_PAGE, StoreError, removed};

/// Tries of a transaction that was in the way of another.
const TRIES: u32 = 6;
/// Pages that one step turns into open errors.
const STEP: i64 = 20;

/// See [`crate::store::Store::set_destinations`].
pub(super) async fn set(inner: &Inner, names: &[String]) -> Result<(), StoreError> {
    let names: BTreeSet<String> = names.iter().cloned().collect();
    inner.destinations.keep(&names);
    let mut tries = 1;
    loop {
        match apply(inner, &names).await {
            Ok(()) => break,
            Err(trouble) if trouble.is_passing() && tries < TRIES => tries += 1,
            Err(trouble) => return Err(trouble.into()),
        }
    }
    inner.changed();
    Ok(())
}

async fn apply(inner: &Inner, names: &BTreeSet<String>) -> Result<(), Trouble> {
    let mut connection = inner.pool.connection().await?;
    let tx = connection.begin().await?;
    // Two processes that start at once do it one after the other.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/destinations', 7231))";
    tx.query_typed(lock, &[]).await?;
    replay::lock(&tx).await?;
    let query =
        "SELECT name, (SELECT records FROM head) - cursor_ordinal FROM destination ORDER BY name FOR UPDATE";
    let mut known = BTreeMap::new();
    for row in tx.query_typed(query, &[]).await? {
        known.insert(row.try_get::<_, String>(0)?, row.try_get::<_, i64>(1)?);
    }
    for (name, unseen) in known.iter().filter(|(name, _)| !names.contains(*name)) {
        tx.query_typed("DELETE FROM destination WHERE name = $1", &[text(name)]).await?;
        if name == PRE_PAGE {
            hook::removed(&tx, inner.clock.now_ms()).await?;
            continue;
        }
        replay::cancel_of(&tx, name, inner.clock.now_ms()).await?;
        tracing::warn!(
            destination.name = name,
            destination.unseen_records = unseen,
            "destination {name} is gone; its pages become open errors, records not yet looked at stay stored only"
        );
    }
    for name in names.iter().filter(|name| !known.contains_key(*name)) {
        let insert = "INSERT INTO destination(name, cursor_delivery, cursor_index, cursor_ordinal, page_records) \
            SELECT $1, head.delivery + 1, 0, head.records, (SELECT coalesce(sum(record_count), 0)::bigint FROM page \
            WHERE destination = $1 AND state < 2 AND kind <> 1) FROM head";
        tx.query_typed(insert, &[text(name)]).await?;
    }
    tx.commit().await
}

/// See [`crate::store::Store::fail_orphans`].
pub(super) async fn fail_orphans(inner: &Inner) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        match step(inner).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(trouble) if trouble.is_passing() && tries < TRIES => tries += 1,
            Err(trouble) => return Err(trouble.into()),
        }
    }
}

/// How many pages it turned into open errors.
async fn step(inner: &Inner) -> Result<usize, Trouble> {
    let mut connection = inner.pool.connection().await?;
    let tx = connection.begin().await?;
    // Errors that were to be sent again and are in no page yet.
    retry::open_orphans(&tx).await?;
    let query = "SELECT number, destination, records, attempts, kind::bigint FROM page WHERE state < 2 \
        AND (state = 0 OR leased_until < clock_timestamp()) \
        AND destination NOT IN (SELECT name FROM destination) \
        ORDER BY due_at, number LIMIT $1 FOR UPDATE SKIP LOCKED";
    let rows = tx.query_typed(query, &[int(&STEP)]).await?;
    let now_ms = inner.clock.now_ms();
    for row in &rows {
        let (number, destination): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let names = spans::decode_records(row.try_get(2)?)?;
        let attempts = u32::try_from(row.try_get::<_, i64>(3)?).unwrap_or(u32::MAX);
        let kind: i64 = row.try_get(4)?;
        let records = pages::records(&tx, kind, unsigned(number), &names).await?;
        let (sorter, name) = (Arc::clone(&inner.sorter), destination.clone());
        let failed = tokio::task::spawn_blocking(move || {
            let each =
                records.into_iter().map(|record| removed::error(record, &name, sorter.as_ref(), now_ms));
            each.collect::<Vec<NewError>>()
        });
        let failed = failed.await.map_err(|_| Trouble::Asked("naming errors ended early".to_owned()))?;
        let update = "UPDATE page SET state = $2::bigint, settled_at = $3, holder = NULL, leased_until = NULL WHERE number = $1";
        tx.query_typed(update, &[int(&number), int(&pages::FAILED), int(&now_ms)]).await?;
        if kind == pages::ERRORS {
            retry::settle(&tx, unsigned(number), attempts, &failed, &[], 0, now_ms).await?;
        } else {
            let place = Place { destination: Some(&destination), page: Some(unsigned(number)), attempts };
            errors::insert(&tx, place, &failed, inner.sorter.folds()).await?;
        }
    }
    tx.commit().await?;
    Ok(rows.len())
}
