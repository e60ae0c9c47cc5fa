//! The hook before pages are cut, as in the embedded store: a row of `destination` under the name
//! `prePage`, with a cursor and pages as each of them. The others may only be cut records before
//! its mark, which is read in one statement with the records and their fates ([`super::cut`]).
//!
//! 1. A record's fate is put down once, in the transaction that settles its page at the hook.
//! 2. A hook that is added begins with what is put down from then on, which no cut has seen.
//! 3. What passes the hook at last after it had failed there: [`super::desk::mend`].

use super::desk::mend;
use super::pages;
use super::sql::{byte_lists, int, ints, text};
use super::trouble::{Trouble, signed};
use super::tx::Tx;
pub(in crate::store::postgres) use crate::store::fate::Fates;
use crate::store::fate::{CHANGED, DROPPED, FAILED};
use crate::store::{PRE_PAGE, RecordId};

/// Puts down what a settlement of one of the hook's pages says, and those records that `failed`.
pub(super) async fn keep(
    tx: &Tx<'_>,
    fates: Fates<'_>,
    failed: impl Iterator<Item = RecordId>,
) -> Result<(), Trouble> {
    let changed = fates.changed.iter().map(|(record, payload)| (*record, CHANGED, Some(payload.as_ref())));
    let dropped = fates.dropped.iter().map(|record| (*record, DROPPED, None));
    let all: Vec<(RecordId, i64, Option<&[u8]>)> =
        changed.chain(dropped).chain(failed.map(|record| (record, FAILED, None))).collect();
    if all.is_empty() {
        return Ok(());
    }
    let deliveries: Vec<i64> = all.iter().map(|(record, ..)| signed(record.delivery)).collect();
    let elements: Vec<i64> = all.iter().map(|(record, ..)| record.element.into()).collect();
    let numbers: Vec<i64> = all.iter().map(|(_, fate, _)| *fate).collect();
    let payloads: Vec<Option<&[u8]>> = all.iter().map(|(.., payload)| *payload).collect();
    let insert = "INSERT INTO hooked(delivery, element, fate, payload) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])";
    let values = [ints(&deliveries), ints(&elements), ints(&numbers), byte_lists(&payloads)];
    tx.query_typed(insert, &values).await?;
    Ok(())
}

/// The hook is gone: what it had not settled goes on as it came.
pub(super) async fn removed(tx: &Tx<'_>, now_ms: i64) -> Result<(), Trouble> {
    mend::open_all(tx).await?;
    let update = "UPDATE page SET state = $2::bigint, settled_at = $3, holder = NULL, lease = NULL, leased_until = NULL \
        WHERE destination = $1 AND state < 2 RETURNING number";
    let values = [text(&PRE_PAGE), int(&pages::FAILED), int(&now_ms)];
    let over = tx.query_typed(update, &values).await?;
    tracing::info!(
        hook.pages = over.len(),
        "the hook is gone; records that it had not settled go on as they came"
    );
    Ok(())
}
