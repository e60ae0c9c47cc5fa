//! A mistake in something that a user wrote, said so that it can be mended.

use std::fmt;

/// A mistake in a template or a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line within the text, from 1.
    pub line: usize,
    /// Column within the line in characters, from 1.
    pub column: usize,
    /// The piece to blame, as written, at most 80 characters.
    pub piece: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, piece, reason, remedy } = self;
        write!(f, "line {line}, column {column}: {reason}: `{piece}`; {remedy}")
    }
}

impl std::error::Error for Mistake {}
