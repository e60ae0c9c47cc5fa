//! Leasing: a page that is due before a new one is cut, by whichever process asks first.
//!
//! Within a process one caller at a time looks for a page of a destination; between processes the rows
//! decide. The work is done by a task of its own: a caller who goes away does not cut it short
//! between two statements, and what it finds then is given back.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Gate, oneshot};

use super::Inner;
use super::again::{self, Again};
use super::cut::{self, Commit, Committed, Holder, LEASED};
use super::desk::{fold, retry};
use super::history::replay;
use super::leases::Leases;
use super::pages;
use super::sql::{int, ints, text};
use super::trouble::{Trouble, signed, unsigned};
use super::tx::{Connection, Tx};
use crate::store::cut::{Cursor, Cut, End};
use crate::store::packed::spans;
use crate::store::{Lease, Page, PageRequest, Record, StoreError};

/// To find a page, whatever the database does.
const PATIENCE: Duration = Duration::from_mins(1);
/// Until it is looked again whether another process has settled one of too many pages.
const FULL_MS: i64 = 200;
/// Tries of a transaction that was in the way of another.
const TRIES: u32 = 4;

/// What is kept in memory of a destination.
#[derive(Debug, Default)]
struct Destination {
    /// Held while a page is looked for. Holds what a lingering page has found, so that it is not
    /// looked for again.
    cut: Gate<Option<Cut>>,
    /// Whose turn it is where new records wait beside errors or replays: false for new records.
    again_next: AtomicBool,
    /// Whose turn it is where both errors and replays wait: true for replays.
    replays_next: AtomicBool,
}

/// What is kept in memory of every destination.
#[derive(Debug, Default)]
pub(super) struct Destinations(Mutex<HashMap<String, Arc<Destination>>>);

impl Destinations {
    fn of(&self, name: &str) -> Arc<Destination> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }

    /// Forgets those that are gone.
    pub(super) fn keep(&self, names: &BTreeSet<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| names.contains(name));
    }
}

/// See [`crate::store::Store::lease`].
pub(super) async fn lease(inner: &Arc<Inner>, request: PageRequest) -> Result<Lease, StoreError> {
    let (answer, answered) = oneshot::channel();
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        let destination = inner.destinations.of(&request.destination);
        let mut held = destination.cut.lock().await;
        if answer.is_closed() {
            return;
        }
        let finding =
            tokio::time::timeout(PATIENCE, find(&inner, &destination, &mut held, Arc::new(request)));
        let found = finding.await.unwrap_or_else(|_| {
            Err(Trouble::Pool(format!("the database did not give a page in {} s", PATIENCE.as_secs())))
        });
        match &found {
            Ok(_) => inner.contact.works(),
            Err(trouble) => tracing::debug!(%trouble, "no page: {trouble}"),
        }
        // The caller may have gone away meanwhile: nobody else knows of its page.
        if let Err(Ok(Lease::Page(page))) = answer.send(found) {
            give_back(&inner, page.id.number).await;
        }
    });
    Ok(answered.await.map_err(|_| StoreError::Closed)??)
}

/// Takes pages back that this process had leased: due at once, in their old place.
async fn give_back(inner: &Inner, number: u64) {
    let Some(secret) = inner.leases.of(number) else { return };
    // It is renewed no more, so that it is due again in any case.
    inner.leases.remove(number, secret);
    if let Err(trouble) = take_back(inner, &[signed(number)], &[secret]).await {
        tracing::warn!(%trouble, "page {number} could not be given back; it is due again when its lease runs out");
    }
    inner.changed();
}

/// Takes every page back that this process had leased.
pub(super) async fn give_all_back(inner: &Inner) -> Result<(), Trouble> {
    let (numbers, secrets) = inner.leases.all();
    if numbers.is_empty() {
        return Ok(());
    }
    take_back(inner, &numbers, &secrets).await
}

async fn take_back(inner: &Inner, numbers: &[i64], secrets: &[i64]) -> Result<(), Trouble> {
    let mut connection = inner.pool.connection().await?;
    let update = "UPDATE page SET state = 0, due_at = created_at, holder = NULL, lease = NULL, leased_until = NULL \
        FROM unnest($1::bigint[], $2::bigint[]) AS mine(number, lease) \
        WHERE page.number = mine.number AND page.state = 1 AND page.lease = mine.lease";
    let alone = connection.alone()?;
    alone.query_typed(update, &[ints(&numbers), ints(&secrets)]).await?;
    alone.end();
    Ok(())
}

/// What a first look finds.
struct Look {
    cursor: Cursor,
    waiting: i64,
    leased: i64,
    due: bool,
    next_due: Option<i64>,
    /// What goes again.
    again: again::Waiting,
}

