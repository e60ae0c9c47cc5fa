//! `listener send`

use std::process::ExitCode;

/// Post signed deliveries as HubSpot does, and report the answers.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
