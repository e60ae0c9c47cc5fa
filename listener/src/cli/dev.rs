//! `listener dev`

use std::process::ExitCode;

/// Run listeners from the manifests that kubectl apply takes, without a cluster.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
