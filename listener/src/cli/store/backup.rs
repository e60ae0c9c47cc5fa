//! `listener store backup`

use std::path::PathBuf;
use std::process::ExitCode;

use super::progress::{Bar, summary};
use crate::store::index::backup;
use language::clock::Clock;

/// Copy a store, also while its listener runs
///
/// Reads the files of the store only: the listener goes on and does not notice. What was
/// acknowledged before the command began is in the copy. The copy is read again and verified
/// before it counts. Put in the place of a listener's directory it is a store like any other.
///
/// Example, in a cluster, to a second volume of the pod's node: see docs/backup.md.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The store: DATA/NAMESPACE/NAME of one listener
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Where the copy goes; made where it is missing, and must be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { from, to } = args;
    let bar = Bar::new();
    let taken = backup::backup(&from, &to, &Clock::System, &mut |step, done, all| bar.show(step, done, all));
    bar.end();
    println!("{} is a whole backup of {}\n{}", to.display(), from.display(), summary(&taken?));
    Ok(ExitCode::SUCCESS)
}
