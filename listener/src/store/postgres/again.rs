//! Leasing a page of what goes again: errors that are sent once more, and records of replays, in turns.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Inner;
use super::cut::LEASED;
use super::desk::retry;
use super::history::replay::{self, Found};
use super::leases::Leases;
use super::pages;
use super::sql::{Value, int, text};
use super::trouble::{Trouble, signed};
use super::tx::{Connection, Tx};
use crate::store::{Page, PageRequest, Record};

/// What waits at a destination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// There are errors to be sent again.
    pub(super) errors: bool,
    /// There are records to be replayed.
    pub(super) replays: bool,
    /// There are errors that a success could close.
    pub(super) heals: bool,
}

impl Waiting {
    /// Whether anything does.
    pub(super) fn any(self) -> bool {
        self.errors || self.replays
    }
}

/// What was found.
#[derive(Debug)]
pub(super) enum Again {
    /// A page, leased.
    Page(Page),
    /// Nothing, now; `busy`: because another process has it in hand, so that it is looked for again soon.
    Nothing { busy: bool },
}

/// Looks for a page. `replays_next` says whose turn it is where both wait.
pub(super) async fn lease(
    connection: &mut Connection,
    inner: &Inner,
    request: &PageRequest,
    waiting: Waiting,
    replays_next: &AtomicBool,
) -> Result<Again, Trouble> {
    let both = waiting.errors && waiting.replays;
    let replays_first = waiting.replays && (!both || replays_next.fetch_xor(true, Ordering::Relaxed));
    let mut busy = false;
    if replays_first {
        match lease_replay(connection, inner, request, waiting.heals).await? {
            Again::Nothing { busy: is_busy } => busy = is_busy,
            found @ Again::Page(_) => return Ok(found),
        }
    }
    if waiting.errors
        && let Some(page) = lease_errors(connection, inner, request).await?
    {
        return Ok(Again::Page(page));
    }
    if waiting.replays && !replays_first {
        return lease_replay(connection, inner, request, waiting.heals).await;
    }
    Ok(Again::Nothing { busy })
}

/// Locks the destination; whether one page more may be in flight.
async fn has_room(tx: &Tx<'_>, request: &PageRequest) -> Result<bool, Trouble> {
    let max_leased = i64::try_from(request.max_leased).unwrap_or(i64::MAX);
    let lock = format!("SELECT {LEASED} FROM (SELECT 1 FROM destination WHERE name = $1 FOR UPDATE) AS one");
    let row = tx.query_typed_opt(&lock, &[text(&request.destination)]).await?;
    let leased = row.map(|row| row.try_get::<_, i64>(0)).transpose()?;
    Ok(leased.is_some_and(|leased| leased < max_leased))
}

/// Leases the page that the transaction made, and commits it.
async fn commit(tx: Tx<'_>, inner: &Inner, number: u64) -> Result<(), Trouble> {
    let (secret, seconds) = (Leases::secret(), inner.lease.as_secs_f64());
    let update = "UPDATE page SET holder = $2, lease = $3, \
        leased_until = clock_timestamp() + make_interval(secs => $4::float8) WHERE number = $1";
    let signed_number = signed(number);
    let values: [Value<'_>; 4] = [
        int(&signed_number),
        int(&inner.holder),
        int(&secret),
        (&seconds, tokio_postgres::types::Type::FLOAT8),
    ];
    // Before the commit: whatever comes of it, the page is renewed no longer than it is known here.
    inner.leases.add(number, secret);
    let done = tx.commit_with(&[(update, &values)]).await;
    if done.is_err() {
        inner.leases.remove(number, secret);
    }
    done.map(|_| ())
}

fn page(
    inner: &Inner,
    request: &PageRequest,
    number: u64,
    records: (Vec<Record>, bool),
    heals: bool,
) -> Page {
    let (records, oversized) = records;
    Page {
        id: inner.names.page(number),
        destination: request.destination.clone(),
        records,
        attempts: 0,
        first_attempt_at_ms: None,
        oversized,
        heals,
    }
}

/// A page of errors that are sent again; none where the filter leaves them all out now.
async fn lease_errors(
    connection: &mut Connection,
    inner: &Inner,
    request: &PageRequest,
) -> Result<Option<Page>, Trouble> {
    let tx = connection.begin().await?;
    // No other process collects the same ones meanwhile.
    if !has_room(&tx, request).await? {
        tx.undo().await?;
        return Ok(None);
    }
    let mut again = retry::collect(&tx, request).await?;
    if again.is_empty() {
        tx.undo().await?;
        return Ok(None);
    }
    let number = pages::next_number(&tx).await?;
    let made = retry::Commit::of(&mut again, &request.destination, number, request.now_ms);
    if !made.apply(&tx).await? {
        tx.commit().await?;
        return Ok(None);
    }
    commit(tx, inner, number).await?;
    Ok(Some(page(inner, request, number, again.into_page(), true)))
}

/// A page of a replay; nothing where nothing of the replays is left to send.
async fn lease_replay(
    connection: &mut Connection,
    inner: &Inner,
    request: &PageRequest,
    heals: bool,
) -> Result<Again, Trouble> {
    loop {
        let tx = connection.begin().await?;
        let mut cut = match replay::collect(&tx, request).await? {
            Found::Cut(cut) => cut,
            other => {
                tx.undo().await?;
                return Ok(Again::Nothing { busy: matches!(other, Found::Busy) });
            }
        };
        let number = pages::next_number(&tx).await?;
        let made = replay::Commit::of(&mut cut, request, number);
        made.fail(&tx, inner.sorter.folds()).await?;
        if !has_room(&tx, request).await? {
            tx.undo().await?;
            return Ok(Again::Nothing { busy: false });
        }
        made.apply(&tx).await?;
        if !cut.has_records() {
            // Nothing of it is there any more, or the filter takes none: the next ones.
            tx.commit().await?;
            continue;
        }
        commit(tx, inner, number).await?;
        return Ok(Again::Page(page(inner, request, number, cut.into_page(), heals)));
    }
}
