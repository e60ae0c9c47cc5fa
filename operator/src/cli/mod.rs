//! The commands of the `operator` binary. Each has a file with its arguments and its `run`.

use std::process::ExitCode;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
