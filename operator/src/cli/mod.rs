//! The commands of the `operator` binary. Each has a file with its arguments and its `run`.

pub mod check;
pub mod crd;
mod log;
pub mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Turns each HubSpotListener of a cluster into the listener that it describes, and tells how it is.
#[derive(Debug, Parser)]
#[command(name = "operator", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, for as long as the process starts")]
enum Command {
    Run(run::Args),
    Crd(crd::Args),
    Check(check::Args),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(args),
        Command::Crd(args) => crd::run(args),
        Command::Check(args) => check::run(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_commands_make_sense_to_clap() {
        super::Cli::command().debug_assert();
    }
}
