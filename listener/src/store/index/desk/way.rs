//! How a list of errors is read: by the index that leaves the least to look at.
//!
//! The newest come first, so a list that is read by number ends as soon as it is full: that is
//! right where many match. Where few match, it would walk through the whole table; so the few are
//! counted first, each count ending at [`FEW`].

use rusqlite::Connection;
use rusqlite::types::Value;

use super::condition::Conditions;
use super::tally::{self, Tally};
use crate::desk::ErrorFilter;
use crate::store::desk::last_of_block;
use crate::store::index::trouble::Trouble;

/// As many are fetched and sorted rather than looked for one by one.
const FEW: i64 = 5_000;
/// In its place in tests, so that both ways are taken with few errors.
#[cfg(test)]
pub(in crate::store::index) static FEW_IN_TESTS: std::sync::atomic::AtomicI64 =
    std::sync::atomic::AtomicI64::new(12);

fn bound() -> i64 {
    #[cfg(test)]
    return FEW_IN_TESTS.load(std::sync::atomic::Ordering::Relaxed).min(FEW);
    #[cfg(not(test))]
    FEW
}
/// Places (destination, class, state) that are read one after the other at most.
const MAX_PLACES: usize = 64;

/// One or more statements whose rows together are the list.
#[derive(Debug)]
pub(super) struct Way {
    /// `FROM` and an index.
    pub(super) from: &'static str,
    /// What the number is called, by which the list is in order.
    pub(super) number: &'static str,
    /// Conditions of each statement.
    pub(super) parts: Vec<Conditions>,
}

/// Chooses for a filter.
pub(super) fn choose(connection: &Connection, filter: &ErrorFilter) -> Result<Way, Trouble> {
    let one = |from| Way { from, number: "id", parts: vec![Conditions::of(filter)] };
    // Whether one condition alone leaves few, by the index that knows it.
    let alone = |from, only: ErrorFilter| {
        let conditions = Conditions::of(&only);
        few(connection, &format!("{from} WHERE {}", conditions.text()), conditions.values())
    };
    let none = ErrorFilter::default;
    if filter.trace_key.is_some() {
        return Ok(one(TRACE));
    }
    if filter.assignee.as_ref().is_some_and(|assignee| !assignee.is_empty()) {
        return Ok(one("error INDEXED BY error_assignee"));
    }
    if let Some(tag) = &filter.tag {
        if few(connection, "tag WHERE tag = ?", &[tag.clone().into()])? {
            return Ok(one("error"));
        }
        // From the newest that has it on: the numbers stand in order behind each tag.
        let mut conditions = Conditions::of(&ErrorFilter { tag: None, ..filter.clone() });
        conditions.push("named.tag = ?", [tag.clone().into()]);
        let from = "tag AS named CROSS JOIN error ON error.id = named.error";
        return Ok(Way { from, number: "named.error", parts: vec![conditions] });
    }
    let prefix = &filter.trace_key_prefix;
    if prefix.is_some() && alone(TRACE, ErrorFilter { trace_key_prefix: prefix.clone(), ..none() })? {
        return Ok(one(TRACE));
    }
    if filter.text.is_some() && alone(MESSAGE, ErrorFilter { text: filter.text.clone(), ..none() })? {
        return Ok(one(MESSAGE));
    }
    if (filter.from_ms.is_some() || filter.until_ms.is_some()) && alone(AGE, filter.time())? {
        return Ok(one(AGE));
    }
    let last = last(connection, filter)?;
    if let Some(places) = places(connection, filter)? {
        let parts = places.into_iter().map(|place| Conditions::part(filter, place).up_to(last)).collect();
        return Ok(Way { from: "error INDEXED BY error_place", number: "id", parts });
    }
    Ok(Way { from: "error NOT INDEXED", number: "id", parts: vec![Conditions::of(filter).up_to(last)] })
}

/// Of a time that is over, a number that no error in it is above: what came later need not be walked through.
fn last(connection: &Connection, filter: &ErrorFilter) -> Result<Option<i64>, Trouble> {
    let Some(until_ms) = filter.until_ms else { return Ok(None) };
    let newest: Option<i64> = connection
        .prepare_cached("SELECT max(number) FROM error_block WHERE earliest < ?1")?
        .query_row([until_ms], |row| row.get(0))?;
    Ok(Some(newest.map_or(0, last_of_block)))
}

const TRACE: &str = "error INDEXED BY error_trace";
const MESSAGE: &str = "error INDEXED BY error_message";
const AGE: &str = "error INDEXED BY error_age";

/// Whether these rows are few; no more of them are looked at than that takes.
fn few(connection: &Connection, rows: &str, values: &[Value]) -> Result<bool, Trouble> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {})", bound() + 1);
    let found: i64 =
        connection.prepare_cached(&sql)?.query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
    Ok(found <= bound())
}

/// The places that a filter names, where it names any and they are not many.
fn places(connection: &Connection, filter: &ErrorFilter) -> Result<Option<Vec<Tally>>, Trouble> {
    let named = filter.destination.is_some() || filter.class.is_some() || !filter.states.is_empty();
    if !named {
        return Ok(None);
    }
    let places = tally::matching(connection, filter)?;
    Ok((places.len() <= MAX_PLACES).then_some(places))
}
