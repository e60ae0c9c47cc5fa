//! What becomes of a leased page, in one transaction.
//!
//! Locks are taken in one order by all: the page, then what the error desk changes, then the
//! destination's counters, with the commit.

use std::time::Duration;

use super::Inner;
use super::desk::errors::{self, Place};
use super::desk::{fold, mend, retry};
use super::destinations;
use super::hook;
use super::pages::{self, NewPage};
use super::sql::{Value, int, text};
use super::trouble::{Trouble, count, signed};
use super::tx::Tx;
use crate::store::packed::spans;
use crate::store::settling::Done;
use crate::store::{Outcome, PRE_PAGE, Settlement, StoreError};

/// To settle, whatever the database does.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tries of a transaction that was in the way of another.
const TRIES: u32 = 6;

/// What a settlement leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nothing.
    Nothing,
    /// There is a page to lease, now or later.
    Page,
    /// There is one, but its destination is gone.
    Orphan,
    /// The hook has settled records: the destinations may have them now.
    Passed,
}

/// See [`crate::store::Store::settle`].
pub(super) async fn settle(inner: &Inner, settlement: Settlement) -> Result<(), StoreError> {
    let page = &settlement.page;
    if !inner.names.has(page) {
        return Err(StoreError::Failed(format!("page {page} belongs to another store")));
    }
    let lost = || StoreError::NotLeased(page.to_string());
    let secret = inner.leases.of(page.number).ok_or_else(lost)?;
    let late = |_| Trouble::Pool(format!("the database did not settle it in {} s", PATIENCE.as_secs()));
    let mut tries = 1;
    let left = loop {
        let trying = tokio::time::timeout(PATIENCE, apply(inner, &settlement, secret));
        match trying.await.map_err(late).and_then(|done| done) {
            Ok(Some(left)) => break left,
            // Its lease ran out, and another process has it.
            Ok(None) => {
                inner.leases.remove(page.number, secret);
                return Err(lost());
            }
            Err(trouble) if trouble.is_passing() && tries < TRIES => tries += 1,
            Err(trouble) => return Err(trouble.into()),
        }
    };
    inner.leases.remove(page.number, secret);
    match left {
        // Other processes may wait for a place among the pages in flight.
        Left::Nothing => inner.tell.notify_one(),
        Left::Page | Left::Passed => inner.changed(),
        Left::Orphan => destinations::fail_orphans(inner).await?,
    }
    Ok(())
}

struct Kept {
    destination: String,
    records: Vec<u8>,
    oversized: bool,
    kind: i64,
    state: i64,
    attempts: u32,
    first_attempt_at: Option<i64>,
    created_at: i64,
}

/// The page of a lease; its secret stays until the next lease.
async fn find(tx: &Tx<'_>, number: i64, secret: i64) -> Result<Option<Kept>, Trouble> {
    let query = "SELECT destination, records, oversized, attempts, first_attempt_at, created_at, kind::bigint, \
        state::bigint FROM page WHERE number = $1 AND lease = $2 FOR UPDATE";
    let row = tx.query_typed_opt(query, &[int(&number), int(&secret)]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Kept {
        destination: row.try_get(0)?,
        records: row.try_get(1)?,
        oversized: row.try_get(2)?,
        attempts: u32::try_from(row.try_get::<_, i64>(3)?).unwrap_or(u32::MAX),
        first_attempt_at: row.try_get(4)?,
        created_at: row.try_get(5)?,
        kind: row.try_get(6)?,
        state: row.try_get(7)?,
    }))
}

/// None where the page is not leased by that secret.
async fn apply(inner: &Inner, settlement: &Settlement, secret: i64) -> Result<Option<Left>, Trouble> {
    let mut connection = inner.pool.connection().await?;
    let tx = connection.begin().await?;
    let number = signed(settlement.page.number);
    let Some(mut page) = find(&tx, number, secret).await? else {
        tx.undo().await?;
        return Ok(None);
    };
    if page.state != pages::LEASED {
        // An earlier try was committed, and its answer lost.
        tx.undo().await?;
        return Ok(Some(Left::Page));
    }
    if settlement.attempt.is_some() {
        page.attempts = page.attempts.saturating_add(1);
        page.first_attempt_at =
            page.first_attempt_at.or(settlement.attempt.as_ref().map(|attempt| attempt.at_ms));
    }
    let now_ms = inner.clock.now_ms();
    let settling = Settling { inner, settlement, page: &page, number, now_ms };
    let done = match (&settlement.outcome, Done::of(&settlement.outcome)) {
        (_, Some(done)) => {
            let prepared = settling.prepare(&tx, &done).await;
            match prepared {
                Ok(prepared) => prepared,
                Err(trouble) => {
                    tx.undo().await?;
                    return Err(trouble);
                }
            }
        }
        (Outcome::Retry { at_ms }, None) => Ending::waits(*at_ms),
        (_, None) => Ending::waits(page.created_at),
    };
    Ok(Some(settling.end(tx, &done).await?))
}

/// How a page ends, once what it leaves is put down.
struct Ending {
    state: i64,
    due_at: Option<i64>,
    delivered: i64,
    /// Records of it that are counted as in pages no more.
    gone: i64,
    changed: i64,
    dropped: i64,
    open: bool,
}

