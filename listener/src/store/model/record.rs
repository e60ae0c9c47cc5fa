//! An event as it is stored and handed on.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

/// A record's name: delivery and place of the element, from 0. Shown as `1042.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// Number of the delivery.
    pub delivery: u64,
    /// Place in the delivery's array, from 0.
    pub element: u32,
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.delivery, self.element)
    }
}

/// What is no record's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record's name is the number of its delivery and its place in it, such as 1042.3")]
pub struct NoRecordId;

impl FromStr for RecordId {
    type Err = NoRecordId;

    fn from_str(text: &str) -> Result<Self, NoRecordId> {
        let (delivery, element) = text.split_once('.').ok_or(NoRecordId)?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(delivery) || !is_number(element) {
            return Err(NoRecordId);
        }
        let delivery = delivery.parse().map_err(|_| NoRecordId)?;
        Ok(Self { delivery, element: element.parse().map_err(|_| NoRecordId)? })
    }
}

/// The name under which the hook before pages are cut stands among the destinations. A
/// destination's own name has no capital letter.
pub const PRE_PAGE: &str = "prePage";

/// An event as it is stored and handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// Epoch milliseconds of the delivery's arrival.
    pub received_at_ms: i64,
    /// The bytes that came, or those that the hook gave for them.
    pub bytes: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let id = RecordId { delivery: 1_042, element: 3 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in
            ["", "1042", "1042.", ".3", "1.2.3", "+1.2", "1.-2", "1.4294967296", "18446744073709551616.0"]
        {
            assert_eq!(text.parse::<RecordId>(), Err(NoRecordId), "{text}");
        }
    }
}
