//! `operator crd`

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

const LONG: &str = "\
Print the definition of HubSpotListener, as the cluster takes it.

The chart hubspot-listener-crds installs the same. A definition that is newer than the operator is no harm; \
an older one lacks fields.

Examples:
  $ operator crd | kubectl apply --server-side -f -
  $ operator crd --output hubspotlisteners.yaml";

/// Print the definition of HubSpotListener, as the cluster takes it.
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub struct Args {
    /// Write it to this file, not to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { output } = args;
    let yaml = crds::definition::yaml().context("the definition is no YAML")?;
    match output {
        Some(file) => {
            std::fs::write(&file, yaml).with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => io::stdout().lock().write_all(yaml.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}
