//! Counts without counting: the tally by destination, class and state.

use rusqlite::Connection;

use super::{condition::Conditions, state};
use crate::desk::{Counts, ErrorFilter, State};
use crate::store::ErrorClass;
use crate::store::index::trouble::{Trouble, unsigned};

/// Destinations that a count names at most.
const MAX_DESTINATIONS: usize = 33;

/// A row of the tally.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) destination: String,
    pub(super) class: ErrorClass,
    pub(super) state: State,
    pub(super) number: u64,
}

/// The rows that a filter's states, destination and class name.
pub(super) fn matching(connection: &Connection, filter: &ErrorFilter) -> Result<Vec<Tally>, Trouble> {
    let only = ErrorFilter {
        states: filter.states.clone(),
        destination: filter.destination.clone(),
        class: filter.class,
        ..ErrorFilter::default()
    };
    let conditions = Conditions::of(&only);
    let sql = format!(
        "SELECT destination, class, state, number FROM tally WHERE number > 0 AND {}",
        conditions.text()
    );
    read(connection, &sql, &conditions)
}

/// How many errors match.
pub(super) fn count(connection: &Connection, filter: &ErrorFilter) -> Result<Counts, Trouble> {
    let only_places = ErrorFilter {
        states: filter.states.clone(),
        destination: filter.destination.clone(),
        class: filter.class,
        ..ErrorFilter::default()
    } == *filter;
    if only_places {
        return Ok(sum(matching(connection, filter)?));
    }
    let conditions = Conditions::of(filter);
    let sql = format!(
        "SELECT destination, class, state, count(*) FROM {} WHERE {} GROUP BY destination, class, state",
        from(filter),
        conditions.text()
    );
    Ok(sum(read(connection, &sql, &conditions)?))
}

/// The index that answers a count without the table, where there is one.
fn from(filter: &ErrorFilter) -> &'static str {
    if filter.trace_key.is_some() || filter.trace_key_prefix.is_some() {
        return "error INDEXED BY error_trace";
    }
    if filter.assignee.as_ref().is_some_and(|assignee| !assignee.is_empty()) {
        return "error INDEXED BY error_assignee";
    }
    if filter.tag.is_some() {
        return "error";
    }
    if filter.text.is_some() {
        return "error INDEXED BY error_message";
    }
    if filter.from_ms.is_some() || filter.until_ms.is_some() {
        return "error INDEXED BY error_age";
    }
    "error"
}

fn read(connection: &Connection, sql: &str, conditions: &Conditions) -> Result<Vec<Tally>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(conditions.values()))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(Tally {
            destination: row.get(0)?,
            class: state::class(row, 1)?,
            state: state::column(row, 2)?,
            number: unsigned(row.get(3)?),
        });
    }
    Ok(all)
}

fn sum(all: Vec<Tally>) -> Counts {
    let mut counts = Counts::default();
    for Tally { destination, class, state, number } in all {
        counts.total += number;
        add(&mut counts.by_state, state, number);
        add(&mut counts.by_class, class, number);
        add(&mut counts.by_destination, Some(destination).filter(|name| !name.is_empty()), number);
    }
    counts.by_destination.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    counts.by_destination.truncate(MAX_DESTINATIONS);
    counts
}

fn add<K: PartialEq>(all: &mut Vec<(K, u64)>, key: K, number: u64) {
    match all.iter_mut().find(|(known, _)| *known == key) {
        Some((_, sum)) => *sum += number,
        None => all.push((key, number)),
    }
}
