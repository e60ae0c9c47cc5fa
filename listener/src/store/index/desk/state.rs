//! States as they stand in the table.

use rusqlite::Row;

use crate::desk::State;
use crate::store::ErrorClass;
use crate::store::desk::states;
use crate::store::index::trouble::Trouble;

/// The state of a number.
pub(super) fn of(number: i64) -> Result<State, Trouble> {
    states::of(number).ok_or(Trouble::Damaged("an error of an unknown state"))
}

/// The state in a column.
pub(super) fn column(row: &Row<'_>, at: usize) -> Result<State, Trouble> {
    of(row.get(at)?)
}

/// The class in a column.
pub(super) fn class(row: &Row<'_>, at: usize) -> Result<ErrorClass, Trouble> {
    let class: String = row.get(at)?;
    ErrorClass::parse(&class).ok_or(Trouble::Damaged("an error of an unknown class"))
}

/// Empty in the table is none outside.
pub(super) fn destination(row: &Row<'_>, at: usize) -> Result<Option<String>, Trouble> {
    let name: String = row.get(at)?;
    Ok(Some(name).filter(|name| !name.is_empty()))
}
