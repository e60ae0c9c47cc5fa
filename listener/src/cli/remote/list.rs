//! Lists, as a table.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::Client;
use super::print::{self, Output};
use super::shape::List;
use super::text::line;

/// Which part of a list.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PartArgs {
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Goes on where a list before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl PartArgs {
    /// Adds them to a query.
    pub(in crate::cli) fn add(self, query: &mut Vec<(&'static str, String)>) {
        query.push(("limit", self.limit.to_string()));
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
    }
}

/// Shows a part of what `path` lists: `table` of it, or `none` where nothing is there.
pub(in crate::cli) async fn list<T: DeserializeOwned>(
    client: &Client,
    output: Output,
    (path, mut query): (&str, Vec<(&'static str, String)>),
    part: PartArgs,
    (none, table): (&str, impl FnOnce(&[T]) -> String),
) -> anyhow::Result<()> {
    part.add(&mut query);
    let answer: Value = client.get(&[path], &query).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    let List { items, next }: List<T> = serde_json::from_value(answer)?;
    if items.is_empty() && next.is_none() {
        eprintln!("{none}");
        return Ok(());
    }
    print::text(&table(&items))?;
    if let Some(next) = next {
        eprintln!("there are more: --cursor {}", line(&next));
    }
    Ok(())
}
