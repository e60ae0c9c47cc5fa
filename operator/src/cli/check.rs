//! `operator check`

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use language::manifest::print;

const LONG: &str = "\
Say what is wrong with manifests, with line, column, field and remedy.

Reads the YAML that kubectl apply takes, looks at every HubSpotListener in it as the API server and the \
operator would, and compiles its templates and filters. Needs no cluster and changes nothing. Secrets and \
ConfigMaps in the files are looked at too; other kinds are left out. Values of Secrets are never printed.
`listener check` says the same.

Example:
  $ operator check contacts.yaml
  contacts.yaml:12:5: spec.page.size: a page holds at least one record; write 1 or more, or remove size for 20
  1 mistake in 1 file

Mistakes go to standard output, one on each line; notes go to standard error. The exit code is 0 when there \
is no mistake and 1 when there is one.";

/// Say what is wrong with manifests, with line, column, field and remedy.
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub struct Args {
    /// Files to look at; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print: text for people, json for scripts.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { files, format } = args;
    let manifests = print::read_to_check(&files);
    match format {
        Format::Text => {
            print::text(&manifests, files.len(), &mut io::stdout().lock(), &mut io::stderr().lock())?;
        }
        Format::Json => print::json(&manifests, &mut io::stdout().lock())?,
    }
    Ok(if manifests.mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
