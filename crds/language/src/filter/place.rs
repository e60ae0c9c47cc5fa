//! Where in a filter's text a mistake stands.

use std::ops::Range;

use crate::mistake::Mistake;

/// Characters of the piece that is shown at most.
const PIECE: usize = 80;

/// A mistake about the bytes `at` of `text`.
pub(super) fn mistake(
    text: &str,
    at: Range<usize>,
    reason: impl Into<String>,
    remedy: impl Into<String>,
) -> Mistake {
    let before = text.get(..at.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Mistake {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        piece: text.get(at).unwrap_or_default().chars().take(PIECE).collect(),
        reason: reason.into(),
        remedy: remedy.into(),
    }
}

/// The byte where line `line` has its character `column`, both from 1; the end where there is none.
pub(super) fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        if number == line {
            let within = content.char_indices().nth(column.saturating_sub(1));
            return start + within.map_or(content.len(), |(place, _)| place);
        }
        start += content.len();
    }
    text.len()
}
