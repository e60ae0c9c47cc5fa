//! Cutting a page: from the destination's cursor on, records that its filter takes.
//!
//! A scan goes in steps, each bounded in records and bytes; it locks nothing, so that a filter that takes
//! its time, or a process that stands still, is in nobody's way. [`commit`] moves the cursor if it still
//! stands where the scan began; if not, another process was quicker and the scan begins anew.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::desk::errors::{self, Place};
use super::read::{self, Wanted};
use super::sql::{bytes, flag, int, text};
use super::trouble::{Trouble, count, signed, unsigned};
use super::tx::Connection;
use crate::store::cut::{Cut, End, Findings};
use crate::store::fate::{CHANGED, Mark};
use crate::store::packed::spans;
use crate::store::{PRE_PAGE, Record, RecordId};

/// Deliveries that one query reads.
const ROWS: i64 = 128;
/// Records that one step looks at, at most.
const LOOKS: usize = 2_000;
/// Bytes of records that one step reads, unless a single one is larger.
const BYTES: u64 = 8 * 1024 * 1024;

/// A delivery as it stands in the table.
struct Row {
    delivery: u64,
    received_at_ms: i64,
    records: Vec<u8>,
    /// By element: what became of it at the hook, and bytes of what it gave.
    fates: HashMap<u32, (i64, u64)>,
}

/// What a step comes by, in order.
enum Passed {
    /// A delivery, of which nothing was looked at yet or only part.
    Enter(u64),
    /// A record that the hook let go nowhere.
    Withheld,
    /// A record with its bytes.
    Record(Record),
    /// The end of a delivery.
    Leave(u64),
}

/// The next deliveries, and how far a destination may go in them: one statement, so at one moment.
async fn rows(
    client: &Client,
    destination: &str,
    from: u64,
    limit: i64,
) -> Result<(Option<Mark>, Vec<Row>), Trouble> {
    const QUERY: &str = "\
WITH mark AS (
    SELECT cursor_ordinal FROM destination WHERE name = $3 AND name <> $4
), first AS (
    SELECT first_delivery, first_element FROM page
    WHERE destination = $3 AND state < 2 AND kind = 0 ORDER BY first_delivery, first_element LIMIT 1
)
SELECT d.seq, d.received_at, d.records, f.elements, f.fates, f.sizes,
    (SELECT cursor_ordinal FROM mark), (SELECT first_delivery FROM first), (SELECT first_element FROM first)
FROM (SELECT seq, received_at, records FROM delivery WHERE seq >= $1 ORDER BY seq LIMIT $2) d
LEFT JOIN LATERAL (
    SELECT array_agg(element) AS elements, array_agg(fate::bigint) AS fates,
        array_agg(coalesce(octet_length(payload), 0)::bigint) AS sizes
    FROM hooked WHERE hooked.delivery = d.seq
) f ON true ORDER BY d.seq";
    let from = signed(from);
    let values = [int(&from), int(&limit), text(&PRE_PAGE), text(&destination)];
    let mut mark = None;
    let mut found = Vec::new();
    for row in client.query_typed(QUERY, &values).await? {
        let mut fates = HashMap::new();
        if let Some(elements) = row.try_get::<_, Option<Vec<i64>>>(3)? {
            let (numbers, sizes): (Vec<i64>, Vec<i64>) = (row.try_get(4)?, row.try_get(5)?);
            for ((element, fate), size) in elements.into_iter().zip(numbers).zip(sizes) {
                fates.insert(element_of(element)?, (fate, unsigned(size)));
            }
        }
        if let Some(ordinal) = row.try_get::<_, Option<i64>>(6)? {
            let record = match row.try_get::<_, Option<i64>>(7)? {
                Some(delivery) => {
                    Some(RecordId { delivery: unsigned(delivery), element: element_of(row.try_get(8)?)? })
                }
                None => None,
            };
            mark = Some(Mark { ordinal: unsigned(ordinal), record });
        }
        found.push(Row {
            delivery: unsigned(row.try_get(0)?),
            received_at_ms: row.try_get(1)?,
            records: row.try_get(2)?,
            fates,
        });
    }
    Ok((mark, found))
}

fn element_of(number: i64) -> Result<u32, Trouble> {
    u32::try_from(number).map_err(|_| Trouble::Damaged("a record's place is too large"))
}

