//! The error desk on PostgreSQL. What it promises: [`crate::desk`]. Its tables: `desk.sql`.
//!
//! [`way`] chooses how a list is read, [`tally`] counts, [`act`] changes one error and [`bulk`]
//! many. Errors on their way again are put into pages by [`retry`], or, where they failed before
//! any destination, put down as deliveries of our own by [`resend`]; what passes the hook at last
//! goes on by [`mend`]. [`fold`] closes older errors.
//!
//! # Invariants
//!
//! 1. Errors are locked in the order of their numbers, whoever changes them.
//! 2. `tally` with `tally_delta` counts the rows of `error` at each moment that a transaction sees:
//!    triggers write the changes in the transaction that makes them.
//! 3. Nothing is kept in the process that another process would have to know.

/// Reads within a transaction, and sees all of it as at one moment.
macro_rules! reading {
    ($inner:expr, |$tx:ident| $work:expr) => {{
        let mut connection = $inner.pool.connection().await?;
        let begun = connection.look().await?;
        let $tx = &begun;
        let found = $work.await;
        let ended = begun.undo().await;
        match found {
            Ok(found) => ended.map(|()| found).map_err($crate::desk::DeskError::from),
            Err(error) => Err($crate::desk::DeskError::from(error)),
        }
    }};
}

/// Writes within a transaction, as a whole or not at all; again where it was in the way of another.
macro_rules! writing {
    ($inner:expr, |$tx:ident| $work:expr) => {{
        let mut tries = 1;
        loop {
            let mut connection = $inner.pool.connection().await?;
            let begun = connection.begin().await?;
            let $tx = &begun;
            match $work.await {
                Ok(done) => break begun.commit().await.map(|()| done).map_err($crate::desk::DeskError::from),
                Err(error) => {
                    let ended = begun.undo().await;
                    if tries >= $crate::store::postgres::desk::TRIES
                        || !$crate::store::postgres::desk::Passing::is_passing(&error)
                    {
                        break Err($crate::desk::DeskError::from(error));
                    }
                    ended?;
                    tries += 1;
                }
            }
        }
    }};
}

pub(super) use reading;

mod act;
pub(super) mod audit;
pub(super) mod bulk;
pub(super) mod condition;
mod detail;
pub(super) mod erase;
pub(super) mod errors;
pub(super) mod fail;
pub(super) mod fold;
mod list;
pub(super) mod mend;
pub(super) mod resend;
pub(super) mod retry;
mod runner;
pub(super) mod sql;
pub(super) mod state;
pub(super) mod tally;
mod text;
pub(super) mod way;

#[cfg(test)]
pub(super) mod tests;

use async_trait::async_trait;

use self::act::Doing;
pub(super) use self::act::end_waits;
pub(super) use self::audit::remove as remove_audit;
use self::fail::Fail;
pub(super) use self::runner::Runner;
use super::Postgres;
use super::history::replay;
use super::trouble::Trouble;
use crate::desk::{
    Act, Acted, Actor, AuditEntry, Bulk, Counting, Counts, Desk, DeskError, ErrorDetail, ErrorFilter,
    ErrorShown, Listing, Plan, Query, RecordFilter, Selection,
};
use crate::store::desk::rules;

/// Tries of a transaction that was in the way of another.
const TRIES: u32 = 5;

/// A failure that may be passing.
pub(in crate::store::postgres) trait Passing {
    /// Whether the same transaction, begun anew, may well succeed.
    fn is_passing(&self) -> bool;
}

impl Passing for Trouble {
    fn is_passing(&self) -> bool {
        Self::is_passing(self)
    }
}

impl Passing for Fail {
    fn is_passing(&self) -> bool {
        match self {
            Self::Desk(_) => false,
            Self::Trouble(trouble) => trouble.is_passing(),
        }
    }
}

