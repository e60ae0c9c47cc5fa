//! Columns that are not what they seem.

use tokio_postgres::Row;

use crate::desk::State;
use crate::store::desk::states;
use crate::store::postgres::trouble::{Trouble, unsigned};
use crate::store::{ErrorClass, RecordId};

/// The state in a column.
pub(super) fn column(row: &Row, at: usize) -> Result<State, Trouble> {
    states::of(row.try_get(at)?).ok_or(Trouble::Damaged("an error of an unknown state"))
}

/// The class in a column.
pub(super) fn class(row: &Row, at: usize) -> Result<ErrorClass, Trouble> {
    ErrorClass::parse(row.try_get(at)?).ok_or(Trouble::Damaged("an error of an unknown class"))
}

/// Empty in the table is none outside.
pub(super) fn destination(row: &Row, at: usize) -> Result<Option<String>, Trouble> {
    let name: String = row.try_get(at)?;
    Ok(Some(name).filter(|name| !name.is_empty()))
}

/// The status of an answer.
pub(super) fn status(row: &Row, at: usize) -> Result<Option<u16>, Trouble> {
    let status: Option<i64> = row.try_get(at)?;
    Ok(status.and_then(|status| u16::try_from(status).ok()))
}

/// A number that was small when it was written.
pub(super) fn small(row: &Row, at: usize) -> Result<u32, Trouble> {
    Ok(u32::try_from(row.try_get::<_, i64>(at)?).unwrap_or(u32::MAX))
}

/// The delivery in a column and the element in the next.
pub(super) fn record(row: &Row, at: usize) -> Result<RecordId, Trouble> {
    Ok(RecordId { delivery: unsigned(row.try_get(at)?), element: small(row, at + 1)? })
}