impl Ending {
    fn waits(due_at: i64) -> Self {
        Self {
            state: pages::WAITING,
            due_at: Some(due_at),
            delivered: 0,
            gone: 0,
            changed: 0,
            dropped: 0,
            open: true,
        }
    }
}

struct Settling<'a> {
    inner: &'a Inner,
    settlement: &'a Settlement,
    page: &'a Kept,
    number: i64,
    now_ms: i64,
}

impl Settling<'_> {
    /// Puts down what the page leaves.
    async fn prepare(&self, tx: &Tx<'_>, done: &Done<'_>) -> Result<Ending, Trouble> {
        let Self { inner, settlement, page, number: _, now_ms } = *self;
        let number = settlement.page.number;
        if done.hooked && page.destination != PRE_PAGE {
            return Err(Trouble::Asked(format!("page {number} is not one of the hook")));
        }
        let Done { errors: failed, again_at, fates, .. } = *done;
        let records = spans::decode_records(&page.records)?;
        let again = done.checked(&records).map_err(Trouble::Asked)?;
        let sent_again = page.kind == pages::ERRORS;
        if page.destination == PRE_PAGE {
            if sent_again {
                mend::keep(tx, number, fates, failed, &again, now_ms).await?;
            } else {
                hook::keep(tx, fates, failed.iter().map(|error| error.record)).await?;
            }
        }
        let child = if again.is_empty() { 0 } else { pages::next_number(tx).await? };
        let fold = inner.sorter.folds();
        if sent_again {
            retry::settle(tx, number, page.attempts, failed, &again, child, now_ms).await?;
        } else {
            let place =
                Place { destination: Some(&page.destination), page: Some(number), attempts: page.attempts };
            errors::insert(tx, place, failed, fold).await?;
        }
        if fold {
            fold::succeeded(tx, &page.destination, &settlement.healed, now_ms).await?;
        }
        if !again.is_empty() {
            let child = NewPage {
                number: child,
                destination: &page.destination,
                state: pages::WAITING,
                kind: page.kind,
                records: &again,
                oversized: page.oversized,
                attempts: page.attempts,
                first_attempt_at: page.first_attempt_at,
                due_at: again_at,
                created_at: now_ms,
                parent: Some(number),
            };
            pages::insert(tx, &child).await?;
        }
        let delivered = done.delivered(records.len(), again.len());
        let nothing = delivered == 0 && again.is_empty();
        // What `mend` counts of a page of errors it counts itself.
        let (changed, dropped) =
            if sent_again { (0, 0) } else { (count(fates.changed.len()), count(fates.dropped.len())) };
        Ok(Ending {
            state: if nothing { pages::FAILED } else { pages::DELIVERED },
            due_at: None,
            delivered: count(delivered),
            gone: if sent_again { 0 } else { count(records.len() - again.len()) },
            changed,
            dropped,
            open: !again.is_empty(),
        })
    }

    /// The page's row, the attempt and the counters, sent with the commit.
    async fn end(&self, tx: Tx<'_>, ending: &Ending) -> Result<Left, Trouble> {
        let Self { inner: _, settlement, page, number, now_ms } = self;
        let attempts = i64::from(page.attempts);
        let attempt = settlement
            .attempt
            .as_ref()
            .map(|attempt| (attempt.at_ms, i64::from(attempt.took_ms), attempt.status.map(i64::from)));
        let (at_ms, took_ms, status) = attempt.unwrap_or_default();
        let settled_at = ending.due_at.is_none().then_some(*now_ms);
        let noted: [Value<'_>; 5] = [int(number), int(&attempts), int(&at_ms), int(&took_ms), int(&status)];
        let row: [Value<'_>; 6] = [
            int(number),
            int(&ending.state),
            int(&attempts),
            int(&page.first_attempt_at),
            int(&ending.due_at),
            int(&settled_at),
        ];
        let counted: [Value<'_>; 5] = [
            text(&page.destination),
            int(&ending.delivered),
            int(&ending.gone),
            int(&ending.changed),
            int(&ending.dropped),
        ];
        let mut statements: Vec<(&str, &[Value<'_>])> = Vec::with_capacity(3);
        if attempt.is_some() {
            statements.push((
                "INSERT INTO attempt(page, number, at, took_ms, status) VALUES ($1, $2, $3, $4, $5)",
                &noted,
            ));
        }
        statements.push((
            "UPDATE page SET state = $2::bigint, attempts = $3, first_attempt_at = $4, due_at = coalesce($5, due_at), \
             settled_at = $6, holder = NULL, leased_until = NULL WHERE number = $1",
            &row,
        ));
        statements.push(if ending.due_at.is_some() {
            ("SELECT 1 FROM destination WHERE name = $1", &counted[..1])
        } else {
            (
                "UPDATE destination SET delivered = delivered + $2, page_records = page_records - $3, \
                 changed = changed + $4, ignored = ignored + $5 WHERE name = $1 RETURNING 1",
                &counted,
            )
        });
        let done = tx.commit_with(&statements).await?;
        let known = done.last().is_some_and(|rows| !rows.is_empty());
        Ok(match (page.destination == PRE_PAGE, ending.open, known) {
            (true, ..) => Left::Passed,
            (false, false, _) => Left::Nothing,
            (false, true, true) => Left::Page,
            (false, true, false) => Left::Orphan,
        })
    }
}
