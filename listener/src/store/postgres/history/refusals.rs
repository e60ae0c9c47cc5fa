//! Refused requests. They are few (`Options::max_refused`), so that a list looks at all of them.

use uuid::Uuid;

use super::cursor;
use crate::desk::{Cursor, DeskError, Listing, MAX_LIMIT, Query, RefusedFilter};
use crate::store::Refused;
use crate::store::postgres::desk::condition::Statement;
use crate::store::postgres::desk::sql;
use crate::store::postgres::refused::read;
use crate::store::postgres::trouble::{Trouble, count, signed};
use crate::store::postgres::tx::Tx;

/// Bytes of bodies that one list holds at most; a longer list ends early, with a cursor.
const LIST_BYTES: usize = 8 * 1024 * 1024;

/// What [`read`] reads, in its order.
const COLUMNS: &str =
    "id, at, status, cause, diagnosis, diagnosis_code, request_line, headers, body, body_bytes, peer";

/// A part of the list, newest first.
pub(super) async fn list(tx: &Tx<'_>, query: &Query<RefusedFilter>) -> Result<Listing<Refused>, DeskError> {
    let before = query.cursor.as_ref().map(cursor::number).transpose()?.unwrap_or(u64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let RefusedFilter { cause, diagnosis, from_ms, until_ms } = &query.filter;
    let mut statement = Statement::new(&format!("SELECT {COLUMNS}, number FROM refused WHERE "))
        .add("number < ?", [signed(before).into()]);
    if let Some(cause) = cause {
        statement = statement.add(" AND cause = ?", [cause.as_str().into()]);
    }
    if let Some(diagnosis) = diagnosis {
        statement = statement.add(" AND diagnosis_code = ?", [diagnosis.as_str().into()]);
    }
    if let Some(from) = from_ms {
        statement = statement.add(" AND at >= ?", [(*from).into()]);
    }
    if let Some(until) = until_ms {
        statement = statement.add(" AND at < ?", [(*until).into()]);
    }
    let rows = statement.add(" ORDER BY number DESC LIMIT ?", [count(limit + 1).into()]).rows(tx).await?;
    let (mut items, mut bytes, mut last, mut next) = (Vec::new(), 0, None::<i64>, None);
    for row in &rows {
        if items.len() == limit || bytes >= LIST_BYTES {
            next = last.map(|number| Cursor::new(number.to_string()));
            break;
        }
        let refused = read(row)?;
        bytes += refused.body.len();
        last = Some(row.try_get(11).map_err(Trouble::from)?);
        items.push(refused);
    }
    Ok(Listing { items, next })
}

/// One; none where it is gone.
pub(super) async fn one(tx: &Tx<'_>, id: Uuid) -> Result<Option<Refused>, Trouble> {
    let one = format!("SELECT {COLUMNS} FROM refused WHERE id = $1");
    let row = sql::maybe(tx, &one, &[&id]).await?;
    row.as_ref().map(read).transpose()
}
