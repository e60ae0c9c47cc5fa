//! One error, whole.

use bytes::Bytes;

use super::audit;
use super::fail::Fail;
use super::list::{COLUMNS, shown, tag_all};
use super::sql;
use super::state;
use crate::desk::{ErrorDetail, Note, Query};
use crate::store::desk::not_found;
use crate::store::names::Names;
use crate::store::postgres::trouble::{Trouble, count, unsigned};
use crate::store::postgres::tx::Tx;

/// Folded errors that are named at most.
const FOLDED: usize = 100;

/// An error, whole.
pub(super) async fn detail(tx: &Tx<'_>, names: &Names, id: i64) -> Result<ErrorDetail, Fail> {
    let sql = format!("SELECT {COLUMNS}, delivery, element, page, status, response FROM error WHERE id = $1");
    let row = sql::maybe(tx, &sql, &[&id]).await?.ok_or_else(|| not_found("error", id))?;
    let mut found = [shown(&row)?];
    tag_all(tx, &mut found).await?;
    let [shown] = found;
    let (payload, edited) = payload(tx, id).await?;
    let page: Option<i64> = row.try_get(21)?;
    let page = page.map(|number| names.page(unsigned(number)).to_string());
    let audit = audit::list(tx, &Query { filter: Some(id), cursor: None, limit: FOLDED }).await?.items;
    Ok(ErrorDetail {
        shown,
        record: state::record(&row, 19)?,
        page,
        status: state::status(&row, 22)?,
        response: row.try_get(23)?,
        payload,
        edited,
        notes: notes(tx, id).await?,
        folded: folded(tx, id).await?,
        audit,
    })
}

type Kept = (Option<Bytes>, Option<(Bytes, String, i64)>);

async fn payload(tx: &Tx<'_>, id: i64) -> Result<Kept, Trouble> {
    let sql = "SELECT original, edited, edited_by, edited_at FROM payload WHERE error = $1";
    let Some(row) = sql::maybe(tx, sql, &[&id]).await? else { return Ok((None, None)) };
    let (edited, by): (Option<Vec<u8>>, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
    let at: Option<i64> = row.try_get(3)?;
    let edited = edited.zip(by).map(|(bytes, by)| (Bytes::from(bytes), by, at.unwrap_or_default()));
    Ok((Some(Bytes::from(row.try_get::<_, Vec<u8>>(0)?)), edited))
}

async fn notes(tx: &Tx<'_>, id: i64) -> Result<Vec<Note>, Trouble> {
    let rows =
        sql::rows(tx, "SELECT at, author, text FROM note WHERE error = $1 ORDER BY id", &[&id]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Note { at_ms: row.try_get(0)?, by: row.try_get(1)?, text: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}

async fn folded(tx: &Tx<'_>, id: i64) -> Result<Vec<i64>, Trouble> {
    let sql = "SELECT id FROM error WHERE newer_error = $1 ORDER BY id DESC LIMIT $2";
    let rows = sql::rows(tx, sql, &[&id, &count(FOLDED)]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
