//! `listener serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;

use super::limits::LimitArgs;
use super::log::{LogArgs, LogFormat};
use crate::admin::MIN_TOKEN;
use crate::config::ConfigurationFiles;
use crate::deliver::Timing;
use crate::run;
use crate::verify::secret;
use language::clock::Clock;

/// Run one listener from the configuration file that the operator writes
///
/// This is what runs in the pods. The configuration, each key of a Secret and
/// each key of a ConfigMap are files; they are read again when they change, and a
/// bad change is refused while what runs goes on. Without a good configuration at
/// the start it waits for one, alive but not ready.
///
/// Example:
///
///   listener serve --config /etc/listener/configuration.json \
///     --secrets /etc/listener/secrets --config-maps /etc/listener/configmaps --data /data
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The configuration file, JSON or YAML
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Holds NAME/KEY for each key of a Secret
    #[arg(long, value_name = "DIR", default_value = "/etc/listener/secrets")]
    secrets: PathBuf,
    /// Holds NAME/KEY for each key of a ConfigMap
    #[arg(long, value_name = "DIR", default_value = "/etc/listener/configmaps")]
    config_maps: PathBuf,
    /// Where deliveries are kept
    #[arg(long, value_name = "DIR", default_value = "/data")]
    data: PathBuf,
    /// Public address: the webhook path
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([0, 0, 0, 0], crds::limits::PUBLIC_PORT)))]
    listen: SocketAddr,
    /// Admin address: probes, metrics, status
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([0, 0, 0, 0], crds::limits::ADMIN_PORT)))]
    admin: SocketAddr,
    /// File with a bearer token for /api with the role admin, beside those of spec.desk.tokens; without any token /api is closed
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { config, secrets, config_maps, data, listen, admin, admin_token_file, limits, log } = args;
    log.init(LogFormat::Json)?;
    let admin_token = admin_token_file
        .map(|path| secret::read(&path).with_context(|| format!("--admin-token-file {}", path.display())))
        .transpose()?;
    if let Some(token) = &admin_token {
        let length = token.expose_secret().chars().count();
        ensure!(
            length >= MIN_TOKEN,
            "--admin-token-file: the token has {length} characters; make one of {MIN_TOKEN} or more, such as with openssl rand -hex 32"
        );
    }
    let options = run::Options {
        source: Arc::new(ConfigurationFiles { configuration: config, secrets, config_maps }),
        must_begin_well: false,
        listen,
        admin,
        admin_token,
        open: false,
        data,
        clock: Clock::System,
        limits: limits.public_port(),
        journal: limits.journal(),
        timing: Timing::default(),
        poll: Duration::from_secs(1),
        tidy: Duration::from_mins(1),
    };
    super::runtime()?.block_on(async {
        let stop = run::stop_signal()?;
        Box::pin(run::run(options, stop, |_| {})).await
    })?;
    Ok(ExitCode::SUCCESS)
}
