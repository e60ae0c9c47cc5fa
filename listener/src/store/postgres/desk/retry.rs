//! Errors on their way again.
//!
//! An error in the state retrying at a destination is put into a page of kind 1 with others, as
//! many as the destination takes in one; `retry` says which error each record of the page is. The
//! page is leased and settled like any other. What is taken resolves its error; what fails opens
//! it again, with the new failure and the attempts added.
//!
//! [`collect`] and [`Commit::apply`] stand in one transaction that holds the destination's row, so
//! that no error is put into two pages.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;

use super::errors;
use super::fold::names;
use super::sql;
use super::state;
use super::text::cleaned;
use crate::store::desk::again::Waiting;
use crate::store::postgres::pages::{self, NewPage};
use crate::store::postgres::trouble::{Trouble, count, signed, unsigned};
use crate::store::postgres::tx::Tx;
use crate::store::{NewError, PRE_PAGE, PageRequest, Record, RecordId};

pub(in crate::store::postgres) use crate::store::desk::again::Again;

/// Errors whose payloads are read in one go.
const READ: usize = 200;

/// Whether a destination has errors that wait to be put into a page.
pub(in crate::store::postgres) async fn waits(tx: &Tx<'_>, destination: &str) -> Result<bool, Trouble> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM error WHERE destination = $1 AND state = 2 AND retry_page IS NULL)";
    Ok(sql::one(tx, sql, &[&destination]).await?.try_get(0)?)
}

/// Collects the errors that have waited for longest, as many as fit a page. One that somebody has in
/// hand just now waits for the next page.
pub(in crate::store::postgres) async fn collect(
    tx: &Tx<'_>,
    request: &PageRequest,
) -> Result<Again, Trouble> {
    let mut again = Again::default();
    let (mut after, mut left) = (0_i64, request.size.max(1));
    while left > 0 {
        let step = left.min(READ);
        let rows = sql::rows(
            tx,
            "SELECT e.id, e.delivery, e.element, e.first_at, e.page IS NULL, \
                 coalesce(payload.edited, payload.original) FROM ( \
                     SELECT id, delivery, element, first_at, page FROM error \
                     WHERE destination = $1 AND state = 2 AND retry_page IS NULL AND id > $2 \
                     ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) e \
                 JOIN payload ON payload.error = e.id ORDER BY e.id",
            &[&request.destination, &after, &count(step)],
        )
        .await?;
        for row in &rows {
            after = row.try_get(0)?;
            let bytes = Bytes::from(row.try_get::<_, Vec<u8>>(5)?);
            let record = Record { id: state::record(row, 1)?, received_at_ms: row.try_get(3)?, bytes };
            if !again.offer(Waiting { error: after, record, never_sent: row.try_get(4)? }, request) {
                return Ok(again);
            }
        }
        if rows.len() < step {
            break;
        }
        left -= step;
    }
    Ok(again)
}

/// What a commit needs, without the bodies.
#[derive(Debug)]
pub(in crate::store::postgres) struct Commit {
    destination: String,
    number: u64,
    records: Vec<(RecordId, i64)>,
    left_out: Vec<i64>,
    failed: Vec<(i64, NewError)>,
    oversized: bool,
    now_ms: i64,
}

impl Commit {
    /// Of a page in the making.
    pub(in crate::store::postgres) fn of(
        again: &mut Again,
        destination: &str,
        number: u64,
        now_ms: i64,
    ) -> Self {
        Self {
            destination: destination.to_owned(),
            number,
            records: again.names(),
            left_out: std::mem::take(&mut again.left_out),
            failed: std::mem::take(&mut again.failed),
            oversized: again.oversized,
            now_ms,
        }
    }

