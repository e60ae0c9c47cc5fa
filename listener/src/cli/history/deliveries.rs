//! `listener deliveries`

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use super::filter::TimeArgs;
use super::shape::Delivery;
use crate::cli::remote;
use crate::cli::remote::client::{Client, Connection};
use crate::cli::remote::export::{self, FileArgs};
use crate::cli::remote::list::{self, PartArgs};
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::text::{line, time};

/// See what was accepted from HubSpot
///
/// Speaks to the admin port of a listener, as `listener errors` does. The records in a
/// delivery: `listener records list --delivery NUMBER`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Tables for people, or the API's JSON for scripts
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List deliveries, newest first
    List {
        #[command(flatten)]
        time: TimeArgs,
        #[command(flatten)]
        part: PartArgs,
    },
    /// Show one delivery
    Show {
        /// Its number
        number: u64,
    },
    /// Write deliveries to a file, as CSV or JSON lines
    Export {
        #[command(flatten)]
        time: TimeArgs,
        #[command(flatten)]
        file: FileArgs,
    },
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { connection, output, command } = args;
    remote::run(connection, async |client| match command {
        Command::List { time, part } => {
            let shown = ("no delivery matches", table);
            list::list(&client, output, ("deliveries", time.query()), part, shown).await
        }
        Command::Show { number } => show(&client, output, number).await,
        Command::Export { time, file } => export::export(&client, "deliveries", time.query(), file).await,
    })
}

async fn show(client: &Client, output: Output, number: u64) -> anyhow::Result<()> {
    let answer: Value = client.get(&["deliveries", &number.to_string()], &[]).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    Ok(print::text(&table(&[serde_json::from_value(answer)?]))?)
}

fn table(deliveries: &[Delivery]) -> String {
    let rows: Vec<Vec<String>> = deliveries
        .iter()
        .map(|one| {
            vec![
                one.number.to_string(),
                time(one.received_at_ms),
                one.records.to_string(),
                one.bytes.to_string(),
                line(&one.request_id),
            ]
        })
        .collect();
    print::table(&["DELIVERY", "RECEIVED", "RECORDS", "BYTES", "REQUEST"], &rows)
}
