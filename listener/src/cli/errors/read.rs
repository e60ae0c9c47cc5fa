//! `list`, `count` and `export`

use std::path::PathBuf;

use serde_json::Value;

use super::filter::FilterArgs;
use super::shape::{Counts, Shown};
use super::table;
use crate::cli::remote::client::Client;
use crate::cli::remote::export;
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::shape::List;
use crate::cli::remote::text::line;
use crate::desk::State;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Errors at most, 1 to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Goes on where a list before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// Arguments of `count`.
#[derive(Debug, clap::Args)]
pub(super) struct CountArgs {
    #[command(flatten)]
    filter: FilterArgs,
}

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// csv or jsonl
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = ["csv", "jsonl"])]
    format: String,
    /// Written to, and replaced where it is there [default: standard output]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What waits for somebody.
const USUAL: &[State] = &[State::Open];

pub(super) async fn list(client: &Client, output: Output, args: ListArgs) -> anyhow::Result<()> {
    let ListArgs { filter, limit, cursor } = args;
    let mut query = filter.query(USUAL);
    query.push(("limit", limit.to_string()));
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    let answer: Value = client.get(&["errors"], &query).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    let List { items, next }: List<Shown> = serde_json::from_value(answer)?;
    if items.is_empty() {
        eprintln!(
            "no error matches{}",
            if filter.is_empty() { "; --state all looks at closed ones, too" } else { "" }
        );
        return Ok(());
    }
    print::text(&table::errors(&items))?;
    if let Some(next) = next {
        eprintln!("there are more: --cursor {}", line(&next));
    }
    Ok(())
}

pub(super) async fn count(client: &Client, output: Output, args: CountArgs) -> anyhow::Result<()> {
    let answer: Value = client.get(&["errors", "count"], &args.filter.query(USUAL)).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    let Counts { total, by_state, by_class, by_destination } = serde_json::from_value(answer)?;
    let by_destination =
        by_destination.into_iter().map(|(name, count)| (name.unwrap_or_else(|| "-".to_owned()), count));
    let mut rows = Vec::new();
    for (what, counts) in
        [("state", by_state), ("class", by_class), ("destination", by_destination.collect())]
    {
        rows.extend(
            counts.into_iter().map(|(name, count)| vec![what.to_owned(), line(&name), count.to_string()]),
        );
    }
    rows.push(vec!["all".to_owned(), String::new(), total.to_string()]);
    Ok(print::text(&print::table(&["BY", "NAME", "ERRORS"], &rows))?)
}

pub(super) async fn export(client: &Client, args: ExportArgs) -> anyhow::Result<()> {
    let ExportArgs { filter, format, file } = args;
    let mut query = filter.query(USUAL);
    query.push(("format", format));
    export::export(client, &["errors", "export"], &query, file.as_deref()).await
}
