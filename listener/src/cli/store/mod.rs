//! `listener store`

mod backup;
mod copy;
mod progress;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

/// Back up, verify and move the store of a listener
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Copy the store of sales/contacts while its listener runs:
    listener store backup --from listener-data/sales/contacts --to backups/2026-11-25

  Is that copy whole?
    listener store verify backups/2026-11-25

  Restore it: with the listener stopped, move the old directory away and copy the backup there:
    mv listener-data/sales/contacts contacts.old
    cp -r backups/2026-11-25 listener-data/sales/contacts

  Move it into PostgreSQL, with the listener stopped:
    LISTENER_COPY_TO='postgres://user:password@db/listeners?sslmode=verify-full' \\
      listener store copy --from listener-data/sales/contacts --listener sales/contacts

  And back:
    LISTENER_COPY_FROM='postgres://user:password@db/listeners?sslmode=verify-full' \\
      listener store copy --to listener-data/sales/contacts --listener sales/contacts";

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy a store, also while its listener runs
    Backup(backup::Args),
    /// Copy a store that no listener has open into one of the other kind
    Copy(copy::Args),
    /// Read a backup, or a store that no process has open, and say whether it is whole
    Verify(verify::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Backup(args) => backup::run(args),
        Command::Copy(args) => copy::run(args),
        Command::Verify(args) => verify::run(&args),
    }
}
