//! `listener check`

use std::process::ExitCode;

/// Say what is wrong with manifests, with line, column, field and remedy.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
