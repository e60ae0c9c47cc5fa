//! The tables of erasures: `tables.sql`.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::holes;
use super::needs::Needs;
use crate::store::RecordId;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::journal::{Hole, Location, Rewrite};
use crate::store::packed::spans::{self, Span};
use crate::store::packed::varint;

/// Records that are looked at, and erased, in one round.
pub(super) const BATCH: i64 = 1_000;

/// Asks for the erasure of a record. `alone`: it failed before any destination.
pub(in crate::store::index) fn ask(
    connection: &Connection,
    record: RecordId,
    alone: bool,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO erasure(delivery, element, alone) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET alone = max(alone, excluded.alone)",
        )?
        .execute(params![signed(record.delivery), record.element, alone])?;
    Ok(())
}

/// The same for an element that is no record.
pub(in crate::store::index) fn ask_element(
    connection: &Connection,
    delivery: u64,
    span: Span,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO erasure(delivery, element, start, length, alone) VALUES (?1, ?2, ?3, ?4, 1) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![signed(delivery), span.element, span.start, span.length])?;
    Ok(())
}

/// Forgets the payload that an error has, and asks for the erasure of its record.
pub(in crate::store::index) fn forget(connection: &Connection, error: i64) -> Result<(), Trouble> {
    connection.prepare_cached("DELETE FROM payload WHERE error = ?1")?.execute([error])?;
    let (delivery, element, alone) = connection
        .prepare_cached(
            "UPDATE error SET has_payload = 0, edited = 0 WHERE id = ?1 \
             RETURNING delivery, element, destination IN ('', 'prePage')",
        )?
        .query_row([error], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    ask(connection, RecordId { delivery: unsigned(delivery), element }, alone)
}

/// A record that nobody needs any more.
#[derive(Debug)]
pub(super) struct Candidate {
    record: RecordId,
    place: Option<usize>,
    /// None: its delivery is gone.
    pub(super) segment: Option<u64>,
    pub(super) holes: Vec<Hole>,
}

/// What a look found.
#[derive(Debug)]
pub(super) struct Looked {
    /// Where the next look begins.
    pub(super) next: RecordId,
    /// Those that nobody needs.
    pub(super) free: Vec<Candidate>,
}

/// Looks at the next ones from `from` on; none where there are no more.
pub(super) fn look(connection: &Connection, from: RecordId) -> Result<Option<Looked>, Trouble> {
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(
        "SELECT delivery, element FROM erasure INDEXED BY erasure_pending \
         WHERE state = 0 AND (delivery, element) >= (?1, ?2) AND (delivery <= ?3 OR alone = 1) \
         ORDER BY delivery, element LIMIT ?4",
    )?;
    let first_cursor = Needs::first_cursor(&transaction)?;
    let found: Vec<RecordId> = statement
        .query_map(params![signed(from.delivery), from.element, first_cursor, BATCH], |row| {
            Ok(RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? })
        })?
        .collect::<Result<_, _>>()?;
    let Some(last) = found.last() else { return Ok(None) };
    let needs = Needs::read(&transaction, last.delivery)?;
    let mut free = Vec::new();
    for records in found.chunk_by(|left, right| left.delivery == right.delivery) {
        candidates(&transaction, &needs, records, &mut free)?;
    }
    let next = RecordId { element: last.element.saturating_add(1), ..*last };
    Ok(Some(Looked { next, free }))
}

/// Of one delivery.
fn candidates(
    connection: &Connection,
    needs: &Needs,
    records: &[RecordId],
    free: &mut Vec<Candidate>,
) -> Result<(), Trouble> {
    let Some(first) = records.first() else { return Ok(()) };
    let delivery = connection
        .prepare_cached("SELECT segment, offset, length, records FROM delivery WHERE seq = ?1")?
        .query_row([signed(first.delivery)], |row| {
            let location = Location {
                segment: unsigned(row.get(0)?),
                offset: unsigned(row.get(1)?),
                length: row.get(2)?,
            };
            Ok((location, row.get::<_, Vec<u8>>(3)?))
        })
        .optional()?;
    let Some((location, list)) = delivery else {
        let gone =
            |record: &RecordId| Candidate { record: *record, place: None, segment: None, holes: vec![] };
        free.extend(records.iter().map(gone));
        return Ok(());
    };
    let list = spans::decode(&list)?;
    for record in records {
        let place = list.binary_search_by_key(&record.element, |span| span.element).ok();
        if needs.include(connection, *record, place)? {
            continue;
        }
        let span = match place {
            Some(place) => list.get(place).copied(),
            None => element(connection, *record)?,
        };
        let holes = span.map_or_else(Vec::new, |span| holes::of(location, span, &list));
        free.push(Candidate { record: *record, place, segment: Some(location.segment), holes });
    }
    Ok(())
}

/// The span of an element that is no record.
fn element(connection: &Connection, record: RecordId) -> Result<Option<Span>, Trouble> {
    Ok(connection
        .prepare_cached("SELECT start, length FROM erasure WHERE delivery = ?1 AND element = ?2")?
        .query_row(params![signed(record.delivery), record.element], |row| {
        let (start, length): (Option<u32>, Option<u32>) = (row.get(0)?, row.get(1)?);
        let span = |(start, length)| Span { element: record.element, start, length };
        Ok(start.zip(length).map(span))
    })?)
}

