//! `listener serve`

use std::process::ExitCode;

/// Run the listener of one HubSpotListener from its configuration file: what the operator's pods do.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
