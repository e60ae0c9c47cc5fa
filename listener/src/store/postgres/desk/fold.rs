//! Folding: a newer error, or a later success, of one trace key at one destination closes the
//! older errors, so that a record that failed five times is one thing to look at.
//!
//! Newer means: of an event that arrived later (or of the same one). An event that was on its way
//! while a later one failed does not close that one.
//!
//! Transactions that fold at one destination come one after the other ([`lock`]), so that none
//! misses what the other is about to put down. Rows are locked in the order of their numbers, as
//! everywhere where errors change, so that two transactions do not wait for each other.

use super::sql;
use super::text::cleaned;
use crate::store::postgres::trouble::{Trouble, signed};
use crate::store::postgres::tx::Tx;
use crate::store::{NewError, RecordId};

/// Until the end of the transaction no other folds at this destination.
pub(super) async fn lock(tx: &Tx<'_>, destination: &str) -> Result<(), Trouble> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/fold/' || $1::text, 0))";
    sql::rows(tx, sql, &[&destination]).await?;
    Ok(())
}

/// New errors (`ids`, in the order of `errors`) close what is open or waits, of their keys.
pub(super) async fn failed(
    tx: &Tx<'_>,
    destination: &str,
    ids: &[i64],
    keys: &[String],
    errors: &[NewError],
) -> Result<(), Trouble> {
    let (deliveries, elements) = names(errors.iter().map(|error| error.record));
    let ats: Vec<i64> = errors.iter().map(|error| error.at_ms).collect();
    // Of several that could close one, the first after it: as if they had come one by one.
    sql::run(
        tx,
        "\
WITH newer AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS n(id, trace_key, delivery, element, at) WHERE trace_key <> ''
), older AS MATERIALIZED (
    SELECT id, trace_key, delivery, element FROM error
    WHERE trace_key = ANY($3) AND trace_key <> '' AND destination = $1 AND state IN (0, 1)
    ORDER BY id FOR UPDATE
), closed AS (
    SELECT DISTINCT ON (older.id) older.id, newer.id AS by, newer.at
    FROM older JOIN newer ON newer.trace_key = older.trace_key
        AND (older.delivery, older.element) <= (newer.delivery, newer.element)
        AND older.id <> newer.id AND (older.id < newer.id OR NOT older.id = ANY($2))
    ORDER BY older.id, newer.id
)
UPDATE error SET state = 3, resolved_at = closed.at, resolution = 'newer_error', newer_error = closed.by,
    waits_until = NULL
FROM closed WHERE error.id = closed.id",
        &[&destination, &ids, &keys, &deliveries, &elements, &ats],
    )
    .await?;
    Ok(())
}

/// Records that were taken close what is open or waits, of their keys, and is not newer.
pub(in crate::store::postgres) async fn succeeded(
    tx: &Tx<'_>,
    destination: &str,
    healed: &[(RecordId, String)],
    now_ms: i64,
) -> Result<(), Trouble> {
    let healed: Vec<_> = healed.iter().filter(|(_, key)| !key.is_empty()).collect();
    if healed.is_empty() {
        return Ok(());
    }
    lock(tx, destination).await?;
    let keys: Vec<String> = healed.iter().map(|(_, key)| cleaned(key)).collect();
    let (deliveries, elements) = names(healed.iter().map(|(record, _)| *record));
    sql::run(
        tx,
        "\
WITH older AS MATERIALIZED (
    SELECT id, trace_key, delivery, element FROM error
    WHERE trace_key = ANY($2::text[]) AND destination = $1 AND state IN (0, 1)
    ORDER BY id FOR UPDATE
)
UPDATE error SET state = 3, resolved_at = $5, resolution = 'later_success', newer_error = NULL,
    waits_until = NULL
WHERE id IN (
    SELECT older.id FROM older JOIN unnest($2, $3::bigint[], $4::bigint[]) AS t(trace_key, delivery, element)
        ON t.trace_key = older.trace_key AND (older.delivery, older.element) <= (t.delivery, t.element)
)",
        &[&destination, &keys, &deliveries, &elements, &now_ms],
    )
    .await?;
    Ok(())
}

/// Records as two columns.
pub(in crate::store::postgres) fn names(records: impl Iterator<Item = RecordId>) -> (Vec<i64>, Vec<i64>) {
    records.map(|record| (signed(record.delivery), i64::from(record.element))).unzip()
}

/// Whether a destination has errors that a success could close.
pub(in crate::store::postgres) async fn has_any(tx: &Tx<'_>, destination: &str) -> Result<bool, Trouble> {
    let sql = "SELECT coalesce(sum(number), 0) > 0 FROM tallied \
         WHERE kind = 'p' AND destination = $1 AND state IN (0, 1)";
    Ok(sql::one(tx, sql, &[&destination]).await?.try_get(0)?)
}
