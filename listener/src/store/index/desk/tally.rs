//! Counts without counting: the tally by destination, class and state, and the facets.

use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::condition::Conditions;
use super::state;
use crate::desk::{Counting, Counts, ErrorFilter};
use crate::store::desk::counts::{Found, Hours, hours, less};
use crate::store::desk::look::{Answer, By, columns};
use crate::store::desk::text::prefix_range;
use crate::store::index::trouble::{Trouble, signed, unsigned};

pub(super) use crate::store::desk::counts::Tally;

/// Errors without a prefix that are counted rather than those with it.
const FEW_OTHERS: i64 = 20_000;

/// The rows that a filter's states, destination and class name.
pub(super) fn matching(connection: &Connection, filter: &ErrorFilter) -> Result<Vec<Tally>, Trouble> {
    let conditions = Conditions::of(&filter.places());
    let sql = format!(
        "SELECT destination, class, state, number FROM tally WHERE number > 0 AND {}",
        conditions.text()
    );
    read(connection, &sql, &conditions)
}

/// How many errors match. Where one thing more than the place is asked for, the facets know it;
/// only where several are, or a trace key, the errors are looked at.
pub(super) fn count(
    connection: &Connection,
    filter: &ErrorFilter,
    counting: Counting,
) -> Result<Counts, Trouble> {
    // One look: tally, facets and errors change together.
    let transaction = connection.unchecked_transaction()?;
    Ok(counted(&transaction, filter, counting)?.told())
}

fn counted(connection: &Connection, filter: &ErrorFilter, counting: Counting) -> Result<Found, Trouble> {
    let places = filter.places();
    let all = match Answer::of(filter) {
        Answer::Places => matching(connection, filter)?,
        Answer::Tag(tag) => facets(connection, &places, "kind = 't' AND value = ?", [tag.to_owned().into()])?,
        Answer::Nobody => {
            less(matching(connection, filter)?, &facets(connection, &places, "kind = 'a'", [])?)
        }
        Answer::Assignee(name) => {
            facets(connection, &places, "kind = 'a' AND value = ?", [name.to_owned().into()])?
        }
        Answer::Text(text) => {
            let messages =
                "kind = 'm' AND value IN (SELECT id FROM message WHERE instr(lower(text), lower(?)) > 0)";
            facets(connection, &places, messages, [text.to_owned().into()])?
        }
        Answer::Time => return timed_count(connection, filter, counting),
        Answer::Prefix(prefix) => return prefix_count(connection, filter, prefix, counting),
        Answer::Errors => return walk(connection, filter, counting),
    };
    Ok(Found::whole(all))
}

/// The usual wide prefix is that of the portal, which all but few have: then the few are counted.
fn prefix_count(
    connection: &Connection,
    filter: &ErrorFilter,
    prefix: &str,
    counting: Counting,
) -> Result<Found, Trouble> {
    let bound = match counting {
        Counting::Look(bound) => bound,
        Counting::Exact => unsigned(FEW_OTHERS),
    };
    let inside = look(connection, filter, bound)?;
    if inside.whole {
        return Ok(inside);
    }
    // Nothing is beyond an end that is not there: no text is compared with NULL.
    let (from, until) = prefix_range(prefix);
    let others: i64 = connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM error INDEXED BY error_trace WHERE trace_key < ?1 LIMIT ?3)) \
             + (SELECT count(*) FROM (SELECT 1 FROM error INDEXED BY error_trace WHERE trace_key >= ?2 LIMIT ?3))",
        )?
        .query_row((&from, &until, FEW_OTHERS + 1), |row| row.get(0))?;
    if others > FEW_OTHERS {
        return match counting {
            Counting::Look(_) => Ok(inside),
            Counting::Exact => walk(connection, filter, counting),
        };
    }
    let mut conditions = Conditions::default();
    let part = "SELECT destination, class, state FROM error INDEXED BY error_trace WHERE trace_key";
    conditions.push("", [from.into(), until.into()]);
    let sql = format!(
        "SELECT destination, class, state, count(*) FROM ({part} < ? UNION ALL {part} >= ?) \
         GROUP BY destination, class, state"
    );
    Ok(Found::whole(less(matching(connection, filter)?, &read(connection, &sql, &conditions)?)))
}

