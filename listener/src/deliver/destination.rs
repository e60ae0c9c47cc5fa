//! The loop of one destination: asks the store for pages and sends them.
//!
//! # Invariants
//!
//! 1. At most `concurrency` pages are in flight; one while the destination is probed.
//! 2. A page is sent with the newest settings at the moment of its lease; what is
//!    in flight when they change goes on with the old ones. Nothing waits for it.
//! 3. A call of `lease` is never dropped halfway: a page that the store leased is
//!    in flight, or given back.
//! 4. What an attempt showed counts from its answer on, however long the store takes to settle its page.
//! 5. The loop sleeps until something can have changed: the store, the settings, a
//!    page in flight, the time. It never spins: a time that has passed already
//!    still makes it sleep a little.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::delivery::{deliver, give_back};
use super::gate::{Gate, PauseReason, Paused, Sign};
use super::leave::leave;
use super::plan::Plan;
use super::rate::Limiter;
use super::timing::{doubled, millis};
use crate::config::Live;
use crate::metrics::DestinationLabels;
use crate::store::{Lease, Page, StoreError};

/// The shortest sleep, whatever the time asked for.
const SHORTEST_SLEEP_MS: i64 = 5;
/// The longest: the wall clock may have been set.
const LONGEST_SLEEP_MS: i64 = 60_000;
/// After the store changed: what comes within this time is one question, not hundreds.
const GATHER: Duration = Duration::from_millis(2);

/// One destination.
pub(super) struct Destination {
    context: Arc<Context>,
    name: String,
    live: watch::Receiver<Arc<Live>>,
    live_ended: bool,
    changes: watch::Receiver<u64>,
    changes_ended: bool,
    stop: CancellationToken,
    abandon: CancellationToken,
    plan: Option<Arc<Plan>>,
    /// The one before the destination was gone: it still knows which records are its.
    last_plan: Option<Arc<Plan>>,
    /// Of the last plan: they outlive it, to be taken away at the end.
    labels: Option<DestinationLabels>,
    gate: Gate,
    limiter: Option<Limiter>,
    in_flight: JoinSet<()>,
    /// What attempts showed, and whether they were probes: at most one of each page in flight.
    signs: mpsc::UnboundedReceiver<(Sign, bool)>,
    teller: mpsc::UnboundedSender<(Sign, bool)>,
    paused_since_ms: Option<i64>,
    store_failures: u32,
}

impl Destination {
    /// The destination `name` of the listener. `stop`: no further page. `abandon`: give back what is in flight.
    pub(super) fn new(
        context: &Arc<Context>,
        name: &str,
        live: watch::Receiver<Arc<Live>>,
        stop: CancellationToken,
        abandon: CancellationToken,
    ) -> Self {
        let mut live = live;
        live.mark_changed();
        let (teller, signs) = mpsc::unbounded_channel();
        Self {
            changes: context.store.changes(),
            context: Arc::clone(context),
            name: name.to_owned(),
            live,
            live_ended: false,
            changes_ended: false,
            stop,
            abandon,
            plan: None,
            last_plan: None,
            labels: None,
            gate: Gate::default(),
            limiter: None,
            in_flight: JoinSet::new(),
            signs,
            teller,
            paused_since_ms: None,
            store_failures: 0,
        }
    }

