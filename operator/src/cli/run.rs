//! `operator run`

use crate::options::{Defaults, Process};

/// Keep every listener of the cluster as its manifest says
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(crate) defaults: Defaults,
    #[command(flatten)]
    pub(crate) process: Process,
}