/// Looks at the next records. The filter works on a thread that may take its time.
pub(super) async fn step(mut cut: Cut, connection: &mut Connection) -> Result<(Cut, End), Trouble> {
    let destination = cut.destination().to_owned();
    let start = cut.next();
    let size = cut.room();
    let limit = i64::try_from(size).unwrap_or(ROWS).clamp(8, ROWS);
    let alone = connection.alone()?;
    let (mark, rows) = rows(&alone, &destination, start.delivery, limit).await?;
    let more = count(rows.len()) >= limit;
    let looks = size.saturating_mul(2).clamp(64, LOOKS);
    let mut plan = Plan { ordinal: start.ordinal, looks, ..Plan::default() };
    for row in &rows {
        let looked = if row.delivery == start.delivery { start.index } else { 0 };
        plan.add(row, looked, mark)?;
        if plan.end.is_some() {
            break;
        }
    }
    let end = plan.end.unwrap_or(if more { End::Bound } else { End::Exhausted });
    let bytes = read::bytes(&alone, &plan.wanted).await?;
    alone.end();
    let passed = plan.with(bytes);
    let looking = tokio::task::spawn_blocking(move || {
        for one in passed {
            match one {
                Passed::Enter(delivery) => {
                    cut.enter(delivery);
                }
                Passed::Withheld => cut.withhold(),
                Passed::Record(record) => {
                    if cut.look(record) {
                        return (cut, End::Full);
                    }
                    if cut.laden() {
                        return (cut, End::Bound);
                    }
                }
                Passed::Leave(delivery) => cut.leave(delivery),
            }
        }
        (cut, end)
    });
    looking.await.map_err(|_| {
        Trouble::Asked("a destination's filter ended early; this is a mistake of ours".to_owned())
    })
}

/// What a step will come by, before the bytes are there.
#[derive(Default)]
struct Plan {
    ordinal: u64,
    looks: usize,
    bytes: u64,
    steps: Vec<Planned>,
    wanted: Vec<Wanted>,
    times: Vec<i64>,
    end: Option<End>,
}

enum Planned {
    Enter(u64),
    Withheld,
    Record,
    Leave(u64),
}

impl Plan {
    fn add(&mut self, row: &Row, looked: u64, mark: Option<Mark>) -> Result<(), Trouble> {
        self.steps.push(Planned::Enter(row.delivery));
        let list = spans::decode(&row.records)?;
        for span in list.iter().skip(usize::try_from(looked).unwrap_or(usize::MAX)) {
            let id = RecordId { delivery: row.delivery, element: span.element };
            if mark.is_some_and(|mark| !mark.is_behind(self.ordinal, id)) {
                self.end = Some(End::Exhausted);
                return Ok(());
            }
            let fate = row.fates.get(&span.element);
            let length = fate.map_or(u64::from(span.length), |(_, size)| *size);
            if self.wanted.len() >= self.looks || (self.bytes > 0 && self.bytes + length > BYTES) {
                self.end = Some(End::Bound);
                return Ok(());
            }
            self.ordinal += 1;
            let changed = match fate {
                None => false,
                Some((CHANGED, _)) => true,
                Some(_) => {
                    self.steps.push(Planned::Withheld);
                    continue;
                }
            };
            self.bytes += length;
            self.steps.push(Planned::Record);
            self.wanted.push(Wanted { id, span: *span, changed });
            self.times.push(row.received_at_ms);
        }
        self.steps.push(Planned::Leave(row.delivery));
        Ok(())
    }

    fn with(self, bytes: Vec<bytes::Bytes>) -> Vec<Passed> {
        let mut records = self.wanted.into_iter().zip(self.times).zip(bytes);
        let steps = self.steps.into_iter();
        steps
            .filter_map(|planned| match planned {
                Planned::Enter(delivery) => Some(Passed::Enter(delivery)),
                Planned::Withheld => Some(Passed::Withheld),
                Planned::Leave(delivery) => Some(Passed::Leave(delivery)),
                Planned::Record => records.next().map(|((one, received_at_ms), bytes)| {
                    Passed::Record(Record { id: one.id, received_at_ms, bytes })
                }),
            })
            .collect()
    }
}

