//! Refused requests. They are few ([`crate::store::index::Options::max_refused`]), so that a list looks
//! at all of them.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

use super::cursor;
use crate::desk::{Cursor, Listing, MAX_LIMIT, Query, RefusedFilter};
use crate::store::Refused;
use crate::store::index::desk::fail::Fail;
use crate::store::index::refused::{COLUMNS, read};
use crate::store::index::trouble::{Trouble, count, signed};

/// Bytes of bodies that one list holds at most; a longer list ends early, with a cursor.
const LIST_BYTES: usize = 8 * 1024 * 1024;

/// A part of the list, newest first.
pub(super) fn list(connection: &Connection, query: &Query<RefusedFilter>) -> Result<Listing<Refused>, Fail> {
    let before = query.cursor.as_ref().map(cursor::number).transpose()?.unwrap_or(u64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let RefusedFilter { cause, diagnosis, from_ms, until_ms } = &query.filter;
    let mut conditions = vec!["number < ?"];
    let mut values: Vec<Value> = vec![signed(before).into()];
    let mut push = |condition, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(condition);
            values.push(value);
        }
    };
    push("cause = ?", cause.clone().map(Value::from));
    push("diagnosis_code = ?", diagnosis.clone().map(Value::from));
    push("at >= ?", from_ms.map(Value::from));
    push("at < ?", until_ms.map(Value::from));
    values.push(count(limit + 1).into());
    let sql = format!(
        "SELECT {COLUMNS}, number FROM refused WHERE {} ORDER BY number DESC LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let (mut items, mut bytes, mut last) = (Vec::new(), 0, None::<i64>);
    let mut next = None;
    while let Some(row) = rows.next()? {
        if items.len() == limit || bytes >= LIST_BYTES {
            next = last.map(|number| Cursor::new(number.to_string()));
            break;
        }
        let refused = read(row)?;
        bytes += refused.body.len();
        last = Some(row.get(11)?);
        items.push(refused);
    }
    Ok(Listing { items, next })
}

/// One; none where it is gone.
pub(super) fn one(connection: &Connection, id: Uuid) -> Result<Option<Refused>, Trouble> {
    let sql = format!("SELECT {COLUMNS} FROM refused WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id.as_bytes()])?;
    Ok(match rows.next()? {
        Some(row) => Some(read(row)?),
        None => None,
    })
}
