//! Keeps one loop for each destination of the newest configuration.
//!
//! The store is told the names first, then loops begin; the first time before the listener takes
//! deliveries, for a destination gets only what comes after. A destination that was
//! removed finishes what is in flight; until then the store still knows it, so
//! that its pages can be settled, and a destination of the same name that comes
//! back meanwhile begins when it is done. One that changed is not restarted: its
//! loop takes the new settings up for the next page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::context::Context;
use super::destination::Destination;
use super::guard::AddressPolicy;
use super::timing::doubled;
use crate::config::Live;
use crate::store::StoreError;

/// A loop that runs.
struct Running {
    task: Id,
    stop: CancellationToken,
    abandon: CancellationToken,
    /// Set when it is to end: then what is in flight is given back.
    drained_by: Option<Instant>,
}

/// Starts and ends the loops of one listener.
pub(super) struct Supervisor {
    context: Arc<Context>,
    live: watch::Receiver<Arc<Live>>,
    live_ended: bool,
    stop: CancellationToken,
    abandon: CancellationToken,
    running: BTreeMap<String, Running>,
    tasks: JoinSet<()>,
    /// The configuration by which the loops are.
    reached: watch::Sender<Arc<Live>>,
    /// What the store was told last.
    told: Option<BTreeSet<String>>,
    /// Pages of destinations that are gone may still be there.
    orphans: bool,
}

impl Supervisor {
    pub(super) fn new(
        context: Arc<Context>,
        live: watch::Receiver<Arc<Live>>,
        stop: CancellationToken,
        abandon: CancellationToken,
    ) -> Self {
        let reached = watch::Sender::new(Arc::clone(&live.borrow()));
        Self {
            context,
            reached,
            live,
            live_ended: false,
            stop,
            abandon,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            told: None,
            orphans: false,
        }
    }

    /// Follows by which configuration the loops are, once they are.
    pub(super) fn reached(&self) -> watch::Receiver<Arc<Live>> {
        self.reached.subscribe()
    }

    /// Runs until it is stopped and every loop has ended.
    pub(super) async fn run(mut self) {
        let mut failures: u32 = 0;
        while !self.stop.is_cancelled() {
            let again = match self.step().await {
                Ok(()) => {
                    failures = 0;
                    None
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(%error, "the store cannot be told the destinations; trying again");
                    }
                    let timing = &self.context.timing;
                    let wait = doubled(timing.store_wait, failures, timing.longest_store_wait);
                    failures = failures.saturating_add(1);
                    Some(wait)
                }
            };
            self.sleep(again).await;
        }
        while self.tasks.join_next().await.is_some() {}
    }

    async fn step(&mut self) -> Result<(), StoreError> {
        self.reconcile().await?;
        if self.orphans {
            self.context.store.fail_orphans().await?;
            self.orphans = false;
        }
        Ok(())
    }

    /// Makes the loops what the newest configuration asks for.
    pub(super) async fn reconcile(&mut self) -> Result<(), StoreError> {
        let live = Arc::clone(&self.live.borrow_and_update());
        let wanted: BTreeSet<String> = live.stages().map(|it| it.name.clone()).collect();
        self.renew_client(&live);
        let drained_by = Instant::now() + self.context.timing.drain;
        for (name, running) in &mut self.running {
            if !wanted.contains(name) && running.drained_by.is_none() {
                tracing::info!(destination.name = %name, "destination {name} was removed");
                running.stop.cancel();
                running.drained_by = Some(drained_by);
            }
        }
        let known: BTreeSet<String> = wanted.iter().chain(self.running.keys()).cloned().collect();
        if self.told.as_ref() != Some(&known) {
            // In the order of the manifest; those that are still draining after them.
            let mut names: Vec<String> = live.stages().map(|it| it.name.clone()).collect();
            names.extend(known.difference(&wanted).cloned());
            self.context.store.set_destinations(&names).await?;
            self.told = Some(known);
            self.orphans = true;
        }
        for name in wanted {
            if !self.running.contains_key(&name) {
                self.begin(name);
            }
        }
        self.reached.send_replace(live);
        Ok(())
    }

    fn begin(&mut self, name: String) {
        let (stop, abandon) = (self.stop.child_token(), self.abandon.child_token());
        let destination =
            Destination::new(&self.context, &name, self.live.clone(), stop.clone(), abandon.clone());
        let task = self.tasks.spawn(destination.run()).id();
        self.running.insert(name, Running { task, stop, abandon, drained_by: None });
    }

    /// Another set of allowed addresses needs another client: its connections were made under the old one.
    fn renew_client(&self, live: &Live) {
        let policy = policy_of(live);
        if self.context.client.load().policy() == &policy {
            return;
        }
        match Client::build(policy, &self.context.timing) {
            Ok(client) => self.context.client.store(Arc::new(client)),
            Err(error) => tracing::error!(%error, "the allowed addresses stay what they were"),
        }
    }

    async fn sleep(&mut self, again: Option<Duration>) {
        let timer = async |wait: Option<Instant>| match wait {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        };
        let again = again.map(|wait| Instant::now() + wait);
        let drained_by = self.running.values().filter_map(|running| running.drained_by).min();
        tokio::select! {
            () = self.stop.cancelled() => {}
            changed = self.live.changed(), if !self.live_ended => match changed {
                Ok(()) => {}
                Err(_) => self.live_ended = true,
            },
            Some(ended) = self.tasks.join_next_with_id() => self.ended(ended.map(|(id, ())| id)).await,
            () = timer(again) => {}
            () = timer(drained_by) => self.abandon_drained(),
        }
    }

    async fn ended(&mut self, ended: Result<Id, JoinError>) {
        let id = match ended {
            Ok(id) => id,
            Err(error) => {
                tracing::error!(%error, "the loop of a destination ended by a mistake of ours; it begins again");
                // Not at once: the mistake may come at once again.
                tokio::time::sleep(self.context.timing.first_probe).await;
                error.id()
            }
        };
        self.running.retain(|_, running| running.task != id);
    }

    fn abandon_drained(&mut self) {
        let now = Instant::now();
        for running in self.running.values_mut() {
            if running.drained_by.is_some_and(|at| at <= now) {
                running.abandon.cancel();
                running.drained_by = Some(now + self.context.timing.drain);
            }
        }
    }
}

/// The policy of a configuration. Blocks were checked when it was read; should one
/// be wrong all the same, none is allowed.
pub(super) fn policy_of(live: &Live) -> AddressPolicy {
    AddressPolicy::parse(&live.configuration.allowed_addresses).unwrap_or_else(|error| {
        tracing::error!(%error, "no barred address is allowed");
        AddressPolicy::default()
    })
}
