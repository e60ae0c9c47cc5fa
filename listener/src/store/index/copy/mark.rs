//! The table `copy` of an index that is filled.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::copy::{Kept, VERSION};
use crate::store::index::ingest;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::journal::{Indexed, Position};

/// As in PostgreSQL (`copy.sql`), and what the journal ends with: what stands behind it there is cut off.
const TABLE: &str = "
CREATE TABLE copy(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    source TEXT NOT NULL,
    version INTEGER NOT NULL,
    stage INTEGER NOT NULL DEFAULT 0,
    key TEXT,
    segment INTEGER NOT NULL DEFAULT 0,
    offset INTEGER NOT NULL DEFAULT 0,
    last_delivery INTEGER NOT NULL DEFAULT 0,
    last_group INTEGER NOT NULL DEFAULT 0
) STRICT";

/// How far an index is.
#[derive(Debug)]
pub(super) enum Noted {
    /// Nothing was copied, and it is not noted of what.
    Nothing,
    /// A part of a copy, and what its journal ends with; none without a row.
    Part(Kept, Option<Indexed>),
    /// A whole copy of the store of this name that lacks its own name.
    Whole(String, Indexed),
}

/// Reads it.
pub(super) fn read(connection: &Connection) -> Result<Noted, Trouble> {
    let exists = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'copy'")?.exists([])?;
    if !exists {
        let name: Option<String> =
            connection.query_row("SELECT name FROM meta", [], |row| row.get(0)).optional()?;
        return Ok(match (name, ingest::watermark(connection)?) {
            (Some(name), Some(watermark)) => Noted::Whole(name, watermark),
            _ => Noted::Nothing,
        });
    }
    let sql = "SELECT source, version, stage, key, segment, offset, last_delivery, last_group FROM copy";
    Ok(connection.query_row(sql, [], |row| {
        let kept = Kept {
            source: row.get(0)?,
            version: row.get(1)?,
            stage: row.get(2)?,
            key: row.get(3)?,
            finished: false,
        };
        let end = Indexed {
            position: Position { segment: unsigned(row.get(4)?), offset: unsigned(row.get(5)?) },
            last_delivery: unsigned(row.get(6)?),
            last_group: unsigned(row.get(7)?),
        };
        Ok(Noted::Part(kept, Some(end).filter(|end| end.position.segment > 0)))
    })?)
}

/// Notes of what it is to be a copy.
pub(super) fn begin(connection: &Connection, source: &str) -> Result<(), Trouble> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLE)?;
    transaction.execute("UPDATE meta SET name = ?1", [source])?;
    transaction
        .execute("INSERT INTO copy(one, source, version) VALUES (1, ?1, ?2)", params![source, VERSION])?;
    transaction.commit()?;
    Ok(())
}

/// Notes how far it is, in the transaction that brings it there.
pub(super) fn set(connection: &Connection, stage: i64, key: &str, end: Indexed) -> Result<(), Trouble> {
    let Indexed { position, last_delivery, last_group } = end;
    connection
        .prepare_cached(
            "UPDATE copy SET stage = ?1, key = ?2, segment = ?3, offset = ?4, last_delivery = ?5, last_group = ?6",
        )?
        .execute(params![
            stage,
            key,
            signed(position.segment),
            signed(position.offset),
            signed(last_delivery),
            signed(last_group),
        ])?;
    Ok(())
}
