//! Which records a destination took.
//!
//! A page that is settled says it: all its records, but for those that failed (`page_failed`) and
//! those that went on in a page of their own (its child). What failed at first was taken where its
//! error was resolved by a retry.

use std::collections::{HashMap, HashSet};

use crate::store::RecordId;
use crate::store::packed::spans;
use crate::store::postgres::desk::{sql, state};
use crate::store::postgres::trouble::{Trouble, signed};
use crate::store::postgres::tx::Tx;

/// Delivered at least in part, as a state of a page.
const DELIVERED: i64 = 2;

/// Records of the deliveries from `first` to `last` that a destination took.
pub(super) async fn within(
    tx: &Tx<'_>,
    destination: &str,
    first: u64,
    last: u64,
) -> Result<HashSet<RecordId>, Trouble> {
    // Pages that begin in them, and the last one before, which may reach into them: pages of a
    // destination follow each other as their records do. Pages of replays that hold records of these
    // deliveries. With those that came of them.
    let pages = "WITH RECURSIVE cut AS (\
             (SELECT number FROM page WHERE destination = $1 AND kind = 0 AND parent IS NULL \
             AND first_delivery < $2 ORDER BY first_delivery DESC, number DESC LIMIT 1) \
             UNION ALL SELECT number FROM page WHERE destination = $1 AND kind = 0 AND parent IS NULL \
             AND first_delivery BETWEEN $2 AND $3 \
             UNION SELECT replay.page FROM replay JOIN bulk ON bulk.id = replay.bulk \
             WHERE replay.delivery BETWEEN $2 AND $3 AND replay.page IS NOT NULL AND bulk.destination = $1), \
         every AS (SELECT page.number, page.parent, page.state, page.records FROM page JOIN cut USING (number) \
             UNION ALL SELECT page.number, page.parent, page.state, page.records FROM page \
             JOIN every ON page.parent = every.number) \
         SELECT number, parent, state::bigint, records FROM every";
    let (from, until) = (signed(first), signed(last));
    let rows = sql::rows(tx, pages, &[&destination, &from, &until]).await?;
    let mut settled: HashMap<i64, HashSet<RecordId>> = HashMap::new();
    let mut again: Vec<(i64, Vec<RecordId>)> = Vec::new();
    for row in &rows {
        let records = spans::decode_records(row.try_get(3)?)?;
        if let Some(parent) = row.try_get::<_, Option<i64>>(1)? {
            again.push((parent, records.clone()));
        }
        if row.try_get::<_, i64>(2)? == DELIVERED {
            settled.insert(row.try_get(0)?, records.into_iter().collect());
        }
    }
    for (parent, records) in again {
        if let Some(page) = settled.get_mut(&parent) {
            for record in &records {
                page.remove(record);
            }
        }
    }
    let numbers: Vec<i64> = settled.keys().copied().collect();
    let failed = "SELECT page, delivery, element FROM page_failed WHERE page = ANY($1::bigint[])";
    for row in &sql::rows(tx, failed, &[&numbers]).await? {
        if let Some(page) = settled.get_mut(&row.try_get(0)?) {
            page.remove(&state::record(row, 1)?);
        }
    }
    let within = |record: &RecordId| (first..=last).contains(&record.delivery);
    let mut taken: HashSet<RecordId> = settled.into_values().flatten().filter(within).collect();
    let retried = "SELECT delivery, element FROM error WHERE delivery BETWEEN $2 AND $3 \
         AND destination = $1 AND state = 3 AND resolution = 'retried'";
    for row in &sql::rows(tx, retried, &[&destination, &from, &until]).await? {
        taken.insert(state::record(row, 0)?);
    }
    Ok(taken)
}