async fn look(tx: &Tx<'_>, inner: &Inner, request: &PageRequest) -> Result<Look, Trouble> {
    let query = format!(
        "SELECT cursor_delivery, cursor_index, cursor_ordinal, mended, \
         (SELECT count(*) FROM page WHERE destination = $1 AND state = 0 AND state < 2), {LEASED}, \
         EXISTS (SELECT 1 FROM page WHERE destination = $1 AND state < 2 AND (state = 0 AND due_at <= $2 \
         OR state = 1 AND leased_until < clock_timestamp())), \
         least((SELECT min(due_at) FROM page WHERE destination = $1 AND state = 0 AND state < 2), \
         (SELECT $2 + ceil(extract(epoch FROM min(leased_until) - clock_timestamp()) * 1000)::bigint + 10 \
         FROM page WHERE destination = $1 AND state = 1 AND holder <> $3)) \
         FROM destination WHERE name = $1"
    );
    let destination = &request.destination;
    let values = [text(destination), int(&request.now_ms), int(&inner.holder)];
    let row = tx.query_typed_opt(&query, &values).await?;
    let row = row.ok_or_else(|| Trouble::Asked(format!("there is no destination {destination}")))?;
    let cursor = Cursor {
        delivery: unsigned(row.try_get(0)?),
        index: unsigned(row.try_get(1)?),
        ordinal: unsigned(row.try_get(2)?),
        mended: unsigned(row.try_get(3)?),
    };
    Ok(Look {
        cursor,
        waiting: row.try_get(4)?,
        leased: row.try_get(5)?,
        due: row.try_get(6)?,
        next_due: row.try_get(7)?,
        again: again::Waiting {
            errors: retry::waits(tx, destination).await?,
            replays: replay::waits(tx, destination).await?,
            heals: fold::has_any(tx, destination).await?,
        },
    })
}

async fn find(
    inner: &Inner,
    destination: &Destination,
    held: &mut Option<Cut>,
    request: Arc<PageRequest>,
) -> Result<Lease, Trouble> {
    let max_leased = i64::try_from(request.max_leased).unwrap_or(i64::MAX);
    let max_waiting = i64::try_from(request.max_waiting).unwrap_or(i64::MAX);
    let mut connection = inner.pool.connection().await?;
    let (mut again_done, mut busy) = (false, false);
    let mut tries = 1;
    loop {
        let tx = connection.look().await?;
        let mut look = look(&tx, inner, &request).await?;
        tx.commit().await?;
        let again = look.again.any() && !again_done;
        if busy {
            // Until it is looked again what another process has left of it.
            let until_ms = request.now_ms.saturating_add(FULL_MS);
            look.next_due = Some(look.next_due.map_or(until_ms, |due| due.min(until_ms)));
        }
        if look.leased >= max_leased {
            let until_ms = request.now_ms.saturating_add(FULL_MS);
            return Ok(Lease::Wait {
                until_ms: Some(look.next_due.map_or(until_ms, |due| due.max(until_ms))),
            });
        }
        if look.due {
            if let Some(page) = lease_due(&mut connection, inner, &request, max_leased).await? {
                return Ok(Lease::Page(page));
            }
            // Another process was quicker.
            continue;
        }
        if !request.cut || look.waiting >= max_waiting {
            return Ok(Lease::Wait { until_ms: look.next_due });
        }
        if again && destination.again_next.swap(false, Ordering::Relaxed) {
            let turns = &destination.replays_next;
            match again::lease(&mut connection, inner, &request, look.again, turns).await {
                Ok(Again::Page(page)) => return Ok(Lease::Page(page)),
                Ok(Again::Nothing { busy: is_busy }) => (again_done, busy) = (true, is_busy),
                Err(trouble) if trouble.is_passing() && tries < TRIES => {
                    tries += 1;
                    connection = inner.pool.connection().await?;
                }
                Err(trouble) => return Err(trouble),
            }
            continue;
        }
        let cut = held.take().filter(|cut| cut.fits(&request, look.cursor));
        let cut = cut.unwrap_or_else(|| Cut::new(Arc::clone(&request), look.cursor));
        let before = cut.taken();
        let (cut, end) = cut::step(cut, &mut connection).await?;
        let due_ms = cut.due_ms(request.linger_ms);
        let lingered = due_ms.is_some_and(|due| due <= request.now_ms);
        // An old backlog is not cut short after one step while it goes on filling the page.
        let filling = end == End::Bound && cut.taken() > before;
        if cut.taken() > 0 && (end == End::Full || cut.laden() || lingered && !filling) {
            match commit_page(&mut connection, inner, cut, look.again.heals, max_leased, request.now_ms).await
            {
                Ok(Some(page)) => {
                    destination.again_next.store(true, Ordering::Relaxed);
                    return Ok(Lease::Page(page));
                }
                Ok(None) => {}
                Err(trouble) if trouble.is_passing() && tries < TRIES => {
                    tries += 1;
                    connection = inner.pool.connection().await?;
                }
                Err(trouble) => return Err(trouble),
            }
            continue;
        }
        let until_ms = if cut.taken() == 0 {
            if cut.moved() {
                commit_progress(&mut connection, inner, cut, request.now_ms).await?;
            }
            look.next_due
        } else {
            *held = Some(cut);
            [look.next_due, due_ms].into_iter().flatten().min()
        };
        if end == End::Exhausted {
            if again {
                destination.again_next.store(true, Ordering::Relaxed);
                continue;
            }
            return Ok(Lease::Wait { until_ms });
        }
    }
}

