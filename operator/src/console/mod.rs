//! The console: a web page over all listeners of a namespace, or of the cluster.
//!
//! | Path | Answer |
//! |---|---|
//! | `/` | the listeners; `namespace`, `q` (text), `attention` and `page` choose among them |
//! | `/style.css` | the style |
//! | `/livez` | 200 as long as the process runs |
//! | `/readyz` | 200 when the listeners were listed; else 503 with the reason |
//!
//! What stays true:
//! 1. It shows what the resources say: no payload, no Secret, no setting. It asks no listener.
//! 2. It reads `HubSpotListener`s ([`watch`]) and has no other right; it writes nothing.
//! 3. It has no sign-in and no state: who may look is decided by who reaches its port. So that a site in the
//!    same browser reaches it under no name of its own, it answers to known hosts only ([`host`]).
//! 4. Everything on the page works without script; there is none, and nothing comes from elsewhere.

mod board;
mod choice;
mod host;
mod link;
mod options;
mod page;
mod row;
mod server;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

pub use self::options::Options;
use self::server::Console;
use crate::run::ClientError;

/// Why the console ended without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {address}: {source}; --listen gives another address")]
    Listen {
        /// What was to be listened on.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// No API server is configured.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Runs until `stop`.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), ConsoleError> {
    let address = options.listen;
    let socket =
        TcpListener::bind(address).await.map_err(|source| ConsoleError::Listen { address, source })?;
    let config = Config::infer().await.map_err(ClientError::from)?;
    let client = Client::try_from(config).map_err(ClientError::from)?;
    let board = Arc::new(board::Board::default());
    info!(listen = %address, namespace = options.namespace.as_deref().unwrap_or("all"), "the console begins");
    let _watch = AbortOnDropHandle::new(tokio::spawn(watch::follow(
        client,
        options.namespace.clone(),
        Arc::clone(&board),
    )));
    let console = Console::new(options, board);
    tokio::select! {
        () = crate::serve::serve(socket, console.router()) => {}
        () = stop.cancelled() => info!("told to end"),
    }
    Ok(())
}