impl Postgres {
    /// What a replay would do. Its steps read; what they find is put down in between.
    async fn plan_replay(
        &self,
        actor: &Actor,
        filter: &RecordFilter,
        to: &str,
        now_ms: i64,
    ) -> Result<Plan, DeskError> {
        let sorter = self.inner.sorter.as_ref();
        let mut planning = writing!(self.inner, |tx| replay::begin(tx, actor, filter, to, now_ms))?;
        let plan = planning.plan;
        while planning.goes_on() {
            reading!(self.inner, |tx| replay::step(tx, sorter, &mut planning))?;
            let found = planning.take_found();
            if !found.is_empty() {
                writing!(self.inner, |tx| replay::put(tx, plan, &found))?;
            }
        }
        writing!(self.inner, |tx| replay::end(tx, &planning))?;
        Ok(planning.whole(now_ms.saturating_add(bulk::PLAN_MS)))
    }

    /// Wakes whoever waits for pages, here and elsewhere, and the runner.
    fn stirred(&self) {
        self.inner.changed();
        self.inner.runner.wake();
    }
}

#[async_trait]
impl Desk for Postgres {
    async fn errors(&self, query: Query<ErrorFilter>) -> Result<Listing<ErrorShown>, DeskError> {
        reading!(self.inner, |tx| list::list(tx, &query))
    }

    async fn count(&self, filter: ErrorFilter, counting: Counting) -> Result<Counts, DeskError> {
        reading!(self.inner, |tx| tally::count(tx, &filter, counting))
    }

    async fn error(&self, id: i64) -> Result<ErrorDetail, DeskError> {
        let names = &self.inner.names;
        reading!(self.inner, |tx| detail::detail(tx, names, id))
    }

    async fn act(&self, actor: Actor, error: i64, act: Act) -> Result<Acted, DeskError> {
        let doing = Doing { actor, now_ms: self.inner.clock.now_ms() };
        let state = writing!(self.inner, |tx| act::one(tx, &act, error, &doing))?;
        self.stirred();
        Ok(Acted { state })
    }

    async fn plan(&self, actor: Actor, selection: Selection, act: Act) -> Result<Plan, DeskError> {
        let now_ms = self.inner.clock.now_ms();
        let filter = match (selection, &act) {
            (Selection::Errors(filter), _) => filter,
            (Selection::Records(filter), Act::Replay { to }) => {
                return self.plan_replay(&actor, &filter, to, now_ms).await;
            }
            (Selection::Records(_), act) => return Err(rules::not_of_records(act)),
        };
        let plan = writing!(self.inner, |tx| bulk::begin_plan(tx, &actor, &filter, &act, now_ms))?;
        let mut after = Some(0);
        while let Some(from) = after {
            after = writing!(self.inner, |tx| bulk::extend_plan(tx, plan, &filter, from))?;
        }
        writing!(self.inner, |tx| bulk::end_plan(tx, plan, now_ms))
    }

    async fn start(&self, actor: Actor, plan: i64) -> Result<Bulk, DeskError> {
        let now_ms = self.inner.clock.now_ms();
        let bulk = writing!(self.inner, |tx| bulk::start(tx, &actor, plan, now_ms))?;
        self.stirred();
        Ok(bulk)
    }

    async fn bulk(&self, id: i64) -> Result<Bulk, DeskError> {
        reading!(self.inner, |tx| bulk::find(tx, id))
    }

    async fn bulks(&self, query: Query<()>) -> Result<Listing<Bulk>, DeskError> {
        reading!(self.inner, |tx| bulk::list(tx, &query))
    }

    async fn cancel(&self, actor: Actor, id: i64) -> Result<Bulk, DeskError> {
        let now_ms = self.inner.clock.now_ms();
        writing!(self.inner, |tx| bulk::cancel(tx, &actor, id, now_ms))
    }

    async fn note_settings(&self, actor: Actor, detail: String) -> Result<(), DeskError> {
        let now_ms = self.inner.clock.now_ms();
        let about = audit::About::default();
        writing!(self.inner, |tx| audit::write(tx, now_ms, &actor, "settings", about, &detail))
    }

    async fn audit(&self, query: Query<Option<i64>>) -> Result<Listing<AuditEntry>, DeskError> {
        reading!(self.inner, |tx| audit::list(tx, &query))
    }
}
