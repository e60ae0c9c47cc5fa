//! Counts without counting: the tally by destination, class and state, alone and apart by one
//! thing more. What changed since stands in `tally_delta`, which [`settle`] puts into it.

use super::condition::{Conditions, Statement, Value};
use super::sql;
use super::state;
use crate::desk::{Counting, Counts, ErrorFilter};
use crate::store::desk::counts::{Found, Hours, Tally, hours, less};
use crate::store::desk::look::{Answer, By, columns};
use crate::store::desk::text::prefix_range;
use crate::store::postgres::trouble::{Trouble, signed, unsigned};
use crate::store::postgres::tx::Tx;

/// Errors without a prefix that are counted rather than those with it.
const FEW_OTHERS: i64 = 5_000;

/// What a status shows of the errors at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::postgres) struct Stand {
    /// Empty: before any.
    pub(in crate::store::postgres) destination: String,
    /// Open, or waiting for somebody.
    pub(in crate::store::postgres) open: u64,
    /// On their way again.
    pub(in crate::store::postgres) retrying: u64,
}

/// How many errors are open and on their way, by destination.
pub(in crate::store::postgres) async fn stands(tx: &Tx<'_>) -> Result<Vec<Stand>, Trouble> {
    let rows = sql::rows(
        tx,
        "SELECT destination, coalesce(sum(number) FILTER (WHERE state IN (0, 1)), 0)::bigint, \
             coalesce(sum(number) FILTER (WHERE state = 2), 0)::bigint \
             FROM tallied WHERE kind = 'p' GROUP BY destination",
        &[],
    )
    .await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Stand {
            destination: row.try_get(0)?,
            open: unsigned(row.try_get(1)?),
            retrying: unsigned(row.try_get(2)?),
        })
    };
    rows.iter().map(read).collect()
}

/// The rows that a filter's states, destination and class name.
pub(super) async fn matching(tx: &Tx<'_>, filter: &ErrorFilter) -> Result<Vec<Tally>, Trouble> {
    tallied(tx, filter, "kind = 'p'", []).await
}

/// How many errors match. Where one thing more than the place is asked for, the tally knows it;
/// only where several are, or a trace key, the errors are looked at.
pub(super) async fn count(tx: &Tx<'_>, filter: &ErrorFilter, counting: Counting) -> Result<Counts, Trouble> {
    Ok(counted(tx, filter, counting).await?.told())
}

async fn counted(tx: &Tx<'_>, filter: &ErrorFilter, counting: Counting) -> Result<Found, Trouble> {
    let all = match Answer::of(filter) {
        Answer::Places => matching(tx, filter).await?,
        Answer::Tag(tag) => tallied(tx, filter, "kind = 't' AND key = 0 AND value = ?", [tag.into()]).await?,
        Answer::Nobody => less(matching(tx, filter).await?, &tallied(tx, filter, "kind = 'a'", []).await?),
        Answer::Assignee(name) => {
            tallied(tx, filter, "kind = 'a' AND key = 0 AND value = ?", [name.into()]).await?
        }
        Answer::Text(text) => {
            let messages = "kind = 'm' AND key IN \
                 (SELECT id FROM message WHERE strpos(lower(text), lower(? COLLATE \"C\")) > 0)";
            tallied(tx, filter, messages, [text.into()]).await?
        }
        Answer::Time => return timed_count(tx, filter, counting).await,
        Answer::Prefix(prefix) => return prefix_count(tx, filter, prefix, counting).await,
        Answer::Errors => return walk(tx, filter, counting).await,
    };
    Ok(Found::whole(all))
}

/// The few with a prefix are counted. The usual wide prefix is that of the portal, which all but few
/// have: then those few are.
async fn prefix_count(
    tx: &Tx<'_>,
    filter: &ErrorFilter,
    prefix: &str,
    counting: Counting,
) -> Result<Found, Trouble> {
    let bound = match counting {
        Counting::Look(bound) => bound,
        Counting::Exact => unsigned(FEW_OTHERS),
    };
    let inside = look(tx, filter, bound).await?;
    if inside.whole {
        return Ok(inside);
    }
    let outside = Outside::of(prefix);
    let begin = Statement::new("SELECT count(*) FROM (");
    let others = outside.rows(begin, "1", " LIMIT ?", &[Value::from(FEW_OTHERS + 1)]).add(") AS others", []);
    if number(tx, &others).await? > FEW_OTHERS {
        return match counting {
            Counting::Look(_) => Ok(inside),
            Counting::Exact => walk(tx, filter, counting).await,
        };
    }
    let statement = Statement::new("SELECT destination, class, state, count(*) FROM (");
    let statement = outside.rows(statement, "destination, class, state", "", &[]);
    let places = Conditions::of(&filter.places());
    let statement =
        statement.add(") AS error WHERE ", []).meets(&places).add(" GROUP BY destination, class, state", []);
    Ok(Found::whole(less(matching(tx, filter).await?, &read(&statement, tx).await?)))
}

async fn number(tx: &Tx<'_>, statement: &Statement) -> Result<i64, Trouble> {
    let rows = statement.rows(tx).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
}

/// Errors whose trace keys do not begin with a prefix.
struct Outside {
    from: String,
    until: Option<String>,
}

impl Outside {
    fn of(prefix: &str) -> Self {
        let (from, until) = prefix_range(&super::text::clean(prefix));
        Self { from, until }
    }

