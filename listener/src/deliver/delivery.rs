//! One leased page: an attempt, and what it means told to the store.
//!
//! A page that is leased is always settled or given back, unless the store does
//! not take it until the listener stops; then the lease ends with the process and
//! the page is sent again.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::classify::{Reply, Verdict};
use super::context::Context;
use super::gate::Sign;
use super::hook::Judged;
use super::mapped::Load;
use super::outcome::{Decision, Made, counts, decide};
use super::plan::Plan;
use super::timing::doubled;
use crate::metrics::{AttemptLabels, HookLabels};
use crate::store::{
    Attempt, Failure, NewError, Outcome, Page, PageId, Record, RecordId, Settlement, StoreError,
};

/// Sends a page and settles it; `tell` hears what the attempt showed before the store is told, which may
/// take its time. Dropping the request and giving the page back is what `abandon` asks for.
pub(super) async fn deliver(
    context: Arc<Context>,
    plan: Arc<Plan>,
    page: Page,
    probe: bool,
    tell: impl FnOnce(Sign),
    abandon: CancellationToken,
) {
    let attempt = page.attempts.saturating_add(1);
    let load = load(&plan, page).await;
    let at_ms = context.clock.now_ms();
    if load.page.records.is_empty() {
        let Load { page, unfit, .. } = load;
        let Labelled { errors, healed } = label(&context, &plan, unfit, Vec::new(), at_ms).await;
        let settled = Settled::Done { errors, healed, again: Vec::new(), again_at_ms: at_ms, hooked: None };
        settle(&context, &page.id, None, &settled, &abandon).await;
        return;
    }
    let began = tokio::time::Instant::now();
    let reply = tokio::select! {
        biased;
        reply = plan.send(&load, attempt, &context) => reply,
        () = abandon.cancelled() => {
            return give_back(&context, &load.page.id, &abandon).await;
        }
    };
    let Load { page, unfit, rest, bodies: _ } = load;
    let took = began.elapsed();
    context.metrics.attempt_seconds.get_or_create(&plan.labels).observe(took.as_secs_f64());
    tell(reply.sign());
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
    let Judged { verdict, changed, dropped } = plan.judge(&reply, &page);
    note(&context, &plan, &page, &reply, &verdict);
    let decision = decide(verdict, &page, made, &plan.destination, &context.timing);
    let count = page.records.len();
    let id = page.id.clone();
    let (outcome, delivered) = match decision {
        Decision::Retry { at_ms } => (Settled::Retry { at_ms }, 0),
        Decision::Done { failed, mut again, again_at_ms } => {
            let delivered = count.saturating_sub(failed.len() + again.len() + dropped.len());
            let hooked = plan.is_hook().then(|| Hooked::of(&page, changed, &dropped));
            let failed = failed.into_iter();
            let failed = failed.filter_map(|(at, failure)| Some((page.records.get(at)?.clone(), failure)));
            let failed: Vec<_> = failed.collect();
            let taken = if page.heals && plan.folds() { taken(&page, &failed, &again) } else { Vec::new() };
            again.extend(rest);
            let failed = failed.into_iter().chain(unfit).collect();
            let Labelled { errors, healed } = label(&context, &plan, failed, taken, made.now_ms).await;
            (Settled::Done { errors, healed, again, again_at_ms, hooked }, delivered)
        }
    };
    if settle(&context, &id, attempt.as_ref(), &outcome, &abandon).await {
        count_records(&context, &plan, &outcome, delivered);
    }
}

/// Counts what became of a page's records; `delivered` of them went on.
fn count_records(context: &Context, plan: &Plan, outcome: &Settled, delivered: usize) {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let Settled::Done { errors, hooked: Some(hooked), .. } = outcome else {
        context.metrics.delivered_records.get_or_create(&plan.labels).inc_by(number(delivered));
        return;
    };
    let counts = [
        ("unchanged", delivered.saturating_sub(hooked.changed.len())),
        ("changed", hooked.changed.len()),
        ("dropped", hooked.dropped.len()),
        ("failed", errors.len()),
    ];
    for (outcome, count) in counts {
        let labels = HookLabels {
            namespace: plan.labels.namespace.clone(),
            listener: plan.labels.listener.clone(),
            outcome,
        };
        context.metrics.hook_records.get_or_create(&labels).inc_by(number(count));
    }
}

