//! A mistake by its place in the template's bytes, and what it looks like to a person.

use crate::mistake::Mistake;

/// Characters of the piece that a message shows.
const PIECE: usize = 80;

/// A mistake at `at..end` of the template.
#[derive(Clone, Debug)]
pub(in crate::template) struct Fault {
    pub(in crate::template) at: usize,
    pub(in crate::template) end: usize,
    pub(in crate::template) reason: String,
    pub(in crate::template) remedy: String,
}

impl Fault {
    pub(in crate::template) fn new(
        at: usize,
        end: usize,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { at, end, reason: reason.into(), remedy: remedy.into() }
    }

    /// With line and column, both from 1, in characters.
    pub(in crate::template) fn in_text(self, text: &str) -> Mistake {
        let before = text.get(..self.at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let piece = text.get(self.at..self.end.max(self.at)).unwrap_or_default();
        Mistake {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            piece: piece.chars().take(PIECE).collect(),
            reason: self.reason,
            remedy: self.remedy,
        }
    }
}

/// Quotes that word processors put in the place of `"` and `'`.
pub(super) fn is_typographic(letter: char) -> bool {
    matches!(
        letter,
        '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›' | '\u{301d}'..='\u{301f}' | '\u{ff02}' | '\u{ff07}'
    )
}

/// The typographic quotes at `at` and in what follows within the tag.
pub(super) fn typographic(text: &str, at: usize) -> Fault {
    let rest = text.get(at..).unwrap_or_default();
    let tag = rest.find("}}").and_then(|end| rest.get(..end)).unwrap_or(rest);
    let mut seen: Vec<char> = Vec::new();
    for letter in tag.chars().filter(|letter| is_typographic(*letter)) {
        if !seen.contains(&letter) && seen.len() < 8 {
            seen.push(letter);
        }
    }
    let names: Vec<String> = seen.iter().map(char::to_string).collect();
    let width = rest.chars().next().map_or(0, char::len_utf8);
    Fault::new(
        at,
        at + width,
        format!("typographic quotes {}", names.join(" ")),
        "write straight quotes: \" or '",
    )
}
