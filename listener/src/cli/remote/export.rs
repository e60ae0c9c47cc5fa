//! Exports, to a file or to standard output.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::Context;
use futures_util::StreamExt;

use super::client::Client;
use super::print;

/// Writes what `path` answers as it comes.
pub(in crate::cli) async fn export(
    client: &Client,
    path: &[&str],
    query: &[(&str, String)],
    file: Option<&Path>,
) -> anyhow::Result<()> {
    let mut parts = std::pin::pin!(client.stream(path, query).await?);
    let mut out: Box<dyn io::Write> = match file {
        Some(path) => Box::new(File::create(path).with_context(|| format!("--file {}", path.display()))?),
        None => Box::new(io::stdout()),
    };
    while let Some(part) = parts.next().await {
        let part = part
            .map_err(reqwest::Error::without_url)
            .context("the export broke off: what was written is not all")?;
        print::bytes(&mut out, &part)?;
    }
    Ok(())
}
