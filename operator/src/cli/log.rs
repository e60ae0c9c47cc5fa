//! Where the process's own log goes: standard error, always. Standard output is for what a
//! command prints.

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
    /// Shape of the log on standard error
    #[arg(long, value_enum, env = "LOG_FORMAT", default_value = "json")]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug, or rules such as `info,operator::run=debug`
    #[arg(long, env = "OPERATOR_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
}

impl LogArgs {
    pub(super) fn init(&self) -> anyhow::Result<()> {
        // What the client and the runtime have to say is said by us, once, where it is handled.
        let rules = format!("kube_client=off,kube_runtime=off,{}", self.log);
        let filter = EnvFilter::try_new(&rules)
            .map_err(|error| anyhow::anyhow!("--log {:?}: {error}; try `info` or `debug`", self.log))?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => log.with_target(false).init(),
            LogFormat::Json => log.json().flatten_event(true).init(),
        }
        Ok(())
    }
}
