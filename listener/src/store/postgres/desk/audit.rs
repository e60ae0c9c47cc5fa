//! The audit log: who did what, when.

use super::fail::Fail;
use super::list::number;
use super::sql;
use super::text::cleaned;
use crate::desk::{Actor, AuditEntry, Listing, MAX_LIMIT, Query};
use crate::store::postgres::trouble::{Trouble, count};
use crate::store::postgres::tx::Tx;

/// What an act was about.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store::postgres) struct About {
    /// An error.
    pub(in crate::store::postgres) error: Option<i64>,
    /// A bulk act.
    pub(in crate::store::postgres) bulk: Option<i64>,
}

/// Writes a line.
pub(in crate::store::postgres) async fn write(
    tx: &Tx<'_>,
    at_ms: i64,
    actor: &Actor,
    act: &str,
    about: About,
    detail: &str,
) -> Result<(), Trouble> {
    sql::run(
        tx,
        "INSERT INTO audit(at, actor, act, error, bulk, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        &[&at_ms, &cleaned(&actor.0), &act, &about.error, &about.bulk, &cleaned(detail)],
    )
    .await?;
    Ok(())
}

const COLUMNS: &str = "SELECT id, at, actor, act, error, bulk, detail FROM audit WHERE id < $1";

/// A part of the log, newest first. That of an error also names the bulk acts that were done to it.
pub(super) async fn list(tx: &Tx<'_>, query: &Query<Option<i64>>) -> Result<Listing<AuditEntry>, Fail> {
    let before = query.cursor.as_ref().map(number).transpose()?.unwrap_or(i64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let most = count(limit + 1);
    let rows = match query.filter {
        Some(error) => {
            let sql = format!(
                "{COLUMNS} AND id IN (SELECT id FROM audit WHERE error = $3 UNION ALL \
                 SELECT audit.id FROM bulk_item JOIN audit ON audit.bulk = bulk_item.bulk \
                 WHERE bulk_item.error = $3 AND bulk_item.done AND audit.error IS NULL \
                 AND audit.act <> 'cancel') ORDER BY id DESC LIMIT $2"
            );
            sql::rows(tx, &sql, &[&before, &most, &error]).await?
        }
        None => sql::rows(tx, &format!("{COLUMNS} ORDER BY id DESC LIMIT $2"), &[&before, &most]).await?,
    };
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(AuditEntry {
            id: row.try_get(0)?,
            at_ms: row.try_get(1)?,
            actor: row.try_get(2)?,
            act: row.try_get(3)?,
            error: row.try_get(4)?,
            bulk: row.try_get(5)?,
            detail: row.try_get(6)?,
        });
    }
    Ok(Listing::of(items, limit, |item| item.id))
}

/// Removes lines that are older than `before_ms`, at most `limit`; how many.
pub(in crate::store::postgres) async fn remove(
    tx: &Tx<'_>,
    before_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    sql::run(
        tx,
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        &[&before_ms, &limit],
    )
    .await
}
