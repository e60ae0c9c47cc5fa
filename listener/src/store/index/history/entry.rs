//! Entries of the search index.
//!
//! `search.key` is the beginning, 16 bytes, of SHA-256 over a letter and a value: `t` and the trace
//! key, `o` and the object's id, both of the record as it came. At 128 bits no two values meet, so a
//! hit by a trace key is right without a second look: that look would have to render the template,
//! which may be another one by now, and would lose what was found by the one in force at the time.

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::shown::object_id;
use crate::store::index::trouble::{Trouble, count, signed, unsigned};
use crate::store::{RecordId, Sort};

/// What an entry is found by.
pub(super) type Key = [u8; 16];

/// Of a trace key.
pub(super) fn of_trace_key(trace_key: &str) -> Key {
    key(b't', trace_key)
}

/// Of an object's id.
pub(super) fn of_object_id(id: &str) -> Key {
    key(b'o', id)
}

fn key(kind: u8, value: &str) -> Key {
    let digest = Sha256::new().chain_update([kind]).chain_update(value.as_bytes()).finalize();
    let mut key = Key::default();
    for (to, from) in key.iter_mut().zip(digest) {
        *to = from;
    }
    key
}

/// A record's place in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    segment: u64,
    key: Key,
    record: RecordId,
}

impl Entry {
    /// The record.
    pub(super) fn record(&self) -> RecordId {
        self.record
    }
}

/// The entries of a record, added to `entries`.
pub(super) fn of(entries: &mut Vec<Entry>, segment: u64, record: RecordId, bytes: &[u8], sorter: &dyn Sort) {
    let trace_key = sorter.name(bytes).trace_key;
    if !trace_key.is_empty() {
        entries.push(Entry { segment, key: of_trace_key(&trace_key), record });
    }
    if let Some(id) = object_id(bytes) {
        entries.push(Entry { segment, key: of_object_id(&id), record });
    }
}

/// Puts entries down, but for those whose delivery is gone; `searched` is the last whole delivery. What
/// was put down before stays once, so a step that is repeated does no harm.
pub(super) fn put(connection: &Connection, entries: &[Entry], searched: u64) -> Result<(), Trouble> {
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO search(segment, key, delivery, element) \
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM delivery WHERE seq = ?3)",
    )?;
    for Entry { segment, key, record } in entries {
        insert.execute(params![signed(*segment), key, signed(record.delivery), record.element])?;
    }
    connection.prepare_cached("UPDATE meta SET searched = max(searched, ?1)")?.execute([signed(searched)])?;
    Ok(())
}

/// The last delivery that is in the index with all before it, and the last that is in the tables.
pub(super) fn reach(connection: &Connection) -> Result<(u64, u64), Trouble> {
    Ok(connection
        .prepare_cached("SELECT searched, last_delivery FROM meta")?
        .query_row([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?)
}

/// Records of a segment with this key that lie before `before`, newest first.
pub(super) fn hits(
    connection: &Connection,
    segment: u64,
    key: Key,
    before: RecordId,
    limit: usize,
) -> Result<Vec<RecordId>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT delivery, element FROM search WHERE segment = ?1 AND key = ?2 \
         AND (delivery, element) < (?3, ?4) ORDER BY delivery DESC, element DESC LIMIT ?5",
    )?;
    let rows = statement.query_map(
        params![signed(segment), key, signed(before.delivery), before.element, count(limit)],
        |row| Ok(RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? }),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes entries of a segment, at most `limit`; how many.
pub(in crate::store::index) fn remove(
    connection: &Connection,
    segment: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM search WHERE (segment, key, delivery, element) IN \
             (SELECT segment, key, delivery, element FROM search WHERE segment = ?1 LIMIT ?2)",
        )?
        .execute([segment, limit])?;
    Ok(unsigned(count(removed)))
}
