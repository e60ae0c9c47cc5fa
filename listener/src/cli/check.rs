//! `listener check`

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use language::manifest::{ManifestMistake, Manifests, Severity, read_files};

const EXAMPLE: &str = "\
Say what is wrong with manifests, with line, column, field and remedy.

Reads the YAML that kubectl apply takes, looks at every HubSpotListener in it as the API server and the \
operator would, and compiles its templates and filters. Needs no cluster and changes nothing. Secrets and \
ConfigMaps in the files are looked at too; other kinds are left out. Values of Secrets are never printed.

Example:
  $ listener check contacts.yaml
  contacts.yaml:12:5: spec.page.size: a page holds at least one record; write 1 or more, or remove size for 20
  1 mistake in 1 file

Mistakes go to standard output, one on each line; notes go to standard error. The exit code is 0 when there \
is no mistake and 1 when there is one.";

/// Say what is wrong with manifests, with line, column, field and remedy.
#[derive(Debug, clap::Args)]
#[command(long_about = EXAMPLE)]
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
    let mut manifests = read_files(&files);
    if manifests.listeners.is_empty() && manifests.mistakes.is_empty() {
        manifests.mistakes.push(nothing_to_look_at(&files));
    }
    match format {
        Format::Text => text(&manifests, files.len(), &mut io::stdout().lock(), &mut io::stderr().lock())?,
        Format::Json => json(&manifests, &mut io::stdout().lock())?,
    }
    Ok(if manifests.mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A check that looks at nothing must not say that all is well.
fn nothing_to_look_at(files: &[PathBuf]) -> ManifestMistake {
    ManifestMistake {
        file: files.first().map_or_else(String::new, |file| file.display().to_string()),
        line: 1,
        column: 1,
        field: String::new(),
        reason: "there is no HubSpotListener in here".to_owned(),
        remedy: "see that this is the right file".to_owned(),
        severity: Severity::Mistake,
    }
}

fn text(manifests: &Manifests, files: usize, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
    for note in manifests.notes.iter().chain(&manifests.missing) {
        writeln!(err, "note: {note}")?;
    }
    for mistake in &manifests.mistakes {
        writeln!(out, "{mistake}")?;
    }
    let count = manifests.mistakes.len();
    let (files, listeners) = (plural(files, "file"), plural(manifests.listeners.len(), "listener"));
    if count == 0 {
        writeln!(out, "no mistakes: {listeners} in {files}")
    } else {
        writeln!(out, "{} in {files}", plural(count, "mistake"))
    }
}

fn json(manifests: &Manifests, out: &mut impl Write) -> anyhow::Result<()> {
    let listeners = manifests.listeners.iter().map(
        |listener| json!({"namespace": listener.namespace, "name": listener.name, "file": listener.file}),
    );
    let report = json!({
        "mistakes": manifests.mistakes,
        "notes": manifests.notes.iter().chain(&manifests.missing).collect::<Vec<_>>(),
        "listeners": listeners.collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(())
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    const LISTENER: &str = "\
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {name: contacts}
spec:
  displayName: Contacts
  clientSecrets: [{name: app, key: secret}]
  destinations: [{name: audit, log: {}}]
";

    /// The exit code, what is printed and what is noted, for a file with `text`.
    fn check(text: &str) -> (bool, String, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let args = Cli::parse_from(["check", &file.path().display().to_string()]).args;
        let good = format!("{:?}", run(args).unwrap()) == format!("{:?}", ExitCode::SUCCESS);
        let manifests = read_files(&[file.path().to_owned()]);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        super::text(&manifests, 1, &mut out, &mut err).unwrap();
        (good, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_good_file_passes_and_a_secret_elsewhere_is_a_note() {
        let (good, out, err) = check(LISTENER);
        assert!(good);
        assert_eq!(out, "no mistakes: 1 listener in 1 file\n");
        assert!(err.starts_with("note: "), "{err}");
        assert!(err.contains("Secret app in namespace default is in none of the files"), "{err}");
    }

    #[test]
    fn a_mistake_fails_with_its_line() {
        let (good, out, _) = check(&LISTENER.replace("log: {}", "logs: {}"));
        assert!(!good);
        assert!(
            out.contains(":7:32: spec.destinations[0].logs: there is no such field; did you mean log?"),
            "{out}"
        );
        assert!(out.ends_with("1 mistake in 1 file\n"), "{out}");
    }

    #[test]
    fn a_file_without_a_listener_fails() {
        assert!(!check("# nothing\n").0);
        assert!(!check("apiVersion: apps/v1\nkind: Deployment\n").0);
    }

    #[test]
    fn json_holds_mistakes_notes_and_listeners() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), LISTENER).unwrap();
        let mut out = Vec::new();
        super::json(&read_files(&[file.path().to_owned()]), &mut out).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(report["mistakes"], json!([]));
        assert_eq!(report["listeners"][0]["name"], "contacts");
        assert_eq!(report["notes"][0]["severity"], "note");
        assert_eq!(report["notes"][0]["line"], 6);
    }

    #[test]
    fn a_file_must_be_named() {
        assert!(Cli::try_parse_from(["check"]).is_err());
    }
}
