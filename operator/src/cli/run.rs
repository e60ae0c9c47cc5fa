//! `operator run`

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::log::LogArgs;
use crate::options::{Defaults, Process};
use crate::run;

/// Keep every listener of the cluster as its manifest says
///
/// For each HubSpotListener it makes the Deployment, Service, Ingress and the rest, and
/// tells in its status how it is. It finds the API server by the ServiceAccount of its
/// pod, or by KUBECONFIG. Of several operators one leads and the others stand by.
///
/// It waits for the definition of HubSpotListener, for the API server and for the lease
/// as long as it takes; /readyz tells what it waits for.
///
/// Every flag is also an environment variable; the chart sets those.
///
/// Example:
///
///   operator run --listener-image registry.example.com/listener:0.1.0 \
///     --default-host hooks.example.com --listen 127.0.0.1:8080
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "help texts for a terminal")]
pub struct Args {
    #[command(flatten, next_help_heading = "Listeners")]
    pub(crate) defaults: Defaults,
    #[command(flatten, next_help_heading = "Process")]
    pub(crate) process: Process,
    #[command(flatten)]
    log: LogArgs,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { defaults, process, log } = args;
    log.init()?;
    // One provider for the whole binary. An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let stop = stop_signal()?;
        run::run(defaults, process, stop).await.map_err(anyhow::Error::from)
    });
    // Tasks that still run are let go, not waited for.
    runtime.shutdown_background();
    result?;
    Ok(ExitCode::SUCCESS)
}

/// Cancelled at SIGTERM and SIGINT.
fn stop_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
