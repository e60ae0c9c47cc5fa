//! The escapes and classes of a pattern.

use super::class::Set;
use super::parse::{Parser, Result, Tree};

impl Parser {
    pub(super) fn escape(&mut self) -> Result<Tree> {
        let Some(letter) = self.peek() else { return Err("\\ at the end".to_owned()) };
        match letter {
            'b' | 'B' => {
                self.at += 1;
                return Ok(Tree::Edge(letter == 'b'));
            }
            'k' if self.unicode || !self.names.is_empty() => {
                self.at += 1;
                return self.named_reference();
            }
            '1'..='9' => {
                let start = self.at;
                let number = self.decimal().unwrap_or(0) as usize;
                if number <= self.groups {
                    return Ok(Tree::Back(number));
                }
                if self.unicode {
                    return Err(format!("no group {number}"));
                }
                self.at = start;
            }
            _ => {}
        }
        if let Some(set) = self.set_escape(letter)? {
            return Ok(Tree::Set(set));
        }
        self.letter_escape(false).map(Tree::Letter)
    }

    fn named_reference(&mut self) -> Result<Tree> {
        if !self.eat("<") {
            return Err("bad \\k".to_owned());
        }
        let name: String = self.letters.iter().skip(self.at).take_while(|letter| **letter != '>').collect();
        self.at += name.chars().count();
        let number = self.names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        match number {
            Some(number) if self.eat(">") => Ok(Tree::Back(number)),
            _ => Err(format!("no group {name}")),
        }
    }

    /// `\d` and its like.
    fn set_escape(&mut self, letter: char) -> Result<Option<Set>> {
        let mut set = match letter {
            'd' | 'D' => Set::digits(),
            'w' | 'W' => Set::words(),
            's' | 'S' => Set::spaces(),
            'p' | 'P' if self.unicode => {
                self.at += 1;
                let name: String =
                    self.letters.iter().skip(self.at + 1).take_while(|end| **end != '}').collect();
                if !self.eat("{") {
                    return Err(format!("bad \\{letter}"));
                }
                self.at += name.chars().count() + 1;
                // One step back: the letter itself is stepped over below.
                self.at -= 1;
                Set::property(&name).ok_or_else(|| format!("no property {name}"))?
            }
            _ => return Ok(None),
        };
        self.at += 1;
        if letter.is_ascii_uppercase() {
            set.negate();
        }
        Ok(Some(set))
    }

    /// An escape that stands for one letter.
    fn letter_escape(&mut self, in_class: bool) -> Result<char> {
        let Some(letter) = self.peek() else { return Err("\\ at the end".to_owned()) };
        self.at += 1;
        Ok(match letter {
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'b' if in_class => '\u{8}',
            'c' => match self.peek().filter(char::is_ascii_alphabetic) {
                Some(control) => {
                    self.at += 1;
                    char::from_u32(u32::from(control) % 32).unwrap_or('\0')
                }
                None if self.unicode => return Err("bad \\c".to_owned()),
                None => {
                    self.at -= 1;
                    '\\'
                }
            },
            'x' => match self.hex(2) {
                Some(code) => char::from_u32(code).unwrap_or('x'),
                None if self.unicode => return Err("bad \\x".to_owned()),
                None => 'x',
            },
            'u' => self.unicode_escape()?,
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => '\0',
            '0'..='7' if !self.unicode => self.octal(letter),
            letter if self.unicode && !is_syntax(letter) && !(in_class && letter == '-') => {
                return Err(format!("bad escape \\{letter}"));
            }
            letter => letter,
        })
    }

    fn octal(&mut self, first: char) -> char {
        let mut code = first.to_digit(8).unwrap_or(0);
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(8)) {
            if code * 8 + digit > 0o377 {
                break;
            }
            code = code * 8 + digit;
            self.at += 1;
        }
        char::from_u32(code).unwrap_or('\0')
    }

    fn hex(&mut self, count: usize) -> Option<u32> {
        let digits: String = self.letters.iter().skip(self.at).take(count).collect();
        let good = digits.len() == count && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = good.then(|| u32::from_str_radix(&digits, 16).ok()).flatten()?;
        self.at += count;
        Some(code)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        if self.unicode && self.eat("{") {
            let digits: String =
                self.letters.iter().skip(self.at).take_while(|letter| **letter != '}').collect();
            self.at += digits.chars().count() + 1;
            let code = u32::from_str_radix(&digits, 16).ok();
            return code.and_then(char::from_u32).ok_or_else(|| "bad \\u{ }".to_owned());
        }
        let Some(first) = self.hex(4) else {
            return if self.unicode { Err("bad \\u".to_owned()) } else { Ok('u') };
        };
        if (0xd800..0xdc00).contains(&first) {
            let back = self.at;
            let second = if self.eat("\\u") { self.hex(4) } else { None };
            if let Some(second) = second.filter(|second| (0xdc00..0xe000).contains(second)) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        // Half of a pair is in no text.
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    pub(super) fn class(&mut self) -> Result<Tree> {
        let negated = self.eat("^");
        let mut set = Set::default();
        loop {
            if self.eat("]") {
                break;
            }
            let from = self.class_atom(&mut set)?;
            if self.peek() != Some('-') || self.letters.get(self.at + 1) == Some(&']') {
                if let Some(letter) = from {
                    set.add(letter, letter);
                }
                continue;
            }
            self.at += 1;
            match (from, self.class_atom(&mut set)?) {
                (Some(from), Some(to)) if from > to => return Err("letters out of order in [ ]".to_owned()),
                (Some(from), Some(to)) => set.add(from, to),
                _ if self.unicode => return Err("a set in a range of [ ]".to_owned()),
                (from, to) => {
                    for letter in [from, to, Some('-')].into_iter().flatten() {
                        set.add(letter, letter);
                    }
                }
            }
        }
        if negated {
            set.negate();
        }
        Ok(Tree::Set(set))
    }

    /// A letter of a class; a set such as `\d` is joined at once.
    fn class_atom(&mut self, set: &mut Set) -> Result<Option<char>> {
        match self.peek() {
            None => Err("unclosed [".to_owned()),
            Some('\\') => {
                self.at += 1;
                let letter = self.peek().ok_or_else(|| "\\ at the end".to_owned())?;
                if let Some(inner) = self.set_escape(letter)? {
                    set.join(&inner);
                    return Ok(None);
                }
                self.letter_escape(true).map(Some)
            }
            Some(letter) => {
                self.at += 1;
                Ok(Some(letter))
            }
        }
    }
}

fn is_syntax(letter: char) -> bool {
    matches!(letter, '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/')
}
