//! Where the process's own log goes: standard error, always. Standard output is
//! for what a command prints, and for the pages of `log` destinations.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object on each line
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub(super) struct LogArgs {
    /// Shape of the log on standard error [default: text in `dev`, json in `serve`]
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, or rules such as `info,listener::deliver=debug`
    #[arg(long, env = "LISTENER_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
}

impl LogArgs {
    pub(super) fn init(&self, default: LogFormat) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(&self.log)
            .map_err(|error| anyhow::anyhow!("--log {:?}: {error}; try `info` or `debug`", self.log))?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format.unwrap_or(default) {
            LogFormat::Text => log.with_target(false).init(),
            LogFormat::Json => log.json().flatten_event(true).init(),
        }
        Ok(())
    }
}
