//! Whether what a template gave is one JSON value.

use std::borrow::Cow;

use crds::limits::MAX_TRANSFORMED_DEPTH;

use super::{MappingError, Part};
use crate::event::{Scanner, Wrong};
use crate::template::{Scope, Template};

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Nothing, or white space alone.
    Empty,
    /// Not JSON, from this byte on.
    NotJson(Wrong),
    /// Nested too deep.
    TooDeep,
}

/// The value in `text`, without the white space about it.
pub(super) fn json(text: &str) -> Result<&str, Unfit> {
    let mut scanner = Scanner::new(text.as_bytes());
    scanner.space();
    if scanner.peek().is_none() {
        return Err(Unfit::Empty);
    }
    let start = scanner.at();
    scanner.value().map_err(Unfit::NotJson)?;
    let end = scanner.at();
    scanner.space();
    if scanner.peek().is_some() {
        return Err(Unfit::NotJson(scanner.wrong("something follows the JSON")));
    }
    let value = text.get(start..end).unwrap_or_default();
    if is_deep(value.as_bytes()) { Err(Unfit::TooDeep) } else { Ok(value) }
}

/// What a template gives for one record, which must be JSON.
pub(super) fn json_of<'t>(
    part: Part,
    template: &'t Template,
    scope: &Scope<'_>,
) -> Result<Cow<'t, [u8]>, MappingError> {
    // Without a tag it was looked at when it was compiled.
    if let Some(literal) = template.literal() {
        return Ok(Cow::Borrowed(literal.trim_matches(WHITE).as_bytes()));
    }
    let text =
        template.render(scope).map_err(|error| MappingError::Template { part, reason: error.reason })?;
    match json(&text) {
        Ok(value) if value.len() == text.len() => Ok(Cow::Owned(text.into_bytes())),
        Ok(value) => Ok(Cow::Owned(value.as_bytes().to_vec())),
        Err(Unfit::Empty) => Err(MappingError::Empty(part)),
        Err(Unfit::TooDeep) => Err(MappingError::TooDeep(part)),
        Err(Unfit::NotJson(Wrong { at, what })) => {
            let (line, column) = place(&text, at);
            Err(MappingError::NotJson { part, reason: what, line, column })
        }
    }
}

/// White space of JSON.
const WHITE: [char; 4] = [' ', '\n', '\r', '\t'];

/// Line and column of a byte, both from 1, in characters.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    // The scanner stops between characters; should it not, the place is one character early.
    let before = (0..=at.min(text.len())).rev().find_map(|at| text.get(..at)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// Whether valid JSON is nested deeper than may be.
fn is_deep(json: &[u8]) -> bool {
    let (mut depth, mut within, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'{' | b'[' if !within => {
                depth += 1;
                if depth > MAX_TRANSFORMED_DEPTH {
                    return true;
                }
            }
            b'}' | b']' if !within => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
