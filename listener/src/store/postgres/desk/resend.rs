//! Errors before any destination on their way again, as deliveries of our own.
//!
//! Such an error failed before it was a record (not JSON, a filter that failed), so it goes the
//! whole way again: its payload is put down like a delivery, is split and filtered, and goes to
//! every destination. The delivery's request id says which error it is; the transaction that puts it
//! down resolves the error, and passes the delivery over where the error was resolved already. So a
//! process that ends halfway, or two that send one error, repeat the work, not the effect.

use bytes::Bytes;

use super::sql;
use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;

pub(in crate::store::postgres) use crate::store::desk::own::{error_of, request_id};

/// Bytes of payloads after which no further one is taken.
const WAITING_BYTES: usize = 8 * 1024 * 1024;

/// Errors that wait to be put down: number and payload, few at a time.
pub(super) async fn waiting(tx: &Tx<'_>, limit: i64) -> Result<Vec<(i64, Bytes)>, Trouble> {
    let ids = sql::rows(
        tx,
        "SELECT error.id, octet_length(coalesce(payload.edited, payload.original))::bigint FROM error \
             JOIN payload ON payload.error = error.id \
             WHERE destination = '' AND state = 2 AND retry_page IS NULL ORDER BY error.id LIMIT $1",
        &[&limit],
    )
    .await?;
    let (mut few, mut bytes) = (Vec::new(), 0);
    for row in &ids {
        if bytes >= WAITING_BYTES {
            break;
        }
        few.push(row.try_get::<_, i64>(0)?);
        bytes += usize::try_from(row.try_get::<_, i64>(1)?).unwrap_or(usize::MAX);
    }
    if few.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql::rows(tx, "SELECT error, coalesce(edited, original) FROM payload WHERE error = ANY($1::bigint[]) ORDER BY error",
            &[&few],
        )
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, Bytes::from(row.try_get::<_, Vec<u8>>(1)?)))).collect()
}

/// In the transaction that puts it down: resolves the error; false where that was done before.
pub(in crate::store::postgres) async fn arrive(
    tx: &Tx<'_>,
    error: i64,
    now_ms: i64,
) -> Result<bool, Trouble> {
    let resolved = sql::run(
        tx,
        "UPDATE error SET state = 3, resolved_at = $2, resolved_by = retried_by, resolution = 'retried', \
             edited = false, retry_page = NULL WHERE id = $1 AND state = 2",
        &[&error, &now_ms],
    )
    .await?;
    Ok(resolved > 0)
}

/// In the same transaction, right after it was inserted: it failed before any destination again, as
/// the last error that this session made.
pub(in crate::store::postgres) async fn failed_again(tx: &Tx<'_>, error: i64) -> Result<(), Trouble> {
    sql::run(
        tx,
        "UPDATE error SET resolution = 'newer_error', \
         newer_error = currval(pg_get_serial_sequence('error', 'id')) WHERE id = $1",
        &[&error],
    )
    .await?;
    Ok(())
}
