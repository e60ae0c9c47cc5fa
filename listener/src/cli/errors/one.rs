//! `show`

use std::fmt::Write;

use serde_json::Value;

use super::shape::{Shown, Whole};
use crate::cli::remote::client::Client;
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::text::{line, lines, pretty, time};

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Number of the error
    id: i64,
}

pub(super) async fn show(client: &Client, output: Output, args: ShowArgs) -> anyhow::Result<()> {
    let answer: Value = client.get(&["errors", &args.id.to_string()], &[]).await?;
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    Ok(print::text(&card(&serde_json::from_value(answer)?)?)?)
}

fn card(whole: &Whole) -> Result<String, std::fmt::Error> {
    let Whole { shown, record, page, status, response, payload, edited_payload, withheld, notes, folded } =
        whole;
    let mut text = String::new();
    let mut row = |name: &str, value: &str| writeln!(text, "{name:13}{}", line(value));
    head(shown, &mut row)?;
    row("record", record)?;
    row("page", page.as_deref().unwrap_or("-"))?;
    if let Some(status) = status {
        row("status", &status.to_string())?;
    }
    if !folded.is_empty() {
        let folded: Vec<String> = folded.iter().map(ToString::to_string).collect();
        row("folded", &folded.join(", "))?;
    }
    for note in notes {
        row("note", &format!("{} {}: {}", time(note.at_ms), note.by, note.text))?;
    }
    if let Some(response) = response {
        write!(text, "\nresponse\n{}\n", lines(response))?;
    }
    if let Some(payload) = payload {
        write!(text, "\npayload\n{}\n", payload.lines())?;
    }
    if let Some(edited) = edited_payload {
        let json = edited.text.as_deref().unwrap_or_default();
        write!(
            text,
            "\nedited payload, by {} at {}\n{}\n",
            line(&edited.by),
            time(edited.at_ms),
            lines(&pretty(json))
        )?;
    }
    if let Some(withheld) = withheld {
        write!(text, "\nnot shown: {}\n", line(withheld))?;
    }
    Ok(text)
}

fn head(shown: &Shown, row: &mut impl FnMut(&str, &str) -> std::fmt::Result) -> std::fmt::Result {
    row("id", &shown.id.to_string())?;
    row("state", &shown.state)?;
    if let Some(until) = shown.waits_until_ms {
        row("waits until", &time(until))?;
    }
    if let Some(resolution) = &shown.resolution {
        let by = resolution.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        row("closed", &format!("{} {}{by}", time(resolution.at_ms), resolution.how))?;
    }
    row("trace key", &shown.trace_key)?;
    row("data URI", &shown.data_uri)?;
    row("destination", shown.destination.as_deref().unwrap_or("-"))?;
    row("class", &shown.class)?;
    row("code", &shown.code)?;
    row("message", &shown.message)?;
    row("first failed", &time(shown.first_at_ms))?;
    row("last failed", &time(shown.last_at_ms))?;
    row("attempts", &shown.attempts.to_string())?;
    row("assignee", shown.assignee.as_deref().unwrap_or("-"))?;
    row("tags", &if shown.tags.is_empty() { "-".to_owned() } else { shown.tags.join(", ") })
}
