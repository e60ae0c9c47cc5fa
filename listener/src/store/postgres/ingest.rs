//! Putting deliveries down: all that wait at one moment in one transaction.
//!
//! 1. What the elements are is judged in the process, without the database.
//! 2. In the transaction, first what may wait for others: errors that are sent again, the dedupe keys in
//!    their order (a key that another process is just putting down is waited for), new errors.
//! 3. Last, sent in one go with the commit: `head` moves, which numbers the deliveries, and they go
//!    into their table. So the row that all processes need is locked for no round trip.
//!
//! Errors of a delivery that has no number yet stand under a provisional one until then.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use language::event::DedupeKey;
use tokio::sync::mpsc;

use super::Inner;
use super::desk::errors::{self, Place};
use super::desk::{erase, resend};
use super::queue::{Entry, Waiting};
use super::slices::slice;
use super::sql::{Value, byte_lists, int, ints, uuids};
use super::trouble::{Trouble, count, unsigned};
use super::tx::Tx;
use crate::store::judge::{Judged, judge};
use crate::store::packed::spans::{self, Span};
use crate::store::{AppendError, NewError, Sorter};

/// Deliveries in one transaction.
const GROUP: usize = 1_024;
/// Bytes of bodies after which a transaction takes no more.
const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// To put a group down, whatever the database does.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tries of a transaction that was in the way of another.
const TRIES: u32 = 4;
/// Numbers of deliveries that have none yet begin here.
const PROVISIONAL: u64 = 1 << 62;

/// Puts down what comes until the queue has ended.
pub(super) async fn run(inner: Arc<Inner>, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.recv().await {
        let mut group = vec![first];
        let mut bytes = 0;
        while group.len() < GROUP
            && bytes < GROUP_BYTES
            && let Ok(next) = waiting.try_recv()
        {
            bytes += next.entry.body.len();
            group.push(next);
        }
        if let Some(reason) = inner.contact.pause() {
            refuse(group, &reason);
            continue;
        }
        put(&inner, group).await;
    }
}

fn refuse(group: Vec<Waiting>, reason: &str) {
    for waiting in group {
        waiting.answer(Err(AppendError::Write(reason.to_owned())));
    }
}

async fn put(inner: &Arc<Inner>, group: Vec<Waiting>) {
    let entries: Vec<Entry> = group.iter().map(|waiting| waiting.entry.clone()).collect();
    let sorter = Arc::clone(&inner.sorter);
    let judged = tokio::task::spawn_blocking(move || Batch::judge(entries, &sorter)).await;
    let Ok(batch) = judged else {
        return refuse(group, "judging the deliveries ended early; this is a mistake of ours");
    };
    let begin = Instant::now();
    let done = tokio::time::timeout(PATIENCE, put_down(inner, &batch)).await;
    let done = done.unwrap_or_else(|_| {
        Err(Trouble::Pool(format!("the database did not put it down in {} s", PATIENCE.as_secs())))
    });
    match done {
        Ok(first) => {
            inner.contact.committed(begin.elapsed());
            inner.contact.works();
            for (number, waiting) in (first..).zip(group) {
                waiting.answer(Ok(number));
            }
            inner.changed();
        }
        Err(trouble) => {
            let reason = trouble.to_string();
            inner.contact.fails(&reason);
            refuse(group, &reason);
        }
    }
}

/// Tries again what was in the way of another, and once where a slice was removed meanwhile.
async fn put_down(inner: &Inner, batch: &Batch) -> Result<u64, Trouble> {
    let mut tries = 1;
    loop {
        match try_put_down(inner, batch).await {
            Err(trouble) if tries < TRIES && (trouble.is_passing() || trouble.lacks_slice()) => {
                inner.slices.forget();
                tries += 1;
            }
            other => return other,
        }
    }
}

