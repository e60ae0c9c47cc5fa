//! What the commands share that speak to the API of a running listener.

pub(super) mod bulk;
pub(super) mod client;
pub(super) mod confirm;
pub(super) mod export;
pub(super) mod list;
pub(super) mod print;
pub(super) mod shape;
pub(super) mod text;
pub(super) mod time;

use std::process::ExitCode;

use self::client::{Client, Connection};

/// Runs a command of the API's.
pub(super) fn run<F>(connection: Connection, command: impl FnOnce(Client) -> F) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<()>>,
{
    super::runtime()?.block_on(async {
        let client = Client::connect(connection).await?;
        command(client).await
    })?;
    Ok(ExitCode::SUCCESS)
}
