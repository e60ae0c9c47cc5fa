//! `listener replay`

use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use super::filter::RecordArgs;
use super::records;
use super::shape::Record;
use crate::cli::remote;
use crate::cli::remote::bulk::{self, Words};
use crate::cli::remote::client::Connection;
use crate::cli::remote::print::Output;
use crate::cli::remote::shape::Plan;

/// Hand delivered records to one destination once more
///
/// Shows a plan with a sample, asks, and shows the progress. The replay runs in the
/// listener: Ctrl-C ends this command, not the replay; `listener errors bulk cancel` does.
/// Needs the role `operate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Tables for people, or the API's JSON for scripts
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    /// The destination that they go to
    #[arg(long, value_name = "NAME")]
    to: String,
    #[command(flatten)]
    filter: RecordArgs,
    /// Every record that was delivered anywhere, without a filter
    #[arg(long)]
    all: bool,
    /// Without a question
    #[arg(long, short)]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  The warehouse lost what it took this morning:
    listener replay --to warehouse --delivered-to warehouse --from 2026-11-25T06:00:00Z --until 2026-11-25T09:00:00Z

  A new destination is to have what another one took:
    listener replay --to archive --delivered-to warehouse";

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { connection, output, to, filter, all, yes } = args;
    if filter.is_empty() && !all {
        bail!("which records? give a filter such as --delivered-to NAME, or --all");
    }
    if all && !filter.is_empty() {
        bail!("give a filter or --all, not both");
    }
    let request = json!({"selection": {"records": filter.json()}, "act": {"act": "replay", "to": to}});
    remote::run(connection, async |client| {
        let words = Words { act: "replay", noun: "records" };
        bulk::run(&client, output, &request, yes, &words, sample).await
    })
}

/// The first of the records, as a table.
fn sample(plan: &Plan) -> anyhow::Result<String> {
    let found: Vec<Record> = serde_json::from_value(Value::Array(plan.records.clone()))?;
    Ok(if found.is_empty() { String::new() } else { records::table(&found) })
}
