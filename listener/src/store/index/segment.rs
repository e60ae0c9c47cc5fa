//! What the tables know of the journal's files.

use rusqlite::{Connection, params};

use super::trouble::{Trouble, signed};

/// What deliveries add to the rows of their segments.
#[derive(Debug, Default)]
pub(super) struct Segments(Vec<Segment>);

#[derive(Debug)]
struct Segment {
    number: u64,
    last_delivery: u64,
    newest_ms: i64,
    oldest_ms: i64,
}

impl Segments {
    /// Adds a delivery, in order.
    pub(super) fn add(&mut self, number: u64, delivery: u64, at_ms: i64) {
        match self.0.last_mut() {
            Some(segment) if segment.number == number => {
                segment.last_delivery = delivery;
                segment.newest_ms = segment.newest_ms.max(at_ms);
                segment.oldest_ms = segment.oldest_ms.min(at_ms);
            }
            _ => self.0.push(Segment { number, last_delivery: delivery, newest_ms: at_ms, oldest_ms: at_ms }),
        }
    }

    /// Puts them down.
    pub(super) fn put(&self, connection: &Connection) -> Result<(), Trouble> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO segment(number, last_delivery, newest_at, oldest_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (number) DO UPDATE SET last_delivery = excluded.last_delivery, \
             newest_at = max(newest_at, excluded.newest_at), oldest_at = min(oldest_at, excluded.oldest_at)",
        )?;
        for Segment { number, last_delivery, newest_ms, oldest_ms } in &self.0 {
            statement.execute(params![signed(*number), signed(*last_delivery), newest_ms, oldest_ms])?;
        }
        Ok(())
    }
}
