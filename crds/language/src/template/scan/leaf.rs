//! The smallest parts of a tag: names, paths and literals.

use std::ops::Range;

use super::fault::{Fault, is_typographic, typographic};

/// A part of a tag that stands for itself in the tree that the crate builds.
#[derive(Clone, Debug)]
pub(in crate::template) struct Leaf {
    pub(in crate::template) span: Range<usize>,
    /// What to blame when the call that this leaf heads is wrong: the tag or the subexpression.
    pub(in crate::template) call: Range<usize>,
    pub(in crate::template) kind: LeafKind,
    /// At the head of a tag: `{{{x}}}` or `{{&x}}`.
    pub(in crate::template) raw: bool,
    /// At the head of a block: `{{^x}}`.
    pub(in crate::template) inverted: bool,
}

#[derive(Clone, Debug)]
pub(in crate::template) enum LeafKind {
    Path(RawPath),
    Text(String),
    Number(String),
    Bool(bool),
    Null,
    Undefined,
    /// The name of a named value, or of a block parameter.
    Name(String),
}

/// A path as it was written.
#[derive(Clone, Debug, Default)]
pub(in crate::template) struct RawPath {
    /// `@index`.
    pub(in crate::template) data: bool,
    /// How often `../` stands in front.
    pub(in crate::template) up: usize,
    /// `this.x` or `./x`: never a helper or a block parameter.
    pub(in crate::template) scoped: bool,
    pub(in crate::template) names: Vec<String>,
}

impl RawPath {
    /// The name, where the path is nothing but one.
    pub(in crate::template) fn simple(&self) -> Option<&str> {
        match self.names.as_slice() {
            [name] if !self.data && !self.scoped && self.up == 0 => Some(name),
            _ => None,
        }
    }
}

