//! The audit log: who did what, when.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::fail::Fail;
use super::list::number;
use crate::desk::{Actor, AuditEntry, Listing, MAX_LIMIT, Query};
use crate::store::index::trouble::{Trouble, count};

/// What an act was about.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store::index) struct About {
    /// An error.
    pub(in crate::store::index) error: Option<i64>,
    /// A bulk act.
    pub(in crate::store::index) bulk: Option<i64>,
}

/// Writes a line.
pub(in crate::store::index) fn write(
    connection: &Connection,
    at_ms: i64,
    actor: &Actor,
    act: &str,
    about: About,
    detail: &str,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO audit(at, actor, act, error, bulk, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![at_ms, actor.0, act, about.error, about.bulk, detail])?;
    Ok(())
}

/// A part of the log, newest first. That of an error also names the bulk acts that were done to it.
pub(super) fn list(connection: &Connection, query: &Query<Option<i64>>) -> Result<Listing<AuditEntry>, Fail> {
    let before = query.cursor.as_ref().map(number).transpose()?.unwrap_or(i64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let condition = if query.filter.is_some() {
        "id IN (SELECT id FROM audit WHERE error = ?1 UNION ALL SELECT audit.id FROM bulk_item JOIN audit \
         ON audit.bulk = bulk_item.bulk WHERE bulk_item.error = ?1 AND bulk_item.done = 1 AND audit.error IS NULL AND audit.act <> 'cancel')"
    } else {
        "?1 IS NULL"
    };
    let sql = format!(
        "SELECT id, at, actor, act, error, bulk, detail FROM audit WHERE {condition} AND id < ?2 \
         ORDER BY id DESC LIMIT ?3"
    );
    let values = [query.filter.map_or(Value::Null, Value::from), before.into(), count(limit + 1).into()];
    let mut statement = connection.prepare_cached(&sql)?;
    let entries = statement.query_map(params_from_iter(values), |row| {
        Ok(AuditEntry {
            id: row.get(0)?,
            at_ms: row.get(1)?,
            actor: row.get(2)?,
            act: row.get(3)?,
            error: row.get(4)?,
            bulk: row.get(5)?,
            detail: row.get(6)?,
        })
    })?;
    let items = entries.collect::<Result<Vec<_>, _>>()?;
    Ok(Listing::of(items, limit, |item| item.id))
}