/// Notes that they are being overwritten, and with what; false, and nothing, where somebody needs one of them
/// by now.
pub(super) fn begin(
    connection: &Connection,
    candidates: &[Candidate],
    rewrites: &[Rewrite],
) -> Result<bool, Trouble> {
    let last = candidates.last().map_or(0, |last| last.record.delivery);
    let needs = Needs::read(connection, last)?;
    for Candidate { record, place, .. } in candidates {
        if needs.include(connection, *record, *place)? {
            return Ok(false);
        }
    }
    let mut begun =
        connection.prepare_cached("UPDATE erasure SET state = 1 WHERE delivery = ?1 AND element = ?2")?;
    // As long as before, so that it is written over what stands there.
    let mut hooked = connection.prepare_cached(
        "UPDATE hooked SET payload = zeroblob(length(payload)) \
         WHERE delivery = ?1 AND element = ?2 AND payload IS NOT NULL",
    )?;
    for Candidate { record, .. } in candidates {
        begun.execute(params![signed(record.delivery), record.element])?;
        hooked.execute(params![signed(record.delivery), record.element])?;
    }
    let mut note = connection
        .prepare_cached("INSERT INTO rewrite(segment, offset, header, holes) VALUES (?1, ?2, ?3, ?4)")?;
    for Rewrite { segment, offset, header, holes } in rewrites {
        note.execute(params![signed(*segment), signed(*offset), header, encode(holes)])?;
    }
    Ok(true)
}

/// Notes that what was begun is done.
pub(super) fn end(connection: &Connection) -> Result<(), Trouble> {
    connection.prepare_cached("DELETE FROM rewrite")?.execute([])?;
    connection
        .prepare_cached(
            "DELETE FROM erasure WHERE state = 1 AND NOT EXISTS \
             (SELECT 1 FROM delivery WHERE delivery.seq = erasure.delivery)",
        )?
        .execute([])?;
    connection.prepare_cached("UPDATE erasure SET state = 2 WHERE state = 1")?.execute([])?;
    Ok(())
}

/// Whether the bytes of a record are gone, or are being overwritten. Whoever asks after it has read
/// them, and not in a transaction that began before, knows whether what it read was whole.
pub(in crate::store::index) fn is_gone(connection: &Connection, record: RecordId) -> Result<bool, Trouble> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM erasure WHERE delivery = ?1 AND element = ?2 AND state > 0")?
        .exists(params![signed(record.delivery), record.element])?)
}

/// Those of the deliveries from `first` to `last` of which [`is_gone`] is true.
pub(in crate::store::index) fn gone(
    connection: &Connection,
    first: u64,
    last: u64,
) -> Result<HashSet<RecordId>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT delivery, element FROM erasure WHERE delivery BETWEEN ?1 AND ?2 AND state > 0",
    )?;
    let rows = statement.query_map(params![signed(first), signed(last)], |row| {
        Ok(RecordId { delivery: unsigned(row.get(0)?), element: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is being written.
pub(in crate::store::index) fn rewrites(connection: &Connection) -> Result<Vec<Rewrite>, Trouble> {
    let mut statement = connection
        .prepare_cached("SELECT segment, offset, header, holes FROM rewrite ORDER BY segment, offset")?;
    let mut rows = statement.query([])?;
    let mut rewrites = Vec::new();
    while let Some(row) = rows.next()? {
        let holes = decode(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
        let (segment, offset) = (unsigned(row.get(0)?), unsigned(row.get(1)?));
        rewrites.push(Rewrite { segment, offset, header: row.get(2)?, holes });
    }
    Ok(rewrites)
}

/// The same, of a store that may be too old to have any.
pub(in crate::store::index) fn noted(connection: &Connection) -> Result<Vec<Rewrite>, Trouble> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'rewrite'";
    if connection.prepare(sql)?.exists([])? { rewrites(connection) } else { Ok(Vec::new()) }
}

/// Whether something was begun.
pub(super) fn any_begun(connection: &Connection) -> Result<bool, Trouble> {
    Ok(connection.prepare_cached("SELECT 1 FROM erasure WHERE state = 1 LIMIT 1")?.exists([])?)
}

/// Whether there is, or was, anything to erase.
pub(super) fn any(connection: &Connection) -> Result<bool, Trouble> {
    Ok(connection.prepare_cached("SELECT 1 FROM erasure LIMIT 1")?.exists([])?)
}

/// Holes in order: bytes from the beginning of the last one, and length.
fn encode(holes: &[Hole]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    for hole in holes {
        varint::put(&mut out, hole.offset.saturating_sub(at));
        varint::put(&mut out, hole.length.into());
        at = hole.offset;
    }
    out
}

fn decode(mut input: &[u8]) -> Result<Vec<Hole>, Trouble> {
    let (mut holes, mut at) = (Vec::new(), 0_u64);
    while !input.is_empty() {
        at = at.checked_add(varint::take(&mut input)?).ok_or(Trouble::Damaged("a hole lies too far away"))?;
        holes.push(Hole { offset: at, length: varint::take_u32(&mut input)? });
    }
    Ok(holes)
}

/// Erasures that are pending.
#[cfg(test)]
pub(in crate::store::index) fn pending(connection: &Connection) -> Result<i64, Trouble> {
    Ok(connection.query_row("SELECT count(*) FROM erasure WHERE state < 2", [], |row| row.get(0))?)
}
