//! `listener check`

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use language::manifest::print;

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
    let manifests = print::read_to_check(&files);
    match format {
        Format::Text => {
            print::text(&manifests, files.len(), &mut io::stdout().lock(), &mut io::stderr().lock())?;
        }
        Format::Json => print::json(&manifests, &mut io::stdout().lock())?,
    }
    Ok(if manifests.mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use language::manifest::read_files;
    use serde_json::json;

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
        print::text(&manifests, 1, &mut out, &mut err).unwrap();
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
        print::json(&read_files(&[file.path().to_owned()]), &mut out).unwrap();
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
