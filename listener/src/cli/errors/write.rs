//! Acts, each with what it is told.

use anyhow::bail;
use serde_json::json;

use super::several::{SeveralArgs, several};
use crate::cli::remote::client::Client;
use crate::cli::remote::print::Output;
use crate::cli::remote::time::parse_time;

/// Arguments of `retry`, `resolve` and `reopen`.
#[derive(Debug, clap::Args)]
pub(super) struct PlainArgs {
    #[command(flatten)]
    several: SeveralArgs,
}

/// Arguments of `wait`.
#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    #[command(flatten)]
    several: SeveralArgs,
    /// They open by themselves then: epoch milliseconds, or a time such as 2026-11-25T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    open_at: Option<i64>,
}

/// Arguments of `assign`.
#[derive(Debug, clap::Args)]
pub(super) struct AssignArgs {
    #[command(flatten)]
    several: SeveralArgs,
    /// To whom
    #[arg(long, value_name = "NAME", required_unless_present = "nobody")]
    to: Option<String>,
    /// To nobody
    #[arg(long, conflicts_with = "to")]
    nobody: bool,
}

/// Arguments of `tag`.
#[derive(Debug, clap::Args)]
pub(super) struct TagArgs {
    #[command(flatten)]
    several: SeveralArgs,
    /// Added; several parted by commas
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    add: Vec<String>,
    /// Removed; several parted by commas
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    remove: Vec<String>,
}

/// Arguments of `note`.
#[derive(Debug, clap::Args)]
pub(super) struct NoteArgs {
    #[command(flatten)]
    several: SeveralArgs,
    /// What is to be noted, at most 4000 characters
    #[arg(long, value_name = "TEXT")]
    text: String,
}

pub(super) async fn plain(client: &Client, output: Output, act: &str, args: PlainArgs) -> anyhow::Result<()> {
    several(client, output, act, json!({}), args.several).await
}

pub(super) async fn wait(client: &Client, output: Output, args: WaitArgs) -> anyhow::Result<()> {
    several(client, output, "wait", json!({"untilMs": args.open_at}), args.several).await
}

pub(super) async fn assign(client: &Client, output: Output, args: AssignArgs) -> anyhow::Result<()> {
    several(client, output, "assign", json!({"to": args.to}), args.several).await
}

pub(super) async fn tag(client: &Client, output: Output, args: TagArgs) -> anyhow::Result<()> {
    let TagArgs { several: which, add, remove } = args;
    if add.is_empty() && remove.is_empty() {
        bail!("no tag is named; give --add TAG or --remove TAG");
    }
    several(client, output, "tag", json!({"add": add, "remove": remove}), which).await
}

pub(super) async fn note(client: &Client, output: Output, args: NoteArgs) -> anyhow::Result<()> {
    several(client, output, "note", json!({"text": args.text}), args.several).await
}