    /// Goes on with these columns of them: two ranges of one index.
    fn rows(&self, statement: Statement, columns: &str, end: &str, values: &[Value]) -> Statement {
        let part = |compare: &str| format!("(SELECT {columns} FROM error WHERE trace_key {compare} ?{end})");
        let with = |bound: &str| {
            let mut all: Vec<Value> = vec![bound.into()];
            all.extend(values.iter().cloned());
            all
        };
        let statement = statement.adds(&part("<"), with(&self.from));
        match &self.until {
            Some(until) => statement.adds(&format!(" UNION ALL {}", part(">=")), with(until)),
            None => statement,
        }
    }
}

/// Whole hours are counted by the tally, what is left at both ends by the errors.
async fn timed_count(tx: &Tx<'_>, filter: &ErrorFilter, counting: Counting) -> Result<Found, Trouble> {
    let Some(Hours { first, last, ends }) = hours(filter.from_ms, filter.until_ms) else {
        return walk(tx, filter, counting).await;
    };
    let whole = "kind = 'h' AND key >= ? AND key < ?";
    let places = filter.places();
    let mut found = Found::whole(tallied(tx, filter, whole, [first.into(), last.into()]).await?);
    for (from, until) in ends {
        let end = ErrorFilter { from_ms: Some(from), until_ms: Some(until), ..places.clone() };
        found = found.and(walk(tx, &end, counting).await?);
    }
    Ok(found)
}

async fn tallied<const N: usize>(
    tx: &Tx<'_>,
    filter: &ErrorFilter,
    condition: &str,
    values: [Value; N],
) -> Result<Vec<Tally>, Trouble> {
    let mut conditions = Conditions::of(&filter.places());
    conditions.push(condition, values);
    let statement =
        Statement::new("SELECT destination, class, state, sum(number)::bigint AS number FROM tallied WHERE ")
            .meets(&conditions)
            .add(" GROUP BY destination, class, state HAVING sum(number) > 0", []);
    read(&statement, tx).await
}

/// Looks at the errors.
async fn walk(tx: &Tx<'_>, filter: &ErrorFilter, counting: Counting) -> Result<Found, Trouble> {
    match counting {
        Counting::Look(bound) => look(tx, filter, bound).await,
        Counting::Exact => {
            let statement = Statement::new("SELECT destination, class, state, count(*) FROM error WHERE ")
                .meets(&Conditions::of(filter))
                .add(" GROUP BY destination, class, state", []);
            Ok(Found::whole(read(&statement, tx).await?))
        }
    }
}

/// Looks at so many errors at most. The order leaves the planner no choice but the index.
async fn look(tx: &Tx<'_>, filter: &ErrorFilter, bound: u64) -> Result<Found, Trouble> {
    let (by, only) = By::of(filter);
    // Of rows that no vacuum has seen yet each is fetched: fewer in the same time.
    let bound = bound.div_ceil(2);
    let rows = Statement::new("SELECT destination, class, state, count(*) FILTER (WHERE ")
        .meets(&Conditions::of(filter))
        .add(&format!("), count(*) FROM (SELECT {} FROM error WHERE ", columns(filter)), [])
        .meets(&Conditions::of(&only))
        .add(" ", [])
        .add(by.order(), [])
        .add(
            " LIMIT ?) AS error GROUP BY destination, class, state",
            [Value::from(signed(bound).saturating_add(1))],
        )
        .rows(tx)
        .await?;
    let (mut tallies, mut looked) = (Vec::new(), 0);
    for row in &rows {
        looked += unsigned(row.try_get(4)?);
        tallies.push(tally(row)?);
    }
    tallies.retain(|tally| tally.number > 0);
    Ok(Found { all: tallies, whole: looked <= bound })
}

async fn read(statement: &Statement, tx: &Tx<'_>) -> Result<Vec<Tally>, Trouble> {
    statement.rows(tx).await?.iter().map(tally).collect()
}

fn tally(row: &tokio_postgres::Row) -> Result<Tally, Trouble> {
    Ok(Tally {
        destination: row.try_get(0)?,
        class: state::class(row, 1)?,
        state: state::column(row, 2)?,
        number: unsigned(row.try_get(3)?),
    })
}

/// Puts at most `limit` changes into the tally; how many. One process at a time: where another does
/// it, nothing is done.
pub(super) async fn settle(tx: &Tx<'_>, limit: i64) -> Result<u64, Trouble> {
    let alone = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/tally', 0))";
    if !sql::one(tx, alone, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let moved = sql::one(tx, "WITH gone AS ( \
                 DELETE FROM tally_delta WHERE ctid = ANY(ARRAY(SELECT ctid FROM tally_delta LIMIT $1)) \
                 RETURNING kind, key, value, destination, class, state, number \
             ), summed AS ( \
                 SELECT kind, key, value, destination, class, state, sum(number)::bigint AS number FROM gone \
                 GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(number) <> 0 \
             ), kept AS ( \
                 INSERT INTO tally SELECT * FROM summed ON CONFLICT (kind, key, value, destination, class, state) \
                 DO UPDATE SET number = tally.number + excluded.number \
             ) SELECT count(*) FROM gone",
            &[&limit],
        )
        .await?;
    Ok(unsigned(moved.try_get(0)?))
}

/// Removes rows of the tally that count nothing, at most `limit`; how many.
pub(in crate::store::postgres) async fn remove_empty(tx: &Tx<'_>, limit: i64) -> Result<u64, Trouble> {
    // Not while changes are put into it: a row that is about to count again stays.
    let alone = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/tally', 0))";
    if !sql::one(tx, alone, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    sql::run(
        tx,
        "DELETE FROM tally WHERE ctid = ANY(ARRAY(SELECT ctid FROM tally WHERE number = 0 LIMIT $1))",
        &[&limit],
    )
    .await
}
