//! A mistake or a note, with the place in the file.

use std::fmt;

use crds::check::Refusal;
use serde::Serialize;

use super::yaml::Place;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The manifest would be refused, or the listener could not run.
    Mistake,
    /// It may be meant so.
    Note,
}

/// Something in a manifest that is wrong, or worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestMistake {
    /// The file, as the user named it; `<stdin>` for standard input.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Path of the field, such as `spec.page.size`; empty for the file as a whole.
    pub field: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
    /// How much it matters.
    pub severity: Severity,
}

impl ManifestMistake {
    /// A refusal that stands at a place of a file.
    pub(super) fn at(file: &str, place: Place, refusal: Refusal, severity: Severity) -> Self {
        let Refusal { field, reason, remedy } = refusal;
        let Place { line, column } = place;
        Self { file: file.to_owned(), line, column, field, reason, remedy, severity }
    }
}

impl fmt::Display for ManifestMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, field, reason, remedy, severity: _ } = self;
        write!(f, "{file}:{line}:{column}: ")?;
        if !field.is_empty() {
            write!(f, "{field}: ")?;
        }
        write!(f, "{reason}; {remedy}")
    }
}

impl std::error::Error for ManifestMistake {}