    /// Runs until it is stopped and nothing is in flight.
    pub(super) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            self.renew();
            self.catch_up();
            self.show();
            self.step().await;
        }
        while let Some(ended) = self.in_flight.join_next().await {
            self.ended(ended);
        }
        let removed = !self.live.borrow().stages().any(|stage| stage.name == self.name);
        if let (true, Some(plan)) = (removed, self.plan.as_ref().or(self.last_plan.as_ref())) {
            leave(&self.context, plan, &self.abandon).await;
        }
        self.context.board.remove(&self.name);
        if let Some(labels) = &self.labels {
            self.context.metrics.destination_paused.remove(labels);
        }
    }

    /// Takes up the newest settings.
    fn renew(&mut self) {
        if self.plan.is_some() && !self.live.has_changed().unwrap_or(false) {
            return;
        }
        let live = Arc::clone(&self.live.borrow_and_update());
        let before = std::mem::replace(
            &mut self.plan,
            Plan::of(&self.name, &live, &self.context.clock, &self.context.metrics),
        );
        if self.plan.is_none() {
            self.last_plan = before.or(self.last_plan.take());
        }
        if let Some(plan) = &self.plan {
            self.labels = Some(plan.labels.clone());
        }
        let rate = self.plan.as_ref().and_then(|plan| plan.destination.rate);
        if rate != self.limiter.as_ref().map(Limiter::rate) {
            self.limiter = rate.and_then(Limiter::new);
        }
        // What was mended may be why it was paused.
        self.gate.probe_now(self.context.clock.now_ms());
        let paused = live.configuration.spec.paused;
        self.paused_since_ms =
            paused.then(|| self.paused_since_ms.unwrap_or_else(|| self.context.clock.now_ms()));
    }

    /// Puts the state where the admin port and the metrics see it.
    fn show(&self) {
        let manifest = self.paused_since_ms.map(|since_ms| Paused {
            reason: PauseReason::Manifest,
            since_ms,
            next_probe_ms: None,
        });
        let paused = manifest.or_else(|| self.gate.paused(self.context.clock.now_ms()));
        self.context.board.show(&self.name, paused);
        if let Some(plan) = &self.plan {
            let gauge = self.context.metrics.destination_paused.get_or_create(&plan.labels);
            gauge.set(i64::from(self.gate.is_probing()));
        }
    }

    async fn step(&mut self) {
        let now_ms = self.context.clock.now_ms();
        let Some(plan) = self.plan.clone() else { return self.sleep(None, false).await };
        let places = if self.gate.is_probing() { 1 } else { plan.destination.concurrency.max(1) };
        if self.paused_since_ms.is_some() || self.in_flight.len() >= places {
            return self.sleep(None, false).await;
        }
        if let Some(until_ms) = self.gate.shut_until(now_ms) {
            return self.sleep(Some(until_ms), false).await;
        }
        // Before the question, so that a change after it is not missed.
        self.changes.mark_unchanged();
        match self.context.store.lease(plan.request(now_ms)).await {
            Ok(lease) => {
                if self.store_failures > 0 {
                    self.store_failures = 0;
                    tracing::info!(destination.name = %self.name, "the store gives pages again");
                }
                match lease {
                    Lease::Page(page) => self.send(plan, page).await,
                    Lease::Wait { until_ms } => self.sleep(until_ms, true).await,
                }
            }
            Err(error) => self.store_failed(&error).await,
        }
    }

    /// Sends a leased page as soon as the rate limit lets it.
    async fn send(&mut self, plan: Arc<Plan>, page: Page) {
        while let Some(limiter) = &mut self.limiter {
            match limiter.take(&*self.context.store, &self.name).await {
                Ok(Ok(())) => break,
                Ok(Err(wait)) => tokio::select! {
                    () = tokio::time::sleep(wait) => continue,
                    () = self.stop.cancelled() => {}
                    changed = self.live.changed(), if !self.live_ended => self.noticed(changed.is_ok()),
                },
                Err(error) => {
                    give_back(&self.context, &page.id, &self.abandon).await;
                    return self.store_failed(&error).await;
                }
            }
            return give_back(&self.context, &page.id, &self.abandon).await;
        }
        self.catch_up();
        let probe = self.gate.is_probing();
        let shut = self.gate.shut_until(self.context.clock.now_ms()).is_some();
        if shut || (probe && !self.in_flight.is_empty()) {
            return give_back(&self.context, &page.id, &self.abandon).await;
        }
        let teller = self.teller.clone();
        let tell = move |sign| {
            // Fails where the destination is at its end, and learns no more.
            let _ = teller.send((sign, probe));
        };
        let (context, abandon) = (Arc::clone(&self.context), self.abandon.clone());
        self.in_flight.spawn(deliver(context, plan, page, probe, tell, abandon));
    }

    /// Waits until something can have changed; for the store only where it was asked.
    async fn sleep(&mut self, until_ms: Option<i64>, for_store: bool) {
        let now_ms = self.context.clock.now_ms();
        let wait_ms = until_ms
            .map(|until_ms| until_ms.saturating_sub(now_ms).clamp(SHORTEST_SLEEP_MS, LONGEST_SLEEP_MS));
        let timer = async {
            match wait_ms.and_then(|wait| u64::try_from(wait).ok()) {
                Some(wait) => tokio::time::sleep(Duration::from_millis(wait)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => {}
            changed = self.live.changed(), if !self.live_ended => self.noticed(changed.is_ok()),
            changed = self.changes.changed(), if for_store && !self.changes_ended => match changed {
                Ok(()) => tokio::time::sleep(GATHER).await,
                Err(_) => self.changes_ended = true,
            },
            Some(ended) = self.in_flight.join_next() => self.ended(ended),
            Some((sign, probe)) = self.signs.recv() => self.learn(sign, probe),
            () = timer => {}
        }
    }

    /// New settings are there, or there will be no more; `renew` takes them up.
    fn noticed(&mut self, more: bool) {
        self.live_ended = !more;
        if more {
            self.live.mark_changed();
        }
    }

    /// Takes up what happened since.
    fn catch_up(&mut self) {
        while let Some(ended) = self.in_flight.try_join_next() {
            self.ended(ended);
        }
        while let Ok((sign, probe)) = self.signs.try_recv() {
            self.learn(sign, probe);
        }
    }

    fn ended(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended {
            tracing::error!(destination.name = %self.name, %error, "a delivery ended by a mistake of ours");
        }
    }

    fn learn(&mut self, sign: Sign, probe: bool) {
        let now_ms = self.context.clock.now_ms();
        if self.gate.learn(sign, probe, now_ms, &self.context.timing) {
            if self.gate.is_probing() {
                tracing::warn!(destination.name = %self.name, "destination {} does not answer: paused", self.name);
            } else {
                tracing::info!(destination.name = %self.name, "destination {} answers again", self.name);
            }
        }
    }

    async fn store_failed(&mut self, error: &StoreError) {
        if self.store_failures == 0 {
            tracing::warn!(destination.name = %self.name, %error, "the store gives no pages; trying again");
        }
        let timing = &self.context.timing;
        let wait = doubled(timing.store_wait, self.store_failures, timing.longest_store_wait);
        self.store_failures = self.store_failures.saturating_add(1);
        let until_ms = self.context.clock.now_ms().saturating_add(millis(wait));
        self.sleep(Some(until_ms), false).await;
    }
}
