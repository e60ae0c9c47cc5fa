//! `listener records`

use std::fmt::Write;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use super::filter::RecordArgs;
use super::shape::{Record, Records, Step, Whole};
use crate::cli::remote;
use crate::cli::remote::client::{Client, Connection};
use crate::cli::remote::export::{self, FileArgs};
use crate::cli::remote::list::PartArgs;
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::text::{line, short, time};

/// Find records, and see what became of each
///
/// Speaks to the admin port of a listener, as `listener errors` does. The role `view` lists,
/// `operate` sees payloads.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Tables for people, or the API's JSON for scripts
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Did the change of this contact come, and where did it go?
    listener records list --object-id 123
    listener records show 1042.3

  Everything that the warehouse took this morning, as a file:
    listener records export --delivered-to warehouse --from 2026-11-25T06:00:00Z --file taken.csv";

#[derive(Debug, Subcommand)]
enum Command {
    /// List records, newest first
    List {
        #[command(flatten)]
        filter: RecordArgs,
        #[command(flatten)]
        part: PartArgs,
    },
    /// Show one record with its way, and its payload where the token may see it
    Show {
        /// Its delivery and its place in it, such as 1042.3
        record: String,
    },
    /// Write records to a file, as CSV or JSON lines, without payloads
    Export {
        #[command(flatten)]
        filter: RecordArgs,
        #[command(flatten)]
        file: FileArgs,
    },
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { connection, output, command } = args;
    remote::run(connection, async |client| match command {
        Command::List { filter, part } => list(&client, output, &filter, part).await,
        Command::Show { record } => show(&client, output, &record).await,
        Command::Export { filter, file } => export::export(&client, "records", filter.query(), file).await,
    })
}

async fn list(client: &Client, output: Output, filter: &RecordArgs, part: PartArgs) -> anyhow::Result<()> {
    let mut query = filter.query();
    part.add(&mut query);
    let answer: Value = client.get(&["records"], &query).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    let Records { items, next, behind } = serde_json::from_value(answer)?;
    if behind > 0 {
        eprintln!("the search index lacks the newest {behind} deliveries; they are looked at one by one");
    }
    match (&next, items.is_empty()) {
        (None, true) => eprintln!("no record matches"),
        (Some(_), true) => eprintln!("nothing so far"),
        (_, false) => print::text(&table(&items))?,
    }
    if let Some(next) = next {
        eprintln!("there may be more: --cursor {}", line(&next));
    }
    Ok(())
}

async fn show(client: &Client, output: Output, record: &str) -> anyhow::Result<()> {
    let answer: Value = client.get(&["records", record], &[]).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    Ok(print::text(&card(&serde_json::from_value(answer)?)?)?)
}

/// Records as a table.
pub(super) fn table(records: &[Record]) -> String {
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|one| {
            vec![
                line(&one.name),
                time(one.received_at_ms),
                short(one.subscription_type.as_deref().unwrap_or("-"), 28),
                short(one.object_id.as_deref().unwrap_or("-"), 20),
                short(&one.trace_key, 40),
            ]
        })
        .collect();
    print::table(&["RECORD", "RECEIVED", "TYPE", "OBJECT", "TRACE KEY"], &rows)
}

fn card(whole: &Whole) -> Result<String, std::fmt::Error> {
    let Whole { shown, payload, changed, withheld, way } = whole;
    let mut text = String::new();
    let mut row = |name: &str, value: &str| writeln!(text, "{name:13}{}", line(value));
    row("record", &shown.name)?;
    row("received", &time(shown.received_at_ms))?;
    row("type", shown.subscription_type.as_deref().unwrap_or("-"))?;
    row("object", shown.object_id.as_deref().unwrap_or("-"))?;
    row("trace key", &shown.trace_key)?;
    row("data URI", &shown.data_uri)?;
    write!(text, "\n{}", steps(way))?;
    for (name, payload) in [("payload", payload), ("as the hook changed it", changed)] {
        if let Some(payload) = payload {
            write!(text, "\n{name}\n{}\n", payload.lines())?;
        }
    }
    if let Some(withheld) = withheld {
        write!(text, "\nnot shown: {}\n", line(withheld))?;
    }
    Ok(text)
}

fn steps(way: &[Step]) -> String {
    let rows: Vec<Vec<String>> = way
        .iter()
        .map(|step| {
            let number = |number: Option<String>| number.unwrap_or_default();
            let detail = [
                step.status.map(|status| format!("status {status}")),
                step.took_ms.map(|took| format!("{took} ms")),
                step.error.map(|error| format!("error {error}")),
                step.bulk.map(|bulk| format!("bulk act {bulk}")),
            ];
            vec![
                number(step.at_ms.map(time)),
                line(&step.what),
                line(step.destination.as_deref().unwrap_or("-")),
                line(step.page.as_deref().unwrap_or("-")),
                detail.into_iter().flatten().collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    print::table(&["WHEN", "WHAT", "WHERE", "PAGE", "DETAIL"], &rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_shown_with_its_way() {
        let whole = json!({
            "record": "7.1", "receivedAtMs": 0, "subscriptionType": "contact.creation", "objectId": "5",
            "traceKey": "k\u{1b}", "dataUri": "", "payload": {"text": "{\"a\":1}"}, "changed": null,
            "withheld": null,
            "way": [
                {"atMs": 0, "destination": null, "what": "received", "page": null, "status": null,
                 "tookMs": null, "error": null, "bulk": null},
                {"atMs": 1000, "destination": "audit", "what": "attempted", "page": "ab-2", "status": 503,
                 "tookMs": 7, "error": null, "bulk": null},
                {"atMs": null, "destination": "audit", "what": "pending", "page": null, "status": null,
                 "tookMs": null, "error": null, "bulk": 4},
            ],
        });
        let expected = "\
record       7.1
received     1970-01-01 00:00:00Z
type         contact.creation
object       5
trace key    k\u{fffd}
data URI     

WHEN                  WHAT       WHERE  PAGE  DETAIL
1970-01-01 00:00:00Z  received   -      -
1970-01-01 00:00:01Z  attempted  audit  ab-2  status 503, 7 ms
                      pending    audit  -     bulk act 4

payload
{
  \"a\": 1
}
";
        assert_eq!(card(&serde_json::from_value(whole).unwrap()).unwrap(), expected);
    }
}
