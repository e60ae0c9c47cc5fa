//! `listener verify`

use std::process::ExitCode;

/// Judge signatures: a file of vectors, or one request.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
