//! One operator leads: the one that holds a Lease of coordination.k8s.io.
//!
//! - Every write to the lease carries the `resourceVersion` that it was decided on, so of two
//!   that take it at once one is refused.
//! - The holder renews at a third of the duration. Its [`Claim`] ends at two thirds without a
//!   renewal; nobody else takes the lease before the whole duration is over.
//! - A name is never used twice: a random part is added, so that a container that starts again
//!   does not think that the lease of the one before is its own while that one may still run.
//! - Who loses the lease does not try again: its process ends, and whatever it was doing with it.

mod decide;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use language::clock::Clock;
use rand::Rng;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use self::decide::{Step, View, decide, refresh};
use super::claim::Claim;
use super::metrics::Metrics;
use super::said::said;

/// Longest time between two looks at somebody else's lease.
const LOOK: Duration = Duration::from_secs(2);

/// The lease, and what this process knows of it.
pub(super) struct Keeper {
    api: Api<Lease>,
    name: String,
    identity: String,
    duration: Duration,
    claim: Claim,
    last: Option<(Lease, View)>,
}

/// Why a step came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}", said(.0))]
    Api(#[from] kube::Error),
    #[error("no answer in time")]
    Slow,
}

impl Keeper {
    /// For the lease `namespace/name`, in the name of `identity`.
    pub(super) fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        duration: Duration,
        claim: Claim,
    ) -> Self {
        let identity = format!("{identity}_{}", uuid::Uuid::new_v4());
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity,
            duration,
            claim,
            last: None,
        }
    }

    /// Who this process is in the lease.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Takes the lease when it can be taken and holds it. Sends true when it leads; comes back
    /// only when it led and does so no more.
    pub(super) async fn hold(&mut self, leads: &watch::Sender<bool>, metrics: &Metrics) {
        let third = self.duration / 3;
        let mut led = false;
        loop {
            let wait = match self.step(third.min(LOOK)).await {
                Ok(Step::Take | Step::Renew) => {
                    if !led {
                        led = true;
                        metrics.lease_taken.inc();
                        info!(lease.identity = %self.identity, "took the lease {}: this process leads", self.name);
                        leads.send_replace(true);
                    }
                    third
                }
                Ok(Step::Wait(rest)) if !led => rest,
                Ok(Step::Wait(_)) => {
                    warn!("the lease {} was taken by another operator", self.name);
                    break;
                }
                Err(failure) => {
                    metrics.lease_failures.inc();
                    warn!(error = %failure, "the lease {} could not be looked at or renewed", self.name);
                    // So that operators that lost their API server do not come back in one beat.
                    third.min(Duration::from_secs(1)).mul_f64(rand::rng().random_range(0.5..1.0))
                }
            };
            let left = self.claim.left_at(Instant::now());
            if led && left.is_zero() {
                warn!("the lease {} could not be renewed in time", self.name);
                break;
            }
            sleep(if led { wait.min(left) } else { wait }).await;
        }
        self.claim.end();
        leads.send_replace(false);
    }

    /// One look or one write.
    async fn step(&mut self, look: Duration) -> Result<Step, Failure> {
        let led = self.claim.holds();
        // A leader knows what stands in the lease: it wrote it.
        if !led || self.last.is_none() {
            self.look().await?;
        }
        let view = self.last.as_ref().map(|(_, view)| view);
        match decide(&self.identity, view, Instant::now(), look) {
            Step::Wait(rest) => Ok(Step::Wait(rest)),
            step => match self.write(Some(self.identity.clone())).await {
                Ok(()) => Ok(step),
                Err(Failure::Api(kube::Error::Api(status)))
                    if status.is_conflict() || status.is_already_exists() =>
                {
                    self.look().await?;
                    let view = self.last.as_ref().map(|(_, view)| view);
                    match decide(&self.identity, view, Instant::now(), look) {
                        Step::Wait(rest) => Ok(Step::Wait(rest)),
                        // Somebody else changed the lease and not its holder, or our answer was lost.
                        Step::Renew => self.write(Some(self.identity.clone())).await.map(|()| Step::Renew),
                        Step::Take => Ok(Step::Wait(look)),
                    }
                }
                Err(failure) => Err(failure),
            },
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let lease =
            timeout(self.patience(), self.api.get_opt(&self.name)).await.map_err(|_| Failure::Slow)??;
        self.last = lease.map(|lease| {
            let view = refresh(self.last.take().map(|(_, view)| view), view(&lease, self.duration));
            (lease, view)
        });
        Ok(())
    }

    /// Writes the lease in the name of `holder`, on top of what was last seen.
    async fn write(&mut self, holder: Option<String>) -> Result<(), Failure> {
        let sent = Instant::now();
        let now = MicroTime(now());
        let old = self.last.as_ref().map(|(lease, _)| lease);
        let taken = old.and_then(|old| old.spec.as_ref()?.holder_identity.clone()) != holder;
        let mut lease = old.cloned().unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            ..Lease::default()
        });
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if taken && holder.is_some() {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default().saturating_add(1));
        }
        spec.lease_duration_seconds = i32::try_from(self.duration.as_secs()).ok();
        spec.renew_time = Some(now);
        spec.holder_identity.clone_from(&holder);
        lease.metadata.managed_fields = None;
        let parameters = PostParams::default();
        let written = async {
            if old.is_some() {
                self.api.replace(&self.name, &parameters, &lease).await
            } else {
                self.api.create(&parameters, &lease).await
            }
        };
        let written = timeout(self.patience(), written).await.map_err(|_| Failure::Slow)??;
        if holder.is_some() {
            self.claim.extend(sent + Claim::length(self.duration));
        }
        let view = view(&written, self.duration);
        self.last = Some((written, view));
        Ok(())
    }

    /// Gives the lease back, so that another operator need not wait. Only after the last write.
    pub(super) async fn release(&mut self) {
        let held = self.claim.holds();
        self.claim.end();
        if !held {
            return;
        }
        match self.write(None).await {
            Ok(()) => info!("released the lease {}", self.name),
            Err(failure) => warn!(error = %failure, "the lease {} could not be released", self.name),
        }
    }

    /// How long one request may take: a slow one must leave time for another.
    fn patience(&self) -> Duration {
        (self.duration / 4).max(Duration::from_secs(1))
    }
}

fn view(lease: &Lease, ours: Duration) -> View {
    let spec = lease.spec.as_ref();
    let seconds =
        spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    View {
        holder: spec.and_then(|spec| spec.holder_identity.clone()).filter(|holder| !holder.is_empty()),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        // A holder may have asked for longer than we would; at most an hour, so that rubbish does not bar us for ever.
        duration: seconds.map_or(ours, |seconds| Duration::from_secs(seconds.clamp(1, 3_600))),
        since: Instant::now(),
    }
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(Clock::System.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH)
}
