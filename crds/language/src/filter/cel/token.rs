//! The pieces of a CEL text: where they stand, and what is wrong before a parser sees it.

use std::ops::Range;

use crate::filter::place::mistake;
use crate::mistake::Mistake;

/// Brackets that may be open at once.
const MAX_OPEN: usize = 32;
/// Conditions (`a ? b : c`) in one filter.
const MAX_CONDITIONS: usize = 32;
/// Pieces in one filter.
const MAX_TOKENS: usize = 1000;

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    Text,
    /// Operators and brackets.
    Sign,
}

/// Takes `text` apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Mistake> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let (kind, length) = match first {
            _ if first.is_ascii_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            '/' if rest.starts_with("//") => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            '"' | '\'' => (Kind::Text, string(text, at, 0)?),
            'a'..='z' | 'A'..='Z' | '_' => word(text, at)?,
            '0'..='9' => (Kind::Number, number(rest)),
            _ => (Kind::Sign, sign(text, at, first)?),
        };
        found.push(Token { kind, at: at..at + length });
        at += length;
    }
    bounds(text, &found)?;
    unary(text, &found)?;
    Ok(found)
}

fn word(text: &str, at: usize) -> Result<(Kind, usize), Mistake> {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let quoted = rest.get(length..).is_some_and(|after| after.starts_with(['"', '\'']));
    if !quoted || length > 2 {
        return Ok((Kind::Name, length));
    }
    match rest.get(..length).map(str::to_ascii_lowercase).as_deref() {
        Some("r") => Ok((Kind::Text, string(text, at, length)?)),
        Some("b" | "rb" | "br") => {
            let reason = "bytes are nothing that an event has";
            Err(mistake(text, at..at + length + 1, reason, "write the text without the `b` before it"))
        }
        _ => Ok((Kind::Name, length)),
    }
}

fn number(rest: &str) -> usize {
    let mut previous = ' ';
    let end = rest.find(|c: char| {
        let exponent = matches!(previous, 'e' | 'E') && matches!(c, '+' | '-') && !rest.starts_with("0x");
        previous = c;
        !(c.is_ascii_alphanumeric() || c == '.' || exponent)
    });
    end.unwrap_or(rest.len())
}

/// Length of the string at `at`, whose quote stands after `prefix` bytes.
fn string(text: &str, at: usize, prefix: usize) -> Result<usize, Mistake> {
    let rest = text.get(at + prefix..).unwrap_or_default();
    let quote = if rest.starts_with('"') { "\"" } else { "'" };
    let triple = quote.repeat(3);
    let end = if rest.starts_with(&triple) { triple.as_str() } else { quote };
    let mut place = end.len();
    while let Some(tail) = rest.get(place..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(end) {
            return Ok(prefix + place + end.len());
        }
        let mut characters = tail.chars();
        match characters.next() {
            Some('\\') if prefix == 0 => {
                place += 1 + characters.next().map_or(0, char::len_utf8);
            }
            Some('\n') if end.len() == 1 => break,
            Some(character) => place += character.len_utf8(),
            None => break,
        }
    }
    let line_end = rest.find('\n').unwrap_or(rest.len());
    Err(mistake(text, at..at + prefix + line_end, "the text in quotes does not end", "close the quotes"))
}

fn sign(text: &str, at: usize, first: char) -> Result<usize, Mistake> {
    let rest = text.get(at..).unwrap_or_default();
    let known = ["==", "!=", "<=", ">=", "&&", "||"];
    if known.iter().any(|sign| rest.starts_with(sign)) {
        return Ok(2);
    }
    let remedy = match first {
        '=' => "write `==` to compare",
        '&' => "write `&&` for both",
        '|' => "write `||` for either",
        '“' | '”' | '„' | '‟' | '‘' | '’' | '‚' | '«' | '»' => {
            "this is a typographic quote, as word processors make them: write a plain \" or '"
        }
        '\u{a0}' | '\u{200b}' | '\u{feff}' => "this is no plain space: write one",
        '`' => "write a plain \" or '",
        '+' | '-' | '*' | '/' | '%' | '!' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '.' | ','
        | ':' | '?' => return Ok(1),
        _ => "take it out, or put it in quotes",
    };
    let end = at + first.len_utf8();
    Err(mistake(text, at..end, "this character has no meaning here", remedy))
}

fn bounds(text: &str, tokens: &[Token]) -> Result<(), Mistake> {
    let (mut open, mut conditions) = (0_usize, 0_usize);
    for (place, token) in tokens.iter().enumerate() {
        match text.get(token.at.clone()) {
            Some("(" | "[" | "{") => open += 1,
            Some(")" | "]" | "}") => open = open.saturating_sub(1),
            Some("?") => conditions += 1,
            _ => {}
        }
        let reason = if open > MAX_OPEN {
            format!("more than {MAX_OPEN} brackets are open")
        } else if conditions > MAX_CONDITIONS {
            format!("more than {MAX_CONDITIONS} conditions with `?`")
        } else if place >= MAX_TOKENS {
            format!("more than {MAX_TOKENS} words and signs")
        } else {
            continue;
        };
        return Err(mistake(text, token.at.clone(), reason, "make the filter simpler"));
    }
    Ok(())
}

/// Refuses `!!` and `--`, which the parser reads as one.
fn unary(text: &str, tokens: &[Token]) -> Result<(), Mistake> {
    let sign = |token: &Token| text.get(token.at.clone()).filter(|_| token.kind == Kind::Sign);
    let mut before_unary = false;
    let mut operand_before = false;
    for token in tokens {
        let sign = sign(token);
        let is_unary = !operand_before && matches!(sign, Some("!" | "-"));
        if is_unary && before_unary {
            let reason = "two signs of negation in a row";
            return Err(mistake(
                text,
                token.at.clone(),
                reason,
                "leave both out, or put brackets between them",
            ));
        }
        before_unary = is_unary;
        operand_before = matches!(sign, None | Some(")" | "]" | "}"));
    }
    Ok(())
}
