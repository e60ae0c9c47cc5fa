//! The commands of the `operator` binary. Each has a file with its arguments and its `run`.

pub mod check;
pub mod console;
pub mod crd;
mod log;
pub mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

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
    Console(console::Args),
    Crd(crd::Args),
    Check(check::Args),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(args),
        Command::Console(args) => console::run(args),
        Command::Crd(args) => crd::run(args),
        Command::Check(args) => check::run(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Runs in an async runtime, with a token that is cancelled when the process is told to end.
fn until_told<W: Future<Output = anyhow::Result<()>>>(
    work: impl FnOnce(CancellationToken) -> W,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let stop = stop_signal()?;
        work(stop).await
    });
    // Tasks that still run are let go, not waited for.
    runtime.shutdown_background();
    result?;
    Ok(ExitCode::SUCCESS)
}

/// Cancelled at SIGTERM and SIGINT.
fn stop_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_commands_make_sense_to_clap() {
        super::Cli::command().debug_assert();
    }
}
