//! Refused requests: bounded in number and in bytes, the oldest give way.

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::trouble::{Trouble, count, signed, unsigned};
use crate::store::Refused;
use crate::store::refusals::{Bounds, known, size};

/// Keeps one, and lets the oldest go where that is too much. `dropped` is what was only counted so far.
pub(super) fn insert(
    connection: &Connection,
    refused: &Refused,
    bounds: Bounds,
    dropped: u64,
) -> Result<(), Trouble> {
    let headers = serde_json::to_string(&refused.headers)
        .map_err(|_| Trouble::Damaged("headers that cannot be written"))?;
    let size = size(refused, &headers);
    connection
        .prepare_cached(
            "INSERT INTO refused(id, at, status, cause, diagnosis, diagnosis_code, request_line, headers, \
             body, body_bytes, peer, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            refused.id.as_bytes(),
            refused.at_ms,
            refused.status,
            refused.cause,
            refused.diagnosis,
            refused.diagnosis_code,
            refused.request_line,
            headers,
            refused.body.as_ref(),
            signed(refused.body_bytes),
            refused.peer,
            count(size),
        ])?;
    connection
        .prepare_cached(
            "UPDATE meta SET refused_kept = refused_kept + 1, refused_bytes = refused_bytes + ?1, \
             refused_dropped = max(refused_dropped, ?2)",
        )?
        .execute([count(size), signed(dropped)])?;
    while over(connection, bounds)? {
        if remove_oldest(connection, i64::MAX, 1)? == 0 {
            break;
        }
    }
    Ok(())
}

fn over(connection: &Connection, bounds: Bounds) -> Result<bool, Trouble> {
    Ok(connection
        .prepare_cached("SELECT refused_kept > ?1 OR refused_bytes > ?2 FROM meta")?
        .query_row([count(bounds.number), count(bounds.bytes)], |row| row.get(0))?)
}

/// Removes at most `limit` of the oldest that came before `before_ms`; how many.
pub(super) fn remove_oldest(connection: &Connection, before_ms: i64, limit: i64) -> Result<u64, Trouble> {
    let (number, bytes, last): (i64, i64, Option<i64>) = connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(size), 0), max(number) FROM \
             (SELECT number, size, at FROM refused ORDER BY number LIMIT ?2) WHERE at < ?1",
        )?
        .query_row([before_ms, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let Some(last) = last else { return Ok(0) };
    connection
        .prepare_cached("DELETE FROM refused WHERE number <= ?1 AND at < ?2")?
        .execute([last, before_ms])?;
    connection
        .prepare_cached(
            "UPDATE meta SET refused_kept = max(0, refused_kept - ?1), refused_bytes = max(0, refused_bytes - ?2)",
        )?
        .execute([number, bytes])?;
    Ok(unsigned(number))
}

/// The newest first.
pub(super) fn list(connection: &Connection, limit: usize) -> Result<Vec<Refused>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at, status, cause, diagnosis, diagnosis_code, request_line, headers, body, body_bytes, peer \
         FROM refused ORDER BY number DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([count(limit)])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(read(row)?);
    }
    Ok(list)
}

fn read(row: &Row<'_>) -> Result<Refused, Trouble> {
    let headers: String = row.get(7)?;
    let cause: String = row.get(3)?;
    let code: Option<String> = row.get(5)?;
    Ok(Refused {
        id: Uuid::from_bytes(row.get(0)?),
        at_ms: row.get(1)?,
        status: row.get(2)?,
        cause: known(&cause),
        diagnosis: row.get(4)?,
        diagnosis_code: code.as_deref().map(known),
        request_line: row.get(6)?,
        headers: serde_json::from_str(&headers)
            .map_err(|_| Trouble::Damaged("headers of a refused request"))?,
        body: row.get::<_, Vec<u8>>(8)?.into(),
        body_bytes: unsigned(row.get(9)?),
        peer: row.get(10)?,
    })
}