    /// Puts it down; whether there is a page.
    pub(in crate::store::postgres) async fn apply(&self, tx: &Tx<'_>) -> Result<bool, Trouble> {
        if !self.left_out.is_empty() {
            resolve(tx, &self.left_out, self.now_ms).await?;
            sql::run(
                tx,
                "UPDATE destination SET ignored = ignored + $2 WHERE name = $1",
                &[&self.destination, &count(self.left_out.len())],
            )
            .await?;
        }
        let failed: Vec<(i64, &NewError)> = self.failed.iter().map(|(error, new)| (*error, new)).collect();
        open_again(tx, &failed, None, 0).await?;
        if self.records.is_empty() {
            return Ok(false);
        }
        let errors: Vec<i64> = self.records.iter().map(|(_, error)| *error).collect();
        let number = signed(self.number);
        let taken = sql::run(tx, "UPDATE error SET retry_page = $2 WHERE id = ANY($1::bigint[]) AND state = 2 AND retry_page IS NULL",
                &[&errors, &number],
            )
            .await?;
        if taken != unsigned(count(errors.len())) {
            return Err(Trouble::Asked("an error was put into two pages at once".to_owned()));
        }
        let (deliveries, elements) = names(self.records.iter().map(|(record, _)| *record));
        sql::run(
            tx,
            "INSERT INTO retry(page, delivery, element, error) \
             SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[])",
            &[&number, &deliveries, &elements, &errors],
        )
        .await?;
        let records: Vec<_> = self.records.iter().map(|(record, _)| *record).collect();
        let page = NewPage {
            number: self.number,
            destination: &self.destination,
            state: pages::LEASED,
            kind: pages::ERRORS,
            records: &records,
            oversized: self.oversized,
            attempts: 0,
            first_attempt_at: None,
            due_at: self.now_ms,
            created_at: self.now_ms,
            parent: None,
        };
        pages::insert(tx, &page).await?;
        Ok(true)
    }
}

/// Records of a page of kind 1, in its order.
pub(in crate::store::postgres) async fn records_of(
    tx: &Tx<'_>,
    number: u64,
    names: &[RecordId],
) -> Result<Vec<Record>, Trouble> {
    let rows = sql::rows(tx, "SELECT retry.delivery, retry.element, first_at, coalesce(payload.edited, payload.original) FROM retry \
             JOIN error ON error.id = retry.error JOIN payload ON payload.error = retry.error \
             WHERE retry.page = $1",
            &[&signed(number)],
        )
        .await?;
    let mut records = HashMap::with_capacity(rows.len());
    for row in &rows {
        let id = state::record(row, 0)?;
        let bytes = Bytes::from(row.try_get::<_, Vec<u8>>(3)?);
        records.insert(id, Record { id, received_at_ms: row.try_get(2)?, bytes });
    }
    names
        .iter()
        .map(|id| records.remove(id).ok_or(Trouble::Damaged("a page of errors names none of them")))
        .collect()
}

/// Settles a page of kind 1: what failed opens again, what goes again moves to the page `child`,
/// the rest is resolved.
pub(in crate::store::postgres) async fn settle(
    tx: &Tx<'_>,
    page: u64,
    attempts: u32,
    failed: &[NewError],
    again: &[RecordId],
    child: u64,
    now_ms: i64,
) -> Result<(), Trouble> {
    let errors = errors_of(tx, page).await?;
    let of =
        |record: &RecordId| errors.get(record).copied().ok_or(Trouble::Damaged("a retry names no error"));
    let opened = failed.iter().map(|new| Ok((of(&new.record)?, new))).collect::<Result<Vec<_>, Trouble>>()?;
    open_again(tx, &opened, Some(page), attempts).await?;
    let moved = again.iter().map(of).collect::<Result<Vec<i64>, Trouble>>()?;
    if !moved.is_empty() {
        let (page, child) = (signed(page), signed(child));
        sql::run(tx, "UPDATE error SET retry_page = $2 WHERE id = ANY($1::bigint[])", &[&moved, &child])
            .await?;
        sql::run(
            tx,
            "UPDATE retry SET page = $2 WHERE page = $1 AND error = ANY($3::bigint[])",
            &[&page, &child, &moved],
        )
        .await?;
    }
    let open: HashSet<RecordId> = failed.iter().map(|new| new.record).chain(again.iter().copied()).collect();
    let taken: Vec<i64> =
        errors.iter().filter(|(record, _)| !open.contains(record)).map(|(_, error)| *error).collect();
    resolve(tx, &taken, now_ms).await?;
    sql::run(tx, "DELETE FROM retry WHERE page = $1", &[&signed(page)]).await?;
    Ok(())
}

/// The errors of a page of kind 1.
pub(super) async fn errors_of(tx: &Tx<'_>, page: u64) -> Result<BTreeMap<RecordId, i64>, Trouble> {
    let sql = "SELECT delivery, element, error FROM retry WHERE page = $1";
    let rows = sql::rows(tx, sql, &[&signed(page)]).await?;
    rows.iter().map(|row| Ok((state::record(row, 0)?, row.try_get(2)?))).collect()
}

