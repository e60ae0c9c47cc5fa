//! `listener dev`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use super::limits::LimitArgs;
use super::log::{LogArgs, LogFormat};
use super::public_base;
use crate::config::ManifestFiles;
use crate::deliver::Timing;
use crate::run;
use language::clock::Clock;

/// Run listeners from the manifests that kubectl apply takes, without a cluster
///
/// Takes the same YAML: HubSpotListener, Secret (stringData or data) and
/// ConfigMap, in one file or several. Each listener gets the path
/// /NAMESPACE/NAME (or its spec.url.path) on one port; what it accepts is kept
/// under --data and is still there after a restart. A change of a file is taken
/// up within a second; a bad one is refused and what runs goes on.
///
/// HubSpot posts to public HTTPS addresses only. To receive real deliveries, let
/// a tunnel or a proxy lead to --listen and give its address as --public-url:
/// the signature is over that address.
///
/// Example:
///
///   listener dev docs/examples/contacts.yaml --public-url https://abc.example.com
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, rustdoc::bare_urls, reason = "help texts for a terminal")]
pub struct Args {
    /// Manifests
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Public address: the webhook paths
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Admin address: probes, metrics, status
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
    /// Where deliveries are kept
    #[arg(long, value_name = "DIR", default_value = "listener-data")]
    data: PathBuf,
    /// Scheme and host under which HubSpot reaches --listen [default: http://LISTEN]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { files, listen, admin, data, public_url, limits, log } = args;
    log.init(LogFormat::Text)?;
    let public_base = match public_url {
        Some(url) => public_base::check(&url)?,
        None => format!("http://{listen}"),
    };
    let options = run::Options {
        source: Arc::new(ManifestFiles { files, public_base, allowed_addresses: everywhere() }),
        must_begin_well: true,
        listen,
        admin,
        admin_token: None,
        open: true,
        data,
        clock: Clock::System,
        limits: limits.public_port(),
        journal: limits.journal(),
        timing: Timing::default(),
        poll: Duration::from_millis(500),
        tidy: Duration::from_mins(1),
    };
    ensure!(
        options.admin.ip().is_loopback(),
        "--admin {admin} is not a loopback address, and `dev` has no token to guard it; use 127.0.0.1"
    );
    super::runtime()?.block_on(async {
        let stop = run::stop_signal()?;
        let running = run::run(options, stop, |addresses| {
            for address in addresses {
                eprintln!("{} ({})", address.display_name, address.key);
                eprintln!("  paste into HubSpot: {}", address.public_url);
            }
            eprintln!("status: http://{admin}/api/v1/status   metrics: http://{admin}/metrics   end: Ctrl-C");
        });
        Box::pin(running).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// On one's own machine destinations are mostly on loopback.
fn everywhere() -> Vec<String> {
    vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()]
}
