//! `listener refusals`

use std::fmt::Write;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use super::filter::RefusedArgs;
use super::shape::{Refused, RefusedWhole};
use crate::cli::remote;
use crate::cli::remote::client::{Client, Connection};
use crate::cli::remote::export::{self, FileArgs};
use crate::cli::remote::list::{self, PartArgs};
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::text::{line, short, time};

/// See which requests were refused, and why
///
/// Speaks to the admin port of a listener, as `listener errors` does. The role `view` lists,
/// `operate` sees the beginning of a body.
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
    /// List refused requests, newest first
    List {
        #[command(flatten)]
        filter: RefusedArgs,
        #[command(flatten)]
        part: PartArgs,
    },
    /// Show one refused request with its diagnosis
    Show {
        /// Its id
        id: String,
    },
    /// Write refused requests to a file, as CSV or JSON lines, without bodies
    Export {
        #[command(flatten)]
        filter: RefusedArgs,
        #[command(flatten)]
        file: FileArgs,
    },
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { connection, output, command } = args;
    remote::run(connection, async |client| match command {
        Command::List { filter, part } => {
            let shown = ("no refused request matches", table);
            list::list(&client, output, ("refusals", filter.query()), part, shown).await
        }
        Command::Show { id } => show(&client, output, &id).await,
        Command::Export { filter, file } => export::export(&client, "refusals", filter.query(), file).await,
    })
}

async fn show(client: &Client, output: Output, id: &str) -> anyhow::Result<()> {
    let answer: Value = client.get(&["refusals", id], &[]).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    Ok(print::text(&card(&serde_json::from_value(answer)?)?)?)
}

fn table(refusals: &[Refused]) -> String {
    let rows: Vec<Vec<String>> = refusals
        .iter()
        .map(|one| {
            vec![
                line(&one.id),
                time(one.at_ms),
                one.status.to_string(),
                short(&one.cause, 24),
                short(one.diagnosis_code.as_deref().unwrap_or("-"), 24),
                short(one.diagnosis.as_deref().unwrap_or("-"), 60),
            ]
        })
        .collect();
    print::table(&["ID", "WHEN", "STATUS", "CAUSE", "DIAGNOSIS", "WHAT IS WRONG"], &rows)
}

fn card(whole: &RefusedWhole) -> Result<String, std::fmt::Error> {
    let RefusedWhole { refused, body, withheld } = whole;
    let mut text = String::new();
    let mut row = |name: &str, value: &str| writeln!(text, "{name:13}{}", line(value));
    row("id", &refused.id)?;
    row("when", &time(refused.at_ms))?;
    row("status", &refused.status.to_string())?;
    row("cause", &refused.cause)?;
    row("diagnosis", refused.diagnosis_code.as_deref().unwrap_or("-"))?;
    row("", refused.diagnosis.as_deref().unwrap_or("-"))?;
    row("from", refused.peer.as_deref().unwrap_or("-"))?;
    row("bytes", &refused.body_bytes.to_string())?;
    write!(text, "\n{}\n", line(&refused.request_line))?;
    for (name, value) in &refused.headers {
        writeln!(text, "{}: {}", line(name), line(value))?;
    }
    if let Some(body) = body {
        write!(text, "\nthe beginning of its body\n{}\n", body.lines())?;
    }
    if let Some(withheld) = withheld {
        write!(text, "\nnot shown: {}\n", line(withheld))?;
    }
    Ok(text)
}
