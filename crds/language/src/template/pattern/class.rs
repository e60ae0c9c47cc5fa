//! Sets of characters.

use regex_syntax::hir::{Class as HirClass, HirKind};

/// A set of characters, as ranges.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Set {
    pub(super) fn add(&mut self, from: char, to: char) {
        self.ranges.push((from, to));
    }

    pub(super) fn negate(&mut self) {
        self.negated = !self.negated;
    }

    /// Adds the characters of another set.
    pub(super) fn join(&mut self, other: &Set) {
        if other.negated {
            self.ranges.extend(other.gaps());
        } else {
            self.ranges.extend(&other.ranges);
        }
    }

    /// What is in none of the ranges.
    fn gaps(&self) -> Vec<(char, char)> {
        let mut ranges = self.ranges.clone();
        ranges.sort_unstable();
        let mut gaps = Vec::new();
        let mut next = Some('\0');
        for (from, to) in ranges {
            let Some(start) = next else { break };
            if let Some(before) = before(from).filter(|before| *before >= start) {
                gaps.push((start, before));
            }
            next = after(to.max(before(start).unwrap_or('\0'))).filter(|_| to < char::MAX);
            if to == char::MAX {
                next = None;
            }
        }
        if let Some(start) = next {
            gaps.push((start, char::MAX));
        }
        gaps
    }

    /// Sorts and joins the ranges, so that `has` can search.
    pub(super) fn ready(mut self) -> Self {
        self.ranges.sort_unstable();
        let mut joined: Vec<(char, char)> = Vec::with_capacity(self.ranges.len());
        for (from, to) in self.ranges {
            match joined.last_mut() {
                Some((_, last)) if from <= *last || after(*last) == Some(from) => *last = to.max(*last),
                _ => joined.push((from, to)),
            }
        }
        Self { ranges: joined, negated: self.negated }
    }

    pub(super) fn has(&self, letter: char, fold: bool) -> bool {
        let within = |letter: char| {
            self.ranges
                .binary_search_by(|(from, to)| {
                    if *to < letter {
                        std::cmp::Ordering::Less
                    } else if *from > letter {
                        std::cmp::Ordering::Greater
                    } else {
                        std::cmp::Ordering::Equal
                    }
                })
                .is_ok()
        };
        let found = within(letter)
            || (fold && {
                let upper = folded(letter);
                within(upper) || lower(letter).is_some_and(within) || lower(upper).is_some_and(within)
            });
        found != self.negated
    }

    pub(super) fn digits() -> Self {
        Self { ranges: vec![('0', '9')], negated: false }
    }

    pub(super) fn words() -> Self {
        Self { ranges: vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')], negated: false }
    }

    pub(super) fn spaces() -> Self {
        let ranges = vec![
            ('\t', '\r'),
            (' ', ' '),
            ('\u{a0}', '\u{a0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{2000}', '\u{200a}'),
            ('\u{2028}', '\u{2029}'),
            ('\u{202f}', '\u{202f}'),
            ('\u{205f}', '\u{205f}'),
            ('\u{3000}', '\u{3000}'),
            ('\u{feff}', '\u{feff}'),
        ];
        Self { ranges, negated: false }
    }

    /// `.` without the flag `s`.
    pub(super) fn not_line_ends() -> Self {
        Self { ranges: vec![('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')], negated: true }
    }

    pub(super) fn everything() -> Self {
        Self { ranges: vec![('\0', char::MAX)], negated: false }
    }

    /// `\p{name}`.
    pub(super) fn property(name: &str) -> Option<Self> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'='));
        if !plain || name.is_empty() {
            return None;
        }
        let name = match name {
            "Any" => return Some(Self::everything()),
            "ID_Start" | "IDS" => "XID_Start",
            "ID_Continue" | "IDC" => "XID_Continue",
            name => name,
        };
        let hir = regex_syntax::Parser::new().parse(&format!("\\p{{{name}}}")).ok()?;
        match hir.into_kind() {
            HirKind::Class(HirClass::Unicode(class)) => Some(Self {
                ranges: class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
                negated: false,
            }),
            _ => None,
        }
    }
}

fn before(letter: char) -> Option<char> {
    match letter {
        '\0' => None,
        '\u{e000}' => Some('\u{d7ff}'),
        letter => char::from_u32(u32::from(letter) - 1),
    }
}

fn after(letter: char) -> Option<char> {
    match letter {
        '\u{d7ff}' => Some('\u{e000}'),
        letter => char::from_u32(u32::from(letter) + 1),
    }
}

/// A letter as the flag `i` compares it: its capital where that is one letter, and never an
/// ASCII letter for another one.
pub(super) fn folded(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_uppercase();
    }
    let mut capitals = letter.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) if !capital.is_ascii() => capital,
        _ => letter,
    }
}

fn lower(letter: char) -> Option<char> {
    let mut small = letter.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) if small.is_ascii() == letter.is_ascii() => Some(small),
        _ => None,
    }
}
