//! Deliveries as they stand in the table, for those who only read.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::RecordId;
use crate::store::index::bodies::Pieces;
use crate::store::index::erase;
use crate::store::index::trouble::{Trouble, signed, unsigned};
use crate::store::journal::{Journal, Location};
use crate::store::packed::spans::{self, Span};

/// A delivery.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) received_at_ms: i64,
    pub(super) location: Location,
    list: Vec<u8>,
}

const COLUMNS: &str = "seq, received_at, segment, offset, length, records";

impl Delivery {
    /// The elements that are records, in order.
    pub(super) fn spans(&self) -> Result<Vec<Span>, Trouble> {
        Ok(spans::decode(&self.list)?)
    }

    /// The name of one of its records.
    pub(super) fn id(&self, span: Span) -> RecordId {
        RecordId { delivery: self.number, element: span.element }
    }

    /// Whether one of its elements is a record.
    pub(super) fn has(&self, element: u32) -> Result<bool, Trouble> {
        Ok(self.spans()?.binary_search_by_key(&element, |span| span.element).is_ok())
    }

    /// The bytes of one record as they came; none where they are not there (any more), or are erased.
    /// Not to be called in a transaction: whether they are erased is asked once they are read.
    pub(super) fn bytes(
        &self,
        connection: &Connection,
        journal: &Journal,
        element: u32,
    ) -> Result<Option<Bytes>, Trouble> {
        let spans = self.spans()?;
        let Ok(at) = spans.binary_search_by_key(&element, |span| span.element) else { return Ok(None) };
        let Some(span) = spans.get(at) else { return Ok(None) };
        let bytes = Pieces::new(journal, self.location).read(*span, &[])?;
        Ok(if erase::rows::is_gone(connection, self.id(*span))? { None } else { Some(bytes) })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        number: unsigned(row.get(0)?),
        received_at_ms: row.get(1)?,
        location: Location {
            segment: unsigned(row.get(2)?),
            offset: unsigned(row.get(3)?),
            length: row.get(4)?,
        },
        list: row.get(5)?,
    })
}

/// One delivery; none where it is gone.
pub(super) fn one(connection: &Connection, number: u64) -> Result<Option<Delivery>, Trouble> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE seq = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([signed(number)], read).optional()?)
}

/// Deliveries behind `after`, oldest first.
pub(super) fn behind(connection: &Connection, after: u64, limit: i64) -> Result<Vec<Delivery>, Trouble> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([signed(after), limit], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Deliveries from `first` to `last`, newest first.
pub(super) fn between(
    connection: &Connection,
    first: u64,
    last: u64,
    limit: i64,
) -> Result<Vec<Delivery>, Trouble> {
    let sql =
        format!("SELECT {COLUMNS} FROM delivery WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq DESC LIMIT ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![signed(first), signed(last), limit], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
