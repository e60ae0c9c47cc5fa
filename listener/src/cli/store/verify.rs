//! `listener store verify`

use std::path::PathBuf;
use std::process::ExitCode;

use super::progress::{Bar, summary};
use crate::store::index::backup;

/// Read a backup, or a store that no process has open, and say whether it is whole
///
/// Reads every byte and changes none: sums and checks of the index, every group of the
/// journal with its CRC, and that each delivery stands where the index says. The exit code
/// is 0 when it is whole and 1 when it is not.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The backup, or DATA/NAMESPACE/NAME of one listener
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let bar = Bar::new();
    let found = backup::verify(&args.directory, &mut |step, done, all| bar.show(step, done, all));
    bar.end();
    let found = found?;
    let what = match &found.backup {
        Some(backup) => format!("a whole backup, taken at {}", backup.taken_at),
        None => "a whole store".to_owned(),
    };
    println!("{} is {what}\n{}", args.directory.display(), summary(&found));
    Ok(ExitCode::SUCCESS)
}
