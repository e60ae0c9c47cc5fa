//! Lists of errors, newest first.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::condition::Statement;
use super::fail::Fail;
use super::sql;
use super::{state, way};
use crate::desk::{Cursor, ErrorFilter, ErrorShown, Listing, MAX_LIMIT, Query, Resolution};
use crate::store::desk::{invalid, states};
use crate::store::postgres::trouble::{Trouble, count};
use crate::store::postgres::tx::Tx;

/// What [`shown`] reads, in its order.
pub(super) const COLUMNS: &str = "id, state, trace_key, data_uri, destination, class, code, \
     (SELECT text FROM message WHERE message.id = error.message), first_at, last_at, attempts, assignee, \
     edited, has_payload, waits_until, resolved_at, resolved_by, resolution, newer_error";

/// A part of the list of errors that match.
pub(super) async fn list(tx: &Tx<'_>, query: &Query<ErrorFilter>) -> Result<Listing<ErrorShown>, Fail> {
    let before = query.cursor.as_ref().map(number).transpose()?.unwrap_or(i64::MAX);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    let items = newest(tx, &query.filter, before, limit + 1).await?;
    let mut listing = Listing::of(items, limit, |item: &ErrorShown| item.id);
    tag_all(tx, &mut listing.items).await?;
    Ok(listing)
}

/// The number in a cursor.
pub(super) fn number(cursor: &Cursor) -> Result<i64, Fail> {
    let wrong = |_| invalid("cursor", "it is none that this list gave", "begin again without a cursor");
    Ok(cursor.as_str().parse().map_err(wrong)?)
}

async fn newest(
    tx: &Tx<'_>,
    filter: &ErrorFilter,
    before: i64,
    limit: usize,
) -> Result<Vec<ErrorShown>, Trouble> {
    let Some(way) = way::choose(tx, filter).await? else { return Ok(Vec::new()) };
    // The messages are read of those alone that are shown.
    let rows = Statement::new("SELECT ")
        .add(COLUMNS, [])
        .add(" FROM (", [])
        .then(way.statement(before, count(limit)))
        .add(") AS error ORDER BY id DESC", [])
        .rows(tx)
        .await?;
    rows.iter().map(shown).collect()
}

/// An error without its tags.
pub(super) fn shown(row: &Row) -> Result<ErrorShown, Trouble> {
    let resolved_at: Option<i64> = row.try_get(15)?;
    let resolution = match resolved_at {
        Some(at_ms) => Some(Resolution {
            at_ms,
            by: row.try_get(16)?,
            how: states::how(row.try_get(17)?),
            newer_error: row.try_get(18)?,
        }),
        None => None,
    };
    Ok(ErrorShown {
        id: row.try_get(0)?,
        state: state::column(row, 1)?,
        trace_key: row.try_get(2)?,
        data_uri: row.try_get(3)?,
        destination: state::destination(row, 4)?,
        class: state::class(row, 5)?,
        code: row.try_get(6)?,
        message: row.try_get::<_, Option<String>>(7)?.unwrap_or_default(),
        first_at_ms: row.try_get(8)?,
        last_at_ms: row.try_get(9)?,
        attempts: state::small(row, 10)?,
        assignee: row.try_get(11)?,
        tags: Vec::new(),
        edited: row.try_get(12)?,
        has_payload: row.try_get(13)?,
        waits_until_ms: row.try_get(14)?,
        resolution,
    })
}

/// Gives errors their tags, in alphabetical order.
pub(super) async fn tag_all(tx: &Tx<'_>, items: &mut [ErrorShown]) -> Result<(), Trouble> {
    let ids: Vec<i64> = items.iter().map(|item| item.id).collect();
    let mut all = tags(tx, &ids).await?;
    for item in items {
        item.tags = all.remove(&item.id).unwrap_or_default();
    }
    Ok(())
}

/// Tags by error, in alphabetical order.
pub(super) async fn tags(tx: &Tx<'_>, errors: &[i64]) -> Result<HashMap<i64, Vec<String>>, Trouble> {
    let sql = "SELECT error, tag FROM tag WHERE error = ANY($1::bigint[]) ORDER BY error, tag";
    let mut all: HashMap<i64, Vec<String>> = HashMap::new();
    for row in &sql::rows(tx, sql, &[&errors]).await? {
        all.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
    }
    Ok(all)
}
