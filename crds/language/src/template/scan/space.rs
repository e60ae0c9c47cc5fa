//! White space as handlebars.js takes it out: all of it beside a `~`, and the whole line where a
//! block's tag or a comment stands alone on it.
//!
//! The rules are those of its `whitespace-control.js`, in their oddities too: with `else if`, the
//! spaces before a closing tag on a line of its own stay.

use super::leaf::is_space;
use super::{Block, Kind, Piece};

/// What a side of a text loses.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Loss {
    #[default]
    Nothing,
    /// Spaces, and at the start a line break after them.
    Line,
    All,
}

pub(super) fn strip(pieces: &mut [Piece], blocks: &[Block]) {
    let mut losses = vec![(Loss::Nothing, Loss::Nothing); pieces.len()];
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Tag(tag) = piece else { continue };
        if tag.strip.0 {
            end(&mut losses, at, Loss::All);
        }
        if tag.strip.1 {
            start(&mut losses, at, Loss::All);
        }
        if tag.kind == Kind::Comment
            && blank_before(pieces, at, tag.depth)
            && blank_after(pieces, at, tag.depth)
        {
            end(&mut losses, at, Loss::Line);
            start(&mut losses, at, Loss::Line);
        }
    }
    for block in blocks {
        // A line within a block is never the first or the last of the template.
        const WITHIN: usize = 1;
        if blank_before(pieces, block.open, block.depth) && blank_after(pieces, block.open, WITHIN) {
            end(&mut losses, block.open, Loss::Line);
            start(&mut losses, block.open, Loss::Line);
        }
        for (at, _) in &block.branches {
            if blank_before(pieces, *at, WITHIN) && blank_after(pieces, *at, WITHIN) {
                end(&mut losses, *at, Loss::Line);
                start(&mut losses, *at, Loss::Line);
            }
        }
        let chained = block.branches.first().is_some_and(|(_, chained)| *chained);
        let last =
            if chained { block.branches.get(1).map_or(block.close, |(at, _)| *at) } else { block.close };
        if blank_before(pieces, last, WITHIN) && blank_after(pieces, block.close, block.depth) {
            start(&mut losses, block.close, Loss::Line);
            if !chained {
                end(&mut losses, block.close, Loss::Line);
            }
        }
    }
    for (piece, (start, end)) in pieces.iter_mut().zip(losses) {
        if let Piece::Text(text) = piece {
            *text = cut(text, start, end).to_owned();
        }
    }
}

/// The text before tag `at` loses at its end.
fn end(losses: &mut [(Loss, Loss)], at: usize, loss: Loss) {
    if let Some((_, end)) = at.checked_sub(1).and_then(|before| losses.get_mut(before))
        && *end != Loss::All
    {
        *end = loss;
    }
}

/// The text after tag `at` loses at its start.
fn start(losses: &mut [(Loss, Loss)], at: usize, loss: Loss) {
    if let Some((start, _)) = losses.get_mut(at + 1)
        && *start != Loss::All
    {
        *start = loss;
    }
}

/// Whether nothing but white space stands before tag `at` on its line.
fn blank_before(pieces: &[Piece], at: usize, depth: usize) -> bool {
    let root = depth == 0;
    let Some(before) = at.checked_sub(1).and_then(|before| pieces.get(before)) else { return root };
    let Piece::Text(text) = before else { return false };
    let first = at == 1 && root;
    let line = text.trim_end_matches(|letter| is_space(letter) && letter != '\n');
    line.ends_with('\n') || (first && line.is_empty())
}

/// Whether nothing but white space stands after tag `at` on its line.
fn blank_after(pieces: &[Piece], at: usize, depth: usize) -> bool {
    let root = depth == 0;
    let Some(after) = pieces.get(at + 1) else { return root };
    let Piece::Text(text) = after else { return false };
    let last = pieces.get(at + 2).is_none() && root;
    let line = text.trim_start_matches(|letter| is_space(letter) && letter != '\n');
    line.starts_with('\n') || (last && line.is_empty())
}

fn cut(text: &str, start: Loss, end: Loss) -> &str {
    let blank = |letter: char| letter == ' ' || letter == '\t';
    let text = match start {
        Loss::Nothing => text,
        Loss::All => text.trim_start_matches(is_space),
        Loss::Line => {
            let text = text.trim_start_matches(blank);
            text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
        }
    };
    match end {
        Loss::Nothing => text,
        Loss::All => text.trim_end_matches(is_space),
        Loss::Line => text.trim_end_matches(blank),
    }
}
