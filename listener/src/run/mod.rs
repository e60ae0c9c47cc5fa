//! One process: its two ports, its listeners, and the way they follow their source.
//!
//! # Invariants
//!
//! 1. A listener that runs goes on by its last good configuration, whatever its
//!    source says; what is wrong stands in the status, the metric and the log.
//! 2. The end has an order: no new requests, those in flight are answered, pages
//!    in flight are finished or given back, stores are closed.

mod follow;
mod one;
mod open;
mod options;
mod signals;
mod tidy;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

pub use one::Address;
pub use options::Options;
pub use signals::stop_signal;

use crate::admin::{self, Admin};
use crate::metrics::Metrics;
use crate::receive::{self, Door, Limits};
use follow::Listeners;

/// Runs until `stop`. `ready` is called once with what is listened on, after the first configuration is in force.
pub async fn run(
    options: Options,
    stop: CancellationToken,
    ready: impl FnOnce(&[Address]),
) -> anyhow::Result<()> {
    let options = Arc::new(options);
    let metrics = Arc::new(Metrics::default());
    let public = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {} (--listen gives another address)", options.listen))?;
    let admin = TcpListener::bind(options.admin)
        .await
        .with_context(|| format!("cannot listen on {} (--admin gives another address)", options.admin))?;

    let door = Door::new(&metrics);
    let starting = Listeners::start(Arc::clone(&options), Arc::clone(&metrics), Arc::clone(&door));
    let listeners = Box::pin(starting).await?;
    ready(&listeners.addresses());

    // The admin port answers until the last moment: a probe that fails while
    // requests are still being answered would only hurry the end.
    let admin_stop = CancellationToken::new();
    let shown = Admin {
        view: Arc::clone(listeners.view()),
        metrics: Arc::clone(&metrics),
        token: options.admin_token.clone(),
        open: options.open,
    };
    let admin_task = tokio::spawn(admin::serve(admin, shown, Limits::default(), admin_stop.clone()));
    let public_task =
        tokio::spawn(receive::serve(public, Arc::clone(&door), options.limits.clone(), stop.clone()));
    let follow = tokio::spawn(follow::follow(Arc::clone(&listeners), stop.clone()));

    stop.cancelled().await;
    // One span for all that is in flight: the kubelet does not wait twice.
    let deadline = Instant::now() + options.limits.grace;
    info!("stopping: no new requests, {} s for those in flight", options.limits.grace.as_secs());
    let public_end = public_task.await.context("the public port ended badly");
    let follow_end = follow.await.context("following the configuration ended badly");
    door.settle().await;
    listeners.stop(deadline.saturating_duration_since(Instant::now())).await;
    admin_stop.cancel();
    let admin_end = admin_task.await.context("the admin port ended badly");
    info!("stopped");
    public_end.and(follow_end).and(admin_end)
}
