//! `operator console`

use std::process::ExitCode;

use super::log::LogArgs;
use super::until_told;
use crate::console::{self, Options};

/// Serve a web page that lists the listeners of a namespace, or of the cluster
///
/// It shows of each listener what its resource says: name, URL, whether it is ready and why
/// not, what is pending and how many errors are open, and how its own web page is reached. It
/// reads HubSpotListeners and nothing else, changes nothing, and has no sign-in: whoever
/// reaches its port may look. The chart makes it with `console.enabled`.
///
/// Example:
///
///   operator console --namespace sales --listen 127.0.0.1:8080
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "help texts for a terminal")]
pub struct Args {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    log: LogArgs,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { options, log } = args;
    log.init()?;
    // One provider for the whole binary. An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    until_told(|stop| async { console::run(options, stop).await.map_err(anyhow::Error::from) })
}
