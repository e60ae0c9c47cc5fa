//! `listener preview`

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use bytes::Bytes;
use crds::check::nearest;
use crds::limits::DEFAULT_MAX_BODY_BYTES;

use super::{public_base, read};
use crate::preview::{Report, preview, ready, table};
use language::clock::Clock;
use language::manifest::{ManifestListener, Manifests, read_files};

/// Show what listeners would make of events, before anything is live
///
/// Takes the manifests that `listener check` takes, and events as HubSpot posts
/// them: a JSON array, or one object. Nothing is sent, stored or verified. Secrets
/// are not needed; ConfigMaps in the files are used, and one that is missing is
/// said and its scope is empty.
///
/// For each event it says whether it is a record, a duplicate of another in the
/// file, ignored (and by whose filter) or an open error; its trace key, its data
/// URI, and for each destination the page that it goes in and the record as
/// handed on. Then the pages of each destination, and the answer that HubSpot
/// would get for the delivery. What fails in a template is said beside the value.
///
/// The events count as one delivery to an empty store. The exit code is 0 when
/// there is a preview, also one with open errors, and 1 when the manifests have
/// a mistake.
///
/// Examples:
///
///   listener preview docs/examples/contacts.yaml --events events.json
///   listener sample | listener preview docs/examples/contacts.yaml --events -
///   listener preview contacts.yaml --events events.json --output json \
///     | jq '.listeners | first | .events[] | {outcome, traceKey}'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "help texts for a terminal")]
pub struct Args {
    /// Manifests; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Events: a file with a JSON array or one object, at most 8 MiB; `-` is standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Only this listener, by NAME or NAMESPACE/NAME [default: each in the files]
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// In the table, print each record as handed on, not only those that a destination transforms
    #[arg(long)]
    records: bool,
    /// Scheme and host of the public URL [default: https:// and spec.url.host, or http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people: at most 120 columns
    Table,
    /// For scripts: docs/preview.md describes it
    Json,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { files, events, listener, output, records, public_url } = args;
    ensure!(
        !(read::is_stdin(&events) && files.iter().any(|file| read::is_stdin(file))),
        "standard input can be FILE or --events, not both; put one of them into a file"
    );
    let public_base = public_url.as_deref().map(public_base::check).transpose()?;
    let manifests = read_files(&files);
    if !manifests.mistakes.is_empty() {
        for mistake in &manifests.mistakes {
            eprintln!("{mistake}");
        }
        bail!("the manifests have a mistake; mend what is said above");
    }
    // What is larger is answered 413, so that there is nothing to preview.
    let body = Bytes::from(read::bytes(&events, DEFAULT_MAX_BODY_BYTES)?);
    let mut previews = Vec::new();
    for listener in chosen(&manifests, listener.as_deref())? {
        let ready = ready(listener, &manifests, public_base.as_deref()).map_err(|refused| {
            anyhow::anyhow!("listener {}/{} cannot run:\n{refused}", listener.namespace, listener.name)
        })?;
        previews.push(preview(&ready, &body, &Clock::System));
    }
    let text = match output {
        Output::Table => {
            let tables: Vec<String> = previews.iter().map(|preview| table(preview, records)).collect();
            tables.join("\n")
        }
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&Report::new(previews))?),
    };
    super::print(&mut io::stdout().lock(), text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The listeners of the files, or the one that was asked for.
fn chosen<'a>(manifests: &'a Manifests, wanted: Option<&str>) -> anyhow::Result<Vec<&'a ManifestListener>> {
    let all: Vec<&ManifestListener> = manifests.listeners.iter().collect();
    ensure!(!all.is_empty(), "there is no HubSpotListener in the files; see that these are the right ones");
    let Some(wanted) = wanted else { return Ok(all) };
    let full = |listener: &ManifestListener| format!("{}/{}", listener.namespace, listener.name);
    let found: Vec<_> = all.iter().copied().filter(|one| one.name == wanted || full(one) == wanted).collect();
    match found.as_slice() {
        [_] => Ok(found),
        [] => {
            let names: Vec<String> = all.iter().map(|one| full(one)).collect();
            let short = all.iter().map(|one| one.name.as_str());
            let known = short.chain(names.iter().map(String::as_str));
            let meant = nearest(wanted, known).map(|name| format!("; did you mean {name}?"));
            bail!(
                "there is no listener {wanted} in the files{}; known are: {}",
                meant.unwrap_or_default(),
                names.join(", ")
            )
        }
        _ => bail!("several listeners are called {wanted}; give --listener NAMESPACE/NAME"),
    }
}