/// Who leases the page that is made, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) process: i64,
    pub(super) secret: i64,
    pub(super) seconds: f64,
}

/// A commit of what a scan found.
pub(super) struct Commit<'a> {
    pub(super) found: &'a Findings,
    /// Who gets the page, where there is to be one.
    pub(super) page: Option<Holder>,
    pub(super) max_leased: i64,
    pub(super) fold: bool,
    pub(super) now_ms: i64,
}

/// Leased pages of a destination, by whatever process.
pub(super) const LEASED: &str =
    "(SELECT count(*) FROM page WHERE destination = $1 AND state = 1 AND leased_until >= clock_timestamp())";

/// What came of a commit.
pub(super) enum Committed {
    /// The number of the page, zero where none was to be made.
    Done(u64),
    /// Another process was quicker, or as many pages as may be are in flight.
    Void,
}

/// Puts it down, if the cursor stands where the scan began.
pub(super) async fn commit(connection: &mut Connection, commit: &Commit<'_>) -> Result<Committed, Trouble> {
    let Commit { found, page, max_leased, fold, now_ms } = commit;
    let tx = connection.begin().await?;
    let place = Place { destination: Some(&found.destination), ..Place::default() };
    errors::insert(&tx, place, &found.errors, *fold).await?;
    // Locked first, so that the count of what is leased is that of the moment.
    let lock = "SELECT 1 FROM destination WHERE name = $1 FOR UPDATE";
    let moved = format!(
        "WITH moved AS (\
         UPDATE destination SET cursor_delivery = $5, cursor_index = $6, cursor_ordinal = $7, \
         ignored = ignored + $8, page_records = page_records + $9, withheld = withheld + $10 \
         WHERE name = $1 AND cursor_delivery = $2 AND cursor_index = $3 AND mended = $4 \
         AND (NOT $11 OR {LEASED} < $12) RETURNING 1), \
         made AS (INSERT INTO page(number, destination, state, kind, first_delivery, first_element, records, \
         record_count, oversized, due_at, created_at, holder, lease, leased_until) \
         SELECT nextval('page_number'), $1, 1, 0, $13, $14, $15, $9, $16, $17, $17, $18, $19, \
         clock_timestamp() + make_interval(secs => $20::float8) FROM moved WHERE $11 RETURNING number) \
         SELECT coalesce((SELECT number FROM made), 0) FROM moved"
    );
    let makes = page.is_some();
    let holder = page.unwrap_or(Holder { process: 0, secret: 0, seconds: 0.0 });
    let records = if makes { count(found.records.len()) } else { 0 };
    let first = found.records.first().copied().unwrap_or(RecordId { delivery: 0, element: 0 });
    let list = spans::encode_records(found.records.iter().copied());
    let numbers = [
        signed(found.start.delivery),
        signed(found.start.index),
        signed(found.start.mended),
        signed(found.next.delivery),
        signed(found.next.index),
        signed(found.next.ordinal),
        signed(found.ignored),
        records,
        signed(found.withheld),
        *max_leased,
        signed(first.delivery),
        i64::from(first.element),
    ];
    let (counted, page) = numbers.split_at(9);
    let name = [text(&found.destination)];
    let mut values = vec![text(&found.destination)];
    values.extend(counted.iter().map(int));
    values.push(flag(&makes));
    values.extend(page.iter().map(int));
    values.extend([
        bytes(&list),
        flag(&found.oversized),
        int(now_ms),
        int(&holder.process),
        int(&holder.secret),
        (&holder.seconds, tokio_postgres::types::Type::FLOAT8),
    ]);
    let rows = if found.errors.is_empty() {
        let done = tx.commit_with(&[(lock, &name), (&moved, &values)]).await?;
        done.into_iter().next_back().unwrap_or_default()
    } else {
        tx.query_typed(lock, &name).await?;
        let rows = tx.query_typed(&moved, &values).await?;
        if rows.is_empty() {
            // What the filter failed on is looked at by who was quicker.
            tx.undo().await?;
        } else {
            tx.commit().await?;
        }
        rows
    };
    match rows.first() {
        Some(row) => Ok(Committed::Done(unsigned(row.try_get(0)?))),
        None => Ok(Committed::Void),
    }
}
