//! The commands of the `listener` binary. Each has a file with its arguments and its `run`.

pub mod check;
pub mod dev;
pub mod errors;
pub mod history;
mod limits;
mod log;
pub mod preview;
mod public_base;
mod read;
mod remote;
pub mod render;
pub mod sample;
mod secrets;
pub mod send;
pub mod serve;
pub mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Receives HubSpot webhooks: proves who sent them, stores them before it answers, hands them on in pages.
#[derive(Debug, Parser)]
#[command(name = "listener", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Dev(dev::Args),
    Send(send::Args),
    Errors(errors::Args),
    Deliveries(history::deliveries::Args),
    Records(history::records::Args),
    Refusals(history::refusals::Args),
    Replay(history::replay::Args),
    Check(check::Args),
    Preview(preview::Args),
    Sample(sample::Args),
    Render(render::Args),
    Verify(verify::Args),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Dev(args) => dev::run(args),
        Command::Send(args) => send::run(args),
        Command::Errors(args) => errors::run(args),
        Command::Deliveries(args) => history::deliveries::run(args),
        Command::Records(args) => history::records::run(args),
        Command::Refusals(args) => history::refusals::run(args),
        Command::Replay(args) => history::replay::run(args),
        Command::Check(args) => check::run(args),
        Command::Preview(args) => preview::run(args),
        Command::Sample(args) => sample::run(&args),
        Command::Render(args) => render::run(args),
        Command::Verify(args) => verify::run(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// The process's async runtime.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Writes all of it; a reader that has gone (`| head`) is no error.
fn print(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn every_command_can_be_parsed() {
        Cli::command().debug_assert();
    }
}
