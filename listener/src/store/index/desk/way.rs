//! How a list of errors is read: by the index that leaves the least to look at.
//!
//! The newest come first, so a list that is read by number ends as soon as it is full: that is
//! right where many match. Where few match, it would walk through the whole table; so the few are
//! counted first, each count ending at [`FEW`].

use rusqlite::Connection;
use rusqlite::types::Value;

use super::condition::Conditions;
use super::state;
use super::tally;
use crate::desk::{ErrorFilter, State};
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
    /// Conditions of each statement.
    pub(super) parts: Vec<Conditions>,
}

/// Chooses for a filter.
pub(super) fn choose(connection: &Connection, filter: &ErrorFilter) -> Result<Way, Trouble> {
    let one = |from| Way { from, parts: vec![Conditions::of(filter)] };
    if filter.trace_key.is_some() {
        return Ok(one("error INDEXED BY error_trace"));
    }
    if filter.assignee.as_ref().is_some_and(|assignee| !assignee.is_empty()) {
        return Ok(one("error INDEXED BY error_assignee"));
    }
    if filter.tag.is_some() && few(connection, "tag", filter)? {
        return Ok(one("error"));
    }
    if filter.trace_key_prefix.is_some() && few(connection, "prefix", filter)? {
        return Ok(one("error INDEXED BY error_trace"));
    }
    if filter.text.is_some() && few(connection, "text", filter)? {
        return Ok(one("error INDEXED BY error_message"));
    }
    if (filter.from_ms.is_some() || filter.until_ms.is_some()) && few(connection, "time", filter)? {
        return Ok(one("error INDEXED BY error_age"));
    }
    if let Some(places) = places(connection, filter)? {
        let parts = places.into_iter().map(|place| part(filter, place)).collect();
        return Ok(Way { from: "error INDEXED BY error_place", parts });
    }
    Ok(one("error NOT INDEXED"))
}

/// Whether one condition alone leaves few.
fn few(connection: &Connection, kind: &str, filter: &ErrorFilter) -> Result<bool, Trouble> {
    let (text, only) = match kind {
        "tag" => ("tag WHERE tag = ?", None),
        "prefix" => (
            "error INDEXED BY error_trace WHERE ",
            Some(ErrorFilter { trace_key_prefix: filter.trace_key_prefix.clone(), ..Default::default() }),
        ),
        "time" => (
            "error INDEXED BY error_age WHERE ",
            Some(ErrorFilter { from_ms: filter.from_ms, until_ms: filter.until_ms, ..Default::default() }),
        ),
        _ => (
            "error INDEXED BY error_message WHERE ",
            Some(ErrorFilter { text: filter.text.clone(), ..Default::default() }),
        ),
    };
    let conditions = only.as_ref().map(Conditions::of);
    let (condition, values): (String, Vec<Value>) = match &conditions {
        Some(conditions) => (conditions.text(), conditions.values().to_vec()),
        None => (String::new(), vec![filter.tag.clone().unwrap_or_default().into()]),
    };
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {text}{condition} LIMIT {})", bound() + 1);
    let found: i64 =
        connection.prepare_cached(&sql)?.query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
    Ok(found <= bound())
}

type Place = (String, String, i64);

/// The places that a filter names, where it names any and they are not many.
fn places(connection: &Connection, filter: &ErrorFilter) -> Result<Option<Vec<Place>>, Trouble> {
    let named = filter.destination.is_some() || filter.class.is_some() || !filter.states.is_empty();
    if !named {
        return Ok(None);
    }
    let all = tally::matching(connection, filter)?;
    let places: Vec<Place> = all
        .into_iter()
        .map(|tally| (tally.destination, tally.class.as_str().to_owned(), state::number(tally.state)))
        .collect();
    Ok((places.len() <= MAX_PLACES).then_some(places))
}

fn part(filter: &ErrorFilter, (destination, class, state): Place) -> Conditions {
    let rest = ErrorFilter {
        states: Vec::<State>::new(),
        destination: Some(destination),
        class: crate::store::ErrorClass::parse(&class),
        ..filter.clone()
    };
    let mut conditions = Conditions::of(&rest);
    conditions.push("state = ?", [state.into()]);
    conditions
}
