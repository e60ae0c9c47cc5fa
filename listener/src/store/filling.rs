//! A page in the making: which records it takes, and when it is full. Pure.
//!
//! At most `size` records, and at most `max_bytes` of body as sent. A record that would make the
//! page larger stays for the next one; one that is larger than a page alone goes alone and is marked.

use super::{PageRequest, Record};

/// A page in the making.
#[derive(Debug, Default)]
pub struct Filling {
    records: Vec<Record>,
    bytes: usize,
    oversized: bool,
}

impl Filling {
    /// Takes the record, or gives it back where there is no room for it.
    pub fn offer(&mut self, record: Record, request: &PageRequest) -> Result<(), Record> {
        let bytes = self.bytes.saturating_add((request.cost)(&record));
        let too_large = request.envelope_bytes.saturating_add(bytes) > request.max_bytes;
        if too_large && !self.records.is_empty() {
            return Err(record);
        }
        self.records.push(record);
        self.bytes = bytes;
        self.oversized = too_large;
        Ok(())
    }

    /// Whether no further record can come in.
    pub fn is_full(&self, request: &PageRequest) -> bool {
        self.oversized || self.records.len() >= request.size.max(1)
    }

    /// Those taken so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What they cost, without the envelope.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is one record that is larger than a page may be.
    pub fn oversized(&self) -> bool {
        self.oversized
    }

    /// The records, and whether it is one that is larger than a page may be.
    pub fn into_records(self) -> (Vec<Record>, bool) {
        (self.records, self.oversized)
    }
}
