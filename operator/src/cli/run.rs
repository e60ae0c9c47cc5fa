//! `operator run`

use std::process::ExitCode;

use super::log::LogArgs;
use super::until_told;
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
    until_told(|stop| async { run::run(defaults, process, stop).await.map_err(anyhow::Error::from) })
}
