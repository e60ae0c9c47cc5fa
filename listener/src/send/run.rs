//! Sends many deliveries at once and counts what comes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::delivery::Signing;
use super::events::Batch;
use super::report::Report;
use language::clock::Clock;

/// What is sent.
#[derive(Debug)]
pub struct Plan {
    /// Where to.
    pub client: Client,
    /// How it is signed.
    pub signing: Signing,
    /// The bodies.
    pub batch: Batch,
    /// Deliveries.
    pub count: u64,
    /// Deliveries in flight at once.
    pub concurrency: usize,
}

/// Sends what the plan says, until all is sent or `stop` is cancelled. `done` follows the number of answers.
pub async fn run(plan: Plan, clock: Clock, done: Arc<AtomicU64>, stop: CancellationToken) -> Report {
    let begun = Instant::now();
    let concurrency = u64::try_from(plan.concurrency).unwrap_or(u64::MAX).min(plan.count);
    let mut report = Report::of_batches(plan.batch.size());
    let plan = Arc::new(plan);
    let next = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..concurrency {
        senders.spawn(send(plan.clone(), clock.clone(), next.clone(), done.clone(), stop.clone()));
    }
    while let Some(part) = senders.join_next().await {
        match part {
            Ok(part) => report.merge(part),
            // Only a panic gets here; what that sender counted is lost, so say that not all is known.
            Err(_) => report.interrupted = true,
        }
    }
    report.took = begun.elapsed();
    report
}

async fn send(
    plan: Arc<Plan>,
    clock: Clock,
    next: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
    stop: CancellationToken,
) -> Report {
    let mut report = Report::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= plan.count {
            return report;
        }
        if stop.is_cancelled() {
            report.interrupted = true;
            return report;
        }
        let delivery = plan.signing.delivery(plan.batch.body(number), clock.now_ms());
        tokio::select! {
            outcome = plan.client.post(delivery) => {
                report.add(outcome);
                done.fetch_add(1, Ordering::Relaxed);
            }
            () = stop.cancelled() => {
                report.interrupted = true;
                report.unanswered += 1;
                return report;
            }
        }
    }
}

#[cfg(test)]
mod tests;
