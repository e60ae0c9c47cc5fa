//! What goes on by itself: bulk acts, errors that go into the journal again, waits that end.
//!
//! One task of the store. It sleeps until it is woken, does one small step after the other, and
//! ends with the store. What it had not done is found in the tables after the next opening.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{act, bulk, resend};
use crate::store::StoreError;
use crate::store::index::readers::Readers;
use crate::store::index::writer::{Durability, Writer};
use crate::store::journal::{Journal, NewEntry};
use language::clock::Clock;

/// Errors that are appended to the journal in one step.
const APPENDS: i64 = 64;
/// Between two steps, so that settling and indexing come in between.
const PAUSE: Duration = Duration::from_millis(2);
/// Until the clock is looked at again, while errors wait for a time.
const TICK: Duration = Duration::from_secs(1);
/// Waits that end in one step.
const OPENINGS: i64 = 1_000;
/// After a step that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// The way to the task.
#[derive(Clone, Debug, Default)]
pub(in crate::store::index) struct Runner {
    wake: Arc<Notify>,
    stop: CancellationToken,
}

/// What the task works with.
pub(in crate::store::index) struct Work {
    pub(in crate::store::index) writer: Writer,
    pub(in crate::store::index) readers: Readers,
    pub(in crate::store::index) journal: Journal,
    pub(in crate::store::index) clock: Clock,
    pub(in crate::store::index) changes: Arc<watch::Sender<u64>>,
}

impl Runner {
    /// There may be something to do.
    pub(in crate::store::index) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Ends the task after the step that it is in.
    pub(in crate::store::index) fn stop(&self) {
        self.stop.cancel();
    }

    /// Runs until it is stopped or the store is closed.
    pub(in crate::store::index) async fn run(self, work: Work) {
        let mut failing = false;
        loop {
            let pause = match work.step().await {
                Ok(Step::Done) => Some(PAUSE),
                Ok(Step::Nothing { waits: true }) => Some(TICK),
                Ok(Step::Nothing { waits: false }) => None,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "a bulk act or a retry cannot go on; it is tried again: {error}");
                    }
                    Some(AFTER_FAILURE)
                }
            };
            failing &= pause == Some(AFTER_FAILURE);
            let next = async {
                match pause {
                    Some(TICK) => {
                        let _ = tokio::time::timeout(TICK, self.wake.notified()).await;
                    }
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => self.wake.notified().await,
                }
            };
            tokio::select! {
                () = next => {}
                () = self.stop.cancelled() => return,
            }
        }
    }
}

/// What a step did.
enum Step {
    /// Something, and there may be more.
    Done,
    /// Nothing.
    Nothing {
        /// There are errors that wait for a time.
        waits: bool,
    },
}

impl Work {
    async fn step(&self) -> Result<Step, StoreError> {
        let now_ms = self.clock.now_ms();
        let (running, opening) = self
            .readers
            .run(|connection| Ok((bulk::runs(connection)?, act::next_opening(connection)?)))
            .await?;
        let mut stepped = None;
        if running {
            stepped = self
                .writer
                .call(Durability::Synced, move |connection| bulk::step(connection, now_ms))
                .await?;
        }
        let over = opening.is_some_and(|at_ms| at_ms <= now_ms);
        if over {
            let opened = self
                .writer
                .call(Durability::Synced, move |connection| act::end_waits(connection, now_ms, OPENINGS));
            opened.await?;
        }
        let resent = self.resend(now_ms).await?;
        if resent || stepped.is_some_and(|stepped| stepped.retries) {
            self.changes.send_modify(|number| *number = number.wrapping_add(1));
        }
        if resent || over || stepped.is_some() {
            return Ok(Step::Done);
        }
        Ok(Step::Nothing { waits: opening.is_some() })
    }

    async fn resend(&self, now_ms: i64) -> Result<bool, StoreError> {
        let waiting = self.readers.run(|connection| resend::waiting(connection, APPENDS)).await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let mut errors = Vec::with_capacity(waiting.len());
        for (error, body) in waiting {
            let request: Uuid = resend::request_id(error);
            let entry = NewEntry { request, received_at_ms: now_ms, body };
            let appended = self.journal.append(entry).await;
            appended.map_err(|error| StoreError::Failed(error.to_string()))?;
            errors.push(error);
        }
        self.writer
            .call(Durability::Replayable, move |connection| resend::appended(connection, &errors))
            .await?;
        Ok(true)
    }
}
