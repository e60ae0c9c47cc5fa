//! `list`, `count` and `export`

use serde_json::Value;

use super::filter::FilterArgs;
use super::shape::Counts;
use super::table;
use crate::cli::remote::client::Client;
use crate::cli::remote::export::{self, FileArgs};
use crate::cli::remote::list::{self, PartArgs};
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::text::line;
use crate::desk::State;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    part: PartArgs,
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
    #[command(flatten)]
    file: FileArgs,
}

/// What waits for somebody.
const USUAL: &[State] = &[State::Open];

pub(super) async fn list(client: &Client, output: Output, args: ListArgs) -> anyhow::Result<()> {
    let ListArgs { filter, part } = args;
    let hint = if filter.is_empty() { "; --state all looks at closed ones, too" } else { "" };
    let none = format!("no error matches{hint}");
    list::list(client, output, ("errors", filter.query(USUAL)), part, (&none, table::errors)).await
}

pub(super) async fn count(client: &Client, output: Output, args: CountArgs) -> anyhow::Result<()> {
    let mut query = args.filter.query(USUAL);
    query.push(("exact", "true".to_owned()));
    let answer: Value = client.get(&["errors", "count"], &query).await?;
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
    let ExportArgs { filter, file } = args;
    export::export(client, "errors", filter.query(USUAL), file).await
}