/// A page that waits and is due, or whose holder is not heard of.
async fn lease_due(
    connection: &mut Connection,
    inner: &Inner,
    request: &PageRequest,
    max_leased: i64,
) -> Result<Option<Page>, Trouble> {
    let secret = Leases::secret();
    let seconds = inner.lease.as_secs_f64();
    let lock = "SELECT 1 FROM destination WHERE name = $1 FOR UPDATE";
    let update = format!(
        "UPDATE page SET state = 1, holder = $3, lease = $4, \
         leased_until = clock_timestamp() + make_interval(secs => $5::float8) \
         WHERE number = (SELECT number FROM page WHERE destination = $1 AND state < 2 \
         AND (state = 0 AND due_at <= $2 OR state = 1 AND leased_until < clock_timestamp()) \
         ORDER BY due_at, number LIMIT 1 FOR UPDATE SKIP LOCKED) AND {LEASED} < $6 \
         RETURNING number, records, attempts, first_attempt_at, oversized, kind::bigint"
    );
    let values = [
        text(&request.destination),
        int(&request.now_ms),
        int(&inner.holder),
        int(&secret),
        (&seconds as &(dyn tokio_postgres::types::ToSql + Sync), tokio_postgres::types::Type::FLOAT8),
        int(&max_leased),
    ];
    let tx = connection.begin().await?;
    let done = tx.commit_with(&[(lock, &[text(&request.destination)]), (&update, &values)]).await?;
    let Some(row) = done.get(1).and_then(|rows| rows.first()) else { return Ok(None) };
    let number = unsigned(row.try_get(0)?);
    inner.leases.add(number, secret);
    let names = spans::decode_records(row.try_get(1)?)?;
    let kind: i64 = row.try_get(5)?;
    let attempts = u32::try_from(row.try_get::<_, i64>(2)?).unwrap_or(u32::MAX);
    let read = async {
        let tx = connection.look().await?;
        let records = pages::records(&tx, kind, number, &names).await?;
        let heals = fold::has_any(&tx, &request.destination).await?;
        tx.commit().await?;
        Ok::<(Vec<Record>, bool), Trouble>((records, heals))
    };
    let (records, heals) = match read.await {
        Ok(read) => read,
        Err(trouble) => {
            give_back(inner, number).await;
            return Err(trouble);
        }
    };
    Ok(Some(Page {
        id: inner.names.page(number),
        destination: request.destination.clone(),
        records,
        attempts,
        first_attempt_at_ms: row.try_get(3)?,
        oversized: row.try_get(4)?,
        heals,
    }))
}

/// None where the cursor had moved, or too many pages are in flight.
async fn commit_page(
    connection: &mut Connection,
    inner: &Inner,
    mut cut: Cut,
    heals: bool,
    max_leased: i64,
    now_ms: i64,
) -> Result<Option<Page>, Trouble> {
    let found = cut.findings();
    let secret = Leases::secret();
    let holder = Holder { process: inner.holder, secret, seconds: inner.lease.as_secs_f64() };
    let commit = Commit { found: &found, page: Some(holder), max_leased, fold: inner.sorter.folds(), now_ms };
    let number = match cut::commit(connection, &commit).await? {
        Committed::Done(number) => number,
        Committed::Void => return Ok(None),
    };
    inner.leases.add(number, secret);
    let (records, oversized) = cut.into_records();
    Ok(Some(Page {
        id: inner.names.page(number),
        destination: found.destination,
        records,
        attempts: 0,
        first_attempt_at_ms: None,
        oversized,
        heals,
    }))
}

/// A scan that found nothing for this destination is not made again.
async fn commit_progress(
    connection: &mut Connection,
    inner: &Inner,
    mut cut: Cut,
    now_ms: i64,
) -> Result<(), Trouble> {
    let found = cut.findings();
    let commit = Commit { found: &found, page: None, max_leased: 0, fold: inner.sorter.folds(), now_ms };
    cut::commit(connection, &commit).await?;
    Ok(())
}
