//! What the leader does: watches, the loop over listeners, reports. Ends when it is told to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use kube::Client;
use kube::runtime::controller::{Action, Config, Error as LoopError};
use kube::runtime::{applier, watcher};
use language::clock::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, debug, error, info};

use super::backoff::Backoff;
use super::caches::{Caches, Guarded};
use super::events::Events;
use super::gateway::GatewayApi;
use super::index::Index;
use super::key::Key;
use super::metrics::{Metrics, ResultLabels};
use super::queue::Queue;
use super::readiness::{Readiness, Stage};
use super::reconcile::{Context, ReconcileError};
use super::reports::{self, Reported};
use super::saves;
use super::statuses::Statuses;
use super::unreadable::Unreadable;
use super::watch::Watches;
use crate::apply::{Applier, Kind};
use crate::dereference::{Contents, Reader};
use crate::options::{Defaults, Process};

/// Events that come together are one reconcile.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// How long what is being applied may take after the process was told to end.
const GRACE: Duration = Duration::from_secs(3);

/// What the leader needs.
pub(super) struct Lead {
    pub(super) client: Client,
    pub(super) defaults: Arc<Defaults>,
    pub(super) process: Process,
    pub(super) identity: String,
    pub(super) metrics: Arc<Metrics>,
    pub(super) readiness: Readiness,
}

impl Lead {
    /// Leads until `stop`; then no new reconcile begins, and those that run have [`GRACE`] to end.
    pub(super) async fn run(self, stop: CancellationToken) {
        let Self { client, defaults, process, identity, metrics, readiness } = self;
        let (caches, writers) = Caches::new();
        let (caches, index, queue) = (Arc::new(caches), Arc::new(Index::default()), Queue::default());
        let reported = Reported::default();
        let watches = Watches {
            client: client.clone(),
            namespace: process.namespace.clone(),
            caches: Arc::clone(&caches),
            index: Arc::clone(&index),
            queue: queue.clone(),
            metrics: Arc::clone(&metrics),
            defaults: Arc::clone(&defaults),
        };
        let gateway = GatewayApi::new(client.clone(), watches.clone());
        let context = Arc::new(Context {
            client: client.clone(),
            reader: Reader {
                caches: Arc::clone(&caches),
                index,
                contents: Contents::default(),
                reported: reported.clone(),
                defaults: Arc::clone(&defaults),
            },
            applier: Applier::new(client.clone(), Arc::clone(&caches), gateway.clone()),
            statuses: Statuses::default(),
            unreadable: Unreadable::default(),
            events: Events::new(client, &identity, Arc::clone(&metrics)),
            metrics: Arc::clone(&metrics),
            clock: Clock::System,
            defaults,
        });
        let backoff = Arc::new(Backoff::default());
        let _watches = {
            let (context, backoff) = (Arc::clone(&context), Arc::clone(&backoff));
            watches.start(writers, move |key| {
                context.forget(key);
                backoff.reset(key);
            })
        };
        tokio::select! {
            () = filled(&caches, &gateway, &readiness) => {}
            () = stop.cancelled() => return,
        }
        readiness.set(Stage::Leading);
        info!(listeners = caches.listeners.len(), "the caches are filled; the loop over listeners begins");
        let period = Duration::from_secs(process.report_seconds.into());
        let (inbox, saver) = saves::channel();
        let inbox = context.defaults.save_settings.then_some(inbox);
        let _saver = AbortOnDropHandle::new(tokio::spawn(saver.run(Arc::clone(&context))));
        let _reports = AbortOnDropHandle::new(tokio::spawn(reports::ask(
            Arc::clone(&caches),
            reported,
            queue.clone(),
            Arc::clone(&metrics),
            period,
            inbox,
        )));
        let requests = queue.stream().map(|key| Ok::<_, watcher::Error>(key.reference()));
        let results = applier(
            reconcile,
            {
                let backoff = Arc::clone(&backoff);
                move |object: Arc<Guarded>, failure: &ReconcileError, context: Arc<Context>| {
                    let key = Key::of(&*object);
                    context.failed(&key, failure);
                    Action::requeue(backoff.failed(&key))
                }
            },
            context,
            caches.listeners.clone(),
            requests.take_until(stop.clone().cancelled_owned()),
            Config::default().concurrency(process.concurrency).debounce(DEBOUNCE),
        );
        let turn = results.for_each(|result| {
            match result {
                Ok((object, _)) => {
                    let namespace = object.namespace.as_deref().unwrap_or_default();
                    backoff.reset(&Key::new(namespace, &object.name));
                }
                // Told by the error policy.
                Err(LoopError::ReconcilerFailed(..)) => {}
                // Deleted while it waited.
                Err(LoopError::ObjectNotFound(object)) => debug!("{object} is gone"),
                Err(other) => error!(error = %other, "the loop over listeners met a mistake of our own"),
            }
            std::future::ready(())
        });
        let told = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = turn => {}
            () = told => debug!("what was being applied did not end in time"),
        }
    }
}

/// One reconcile, in a task of its own: a panic in it is that listener's trouble alone.
fn reconcile(
    object: Arc<Guarded>,
    context: Arc<Context>,
) -> futures_util::future::BoxFuture<'static, Result<Action, ReconcileError>> {
    async move {
        let begin = Instant::now();
        let metrics = Arc::clone(&context.metrics);
        let task = tokio::spawn(async move { context.guarded(&object).await }.in_current_span());
        let result = match AbortOnDropHandle::new(task).await {
            Ok(result) => result,
            Err(panicked) => Err(ReconcileError::Internal(panicked.to_string())),
        };
        metrics.reconcile_seconds.observe(begin.elapsed().as_secs_f64());
        let label = if result.is_ok() { "done" } else { "failed" };
        metrics.reconciles.get_or_create(&ResultLabels { result: label }).inc();
        result
    }
    .boxed()
}

/// Waits until every cache has had its first listing, and says which has not.
async fn filled(caches: &Caches, gateway: &GatewayApi, readiness: &Readiness) {
    // Routes of listeners that wanted one while another operator led.
    while let Err(error) = gateway.served().await {
        readiness
            .set(Stage::Waiting(format!("the API server does not answer: {}", super::said::said(&error))));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    loop {
        let empty = |kind: &Kind| *kind != Kind::HttpRoute && !caches.children(*kind).filled();
        let mut waits: Vec<String> =
            Kind::ALL.iter().filter(|kind| empty(kind)).map(ToString::to_string).collect();
        if !caches.secrets.filled() {
            waits.push("Secret".to_owned());
        }
        let now = |ready: Option<Result<(), kube::runtime::reflector::store::WriterDropped>>| {
            matches!(ready, Some(Ok(())))
        };
        for (name, ready) in [
            ("HubSpotListener", now(caches.listeners.wait_until_ready().now_or_never())),
            ("Pod", now(caches.pods.wait_until_ready().now_or_never())),
        ] {
            if !ready {
                waits.push(name.to_owned());
            }
        }
        if waits.is_empty() {
            return;
        }
        let stage =
            Stage::Waiting(format!("not listed yet: {}; see the log if this stays", waits.join(", ")));
        readiness.set(stage);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
