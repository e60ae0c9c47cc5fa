//! The `listener` binary.

fn main() -> std::process::ExitCode {
    listener::cli::main()
}
