//! One leased page: an attempt, and what it means told to the store.
//!
//! A page that is leased is always settled or given back, unless the store does
//! not take it until the listener stops; then the lease ends with the process and
//! the page is sent again.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::classify::{Reply, Verdict, classify};
use super::context::Context;
use super::gate::Sign;
use super::outcome::{Decision, Made, counts, decide};
use super::plan::Plan;
use super::timing::doubled;
use crate::metrics::AttemptLabels;
use crate::store::{Attempt, Failure, NewError, Outcome, Page, PageId, RecordId, Settlement, StoreError};

/// Sends a page and settles it. Dropping the request and giving the page back is
/// what `abandon` asks for.
pub(super) async fn deliver(
    context: Arc<Context>,
    plan: Arc<Plan>,
    page: Page,
    probe: bool,
    abandon: CancellationToken,
) -> Sign {
    let attempt = page.attempts.saturating_add(1);
    let at_ms = context.clock.now_ms();
    let began = tokio::time::Instant::now();
    let reply = tokio::select! {
        biased;
        reply = plan.send(&page, attempt, &context) => reply,
        () = abandon.cancelled() => {
            give_back(&context, &page.id, &abandon).await;
            return Sign::Nothing;
        }
    };
    let took = began.elapsed();
    context.metrics.attempt_seconds.get_or_create(&plan.labels).observe(took.as_secs_f64());
    let sign = reply.sign();
    let made = Made {
        at_ms,
        now_ms: context.clock.now_ms(),
        counts: counts(&reply, probe, &page),
        draw: rand::random(),
    };
    let attempt = made.counts.then(|| Attempt {
        at_ms,
        took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        status: reply.status(),
    });
    let verdict = classify(&reply, page.records.len());
    note(&context, &plan, &page, &reply, &verdict);
    let decision = decide(verdict, &page, made, &plan.destination, &context.timing);
    let count = page.records.len();
    let id = page.id.clone();
    let (outcome, delivered) = match decision {
        Decision::Retry { at_ms } => (Settled::Retry { at_ms }, 0),
        Decision::Done { failed, again, again_at_ms } => {
            let delivered = count.saturating_sub(failed.len() + again.len());
            let Labelled { errors, healed } = label(&context, &plan, page, failed, &again, made.now_ms).await;
            (Settled::Done { errors, healed, again, again_at_ms }, delivered)
        }
    };
    if settle(&context, &id, attempt.as_ref(), &outcome, &abandon).await {
        let delivered = u64::try_from(delivered).unwrap_or(u64::MAX);
        context.metrics.delivered_records.get_or_create(&plan.labels).inc_by(delivered);
    }
    sign
}

/// Gives a page back unsent.
pub(super) async fn give_back(context: &Context, page: &PageId, abandon: &CancellationToken) {
    settle(context, page, None, &Settled::GivenBack, abandon).await;
}

/// Counts the attempt, and logs it where it did not go well.
fn note(context: &Context, plan: &Plan, page: &Page, reply: &Reply, verdict: &Verdict) {
    let (outcome, failure) = match verdict {
        Verdict::Delivered => ("delivered", None),
        Verdict::Partly(failures) => ("partly", failures.first().map(|record| &record.failure)),
        Verdict::Again { failure, .. } | Verdict::Refused(failure) => (failure.class.as_str(), Some(failure)),
    };
    let labels = AttemptLabels {
        namespace: plan.labels.namespace.clone(),
        listener: plan.labels.listener.clone(),
        destination: plan.labels.destination.clone(),
        outcome,
    };
    context.metrics.attempts.get_or_create(&labels).inc();
    if let Some(failure) = failure {
        tracing::info!(
            destination.name = %page.destination,
            page.id = %page.id,
            page.records = page.records.len(),
            page.attempts = page.attempts.saturating_add(1),
            http.status = reply.status(),
            failure.code = %failure.code,
            "page {} was not taken, or not whole",
            page.id,
        );
    }
}

/// Templates may take their time: they run where they hold nobody up.
async fn label(
    context: &Arc<Context>,
    plan: &Arc<Plan>,
    page: Page,
    failed: Vec<(usize, Failure)>,
    again: &[RecordId],
    at_ms: i64,
) -> Labelled {
    let heals = page.heals && plan.folds() && failed.len() + again.len() < page.records.len();
    if failed.is_empty() && !heals {
        return Labelled::default();
    }
    let (context, plan) = (Arc::clone(context), Arc::clone(plan));
    let left: HashSet<RecordId> = again.iter().copied().collect();
    let make = move || {
        let mut left = left;
        let mut errors = Vec::with_capacity(failed.len());
        for (index, failure) in failed {
            let Some(record) = page.records.get(index) else { continue };
            left.insert(record.id);
            errors.push(plan.error(record, failure, at_ms, &context.metrics));
        }
        let taken = page.records.iter().filter(|record| heals && !left.contains(&record.id));
        let healed = taken.map(|record| (record.id, plan.trace_key(record, &context.metrics))).collect();
        Labelled { errors, healed }
    };
    match tokio::task::spawn_blocking(make).await {
        Ok(labelled) => labelled,
        // A panic goes on as one: the page keeps its lease and is sent again.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down: nothing that follows will run.
            Err(_) => std::future::pending().await,
        },
    }
}

/// What the store is told of records by name.
#[derive(Default)]
struct Labelled {
    /// Records that failed.
    errors: Vec<NewError>,
    /// Trace keys of records that were taken, where that may close older errors.
    healed: Vec<(RecordId, String)>,
}

/// An outcome that can be told to the store more than once.
enum Settled {
    Done { errors: Vec<NewError>, healed: Vec<(RecordId, String)>, again: Vec<RecordId>, again_at_ms: i64 },
    Retry { at_ms: i64 },
    GivenBack,
}

impl Settled {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Done { errors, healed: _, again, again_at_ms } => {
                Outcome::Done { errors: errors.clone(), again: again.clone(), again_at_ms: *again_at_ms }
            }
            Self::Retry { at_ms } => Outcome::Retry { at_ms: *at_ms },
            Self::GivenBack => Outcome::GivenBack,
        }
    }

    fn healed(&self) -> Vec<(RecordId, String)> {
        if let Self::Done { healed, .. } = self { healed.clone() } else { Vec::new() }
    }
}

/// Tells the store, again and again where it fails, at least once; whether it took it.
async fn settle(
    context: &Context,
    page: &PageId,
    attempt: Option<&Attempt>,
    settled: &Settled,
    abandon: &CancellationToken,
) -> bool {
    let mut failures: u32 = 0;
    loop {
        let outcome = settled.outcome();
        let settlement =
            Settlement { page: page.clone(), attempt: attempt.cloned(), outcome, healed: settled.healed() };
        match context.store.settle(settlement).await {
            Ok(()) => return true,
            Err(error @ StoreError::Closed) => {
                tracing::warn!(page.id = %page, %error, "page {page} is not settled; it will be sent again");
                return false;
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(page.id = %page, %error, "page {page} cannot be settled; trying again");
                }
            }
        }
        let wait = doubled(context.timing.store_wait, failures, context.timing.longest_store_wait);
        failures = failures.saturating_add(1);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = abandon.cancelled() => return false,
        }
    }
}
