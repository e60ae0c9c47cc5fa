//! `bulk`

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::remote::client::Client;
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::shape::{Bulk, List};
use crate::cli::remote::text::{line, short, time};

/// Arguments of `bulk`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List them, newest first
    List {
        /// How many at most, 1 to 1000
        #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Goes on where a list before ended
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
    },
    /// Show how far one is
    Show {
        /// Its number
        id: i64,
    },
    /// Stop one; what is done stays done
    Cancel {
        /// Its number
        id: i64,
    },
}

pub(super) async fn run(client: &Client, output: Output, args: Args) -> anyhow::Result<()> {
    let (items, next, answer): (Vec<Bulk>, _, Value) = match args.command {
        Command::List { limit, cursor } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let answer: Value = client.get(&["bulk"], &query).await?;
            let list: List<Bulk> = serde_json::from_value(answer.clone())?;
            (list.items, list.next, answer)
        }
        Command::Show { id } => {
            let answer: Value = client.get(&["bulk", &id.to_string()], &[]).await?;
            (vec![serde_json::from_value(answer.clone())?], None, answer)
        }
        Command::Cancel { id } => {
            let answer: Value = client.post(&["bulk", &id.to_string(), "cancel"], &json!({})).await?;
            (vec![serde_json::from_value(answer.clone())?], None, answer)
        }
    };
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|bulk| {
            vec![
                bulk.id.to_string(),
                short(&bulk.act.act, 10),
                line(&bulk.state),
                format!("{}/{}", bulk.done, bulk.total),
                bulk.left.to_string(),
                short(&bulk.actor, 20),
                time(bulk.started_at_ms),
            ]
        })
        .collect();
    print::text(&print::table(&["ID", "ACT", "STATE", "DONE", "LEFT", "BY", "STARTED"], &rows))?;
    if let Some(next) = next {
        eprintln!("there are more: --cursor {}", line(&next));
    }
    Ok(())
}
