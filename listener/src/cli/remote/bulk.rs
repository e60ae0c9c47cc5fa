//! A bulk act from a terminal: its plan is shown, somebody says yes, its progress is shown.

use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::client::Client;
use super::confirm::confirm;
use super::print::{self, Output};
use super::shape::{Bulk, Plan};
use super::text::line;

/// Between two looks at a bulk act.
const LOOK: Duration = Duration::from_millis(300);

/// What is done, and to what.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Words<'a> {
    /// The act.
    pub(in crate::cli) act: &'a str,
    /// `errors` or `records`.
    pub(in crate::cli) noun: &'a str,
}

/// Plans, asks, starts, and waits for the end. `sample` shows the first of what the plan is about.
pub(in crate::cli) async fn run(
    client: &Client,
    output: Output,
    request: &Value,
    yes: bool,
    words: &Words<'_>,
    sample: impl Fn(&Plan) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let Words { act, noun } = *words;
    let plan: Plan = client.post(&["bulk-plans"], request).await?;
    say(words, &plan);
    eprint!("{}", sample(&plan)?);
    if plan.effect.changed == 0 {
        eprintln!("nothing is to be done");
        return Ok(());
    }
    if !yes && !confirm(&format!("{act} {} {noun}?", plan.effect.changed))? {
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
fn say(words: &Words<'_>, plan: &Plan) {
    let Words { act, noun } = words;
    let effect = &plan.effect;
    eprintln!("plan {}: {act} {} of the {} {noun} that match", plan.id, effect.changed, effect.matched);
    if effect.left > 0 {
        eprintln!("  {} are left: their state does not allow it", effect.left);
    }
    if effect.without_payload > 0 {
        eprintln!("  {} are left: their payload is not kept", effect.without_payload);
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