/// Whole hours are counted by the facets, what is left at both ends by the errors.
fn timed_count(connection: &Connection, filter: &ErrorFilter, counting: Counting) -> Result<Found, Trouble> {
    let Some(Hours { first, last, ends }) = hours(filter.from_ms, filter.until_ms) else {
        return walk(connection, filter, counting);
    };
    let whole = "kind = 'h' AND value >= ? AND value < ?";
    let places = filter.places();
    let mut found = Found::whole(facets(connection, &places, whole, [first.into(), last.into()])?);
    for (from, until) in ends {
        let end = ErrorFilter { from_ms: Some(from), until_ms: Some(until), ..places.clone() };
        found = found.and(walk(connection, &end, counting)?);
    }
    Ok(found)
}

fn facets<const N: usize>(
    connection: &Connection,
    places: &ErrorFilter,
    condition: &str,
    values: [Value; N],
) -> Result<Vec<Tally>, Trouble> {
    let mut conditions = Conditions::of(places);
    conditions.push(condition, values);
    let sql = format!(
        "SELECT destination, class, state, sum(number) FROM facet WHERE number > 0 AND {} \
         GROUP BY destination, class, state",
        conditions.text()
    );
    read(connection, &sql, &conditions)
}

/// Looks at the errors.
fn walk(connection: &Connection, filter: &ErrorFilter, counting: Counting) -> Result<Found, Trouble> {
    match counting {
        Counting::Look(bound) => look(connection, filter, bound),
        Counting::Exact => {
            let conditions = Conditions::of(filter);
            let sql = format!(
                "SELECT destination, class, state, count(*) FROM {} WHERE {} GROUP BY destination, class, state",
                from(By::of(filter).0),
                conditions.text()
            );
            Ok(Found::whole(read(connection, &sql, &conditions)?))
        }
    }
}

/// Looks at so many errors at most.
fn look(connection: &Connection, filter: &ErrorFilter, bound: u64) -> Result<Found, Trouble> {
    let (by, only) = By::of(filter);
    // The index of times is small and read in one piece: more in the same time.
    let bound = if by == By::Time { bound.saturating_mul(5) } else { bound };
    let (all, seen) = (Conditions::of(filter), Conditions::of(&only));
    let sql = format!(
        "SELECT destination, class, state, count(*) FILTER (WHERE {}), count(*) FROM \
         (SELECT {} FROM {} WHERE {} {} LIMIT ?) GROUP BY destination, class, state",
        all.text(),
        columns(filter),
        from(by),
        seen.text(),
        by.order(),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = Value::from(signed(bound).saturating_add(1));
    let values = all.values().iter().chain(seen.values()).chain([&limit]);
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let (mut tallies, mut looked) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        looked += unsigned(row.get(4)?);
        tallies.push(tally(row)?);
    }
    tallies.retain(|tally| tally.number > 0);
    Ok(Found { all: tallies, whole: looked <= bound })
}

/// Removes facets of nothing, at most `limit`; how many.
pub(in crate::store::index) fn remove_empty(connection: &Connection, limit: i64) -> Result<u64, Trouble> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM facet WHERE (kind, value, destination, class, state) IN \
             (SELECT kind, value, destination, class, state FROM facet WHERE number = 0 LIMIT ?1)",
        )?
        .execute([limit])?;
    Ok(unsigned(crate::store::index::trouble::count(removed)))
}

/// The index that answers a count without the table, where there is one.
fn from(by: By) -> &'static str {
    match by {
        By::TraceKey => "error INDEXED BY error_trace",
        By::Assignee => "error INDEXED BY error_assignee",
        By::Text => "error INDEXED BY error_message",
        By::Time => "error INDEXED BY error_age",
        By::Tag | By::Place => "error",
    }
}

fn read(connection: &Connection, sql: &str, conditions: &Conditions) -> Result<Vec<Tally>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(conditions.values()))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(tally(row)?);
    }
    Ok(all)
}

fn tally(row: &Row<'_>) -> Result<Tally, Trouble> {
    Ok(Tally {
        destination: row.get(0)?,
        class: state::class(row, 1)?,
        state: state::column(row, 2)?,
        number: unsigned(row.get(3)?),
    })
}
