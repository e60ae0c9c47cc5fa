//! How a list of errors is read: by the index that leaves the least to look at.
//!
//! The newest come first, so a list that is read by number ends as soon as it is full: that is
//! right where many match. Where few match, it would walk through the whole table; so the few are
//! counted first, each count ending at [`FEW`], and are then fetched and sorted. PostgreSQL's planner
//! would choose by guesses of how many match, which are wrong for a text within a message, a tag that
//! is new, or a table that was not analysed; so each way is written so that it leaves no choice.

use super::condition::{Conditions, Statement, Value, with_messages};
use super::{sql, tally};
use crate::desk::ErrorFilter;
use crate::store::desk::counts::Tally;
use crate::store::desk::last_of_block;
use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;

/// As many are fetched and sorted rather than looked for one by one.
const FEW: i64 = 5_000;
/// Places (destination, class, state) that are read one after the other at most.
const MAX_PLACES: usize = 64;
/// In the place of [`FEW`] in tests, so that both ways are taken with few errors.
#[cfg(test)]
pub(in crate::store::postgres) static FEW_IN_TESTS: std::sync::atomic::AtomicI64 =
    std::sync::atomic::AtomicI64::new(12);

fn bound() -> i64 {
    #[cfg(test)]
    return FEW_IN_TESTS.load(std::sync::atomic::Ordering::Relaxed).min(FEW);
    #[cfg(not(test))]
    FEW
}

/// How a list is read.
#[derive(Debug)]
pub(super) enum Way {
    /// From the newest on, until the list is full.
    Walk(Conditions),
    /// All of the few, then sorted.
    Few(Conditions),
    /// The newest of each place, then sorted.
    Places(Vec<Conditions>),
}

impl Way {
    /// The statement that finds the newest before a number, at most `limit`, as rows of `error`.
    pub(super) fn statement(&self, before: i64, limit: i64) -> Statement {
        let newest = |statement: Statement, conditions: &Conditions| {
            statement
                .add("SELECT * FROM error WHERE ", [])
                .meets(conditions)
                .add(" AND id < ? ORDER BY id DESC LIMIT ?", [before.into(), limit.into()])
        };
        match self {
            // The numbers first: where an index holds what is asked for, no row is read for them.
            Self::Walk(conditions) => {
                Statement::new("SELECT * FROM error WHERE id IN (SELECT id FROM error WHERE ")
                    .meets(conditions)
                    .add(" AND id < ? ORDER BY id DESC LIMIT ?)", [before.into(), limit.into()])
            }
            Self::Few(conditions) => {
                Statement::new("WITH few AS MATERIALIZED (SELECT * FROM error WHERE ").meets(conditions).add(
                    " AND id < ?) SELECT * FROM few ORDER BY id DESC LIMIT ?",
                    [before.into(), limit.into()],
                )
            }
            Self::Places(places) => {
                let mut all = Statement::new("SELECT * FROM (");
                for (at, place) in places.iter().enumerate() {
                    all = newest(all.add(if at == 0 { "(" } else { ") UNION ALL (" }, []), place);
                }
                all.add(")) AS error ORDER BY id DESC LIMIT ?", [limit.into()])
            }
        }
    }
}

/// Chooses for a filter; none where nothing matches.
pub(super) async fn choose(tx: &Tx<'_>, filter: &ErrorFilter) -> Result<Option<Way>, Trouble> {
    let all = || Conditions::of(filter);
    let none = ErrorFilter::default;
    if filter.trace_key.is_some() {
        return Ok(Some(Way::Few(all())));
    }
    // Whether one condition alone leaves few, by the index that knows it.
    let alone = [
        filter
            .assignee
            .clone()
            .filter(|name| !name.is_empty())
            .map(|name| ErrorFilter { assignee: Some(name), ..none() }),
        filter
            .trace_key_prefix
            .clone()
            .map(|prefix| ErrorFilter { trace_key_prefix: Some(prefix), ..none() }),
        (filter.from_ms.is_some() || filter.until_ms.is_some()).then(|| filter.time()),
    ];
    if let Some(tag) = &filter.tag
        && few(tx, Statement::new("SELECT 1 FROM tag WHERE ").add("tag = ?", [tag.as_str().into()])).await?
    {
        return Ok(Some(Way::Few(all())));
    }
    for only in alone.into_iter().flatten() {
        let rows = Statement::new("SELECT 1 FROM error WHERE ").meets(&Conditions::of(&only));
        if few(tx, rows).await? {
            return Ok(Some(Way::Few(all())));
        }
    }
    if let Some(text) = &filter.text
        && let Some(messages) = few_of_text(tx, text).await?
    {
        let way = Way::Few(with_messages(filter, messages.clone()));
        return Ok((!messages.is_empty()).then_some(way));
    }
    let last = last(tx, filter).await?;
    if let Some(places) = places(tx, filter).await? {
        let parts: Vec<_> =
            places.into_iter().map(|place| Conditions::part(filter, place).up_to(last)).collect();
        return Ok((!parts.is_empty()).then_some(Way::Places(parts)));
    }
    Ok(Some(Way::Walk(all().up_to(last))))
}

/// Of a time that is over, a number that no error in it is above: what came later need not be walked through.
async fn last(tx: &Tx<'_>, filter: &ErrorFilter) -> Result<Option<i64>, Trouble> {
    let Some(until_ms) = filter.until_ms else { return Ok(None) };
    let newest = "SELECT max(number) FROM error_block WHERE earliest < $1";
    let newest: Option<i64> = sql::one(tx, newest, &[&until_ms]).await?.try_get(0)?;
    Ok(Some(newest.map_or(0, last_of_block)))
}

/// Whether these rows are few; no more of them are looked at than that takes.
async fn few(tx: &Tx<'_>, rows: Statement) -> Result<bool, Trouble> {
    let found = Statement::new("SELECT count(*) FROM (")
        .then(rows)
        .add(" LIMIT ?) AS found", [(bound() + 1).into()])
        .rows(tx)
        .await?;
    let found: i64 = found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    Ok(found <= bound())
}

/// The messages that a text stands in, where few errors have them.
async fn few_of_text(tx: &Tx<'_>, text: &str) -> Result<Option<Vec<i64>>, Trouble> {
    let rows = Statement::new("SELECT key, sum(number)::bigint FROM tallied WHERE kind = 'm' AND key IN ")
        .add("(SELECT id FROM message WHERE strpos(lower(text), lower(? COLLATE \"C\")) > 0)", [text.into()])
        .add(" GROUP BY key HAVING sum(number) > 0 LIMIT ?", [Value::from(bound() + 1)])
        .rows(tx)
        .await?;
    let (mut messages, mut errors) = (Vec::with_capacity(rows.len()), 0_i64);
    for row in &rows {
        messages.push(row.try_get(0)?);
        errors = errors.saturating_add(row.try_get(1)?);
    }
    Ok((errors <= bound()).then_some(messages))
}

/// The places that a filter names, where it names any and they are not many.
async fn places(tx: &Tx<'_>, filter: &ErrorFilter) -> Result<Option<Vec<Tally>>, Trouble> {
    let named = filter.destination.is_some() || filter.class.is_some() || !filter.states.is_empty();
    if !named {
        return Ok(None);
    }
    let places = tally::matching(tx, filter).await?;
    Ok((places.len() <= MAX_PLACES).then_some(places))
}
