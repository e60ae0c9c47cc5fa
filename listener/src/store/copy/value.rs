//! Values and rows between two kinds of store.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A value, whatever keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) enum Value {
    /// Nothing.
    Null,
    /// A number; 0 and 1 for no and yes.
    Int(i64),
    /// A text, without the character U+0000, which PostgreSQL does not keep.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// Values of one row, in the order of its table's columns.
pub(in crate::store) type Row = Vec<Value>;

impl Value {
    /// Bytes that it takes, about.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(text) => text.len() + 8,
            Self::Bytes(bytes) => bytes.len() + 8,
        }
    }

    fn add_to(&self, sum: &mut Sha256) {
        let mut with = |kind: u8, bytes: &[u8]| {
            sum.update([kind]);
            sum.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            sum.update(bytes);
        };
        match self {
            Self::Null => with(0, &[]),
            Self::Int(number) => with(1, &number.to_be_bytes()),
            Self::Text(text) => with(2, text.as_bytes()),
            Self::Bytes(bytes) => with(3, bytes),
        }
    }
}

/// Rows that were counted, and the SHA-256 over them in the order of their keys. Of each value a byte
/// for its kind, its length in 8 bytes and its bytes go in; numbers as 8 bytes, the highest first.
#[derive(Default)]
pub(super) struct Sum {
    rows: u64,
    hash: Sha256,
}

impl Sum {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        for value in row {
            value.add_to(&mut self.hash);
        }
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows, and the sum in hex.
    pub(super) fn end(self) -> (u64, String) {
        (self.rows, hex::encode(self.hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[Row]) -> (u64, String) {
        let mut sum = Sum::default();
        for row in rows {
            sum.add(row);
        }
        sum.end()
    }

    #[test]
    fn a_sum_tells_rows_apart_that_look_alike() {
        let text = |text: &str| Value::Text(text.to_owned());
        let all = [
            vec![vec![text("ab"), text("c")]],
            vec![vec![text("a"), text("bc")]],
            vec![vec![Value::Bytes(b"ab".to_vec()), text("c")]],
            vec![vec![Value::Null, text("c")]],
            vec![vec![Value::Int(0), text("c")]],
            vec![],
        ];
        for (at, one) in all.iter().enumerate() {
            for (other, two) in all.iter().enumerate() {
                assert_eq!(of(one) == of(two), at == other);
            }
        }
    }
}
