//! Erasing the payload of records that failed for good where retry data is not to be stored.
//!
//! An error without a payload says that its record's bytes are not to be kept. Other destinations may
//! still need them; so they are overwritten once every destination, and the hook, has passed the record
//! and no page that is not settled names it. In one transaction the record's span in its delivery's
//! body is overwritten ([`blank`]), what the hook gave for it goes, `erasure` says so, and the error is
//! marked; from then on nobody finds the bytes through the product or through SQL.
//!
//! What is no record (an element that failed before any destination, a duplicate) is blanked before it
//! is put down at all.
//!
//! # What is not guaranteed
//!
//! PostgreSQL writes a new version of the row. The old one, with its bytes, is removed by a `VACUUM`, which
//! [`vacuum`] asks for; but the freed place in the file is not overwritten until it is used again, and the
//! write-ahead log, its archive, replicas that lag and backups keep the bytes for as long as they are kept.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::sql;
pub(in crate::store::postgres) use crate::store::packed::blank::blank;
use crate::store::packed::spans;
use crate::store::postgres::connect::Pool;
use crate::store::postgres::holding;
use crate::store::postgres::trouble::{Trouble, signed, unsigned};
use crate::store::postgres::tx::Tx;
use crate::store::{PRE_PAGE, RecordId};

/// Errors that one step looks at.
const STEP: i64 = 500;

/// Where a destination stands.
struct Cursor {
    hook: bool,
    delivery: u64,
    index: u64,
}

/// Who still needs a record.
struct Needs {
    cursors: Vec<Cursor>,
    named: HashSet<RecordId>,
    withheld: HashSet<RecordId>,
}

impl Needs {
    /// Cursors first, then pages: a cut moves the one and makes the other at once.
    async fn read(tx: &Tx<'_>, deliveries: &[i64]) -> Result<Self, Trouble> {
        let sql = "SELECT name = $1, cursor_delivery, cursor_index FROM destination";
        let read = |row: &tokio_postgres::Row| {
            let (delivery, index) = (unsigned(row.try_get(1)?), unsigned(row.try_get(2)?));
            Ok::<_, Trouble>(Cursor { hook: row.try_get(0)?, delivery, index })
        };
        let cursors = sql::rows(tx, sql, &[&PRE_PAGE]).await?.iter().map(read).collect::<Result<_, _>>()?;
        // Errors that are sent again have their payloads with them.
        let sql = "SELECT records FROM page WHERE state < 2 AND kind <> 1 AND first_delivery <= $1";
        let last = deliveries.iter().copied().max().unwrap_or_default();
        let mut named = HashSet::new();
        for row in &sql::rows(tx, sql, &[&last]).await? {
            named.extend(spans::decode_records(row.try_get(0)?)?);
        }
        let sql =
            "SELECT delivery, element FROM hooked WHERE delivery = ANY($1::bigint[]) AND fate IN (2, 3)";
        let withheld = sql::rows(tx, sql, &[&deliveries])
            .await?
            .iter()
            .map(|row| super::state::record(row, 0))
            .collect::<Result<_, _>>()?;
        Ok(Self { cursors, named, withheld })
    }

    /// Whether anybody needs the record, which stands at `place` in its delivery's list.
    fn include(&self, record: RecordId, place: usize) -> bool {
        if self.named.contains(&record) {
            return true;
        }
        let ahead = |cursor: &&Cursor| {
            cursor.delivery < record.delivery
                || cursor.delivery == record.delivery && cursor.index <= place as u64
        };
        let mut waiting = self.cursors.iter().filter(ahead).peekable();
        if waiting.peek().is_none() {
            return false;
        }
        waiting.any(|cursor| cursor.hook) || !self.withheld.contains(&record)
    }
}

/// What a step did.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// Where the next step begins; none: this was the end.
    pub(super) next: Option<i64>,
    /// Tables that hold old versions of rows now.
    pub(super) tables: BTreeSet<String>,
}

