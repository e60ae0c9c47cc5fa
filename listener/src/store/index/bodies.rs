//! Bytes of records, out of the bodies in the journal.

use std::io;

use bytes::Bytes;

use crate::store::journal::{Journal, Location};
use crate::store::packed::spans::Span;

/// Neighbouring records are read together up to this many bytes.
const PIECE: u32 = 256 * 1024;

/// Reads the records of one body, in order.
pub(super) struct Pieces<'a> {
    journal: &'a Journal,
    location: Location,
    start: u32,
    piece: Bytes,
}

impl<'a> Pieces<'a> {
    /// Of the body at `location`.
    pub(super) fn new(journal: &'a Journal, location: Location) -> Self {
        Self { journal, location, start: 0, piece: Bytes::new() }
    }

    /// Bytes of `span`; those of `next`, which follow, are read along where they are near.
    pub(super) fn read(&mut self, span: Span, next: &[Span]) -> io::Result<Bytes> {
        if let Some(bytes) = self.held(span) {
            return Ok(bytes);
        }
        let limit = span.start.saturating_add(PIECE);
        let end = next.iter().map(|next| next.end()).take_while(|end| *end <= limit).last();
        let end = end.unwrap_or(0).max(span.end());
        self.piece = self.journal.read(self.location, span.start..end)?;
        self.start = span.start;
        self.held(span).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn held(&self, span: Span) -> Option<Bytes> {
        let from = usize::try_from(span.start.checked_sub(self.start)?).ok()?;
        let length = usize::try_from(span.length).ok()?;
        let range = from..from.checked_add(length)?;
        let bytes = self.piece.get(range.clone())?;
        if self.piece.is_empty() {
            return None;
        }
        // A small record must not hold on to a large piece.
        let small = self.piece.len() > bytes.len().saturating_mul(4).saturating_add(4096);
        Some(if small { Bytes::copy_from_slice(bytes) } else { self.piece.slice(range) })
    }
}