/// Makes open errors of a whole page, for a reason that is no answer.
pub(super) async fn fail_all(
    context: &Arc<Context>,
    plan: &Arc<Plan>,
    page: Page,
    failure: &Failure,
    abandon: &CancellationToken,
) {
    let id = page.id.clone();
    let failed = page.records.into_iter().map(|record| (record, failure.clone())).collect();
    let now_ms = context.clock.now_ms();
    let Labelled { errors, healed } = label(context, plan, failed, Vec::new(), now_ms).await;
    let outcome = Settled::Done { errors, healed, again: Vec::new(), again_at_ms: now_ms, hooked: None };
    settle(context, &id, None, &outcome, abandon).await;
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

/// The page as it is sent now.
async fn load(plan: &Arc<Plan>, page: Page) -> Load {
    if plan.sends_as_it_came() {
        return plan.load(page);
    }
    let plan = Arc::clone(plan);
    apart(move || plan.load(page)).await
}

/// Records of a page that neither failed nor go again.
fn taken(page: &Page, failed: &[(Record, Failure)], again: &[RecordId]) -> Vec<Record> {
    let left: HashSet<RecordId> =
        failed.iter().map(|(record, _)| record.id).chain(again.iter().copied()).collect();
    page.records.iter().filter(|record| !left.contains(&record.id)).cloned().collect()
}

/// What the store is told of records by name.
#[derive(Default)]
struct Labelled {
    /// Records that failed.
    errors: Vec<NewError>,
    /// Trace keys of records that were taken, where that may close older errors.
    healed: Vec<(RecordId, String)>,
}

async fn label(
    context: &Arc<Context>,
    plan: &Arc<Plan>,
    failed: Vec<(Record, Failure)>,
    taken: Vec<Record>,
    at_ms: i64,
) -> Labelled {
    if failed.is_empty() && taken.is_empty() {
        return Labelled::default();
    }
    let (context, plan) = (Arc::clone(context), Arc::clone(plan));
    let make = move || {
        let metrics = &context.metrics;
        let errors = failed.into_iter().map(|(record, failure)| plan.error(&record, failure, at_ms, metrics));
        let healed = taken.iter().map(|record| (record.id, plan.trace_key(record, metrics)));
        Labelled { errors: errors.collect(), healed: healed.collect() }
    };
    apart(make).await
}

/// Templates may take their time: they run where they hold nobody up.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(made) => made,
        // A panic goes on as one: the page keeps its lease and is sent again.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down: nothing that follows will run.
            Err(_) => std::future::pending().await,
        },
    }
}

/// What the hook made of records that did not fail.
#[derive(Clone)]
struct Hooked {
    changed: Vec<(RecordId, Bytes)>,
    dropped: Vec<RecordId>,
}

impl Hooked {
    fn of(page: &Page, changed: Vec<(usize, Bytes)>, dropped: &[usize]) -> Self {
        let id = |index: usize| page.records.get(index).map(|record| record.id);
        Self {
            changed: changed.into_iter().filter_map(|(index, bytes)| Some((id(index)?, bytes))).collect(),
            dropped: dropped.iter().filter_map(|&index| id(index)).collect(),
        }
    }
}

/// An outcome that can be told to the store more than once.
enum Settled {
    Done {
        errors: Vec<NewError>,
        healed: Vec<(RecordId, String)>,
        again: Vec<RecordId>,
        again_at_ms: i64,
        hooked: Option<Hooked>,
    },
    Retry {
        at_ms: i64,
    },
    GivenBack,
}

impl Settled {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Done { errors, healed: _, again, again_at_ms, hooked } => {
                let (errors, again, again_at_ms) = (errors.clone(), again.clone(), *again_at_ms);
                match hooked.clone() {
                    Some(Hooked { changed, dropped }) => {
                        Outcome::Hooked { changed, dropped, errors, again, again_at_ms }
                    }
                    None => Outcome::Done { errors, again, again_at_ms },
                }
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
            Err(error @ (StoreError::Closed | StoreError::NotLeased(_))) => {
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
