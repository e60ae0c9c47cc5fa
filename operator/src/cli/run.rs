//! `operator run`

use std::process::ExitCode;

use crate::options::{Defaults, Process};

/// Keep every listener of the cluster as its manifest says
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    defaults: Defaults,
    #[command(flatten)]
    process: Process,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { defaults: _, process: _ } = args;
    anyhow::bail!("the loop over listeners is not in this build")
}
