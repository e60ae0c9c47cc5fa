//! The error desk on the index. What it promises: [`crate::desk`]. Its tables: `tables.sql`.
//!
//! [`way`] chooses how a list is read, [`tally`] counts, [`act`] changes one error and [`bulk`]
//! many. Errors on their way again are put into pages by [`retry`], or, where they failed before
//! any destination, appended to the journal by [`resend`]; what passes the hook at last goes on by
//! [`mend`]. [`fold`] closes older errors. Plans about records are those of
//! [`super::history::replay`], kept and started as the others are.

mod act;
pub(super) mod audit;
pub(super) mod bulk;
mod condition;
mod detail;
pub(super) mod fail;
pub(super) mod fold;
mod list;
pub(super) mod mend;
pub(super) mod resend;
pub(super) mod retry;
mod runner;
mod state;
pub(super) mod tally;
pub(super) mod way;

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;

use self::act::Doing;
pub(super) use self::act::end_waits;
use self::fail::{Fail, told};
pub(super) use self::runner::{Runner, Work};
use super::Embedded;
use super::history::replay;
use super::trouble::Trouble;
use super::writer::Durability;
use crate::desk::{
    Act, Acted, Actor, AuditEntry, Bulk, Counting, Counts, Desk, DeskError, ErrorDetail, ErrorFilter,
    ErrorShown, Listing, Plan, Query, RecordFilter, Selection,
};
use crate::store::desk::rules;

impl Embedded {
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, DeskError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fail> + Send + 'static,
    {
        self.inner.readers.run(move |connection| told(read(connection))).await?
    }

    /// Acts are synced: what somebody was told is done stays done.
    pub(super) async fn write<T, F>(&self, write: F) -> Result<T, DeskError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fail> + Send + 'static,
    {
        self.inner.writer.call(Durability::Synced, move |connection| told(write(connection))).await?
    }

    /// What a replay would do. Its steps read; what they find is put down in between.
    async fn plan_replay(
        &self,
        actor: Actor,
        filter: RecordFilter,
        to: String,
        now_ms: i64,
    ) -> Result<Plan, DeskError> {
        let mut planning =
            self.write(move |connection| replay::begin(connection, &actor, filter, to, now_ms)).await?;
        let plan = planning.plan;
        while planning.goes_on() {
            let (journal, sorter) = (self.inner.journal.clone(), Arc::clone(&self.inner.sorter));
            let step =
                move |connection: &Connection| replay::step(planning, connection, &journal, sorter.as_ref());
            planning = self.inner.readers.run(step).await?;
            let found = planning.take_found();
            if found.is_empty() {
                continue;
            }
            // Not synced: a plan that is lost is made again by whoever waits for it.
            self.inner
                .writer
                .call(Durability::Replayable, move |connection| replay::put(connection, plan, &found))
                .await?;
        }
        self.write(move |connection| replay::end(connection, planning, now_ms)).await
    }

    /// Wakes whoever waits for pages, and the runner.
    fn stirred(&self) {
        self.inner.changed();
        self.runner.wake();
    }
}

#[async_trait]
impl Desk for Embedded {
    async fn errors(&self, query: Query<ErrorFilter>) -> Result<Listing<ErrorShown>, DeskError> {
        self.read(move |connection| list::list(connection, &query)).await
    }

    async fn count(&self, filter: ErrorFilter, counting: Counting) -> Result<Counts, DeskError> {
        self.read(move |connection| Ok(tally::count(connection, &filter, counting)?)).await
    }

    async fn error(&self, id: i64) -> Result<ErrorDetail, DeskError> {
        let names = self.inner.names.clone();
        self.read(move |connection| detail::detail(connection, &names, id)).await
    }

    async fn act(&self, actor: Actor, error: i64, act: Act) -> Result<Acted, DeskError> {
        let doing = Doing { actor, now_ms: self.inner.clock.now_ms(), bulk: None };
        let state = self
            .write(move |connection| {
                rules::check(&act)?;
                act::apply(connection, &act, error, &doing)
            })
            .await?;
        self.stirred();
        Ok(Acted { state })
    }

    async fn plan(&self, actor: Actor, selection: Selection, act: Act) -> Result<Plan, DeskError> {
        let now_ms = self.inner.clock.now_ms();
        let filter = match (selection, &act) {
            (Selection::Errors(filter), _) => filter,
            (Selection::Records(filter), Act::Replay { to }) => {
                let to = to.clone();
                return self.plan_replay(actor, filter, to, now_ms).await;
            }
            (Selection::Records(_), act) => return Err(rules::not_of_records(act)),
        };
        let wanted = filter.clone();
        let plan =
            self.write(move |connection| bulk::begin_plan(connection, &actor, &wanted, &act, now_ms)).await?;
        let mut after = Some(0);
        while let Some(from) = after {
            let filter = filter.clone();
            // Not synced: a plan that is lost is made again by whoever waits for it.
            after = self
                .inner
                .writer
                .call(Durability::Replayable, move |connection| {
                    bulk::extend_plan(connection, plan, &filter, from)
                })
                .await?;
        }
        self.write(move |connection| bulk::end_plan(connection, plan, now_ms)).await
    }

    async fn start(&self, actor: Actor, plan: i64) -> Result<Bulk, DeskError> {
        let now_ms = self.inner.clock.now_ms();
        let bulk = self.write(move |connection| bulk::start(connection, &actor, plan, now_ms)).await?;
        self.stirred();
        Ok(bulk)
    }

    async fn bulk(&self, id: i64) -> Result<Bulk, DeskError> {
        self.read(move |connection| bulk::find(connection, id)).await
    }

    async fn bulks(&self, query: Query<()>) -> Result<Listing<Bulk>, DeskError> {
        self.read(move |connection| bulk::list(connection, &query)).await
    }

    async fn cancel(&self, actor: Actor, id: i64) -> Result<Bulk, DeskError> {
        let now_ms = self.inner.clock.now_ms();
        self.write(move |connection| bulk::cancel(connection, &actor, id, now_ms)).await
    }

    async fn note_settings(&self, actor: Actor, detail: String) -> Result<(), DeskError> {
        let now_ms = self.inner.clock.now_ms();
        let about = audit::About::default();
        self.write(move |connection| {
            Ok(audit::write(connection, now_ms, &actor, "settings", about, &detail)?)
        })
        .await
    }

    async fn audit(&self, query: Query<Option<i64>>) -> Result<Listing<AuditEntry>, DeskError> {
        self.read(move |connection| audit::list(connection, &query)).await
    }
}

/// Removes lines of the audit log that are older than `before_ms`; how many.
pub(super) fn remove_audit(connection: &Connection, before_ms: i64, limit: i64) -> Result<u64, Trouble> {
    let removed = connection
        .prepare_cached("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 LIMIT ?2)")?
        .execute([before_ms, limit])?;
    Ok(super::trouble::unsigned(super::trouble::count(removed)))
}
