//! The process: lease, watches, the loop over listeners, probes and metrics.
//!
//! In this order: probes answer; the definition of the resource is waited for; the lease is
//! waited for; caches fill; the loop runs. None of the waits ends the process: the API server
//! may be away for as long as it likes, and nothing of it makes a crash loop. The listeners
//! themselves do not need the operator to answer.
//!
//! The process ends in three ways: SIGTERM or SIGINT (the loop stops, the lease is given back,
//! exit 0 within seconds); the lease is lost (writing stops at once, exit 1; a new process waits
//! for the lease again); it cannot begin (a wrong flag, a port that is taken, no way to an API
//! server is configured).

mod backoff;
pub mod caches;
mod claim;
mod client;
mod definition;
mod events;
pub mod gateway;
pub mod index;
pub mod key;
mod lead;
mod lease;
pub mod metrics;
mod probes;
mod queue;
mod readiness;
mod reconcile;
pub mod reports;
mod requests;
pub mod said;
mod saves;
pub mod shelf;
mod statuses;
mod unreadable;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch as latest;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use self::claim::Claim;
use self::lead::Lead;
use self::lease::Keeper;
use self::metrics::Metrics;
use self::readiness::{Readiness, Stage};
use crate::options::{Defaults, Process};

pub use self::client::ClientError;

/// Why the process ended without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {address}: {source}; --listen gives another address")]
    Listen {
        /// What was to be listened on.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// No API server is configured.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Another operator leads now, or may.
    #[error("the lease is lost; a new process waits for it again")]
    LeaseLost,
}

/// Runs until `stop`.
pub async fn run(defaults: Defaults, process: Process, stop: CancellationToken) -> Result<(), RunError> {
    let metrics = Arc::new(Metrics::default());
    let readiness = Readiness::default();
    let socket = TcpListener::bind(process.listen)
        .await
        .map_err(|source| RunError::Listen { address: process.listen, source })?;
    let _probes =
        AbortOnDropHandle::new(tokio::spawn(probes::serve(socket, readiness.clone(), Arc::clone(&metrics))));
    let claim = Claim::default();
    let client = client::make(&metrics, &claim).await?;
    info!(listen = %process.listen, namespace = process.namespace.as_deref().unwrap_or("all"), "the operator begins");

    tokio::select! {
        () = definition::wait(&client, &readiness, &metrics) => {}
        () = stop.cancelled() => return Ok(()),
    }

    let duration = Duration::from_secs(process.lease_seconds.into());
    let mut keeper = Keeper::new(
        client.clone(),
        &process.lease_namespace,
        &process.lease_name,
        &process.identity,
        duration,
        claim,
    );
    let identity = keeper.identity().to_owned();
    readiness.set(Stage::StandingBy);
    let (leads, mut led) = latest::channel(false);
    let leader = Lead {
        client,
        defaults: Arc::new(defaults),
        process,
        identity,
        metrics: Arc::clone(&metrics),
        readiness: readiness.clone(),
    };
    let loop_stop = CancellationToken::new();
    let work = async {
        // The sender outlives this future.
        let _ = led.wait_for(|leads| *leads).await;
        metrics.leader.set(1);
        leader.run(loop_stop.clone()).await;
    };
    let mut work = std::pin::pin!(work);
    tokio::select! {
        // Dropping the work ends it here and now; the layer around the client refuses the rest.
        () = keeper.hold(&leads, &metrics) => {
            metrics.leader.set(0);
            return Err(RunError::LeaseLost);
        }
        () = &mut work => {}
        () = stop.cancelled() => {}
    }
    info!("told to end");
    readiness.set(Stage::Stopping);
    loop_stop.cancel();
    if *leads.borrow() {
        work.await;
    }
    keeper.release().await;
    metrics.leader.set(0);
    Ok(())
}
