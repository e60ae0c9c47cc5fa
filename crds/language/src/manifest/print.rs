//! What `listener check` and `operator check` print: the same, so that scripts can read either.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{ManifestMistake, Manifests, Severity, read_files};

/// Reads the files that a check was given. One that looks at nothing must not say that all is well.
pub fn read_to_check(files: &[PathBuf]) -> Manifests {
    let mut manifests = read_files(files);
    if manifests.listeners.is_empty() && manifests.mistakes.is_empty() {
        manifests.mistakes.push(nothing_to_look_at(files.first().map(PathBuf::as_path)));
    }
    manifests
}

fn nothing_to_look_at(file: Option<&Path>) -> ManifestMistake {
    ManifestMistake {
        file: file.map_or_else(String::new, |file| file.display().to_string()),
        line: 1,
        column: 1,
        field: String::new(),
        reason: "there is no HubSpotListener in here".to_owned(),
        remedy: "see that this is the right file".to_owned(),
        severity: Severity::Mistake,
    }
}

/// For people: mistakes, one on each line, and a last line with counts to `out`; notes to `err`.
pub fn text(
    manifests: &Manifests,
    files: usize,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<()> {
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

/// For scripts: one JSON object with `mistakes`, `notes` and `listeners`.
pub fn json(manifests: &Manifests, out: &mut impl Write) -> io::Result<()> {
    let listeners = manifests.listeners.iter().map(
        |listener| json!({"namespace": listener.namespace, "name": listener.name, "file": listener.file}),
    );
    let report = json!({
        "mistakes": manifests.mistakes,
        "notes": manifests.notes.iter().chain(&manifests.missing).collect::<Vec<_>>(),
        "listeners": listeners.collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