/// Erases what nobody needs any more, of the errors behind `after`.
pub(super) async fn step(tx: &Tx<'_>, after: i64) -> Result<Erased, Trouble> {
    let any = "SELECT EXISTS (SELECT 1 FROM error WHERE NOT has_payload AND NOT erased AND id > $1)";
    if !sql::one(tx, any, &[&after]).await?.try_get::<_, bool>(0)? {
        return Ok(Erased::default());
    }
    // Replays make pages of records that every cursor has passed.
    holding::alone(tx).await?;
    let sql = "SELECT id, delivery, element FROM error WHERE NOT has_payload AND NOT erased AND id > $1 \
         ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED";
    let rows = sql::rows(tx, sql, &[&after, &STEP]).await?;
    let mut found: BTreeMap<i64, Vec<(i64, RecordId)>> = BTreeMap::new();
    for row in &rows {
        let record = super::state::record(row, 1)?;
        found.entry(signed(record.delivery)).or_default().push((row.try_get(0)?, record));
    }
    let Some(last) = rows.last() else { return Ok(Erased::default()) };
    let mut erased = Erased { next: Some(last.try_get(0)?), tables: BTreeSet::new() };
    let deliveries: Vec<i64> = found.keys().copied().collect();
    let needs = Needs::read(tx, &deliveries).await?;
    let mut done = Vec::new();
    for (delivery, errors) in found {
        let (free, table) = erase(tx, delivery, &errors, &needs).await?;
        done.extend(free);
        erased.tables.extend(table);
    }
    if !done.is_empty() {
        sql::run(tx, "UPDATE error SET erased = true WHERE id = ANY($1::bigint[])", &[&done]).await?;
    }
    Ok(erased)
}

/// Of one delivery: the errors whose records are gone, and the table that was written.
async fn erase(
    tx: &Tx<'_>,
    delivery: i64,
    errors: &[(i64, RecordId)],
    needs: &Needs,
) -> Result<(Vec<i64>, Option<String>), Trouble> {
    let sql = "SELECT records, body, tableoid::regclass::text FROM delivery WHERE seq = $1 FOR UPDATE";
    let Some(row) = sql::maybe(tx, sql, &[&delivery]).await? else {
        // It went by its age, and they with it.
        return Ok((errors.iter().map(|(error, _)| *error).collect(), None));
    };
    let list = spans::decode(row.try_get(0)?)?;
    let mut body: Vec<u8> = row.try_get(1)?;
    let (mut done, mut elements) = (Vec::new(), Vec::new());
    for (error, record) in errors {
        let place = list.binary_search_by_key(&record.element, |span| span.element).ok();
        let Some(place) = place else {
            // No record: it was blanked before it was put down.
            done.push(*error);
            continue;
        };
        if !needs.include(*record, place)
            && let Some(span) = list.get(place)
        {
            blank(&mut body, *span, &list);
            elements.push(i64::from(record.element));
            done.push(*error);
        }
    }
    if elements.is_empty() {
        return Ok((done, None));
    }
    sql::run(tx, "UPDATE delivery SET body = $2 WHERE seq = $1", &[&delivery, &body.as_slice()]).await?;
    let sql = "UPDATE hooked SET payload = '' WHERE delivery = $1 AND element = ANY($2::bigint[]) \
         AND payload IS NOT NULL";
    sql::run(tx, sql, &[&delivery, &elements]).await?;
    let sql = "INSERT INTO erasure(delivery, element) SELECT $1::bigint, e FROM unnest($2::bigint[]) AS n(e) \
         ON CONFLICT DO NOTHING";
    sql::run(tx, sql, &[&delivery, &elements]).await?;
    Ok((done, Some(row.try_get(2)?)))
}

/// Has PostgreSQL remove old versions of rows. Where somebody has the table, or it takes too long, that
/// is left to the server's own vacuum.
pub(super) async fn vacuum(pool: &Pool, tables: &BTreeSet<String>) -> Result<(), Trouble> {
    let mut connection = pool.connection().await?;
    for table in tables {
        // A name as PostgreSQL gave it, quoted where it has to be.
        let sql = format!("VACUUM (SKIP_LOCKED) {table}");
        let alone = connection.alone()?;
        alone.batch_execute(&sql).await?;
        alone.end();
    }
    Ok(())
}

/// Forgets erasures of deliveries that are gone; how many.
pub(in crate::store::postgres) async fn remove(tx: &Tx<'_>, limit: i64) -> Result<u64, Trouble> {
    let sql = "DELETE FROM erasure WHERE (delivery, element) IN (SELECT delivery, element FROM erasure \
         WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE seq = erasure.delivery) LIMIT $1)";
    sql::run(tx, sql, &[&limit]).await
}
