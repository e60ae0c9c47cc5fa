//! What goes on by itself: bulk acts, errors that go the whole way again, waits that end, the tally.
//!
//! One task in each process. It sleeps until it is woken or a second has passed, does one small
//! step after the other, and ends with the store. Several processes share the work: each step takes
//! what no other has in hand, and what a process left undone the next one finds in the tables.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{act, bulk, erase, resend, retry, tally};
use crate::desk::DeskError;
use crate::store::StoreError;
use crate::store::history::series::minute_of;
use crate::store::postgres::Inner;
use crate::store::postgres::history::minutes;
use crate::store::postgres::status;
use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;

/// Errors that are put down again in one step.
const APPENDS: i64 = 64;
/// Between two steps, so that settling comes in between.
const PAUSE: Duration = Duration::from_millis(2);
/// Until the tables are looked at again: another process may have begun something.
const TICK: Duration = Duration::from_secs(1);
/// Waits that end in one step.
const OPENINGS: i64 = 1_000;
/// Changes of counts that one step puts into the tally.
const CHANGES: i64 = 20_000;
/// After a step that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Between two looks for errors on their way to destinations that are gone.
const ORPHANS: Duration = Duration::from_secs(30);
/// Between two looks for payloads that are to be erased.
const ERASURES: Duration = Duration::from_secs(2);
/// Between two removals of old versions of what was erased, and of minutes that are over.
const VACUUMS: Duration = Duration::from_mins(1);

/// The way to the task.
#[derive(Clone, Debug, Default)]
pub(in crate::store::postgres) struct Runner {
    wake: Arc<Notify>,
    stop: CancellationToken,
}

impl Runner {
    /// There may be something to do.
    pub(in crate::store::postgres) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Ends the task after the step that it is in.
    pub(in crate::store::postgres) fn stop(&self) {
        self.stop.cancel();
    }

    /// Begins the task; it runs until it is stopped.
    pub(in crate::store::postgres) fn start(&self, inner: Arc<Inner>) {
        tokio::spawn(self.clone().run(inner));
    }

    async fn run(self, inner: Arc<Inner>) {
        let mut failing = false;
        let mut seldom = Seldom::new();
        loop {
            let done = async {
                seldom.step(&inner).await?;
                step(&inner).await
            };
            let pause = match done.await {
                Ok(true) => PAUSE,
                Ok(false) => TICK,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "a bulk act or a retry cannot go on; it is tried again: {error}");
                    }
                    AFTER_FAILURE
                }
            };
            failing &= pause == AFTER_FAILURE;
            let next = async {
                if pause == TICK {
                    let _ = tokio::time::timeout(TICK, self.wake.notified()).await;
                } else {
                    tokio::time::sleep(pause).await;
                }
            };
            tokio::select! {
                () = next => {}
                () = self.stop.cancelled() => return,
            }
        }
    }
}

/// What is done now and then.
struct Seldom {
    orphans: Instant,
    erasures: Instant,
    vacuums: Instant,
    minutes: Instant,
    /// The minute of the last look.
    minute: Option<i64>,
    /// Tables with old versions of what was erased.
    tables: BTreeSet<String>,
}

impl Seldom {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            orphans: now,
            erasures: now,
            vacuums: now,
            minutes: now,
            minute: None,
            tables: BTreeSet::new(),
        }
    }

    async fn step(&mut self, inner: &Inner) -> Result<(), DeskError> {
        if over(&mut self.orphans, ORPHANS) {
            writing!(inner, |tx| retry::open_orphans(tx))?;
        }
        if over(&mut self.erasures, ERASURES) {
            let mut after = Some(0);
            while let Some(from) = after {
                let erased = writing!(inner, |tx| erase::step(tx, from))?;
                after = erased.next;
                self.tables.extend(erased.tables);
            }
        }
        if !self.tables.is_empty() && over(&mut self.vacuums, VACUUMS) {
            let tables = std::mem::take(&mut self.tables);
            erase::vacuum(&inner.pool, &tables).await?;
        }
        let now_ms = inner.clock.now_ms();
        let minute = minute_of(now_ms);
        if self.minute.replace(minute).is_some_and(|before| before < minute) {
            let pending = status::read(inner).await?.pending_records;
            writing!(inner, |tx| minutes::note_backlog(tx, minute.saturating_sub(1), pending))?;
        }
        if over(&mut self.minutes, VACUUMS) {
            // Those who are about to commit add to the last minutes still.
            writing!(inner, |tx| minutes::settle(tx, minute.saturating_sub(5)))?;
        }
        Ok(())
    }
}

/// Whether so much time has passed; then it begins anew.
fn over(since: &mut Instant, time: Duration) -> bool {
    let over = since.elapsed() >= time;
    if over {
        *since = Instant::now();
    }
    over
}

/// What there is to do.
struct Look {
    running: bool,
    opening: Option<i64>,
    resends: Vec<(i64, bytes::Bytes)>,
}

/// Does one of everything that there is to do; whether there may be more.
async fn step(inner: &Inner) -> Result<bool, DeskError> {
    let now_ms = inner.clock.now_ms();
    let look = reading!(inner, |tx| look(tx))?;
    let mut more = false;
    if look.running
        && let Some(stepped) = writing!(inner, |tx| bulk::step(tx, now_ms))?
    {
        more = true;
        if stepped.retries {
            inner.changed();
        }
    }
    if look.opening.is_some_and(|at_ms| at_ms <= now_ms) {
        more |= writing!(inner, |tx| act::end_waits(tx, now_ms, OPENINGS))? > 0;
    }
    if !look.resends.is_empty() {
        resend(inner, look.resends, now_ms).await?;
        inner.changed();
        more = true;
    }
    let moved = writing!(inner, |tx| tally::settle(tx, CHANGES))?;
    Ok(more || moved >= crate::store::postgres::trouble::unsigned(CHANGES))
}

async fn look(tx: &Tx<'_>) -> Result<Look, Trouble> {
    Ok(Look {
        running: bulk::runs(tx).await?,
        opening: act::next_opening(tx).await?,
        resends: resend::waiting(tx, APPENDS).await?,
    })
}

/// Puts errors down as deliveries of our own. Each is resolved in the transaction that does it, so
/// another process that has it too does nothing.
async fn resend(inner: &Inner, waiting: Vec<(i64, bytes::Bytes)>, now_ms: i64) -> Result<(), DeskError> {
    let appends = waiting.into_iter().map(|(error, body)| async move {
        let appended = inner.append_own(resend::request_id(error), now_ms, body).await;
        appended.map(|_| ()).map_err(|error| DeskError::from(StoreError::Failed(error.to_string())))
    });
    futures_util::future::try_join_all(appends).await?;
    Ok(())
}