/// They were taken.
async fn resolve(tx: &Tx<'_>, errors: &[i64], now_ms: i64) -> Result<(), Trouble> {
    if errors.is_empty() {
        return Ok(());
    }
    sql::run(tx, "WITH locked AS MATERIALIZED (SELECT id FROM error WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE) \
         UPDATE error SET state = 3, resolved_at = $2, resolved_by = retried_by, resolution = 'retried', \
         edited = false, page = coalesce(retry_page, page), retry_page = NULL WHERE id IN (SELECT id FROM locked)",
        &[&errors, &now_ms],
    )
    .await?;
    Ok(())
}

/// They failed again.
async fn open_again(
    tx: &Tx<'_>,
    failed: &[(i64, &NewError)],
    page: Option<u64>,
    attempts: u32,
) -> Result<(), Trouble> {
    if failed.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = failed.iter().map(|(_, new)| cleaned(&new.failure.message)).collect();
    let messages = errors::messages(tx, &texts).await?;
    let ids: Vec<i64> = failed.iter().map(|(error, _)| *error).collect();
    let classes: Vec<&str> = failed.iter().map(|(_, new)| new.failure.class.as_str()).collect();
    let codes: Vec<String> = failed.iter().map(|(_, new)| cleaned(&new.failure.code)).collect();
    let statuses: Vec<Option<i64>> =
        failed.iter().map(|(_, new)| new.failure.status.map(i64::from)).collect();
    let responses: Vec<Option<String>> =
        failed.iter().map(|(_, new)| new.failure.response.as_deref().map(cleaned)).collect();
    let ats: Vec<i64> = failed.iter().map(|(_, new)| new.at_ms).collect();
    sql::run(tx, "WITH locked AS MATERIALIZED (SELECT id FROM error WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE) \
         UPDATE error SET state = 0, class = f.class, code = f.code, message = f.message, status = f.status, \
         response = f.response, last_at = f.at, page = coalesce($8::bigint, page), \
         attempts = attempts + $9::bigint, retry_page = NULL \
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[]) \
             AS f(id, class, code, message, status, response, at), locked \
         WHERE error.id = f.id AND locked.id = f.id",
        &[
            &ids,
            &classes,
            &codes,
            &messages,
            &statuses,
            &responses,
            &ats,
            &page.map(signed),
            &i64::from(attempts),
        ],
    )
    .await?;
    // Retry data is not to be stored any more.
    let bare: Vec<i64> =
        failed.iter().filter(|(_, new)| new.payload.is_none()).map(|(error, _)| *error).collect();
    if !bare.is_empty() {
        sql::run(tx, "DELETE FROM payload WHERE error = ANY($1::bigint[])", &[&bare]).await?;
        let forget = "UPDATE error SET has_payload = false, edited = false WHERE id = ANY($1::bigint[])";
        sql::run(tx, forget, &[&bare]).await?;
    }
    Ok(())
}

/// Opens errors that were to go to destinations that are gone.
pub(in crate::store::postgres) async fn open_orphans(tx: &Tx<'_>) -> Result<u64, Trouble> {
    sql::run(
        tx,
        "WITH locked AS MATERIALIZED ( \
             SELECT id FROM error WHERE state = 2 AND retry_page IS NULL AND destination <> '' \
             AND destination NOT IN (SELECT name FROM destination) ORDER BY id FOR UPDATE) \
         UPDATE error SET state = 0 WHERE id IN (SELECT id FROM locked)",
        &[],
    )
    .await
}

/// The hook is gone: errors that were on their way to it are open again.
pub(in crate::store::postgres) async fn open_all_of_the_hook(tx: &Tx<'_>) -> Result<(), Trouble> {
    sql::run(
        tx,
        "DELETE FROM retry WHERE page IN \
         (SELECT number FROM page WHERE destination = $1 AND state < 2 AND kind = 1)",
        &[&PRE_PAGE],
    )
    .await?;
    sql::run(
        tx,
        "WITH locked AS MATERIALIZED (SELECT id FROM error WHERE destination = $1 AND state = 2 \
             ORDER BY id FOR UPDATE) \
         UPDATE error SET state = 0, retry_page = NULL WHERE id IN (SELECT id FROM locked)",
        &[&PRE_PAGE],
    )
    .await?;
    Ok(())
}