async fn try_put_down(inner: &Inner, batch: &Batch) -> Result<u64, Trouble> {
    inner
        .slices
        .ensure(&inner.pool, batch.deliveries.iter().map(|delivery| delivery.entry.received_at_ms))
        .await?;
    let mut connection = inner.pool.connection().await?;
    let tx = connection.begin().await?;
    let mut stale = HashSet::new();
    for (place, delivery) in batch.deliveries.iter().enumerate() {
        // Nothing of it counts where the error was sent again before.
        if let Some(error) = delivery.again
            && !resend::arrive(&tx, error, delivery.entry.received_at_ms).await?
        {
            stale.insert(place);
        }
    }
    let new = new_keys(&tx, batch, &stale).await?;
    let (ids, places) = keep_errors(&tx, inner, batch, &stale).await?;
    let rows = Rows::of(batch, &stale, new, inner.sorter.keeps_payload());
    let head = rows.values();
    let number = [ints(&ids), ints(&places), int(&rows.count)];
    let mut statements: Vec<(&str, &[Value<'_>])> = vec![(PUT, &head)];
    if !ids.is_empty() {
        statements.push((NUMBER, &number));
    }
    let done = tx.commit_with(&statements).await?;
    let last = done.first().and_then(|rows| rows.first()).ok_or(Trouble::Damaged("head has no row"))?;
    Ok(unsigned(last.try_get::<_, i64>(0)?.saturating_sub(rows.count).saturating_add(1)))
}

/// Keeps the keys; those that were not known.
async fn new_keys(
    tx: &Tx<'_>,
    batch: &Batch,
    stale: &HashSet<usize>,
) -> Result<HashSet<(i64, Vec<u8>)>, Trouble> {
    let mut keys: HashMap<(i64, Vec<u8>), i64> = HashMap::new();
    for (place, delivery) in batch.deliveries.iter().enumerate() {
        for (_, key) in delivery.judged.candidates.iter().filter(|_| !stale.contains(&place)) {
            if let Some(DedupeKey { occurred_at, hash }) = key {
                keys.entry((*occurred_at, hash.to_vec())).or_insert(delivery.entry.received_at_ms);
            }
        }
    }
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    // In one order, so that two processes never wait for each other's keys.
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_unstable();
    let occurred: Vec<i64> = keys.iter().map(|((at, _), _)| *at).collect();
    let hashes: Vec<&[u8]> = keys.iter().map(|((_, hash), _)| hash.as_slice()).collect();
    let seen: Vec<i64> = keys.iter().map(|(_, seen)| *seen).collect();
    let insert = "INSERT INTO dedupe(occurred_at, hash, seen_at) \
        SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) \
        ON CONFLICT DO NOTHING RETURNING occurred_at, hash";
    let rows = tx.query_typed(insert, &[ints(&occurred), byte_lists(&hashes), ints(&seen)]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Keeps what cannot be used; numbers of the errors, and the places of their deliveries.
async fn keep_errors(
    tx: &Tx<'_>,
    inner: &Inner,
    batch: &Batch,
    stale: &HashSet<usize>,
) -> Result<(Vec<i64>, Vec<i64>), Trouble> {
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    let (mut plain, mut plain_places): (Vec<NewError>, Vec<i64>) = (Vec::new(), Vec::new());
    for (at, delivery) in batch.deliveries.iter().enumerate() {
        let failed = &delivery.judged.failed;
        if failed.is_empty() || stale.contains(&at) {
            continue;
        }
        let its_places = std::iter::repeat_n(count(at + 1), failed.len());
        let Some(error) = delivery.again else {
            plain.extend(failed.iter().cloned());
            plain_places.extend(its_places);
            continue;
        };
        ids.extend(errors::insert(tx, Place::default(), failed, inner.sorter.folds()).await?);
        places.extend(its_places);
        // Right behind, as the last one that this session made.
        resend::failed_again(tx, error).await?;
    }
    ids.extend(errors::insert(tx, Place::default(), &plain, inner.sorter.folds()).await?);
    places.extend(plain_places);
    Ok((ids, places))
}

/// Moves `head` and puts the deliveries behind where it stood; the last number.
const PUT: &str = "\
WITH moved AS (
    UPDATE head SET delivery = delivery + $1, records = records + $2, events = events + $3,
        duplicates = duplicates + $4, ignored = ignored + $5,
        last_received_at = coalesce(greatest(last_received_at, nullif($6, 0)), last_received_at)
    RETURNING delivery AS last, delivery - $1 AS before, records - $2 AS ordinal
), put AS (
    INSERT INTO delivery(seq, slice, received_at, request, first_ordinal, length, records, body)
    SELECT moved.before + d.place, d.slice, d.received_at, d.request, moved.ordinal + d.ordinal, d.length, d.records, d.body
    FROM moved, unnest($7::bigint[], $8::bigint[], $9::bigint[], $10::uuid[], $11::bigint[], $12::bigint[],
        $13::bytea[], $14::bytea[]) AS d(place, slice, received_at, request, ordinal, length, records, body)
)
SELECT last FROM moved";

/// Gives errors the numbers of their deliveries: $1 the errors, $2 the places of their deliveries, $3 how
/// many deliveries there were.
const NUMBER: &str = "\
UPDATE error SET delivery = (SELECT delivery FROM head) - $3 + e.place
FROM unnest($1::bigint[], $2::bigint[]) AS e(id, place) WHERE error.id = e.id";

/// A delivery that was judged.
#[derive(Debug)]
struct Delivery {
    entry: Entry,
    judged: Judged,
    /// The error that it sends again.
    again: Option<i64>,
}

/// Deliveries that were judged.
#[derive(Debug)]
struct Batch {
    deliveries: Vec<Delivery>,
}

impl Batch {
    fn judge(entries: Vec<Entry>, sorter: &Sorter) -> Self {
        let numbers = PROVISIONAL + 1..;
        let deliveries = numbers.zip(entries).map(|(number, entry)| Delivery {
            judged: judge(number, entry.received_at_ms, &entry.body, sorter.as_ref()),
            again: resend::error_of(entry.request),
            entry,
        });
        Self { deliveries: deliveries.collect() }
    }
}

/// The deliveries as columns, and what is counted.
#[derive(Default)]
struct Rows<'a> {
    count: i64,
    records: i64,
    events: i64,
    duplicates: i64,
    ignored: i64,
    last_received_at: i64,
    places: Vec<i64>,
    slices: Vec<i64>,
    received: Vec<i64>,
    requests: Vec<uuid::Uuid>,
    ordinals: Vec<i64>,
    lengths: Vec<i64>,
    lists: Vec<Vec<u8>>,
    bodies: Vec<Cow<'a, [u8]>>,
}

impl<'a> Rows<'a> {
    fn of(
        batch: &'a Batch,
        stale: &HashSet<usize>,
        mut new: HashSet<(i64, Vec<u8>)>,
        keeps_payload: bool,
    ) -> Self {
        let mut rows = Self::default();
        for (place, delivery) in batch.deliveries.iter().enumerate() {
            let Delivery { entry, judged, again } = delivery;
            let fresh = !stale.contains(&place);
            let (mut spans, mut known): (Vec<Span>, Vec<Span>) = (Vec::new(), Vec::new());
            for (span, key) in judged.candidates.iter().filter(|_| fresh) {
                let first = key.as_ref().is_none_or(|key| new.remove(&(key.occurred_at, key.hash.to_vec())));
                // Its first try may have left its key; that is no reason to drop it now.
                if first || again.is_some() {
                    spans.push(*span);
                } else {
                    rows.duplicates += 1;
                    known.push(*span);
                }
            }
            rows.ignored += if fresh { count(judged.ignored) } else { 0 };
            if again.is_none() {
                rows.events += count(judged.events);
                rows.last_received_at = rows.last_received_at.max(entry.received_at_ms);
            }
            rows.count += 1;
            rows.places.push(rows.count);
            rows.slices.push(slice(entry.received_at_ms));
            rows.received.push(entry.received_at_ms);
            rows.requests.push(entry.request);
            rows.ordinals.push(rows.records);
            rows.lengths.push(count(entry.body.len()));
            rows.lists.push(spans::encode(&spans));
            let mut body = Cow::Borrowed(&entry.body[..]);
            // What is no record is nobody's later: where retry data is not to be stored it is not put down.
            for span in judged.unusable.iter().chain(&known).filter(|_| !keeps_payload) {
                erase::blank(body.to_mut(), *span, &spans);
            }
            rows.bodies.push(body);
            rows.records += count(spans.len());
        }
        rows
    }

    fn values(&self) -> [Value<'_>; 14] {
        [
            int(&self.count),
            int(&self.records),
            int(&self.events),
            int(&self.duplicates),
            int(&self.ignored),
            int(&self.last_received_at),
            ints(&self.places),
            ints(&self.slices),
            ints(&self.received),
            uuids(&self.requests),
            ints(&self.ordinals),
            ints(&self.lengths),
            byte_lists(&self.lists),
            byte_lists(&self.bodies),
        ]
    }
}
