//! The same act on several errors: by number one after the other, by filter as a bulk act with a plan.

use anyhow::bail;
use serde_json::{Value, json};

use super::filter::FilterArgs;
use super::shape::Shown;
use super::table;
use crate::cli::remote::bulk::{self, Words};
use crate::cli::remote::client::Client;
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::shape::Plan;
use crate::cli::remote::text::line;
use crate::desk::State;

/// Which errors an act is done to.
#[derive(Debug, clap::Args)]
pub(super) struct SeveralArgs {
    /// Numbers of errors
    ids: Vec<i64>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Everything that waits, without a filter
    #[arg(long)]
    all: bool,
    /// Without a question
    #[arg(long, short)]
    yes: bool,
}

/// Does one act to all of them. `fields` is what the act is told.
pub(super) async fn several(
    client: &Client,
    output: Output,
    act: &str,
    fields: Value,
    args: SeveralArgs,
) -> anyhow::Result<()> {
    let SeveralArgs { ids, filter, all, yes } = args;
    if !ids.is_empty() {
        if all || !filter.is_empty() {
            bail!("give numbers or a filter, not both");
        }
        return by_number(client, output, act, &fields, &ids).await;
    }
    if filter.is_empty() && !all {
        bail!("which errors? give their numbers, a filter such as --destination NAME, or --all");
    }
    by_filter(client, output, act, fields, &filter, yes).await
}

async fn by_number(
    client: &Client,
    output: Output,
    act: &str,
    fields: &Value,
    ids: &[i64],
) -> anyhow::Result<()> {
    let mut failed = 0_usize;
    for id in ids {
        match client.post::<Value>(&["errors", &id.to_string(), act], fields).await {
            Ok(answer) if output == Output::Json => {
                print::text(&format!("{}\n", json!({"id": id, "state": answer["state"]})))?;
            }
            Ok(answer) => {
                print::text(&format!(
                    "error {id} is {}\n",
                    line(answer["state"].as_str().unwrap_or_default())
                ))?;
            }
            Err(error) if ids.len() == 1 => return Err(error),
            Err(error) => {
                failed += 1;
                eprintln!("error {id}: {error:#}");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} were not done", ids.len());
    }
    Ok(())
}

async fn by_filter(
    client: &Client,
    output: Output,
    act: &str,
    fields: Value,
    filter: &FilterArgs,
    yes: bool,
) -> anyhow::Result<()> {
    let usual: &[State] = if act == "reopen" { &[State::Waiting] } else { &[State::Open] };
    let mut wanted = fields;
    wanted["act"] = json!(act);
    let request = json!({"selection": {"errors": filter.json(usual)}, "act": wanted});
    bulk::run(client, output, &request, yes, &Words { act, noun: "errors" }, sample).await
}

/// The first of the errors, as a table.
fn sample(plan: &Plan) -> anyhow::Result<String> {
    let errors: Vec<Shown> = serde_json::from_value(Value::Array(plan.sample.clone()))?;
    Ok(if errors.is_empty() { String::new() } else { table::errors(&errors) })
}