/// White space as JavaScript's `\s`.
pub(in crate::template) fn is_space(letter: char) -> bool {
    matches!(
        letter,
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}'
            | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// A letter of a bare name: handlebars.js takes all but white space and these marks.
pub(super) fn is_name(letter: char) -> bool {
    !is_space(letter)
        && !is_typographic(letter)
        && !matches!(
            letter,
            '!' | '"' | '#' | '%'..=',' | '.' | '/' | ';'..='>' | '@' | '['..='^' | '`' | '{'..='~'
        )
}

/// What may follow a literal.
fn ends_literal(rest: &str) -> bool {
    rest.chars().next().is_none_or(|next| is_space(next) || matches!(next, '~' | '}' | ')' | ']'))
}

/// Reads a leaf at `at`; gives its kind and its end, or `None` where no leaf starts.
pub(super) fn read(text: &str, at: usize) -> Result<Option<(LeafKind, usize)>, Fault> {
    let rest = text.get(at..).unwrap_or_default();
    match rest.chars().next() {
        None => Ok(None),
        Some(quote @ ('"' | '\'')) => literal(text, at, quote).map(Some),
        Some(first) => {
            if let Some(length) = number_length(rest) {
                let digits = rest.get(..length).unwrap_or_default().to_owned();
                return Ok(Some((LeafKind::Number(digits), at + length)));
            }
            let word: &str = rest.split(|letter| !is_name(letter)).next().unwrap_or_default();
            let end = at + word.len();
            if ends_literal(text.get(end..).unwrap_or_default()) {
                let kind = match word {
                    "true" => Some(LeafKind::Bool(true)),
                    "false" => Some(LeafKind::Bool(false)),
                    "null" => Some(LeafKind::Null),
                    "undefined" => Some(LeafKind::Undefined),
                    _ => None,
                };
                if let Some(kind) = kind {
                    return Ok(Some((kind, end)));
                }
            }
            if is_name(first) || matches!(first, '[' | '.' | '@') {
                return path(text, at).map(|(path, end)| Some((LeafKind::Path(path), end)));
            }
            Ok(None)
        }
    }
}

/// Bytes of a number at the start of `rest`.
fn number_length(rest: &str) -> Option<usize> {
    let digits =
        |from: usize| rest.as_bytes().iter().skip(from).take_while(|digit| digit.is_ascii_digit()).count();
    let sign = usize::from(rest.starts_with('-'));
    let whole = digits(sign);
    if whole == 0 {
        return None;
    }
    let mut length = sign + whole;
    if rest.as_bytes().get(length) == Some(&b'.') {
        let fraction = digits(length + 1);
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    ends_literal(rest.get(length..).unwrap_or_default()).then_some(length)
}

/// A text literal. Only the quote itself can be escaped; every other backslash is kept.
fn literal(text: &str, at: usize, quote: char) -> Result<(LeafKind, usize), Fault> {
    let mut value = String::new();
    let mut letters = text.get(at + 1..).unwrap_or_default().char_indices().peekable();
    while let Some((offset, letter)) = letters.next() {
        if letter == quote {
            return Ok((LeafKind::Text(value), at + offset + 2));
        }
        let escaped = letter == '\\' && letters.peek().is_some_and(|(_, next)| *next == quote);
        if escaped {
            letters.next();
            value.push(quote);
        } else {
            value.push(letter);
        }
    }
    let rest = text.get(at..).unwrap_or_default();
    let tag = rest.find("}}").and_then(|end| rest.get(..end)).unwrap_or(rest);
    let wrong = tag.chars().find(|letter| is_typographic(*letter));
    let end = at + tag.len();
    Err(match wrong {
        Some(wrong) => {
            let remedy = format!("the {wrong} that looks like its end is a typographic quote: write {quote}");
            Fault::new(at, end, "the text literal is not closed", remedy)
        }
        None => Fault::new(at, end, "unclosed text literal", format!("close it with {quote}")),
    })
}

/// A path: names, `[segments]`, `..`, `.`, `this`, with `.` or `/` between.
pub(super) fn path(text: &str, at: usize) -> Result<(RawPath, usize), Fault> {
    let mut path = RawPath::default();
    let mut here = at;
    if text.get(here..).is_some_and(|rest| rest.starts_with('@')) {
        path.data = true;
        here += 1;
    }
    loop {
        here = segment(text, at, here, &mut path)?;
        let rest = text.get(here..).unwrap_or_default();
        let mut letters = rest.chars();
        let between = letters.next();
        if !matches!(between, Some('.' | '/')) {
            break;
        }
        here += 1;
    }
    match text.get(here..).and_then(|rest| rest.chars().next()) {
        Some(next) if is_typographic(next) => Err(typographic(text, here)),
        Some(next) if !is_space(next) && !matches!(next, '=' | '~' | '}' | ')' | '|' | ']') => Err(
            Fault::new(here, here + next.len_utf8(), format!("unexpected {next}"), odd_name(text, at, here)),
        ),
        _ => Ok((path, here)),
    }
}

fn odd_name(text: &str, at: usize, here: usize) -> String {
    let name = text.get(at..here).unwrap_or_default();
    format!("put a space after {name}, or write a name with such characters as [{name}...]")
}

/// One segment at `here`; gives its end.
fn segment(text: &str, at: usize, here: usize, path: &mut RawPath) -> Result<usize, Fault> {
    let rest = text.get(here..).unwrap_or_default();
    let invalid = |end: usize| {
        Err(Fault::new(at, end, "not a path", "write .. and this only at the front: ../name or this.name"))
    };
    if let Some(inside) = rest.strip_prefix('[') {
        let mut name = String::new();
        let mut letters = inside.char_indices();
        while let Some((offset, letter)) = letters.next() {
            match letter {
                ']' => {
                    path.names.push(name);
                    return Ok(here + 1 + offset + 1);
                }
                '\\' if inside.get(offset + 1..).is_some_and(|rest| rest.starts_with(']')) => {
                    letters.next();
                    name.push(']');
                }
                other => name.push(other),
            }
        }
        let shown = rest.find("}}").unwrap_or(rest.len());
        return Err(Fault::new(here, here + shown, "unclosed [", "close the segment with ]"));
    }
    if rest.starts_with("..") {
        if !path.names.is_empty() {
            return invalid(here + 2);
        }
        path.up += 1;
        path.scoped = true;
        return Ok(here + 2);
    }
    let word: &str = rest.split(|letter| !is_name(letter)).next().unwrap_or_default();
    if word.is_empty() {
        // A lone dot is the value itself; `./x` goes on from there.
        if rest.starts_with('.') && path.names.is_empty() && !path.data {
            path.scoped = true;
            return Ok(here + 1);
        }
        if rest.chars().next().is_some_and(is_typographic) {
            return Err(typographic(text, here));
        }
        return Err(Fault::new(at, here, "a name is missing", "write a name after . / and @"));
    }
    if word == "this" {
        if !path.names.is_empty() {
            return invalid(here + 4);
        }
        path.scoped = true;
    } else {
        path.names.push(word.to_owned());
    }
    Ok(here + word.len())
}
