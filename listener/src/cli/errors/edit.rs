//! `edit`
//!
//! The payload is opened in an editor, with a line for each value, in a file that only its owner can read
//! and that is gone afterwards. Only white space differs from what is stored: numbers keep their digits.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::diff::diff;
use super::shape::Whole;
use crate::cli::remote::client::Client;
use crate::cli::remote::confirm::confirm;
use crate::cli::remote::print::{self, Output};
use crate::cli::remote::text::{line, pretty};
use crate::cli::verify::read;

/// Arguments of `edit`.
#[derive(Debug, clap::Args)]
pub(super) struct EditArgs {
    /// Number of the error
    id: i64,
    /// File with the new payload, a JSON object; left out: $VISUAL or $EDITOR opens the payload
    #[arg(long, value_name = "FILE", conflicts_with = "original")]
    payload: Option<PathBuf>,
    /// Back to the payload as it came
    #[arg(long)]
    original: bool,
    /// Retry it then
    #[arg(long)]
    retry: bool,
    /// Without a question
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn edit(client: &Client, output: Output, args: EditArgs) -> anyhow::Result<()> {
    let EditArgs { id, payload: file, original, retry, yes } = args;
    let path = id.to_string();
    let payload = if original { None } else { Some(change(client, &path, file.as_deref(), yes).await?) };
    let Some(payload) = payload.map_or(Some(None), |changed| changed.map(Some)) else {
        eprintln!("nothing was changed");
        return Ok(());
    };
    let mut answer: Value = client.post(&["errors", &path, "edit"], &json!({"payload": payload})).await?;
    if retry {
        answer = client.post(&["errors", &path, "retry"], &json!({})).await?;
    }
    if output == Output::Json {
        return Ok(print::json(&answer)?);
    }
    print::text(&format!("error {id} is {}\n", line(answer["state"].as_str().unwrap_or_default())))?;
    Ok(())
}

/// The new payload; none: nothing is to be changed.
async fn change(client: &Client, id: &str, file: Option<&Path>, yes: bool) -> anyhow::Result<Option<String>> {
    let whole: Whole = client.get(&["errors", id], &[]).await?;
    let edited = whole.edited_payload.and_then(|edited| edited.text);
    let Some(before) = edited.or_else(|| whole.payload.and_then(|payload| payload.text)) else {
        let why = whole.withheld.unwrap_or_else(|| "its payload is not kept, or is no text".to_owned());
        bail!("error {id} cannot be edited: {why}");
    };
    let after = match file {
        Some(path) => {
            let text = read(path)?;
            String::from_utf8(text.to_vec()).with_context(|| format!("{} is not UTF-8", path.display()))?
        }
        None => in_editor(&pretty(&before))?,
    };
    let differences = match diff(&before, &after) {
        Ok(differences) => differences,
        // What was no JSON before has no values to compare.
        Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(&after).is_ok() => {
            vec!["~ the payload, as a whole".to_owned()]
        }
        Err(error) => bail!("the new payload is not JSON: {error}; nothing was sent"),
    };
    if differences.is_empty() {
        return Ok(None);
    }
    for difference in &differences {
        eprintln!("{difference}");
    }
    Ok((yes || confirm("send this?")?).then_some(after))
}

fn in_editor(text: &str) -> anyhow::Result<String> {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let editor = named.unwrap_or_else(|| "vi".to_owned());
    let mut file = tempfile::Builder::new().prefix("error-").suffix(".json").tempfile()?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.flush()?;
    // Through a shell: an editor is named with its arguments, as in `code --wait`.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(file.path())
        .status()
        .with_context(|| {
            format!("the editor {editor} does not start; name another in $EDITOR, or give --payload FILE")
        })?;
    if !status.success() {
        bail!("the editor {editor} failed; nothing was sent");
    }
    let mut changed = String::new();
    // Opened anew: many editors replace the file.
    std::fs::File::open(file.path())?
        .read_to_string(&mut changed)
        .context("the edited payload is not UTF-8")?;
    Ok(changed.trim_end().to_owned())
}
