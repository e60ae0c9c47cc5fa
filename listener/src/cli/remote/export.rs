//! Exports, to a file or to standard output.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::Context;
use futures_util::StreamExt;

use super::client::Client;
use super::print;

/// Where an export goes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FileArgs {
    /// csv or jsonl
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = ["csv", "jsonl"])]
    format: String,
    /// Written to, and replaced where it is there [default: standard output]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Writes what `path` exports as it comes.
pub(in crate::cli) async fn export(
    client: &Client,
    path: &str,
    mut query: Vec<(&'static str, String)>,
    to: FileArgs,
) -> anyhow::Result<()> {
    let FileArgs { format, file } = to;
    query.push(("format", format));
    let mut parts = std::pin::pin!(client.stream(&[path, "export"], &query).await?);
    let mut out: Box<dyn io::Write> = match &file {
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
