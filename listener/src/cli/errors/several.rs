//! The same act on several errors: by number one after the other, by filter as a bulk act with a plan.

use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::client::Client;
use super::confirm::confirm;
use super::filter::FilterArgs;
use super::print::{self, Output};
use super::shape::{Bulk, Plan};
use super::text::line;
use crate::desk::State;

/// Between two looks at a bulk act.
const LOOK: Duration = Duration::from_millis(300);

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
    let plan: Plan = client.post(&["bulk-plans"], &request).await?;
    say(act, &plan);
    if plan.effect.changed == 0 {
        eprintln!("nothing is to be done");
        return Ok(());
    }
    if !yes && !confirm(&format!("{act} {} errors?", plan.effect.changed))? {
        eprintln!("nothing was done");
        return Ok(());
    }
    let started: Value = client.post(&["bulk-plans", &plan.id.to_string(), "start"], &json!({})).await?;
    let (answer, bulk) = follow(client, started).await?;
    match output {
        Output::Json => print::json(&answer)?,
        Output::Table => print::text(&format!(
            "{act}: {} done, {} left, of {} ({})\n",
            bulk.done,
            bulk.left,
            bulk.total,
            line(&bulk.state)
        ))?,
    }
    Ok(())
}

/// The plan, for people, beside what scripts read.
fn say(act: &str, plan: &Plan) {
    let effect = &plan.effect;
    eprintln!("plan {}: {act} {} of the {} errors that match", plan.id, effect.changed, effect.matched);
    if effect.left > 0 {
        eprintln!("  {} are left: their state does not allow it", effect.left);
    }
    if effect.without_payload > 0 {
        eprintln!("  {} are left: their payload is not kept", effect.without_payload);
    }
    if !plan.sample.is_empty() {
        eprint!("{}", print::errors(&plan.sample));
    }
}

/// Waits until a bulk act has ended. It runs in the listener: whoever stops waiting does not stop it.
async fn follow(client: &Client, mut answer: Value) -> anyhow::Result<(Value, Bulk)> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").context("a template")?);
    loop {
        let bulk: Bulk = serde_json::from_value(answer.clone())?;
        bar.set_length(bulk.total);
        bar.set_position(bulk.done + bulk.left);
        bar.set_message(format!("bulk act {}, goes on without this command", bulk.id));
        if bulk.state != "running" {
            bar.finish_and_clear();
            return Ok((answer, bulk));
        }
        tokio::time::sleep(LOOK).await;
        answer = client.get(&["bulk", &bulk.id.to_string()], &[]).await?;
    }
}
